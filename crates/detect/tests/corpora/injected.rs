//! Anomalies planted one at a time into a synthetic series, a taxi company's and a web indicator.

use lanner_quality::Scored;

use super::noise::Random;
use super::planted::{Base, KINDS, Kind};
use super::series::Series;
use super::verdict::{found_in_budget, judge};
use super::{nab, wsd};

const DAY_MS: i64 = 86_400_000;
/// An alarm may come so many samples after the end of what was planted.
const LATE: usize = 3;
/// How often each kind is planted into each series.
const TIMES: usize = 6;

/// The first series of a corpus that will do, as one in which nothing is wrong.
fn quiet(corpus: Vec<Series>, will_do: impl Fn(&Series) -> bool) -> Option<Base> {
    let series = corpus.into_iter().find(will_do)?;
    Some(Base::new(Series { windows: Vec::new(), ..series }))
}

/// Five-minute steps for four weeks: a daily and a weekly wave with noise.
fn synthetic() -> Series {
    let mut random = Random(11);
    let angle = |step: i64, n_steps: i64| step as f64 / n_steps as f64 * std::f64::consts::TAU;
    let n = 28 * 288;
    let y = (0..n)
        .map(|t| 500.0 + 100.0 * angle(t, 288).sin() + 30.0 * angle(t, 2_016).sin() + 10.0 * random.normal());
    Series {
        name: "synthetic".to_owned(),
        y: y.collect(),
        times_ms: (0..n).map(|t| 1_767_225_600_000 + t * 300_000).collect(),
        windows: Vec::new(),
    }
}

/// Samples to begin at, in the second half, from a fixed seed.
fn places(series: &Series) -> Vec<usize> {
    let (mut random, n) = (Random(7), series.y.len());
    let last_ms = series.times_ms[n - 1] - 4 * DAY_MS;
    let room = series.times_ms.partition_point(|time_ms| *time_ms < last_ms) - n / 2;
    (0..TIMES).map(|_| n / 2 + (random.even() * room as f64) as usize).collect()
}

/// How a detector scores a series.
pub(crate) type Scores<'a> = &'a dyn Fn(&Series) -> Vec<f64>;

/// A synthetic series, a taxi company's and a web indicator, in which nothing is wrong.
pub(crate) fn bases() -> Option<Vec<Base>> {
    let (nab, wsd) = (nab::load()?, wsd::load()?);
    let taxi = quiet(nab, |series| series.name.contains("taxi"));
    let web = quiet(wsd, |series| series.windows.is_empty());
    [Some(Base::new(synthetic())), taxi, web].into_iter().collect()
}

/// How many of those planted into a series are found at one false alarm a week, kind by kind.
pub(crate) fn n_found(base: &Base, scores: Scores<'_>) -> Vec<usize> {
    let threshold = threshold(&base.series, scores);
    let is_found = |series: &Series| {
        let (scores, window) = (scores(series), series.windows[0].clone());
        scores[window.start..(window.end + LATE).min(scores.len())].iter().any(|score| *score > threshold)
    };
    let n_of = |&(_, kind, length_ms): &(&str, Kind, i64)| {
        let planted = places(&base.series).into_iter().map(|at| base.with(kind, at, length_ms));
        planted.filter(is_found).count()
    };
    KINDS.iter().map(n_of).collect()
}

/// How many are planted into each series, of each kind.
pub(crate) const N_PLANTED: usize = TIMES;

/// The threshold that makes one alarm a week where nothing is planted.
fn threshold(series: &Series, scores: Scores<'_>) -> f64 {
    let scores = scores(series);
    // Labels play no part in it.
    let labels: Vec<bool> = (0..scores.len()).map(|index| index == 0).collect();
    found_in_budget(series, &Scored::new(&labels, &scores).unwrap(), 1.0 / 7.0).1
}

#[test]
fn found_at_one_false_alarm_a_week() {
    let Some(bases) = bases() else { return };
    let found: Vec<Vec<usize>> =
        bases.iter().map(|base| n_found(base, &|series| judge(series).scores)).collect();
    println!("| Planted | synthetic | taxi | web |");
    println!("| --- | --- | --- | --- |");
    for (at, (name, ..)) in KINDS.iter().enumerate() {
        let of_each: Vec<String> = found.iter().map(|found| found[at].to_string()).collect();
        println!("| {name} | {} |", of_each.join(" | "));
    }
    let n_all: usize = found.iter().flatten().sum();
    println!("{n_all} of {}", KINDS.len() * bases.len() * TIMES);
    assert!(n_all >= 205, "{n_all}");
}
