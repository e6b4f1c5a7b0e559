//! All detectors of rules beside each other, with settings as one would write them first.

use lanner_core::{Score, Scorer};
use lanner_detect::automatic::{Budgeted, Direction};
use lanner_detect::{
    Band, BandParams, HoltWinters, HoltWintersParams, Level, LevelParams, NotScored, Scored, SeriesDetector,
    TimeShift, TimeShiftParams, Timed, Variation, VariationParams,
};

use super::injected::{N_PLANTED, bases, n_found};
use super::planted::KINDS;
use super::series::Series;
use super::{noise, wsd};

const DAY_MS: i64 = 86_400_000;
/// Longer gaps are a fresh start.
const MAX_GAP_STEPS: u32 = 10_000;

/// A name, and the scores of a series; above 1 the rule fires.
type Rival = (&'static str, fn(&Series) -> Vec<f64>);

const RIVALS: [Rival; 7] = [
    ("absolute", |series| scores(series, |_| Absolute::default())),
    ("relative, time_shift", |series| scores(series, last_week)),
    ("band", |series| scores(series, band)),
    ("holt_winters", |series| scores(series, holt_winters)),
    ("level", |series| scores(series, |_| level())),
    ("variation", |series| scores(series, |_| variation())),
    ("automatic", |series| scores(series, |step_ms| automatic(step_ms, series.times_ms[0]))),
];

/// `absolute`, with limits three deviations of what came before from its mean.
#[derive(Debug, Clone, Default)]
struct Absolute {
    n: f64,
    mean: f64,
    squares: f64,
}

impl SeriesDetector for Absolute {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let y = y.filter(|y| y.is_finite()).ok_or(NotScored::Gap)?;
        let (expected, width) = (self.mean, 3.0 * (self.squares / self.n.max(1.0)).sqrt());
        self.n += 1.0;
        let off = y - expected;
        self.mean += off / self.n;
        self.squares += off * (y - self.mean);
        if self.n < 50.0 || width == 0.0 {
            return Err(NotScored::WarmingUp);
        }
        let (lower, upper) = (expected - width, expected + width);
        Ok(Scored { score: Score::new(off.abs() / width), expected, lower, upper })
    }
}

impl Scorer for Absolute {
    fn warm_up(&self) -> usize {
        50
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        self.step(Some(y)).ok().map(|judged| judged.score)
    }
}

fn last_week(step_ms: i64) -> TimeShift {
    let shift = (7 * DAY_MS / step_ms) as usize;
    TimeShift::try_new(TimeShiftParams { shift, ..TimeShiftParams::default() }).unwrap()
}

fn band(step_ms: i64) -> Band {
    let season_length = (DAY_MS / step_ms) as usize;
    Band::try_new(BandParams { season_length, ..BandParams::default() }).unwrap()
}

fn holt_winters(step_ms: i64) -> HoltWinters {
    HoltWinters::try_new(HoltWintersParams::seasonal((DAY_MS / step_ms) as usize)).unwrap()
}

fn level() -> Level {
    Level::try_new(LevelParams { reference: 48, recent: 6, ..LevelParams::default() }).unwrap()
}

fn variation() -> Variation {
    Variation::try_new(VariationParams::default()).unwrap()
}

fn automatic(step_ms: i64, start_ms: i64) -> Budgeted {
    Budgeted::new(step_ms, start_ms, 1.0, Direction::Both)
}

/// One a sample; 0 where there is none.
fn scores<D: SeriesDetector + Clone>(series: &Series, new: impl Fn(i64) -> D) -> Vec<f64> {
    let step_ms = series.step_ms();
    let mut detector = Timed::new(new(step_ms), (step_ms / 1_000) as u32, MAX_GAP_STEPS);
    let rows = series.times_ms.iter().zip(&series.y);
    rows.map(|(&time_ms, &y)| {
        let judged = detector.push(time_ms / 1_000, Some(y).filter(|y| y.is_finite()));
        judged.map_or(0.0, |judged| judged.score.value())
    })
    .collect()
}

fn heading(first: &str) {
    let names: Vec<&str> = RIVALS.iter().map(|(name, _)| *name).collect();
    println!("| {first} | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(names.len()));
}

#[test]
fn found_by_each_at_one_false_alarm_a_week() {
    let Some(bases) = bases() else { return };
    let of = |(_, scores): &Rival| {
        let found = bases.iter().map(|base| n_found(base, scores));
        found.reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect()).unwrap()
    };
    let found: Vec<Vec<usize>> = RIVALS.iter().map(of).collect();
    heading("Planted");
    for (at, (name, ..)) in KINDS.iter().enumerate() {
        let of_each: Vec<String> = found.iter().map(|found| found[at].to_string()).collect();
        println!("| {name} | {} |", of_each.join(" | "));
    }
    let totals: Vec<usize> = found.iter().map(|found| found.iter().sum()).collect();
    println!("| all | {} |", totals.iter().map(usize::to_string).collect::<Vec<_>>().join(" | "));
    println!("each of {}", N_PLANTED * bases.len());
    let automatic = totals[RIVALS.len() - 1];
    assert!(automatic >= 165, "{totals:?}");
}

/// How often a score rises above 1.
fn n_alarms(scores: &[f64]) -> usize {
    scores.windows(2).filter(|pair| pair[0] <= 1.0 && pair[1] > 1.0).count()
}

#[test]
fn alarms_a_week_of_each() {
    let per_week = |series: &[Series], scores: fn(&Series) -> Vec<f64>| {
        let n: usize = series.iter().map(|series| n_alarms(&scores(series))).sum();
        n as f64 * 7.0 / series.iter().map(Series::days).sum::<f64>()
    };
    heading("Alarms a week on");
    let quiet = wsd::load().unwrap_or_default().into_iter().filter(|series| series.windows.is_empty());
    let quiet: Vec<Series> = quiet.collect();
    let noises = noise::KINDS.iter().map(|kind| (kind.0, vec![noise::series(kind, 5, 300, 56)]));
    let all =
        noises.chain((!quiet.is_empty()).then_some(("web indicators without labels, every minute", quiet)));
    for (name, series) in all {
        let each = RIVALS.iter().map(|(_, scores)| format!("{:.1}", per_week(&series, *scores)));
        println!("| {name} | {} |", each.collect::<Vec<_>>().join(" | "));
    }
}
