//! Anomalies planted one at a time into a synthetic series, a taxi company's and a web indicator.

use lanner_quality::Scored;

use super::noise::Random;
use super::planted::{Base, KINDS};
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

/// The threshold that makes one alarm a week where nothing is planted.
fn threshold(series: &Series) -> f64 {
    let scores = judge(series).scores;
    // Labels play no part in it.
    let labels: Vec<bool> = (0..scores.len()).map(|index| index == 0).collect();
    found_in_budget(series, &Scored::new(&labels, &scores).unwrap(), 1.0 / 7.0).1
}

#[test]
fn found_at_one_false_alarm_a_week() {
    let (Some(nab), Some(wsd)) = (nab::load(), wsd::load()) else { return };
    let taxi = quiet(nab, |series| series.name.contains("taxi"));
    let web = quiet(wsd, |series| series.windows.is_empty());
    let bases: Vec<Base> = [Some(Base::new(synthetic())), taxi, web].into_iter().flatten().collect();
    let thresholds: Vec<f64> = bases.iter().map(|base| threshold(&base.series)).collect();
    let mut n_all = 0;
    println!("| Planted | synthetic | taxi | web |");
    println!("| --- | --- | --- | --- |");
    for (name, kind, length_ms) in KINDS {
        let is_found = |series: &Series, threshold: f64| {
            let (scores, window) = (judge(series).scores, series.windows[0].clone());
            scores[window.start..(window.end + LATE).min(scores.len())].iter().any(|score| *score > threshold)
        };
        let found = bases.iter().zip(&thresholds).map(|(base, threshold)| {
            let planted = places(&base.series).into_iter().map(|at| base.with(kind, at, length_ms));
            planted.filter(|series| is_found(series, *threshold)).count()
        });
        let found: Vec<usize> = found.collect();
        println!("| {name} | {} |", found.iter().map(usize::to_string).collect::<Vec<_>>().join(" | "));
        n_all += found.iter().sum::<usize>();
    }
    println!("{n_all} of {}", KINDS.len() * bases.len() * TIMES);
    assert!(n_all >= 205, "{n_all}");
}
