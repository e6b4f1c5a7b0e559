//! Real series in which nobody saw anything wrong: how many alarms come, where one a week is expected.

use super::series::{Series, text};
use super::verdict::judge;
use super::{nab, wsd};

const MINUTE_MS: i64 = 60_000;
const START_MS: i64 = 1_700_000_000_000;

/// Machines and servers in the weeks that others take as usual, to train on; the time between two rows.
const TRAINING: [(&str, &[&str], i64); 2] = [
    (
        "machines (SMD), every minute",
        &["smd/machine-1-6", "smd/machine-2-1", "smd/machine-2-8", "smd/machine-3-4"],
        MINUTE_MS,
    ),
    (
        "servers (ASD), every 5 minutes",
        &["asd/omi-1", "asd/omi-2", "asd/omi-3", "asd/omi-4", "asd/omi-5", "asd/omi-6"],
        5 * MINUTE_MS,
    ),
];

/// Columns of numbers as series; when they were measured nobody says.
fn columns(name: &str, step_ms: i64) -> Option<Vec<Series>> {
    let path = lanner_testkit::shared_data(&format!("{name}_train.csv.gz"))?;
    let numbers = |line: &str| line.split(',').filter_map(|cell| cell.parse().ok()).collect::<Vec<f64>>();
    let rows: Vec<Vec<f64>> = text(&path).lines().map(numbers).filter(|row| !row.is_empty()).collect();
    let column = |at: usize| Series {
        name: format!("{name} {at}"),
        times_ms: (0..rows.len() as i64).map(|row| START_MS + row * step_ms).collect(),
        y: rows.iter().map(|row| row[at]).collect(),
        windows: Vec::new(),
    };
    Some((0..rows[0].len()).map(column).collect())
}

/// Prints a row of the table and returns the mean.
fn row(name: &str, series: &[Series]) -> f64 {
    let per_week = |series: &Series| judge(series).n_alarms() as f64 * 7.0 / series.days();
    let mut all: Vec<f64> = series.iter().map(per_week).collect();
    all.sort_unstable_by(f64::total_cmp);
    let n = all.len();
    let mean = all.iter().sum::<f64>() / n as f64;
    println!("| {name} | {n} | {mean:.1} | {:.1} | {:.1} |", all[n / 2], all[n * 9 / 10]);
    mean
}

#[test]
fn alarms_a_week_on_quiet_series() {
    let (Some(nab), Some(wsd)) = (nab::load(), wsd::load()) else { return };
    let quiet = |corpus: Vec<Series>| -> Vec<Series> {
        corpus.into_iter().filter(|series| series.windows.is_empty()).collect()
    };
    println!(
        "| Series | How many | Alarms a week, on average | of the middle one | of one in ten, at least |"
    );
    println!("|{}", " --- |".repeat(5));
    let mut means = vec![
        row("web indicators without labels, every minute", &quiet(wsd)),
        row("made ones of the benchmark, every 5 minutes", &quiet(nab)),
    ];
    for (name, files, step_ms) in TRAINING {
        let series: Option<Vec<Vec<Series>>> = files.iter().map(|file| columns(file, step_ms)).collect();
        means.extend(series.map(|series| row(name, &series.concat())));
    }
    // One is expected.
    assert!(means.iter().all(|mean| *mean <= 2.5), "{means:?}");
}
