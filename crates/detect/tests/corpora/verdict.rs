//! What the detector makes of a series.

use std::time::Instant;

use lanner_core::Score;
use lanner_detect::automatic::{Alarms, Automatic, Constants, Decision};
use lanner_quality::{AlarmBudget, Scored, at_alarm_budget};

use super::series::Series;

/// Scores and decisions, one a sample.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) scores: Vec<f64>,
    /// Whether an alarm begins.
    pub(crate) alarms: Vec<bool>,
}

impl Verdict {
    pub(crate) fn n_alarms(&self) -> usize {
        self.alarms.iter().filter(|begins| **begins).count()
    }

    /// The alarms as scores of 0 and 1.
    pub(crate) fn decisions(&self) -> Vec<f64> {
        self.alarms.iter().map(|begins| f64::from(u8::from(*begins))).collect()
    }
}

/// Judges a series with the constants of the program.
pub(crate) fn judge(series: &Series) -> Verdict {
    judge_with(Constants::default(), series)
}

pub(crate) fn judge_with(constants: Constants, series: &Series) -> Verdict {
    judge_by(Automatic::with(constants), Alarms::default(), series)
}

/// With another budget than one alarm a week.
pub(crate) fn judge_within(alarms_per_week: f64, series: &Series) -> Verdict {
    judge_by(Automatic::default().per_week(alarms_per_week), Alarms::per_week(alarms_per_week), series)
}

fn judge_by(mut detector: Automatic, mut alarms: Alarms, series: &Series) -> Verdict {
    let mut verdict = Verdict::default();
    for (&time_ms, &y) in series.times_ms.iter().zip(&series.y) {
        let score = detector.judge(time_ms, y).map_or(Score::ZERO, |judged| judged.score);
        verdict.scores.push(score.value());
        verdict.alarms.push(alarms.decide(time_ms, score, detector.view()) == Decision::Begins);
    }
    verdict
}

/// Judges each series, and says how many microseconds a sample took.
pub(crate) fn judge_all(constants: Constants, corpus: &[Series]) -> (Vec<Verdict>, f64) {
    let begin = Instant::now();
    let verdicts = corpus.iter().map(|series| judge_with(constants, series)).collect();
    let n_samples: usize = corpus.iter().map(|series| series.y.len()).sum();
    (verdicts, begin.elapsed().as_secs_f64() * 1e6 / n_samples as f64)
}

/// Events found when the threshold allows so many alarms a day, right and wrong ones; and that threshold. Whatever lasts is
/// silenced for 24 samples.
pub(crate) fn found_in_budget(series: &Series, scored: &Scored<'_>, per_day: f64) -> (usize, f64) {
    let budget = AlarmBudget { per_day, quiet_ms: 24 * series.step_ms() };
    let alarms = at_alarm_budget(scored, &series.times_ms, budget).unwrap();
    (alarms.delays_ms.iter().flatten().count(), alarms.threshold)
}
