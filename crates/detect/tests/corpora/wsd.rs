//! Web indicators at one-minute step, with what operators called anomalous.

use lanner_detect::automatic::Constants;
use lanner_quality::{Scored, auc_pr};

use super::series::{Series, tables};
use super::verdict::{Verdict, found_in_budget, judge_all};

/// All series, sorted by name; `None` when the corpus is not there.
pub(crate) fn load() -> Option<Vec<Series>> {
    let folder = lanner_testkit::shared_data("wsd")?;
    Some(tables(&folder).iter().map(|(name, text)| parse(name, text)).collect())
}

fn parse(name: &str, text: &str) -> Series {
    let mut series = Series { name: name.to_owned(), ..Series::default() };
    let mut labels = Vec::new();
    for line in text.lines().skip(1) {
        let mut cells = line.split(',');
        let mut cell = || cells.next().unwrap();
        series.times_ms.push(cell().parse::<i64>().unwrap() * 1_000);
        // An empty cell is a gap.
        series.y.push(cell().parse().unwrap_or(f64::NAN));
        labels.push(cell().starts_with('1'));
    }
    series.windows = lanner_quality::events(&labels);
    series
}

/// How well scores rank the samples of series in which something is labelled.
#[derive(Debug, Default)]
pub(crate) struct Quality {
    /// The mean over series.
    pub(crate) auc_pr: f64,
    pub(crate) n_events: usize,
    /// Events found with one alarm a day, and one a week.
    pub(crate) n_day: usize,
    pub(crate) n_week: usize,
}

pub(crate) fn quality(corpus: &[Series], verdicts: &[Verdict], keep: impl Fn(usize) -> bool) -> Quality {
    let (mut quality, mut n_series) = (Quality::default(), 0.0);
    for (index, (series, verdict)) in corpus.iter().zip(verdicts).enumerate() {
        let labels = series.labels();
        let Ok(scored) = Scored::new(&labels, &verdict.scores) else { continue };
        if !keep(index) {
            continue;
        }
        n_series += 1.0;
        quality.auc_pr += auc_pr(&scored);
        quality.n_events += series.windows.len();
        quality.n_day += found_in_budget(series, &scored, 1.0).0;
        quality.n_week += found_in_budget(series, &scored, 1.0 / 7.0).0;
    }
    quality.auc_pr /= n_series;
    quality
}

#[test]
fn table() {
    let Some(corpus) = load() else { return };
    let (verdicts, sample_us) = judge_all(Constants::default(), &corpus);
    let quality = quality(&corpus, &verdicts, |_| true);
    println!("{quality:?}, {sample_us:.2} µs a sample");
    let quiet = corpus.iter().zip(&verdicts).filter(|(series, _)| series.windows.is_empty());
    let (n_alarms, days) =
        quiet.fold((0, 0.0), |(n, days), (series, verdict)| (n + verdict.n_alarms(), days + series.days()));
    let per_day = n_alarms as f64 / days;
    println!("series without labels: {per_day:.2} alarms a day");
    assert!(quality.auc_pr >= 0.34, "{quality:?}");
    assert!(quality.n_day >= 470, "{quality:?}");
    assert!(quality.n_week >= 140, "{quality:?}");
    assert!(per_day <= 0.2, "{per_day}");
}
