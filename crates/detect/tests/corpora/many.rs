//! A hundred thousand series by the minute, as a rule keeps them: what a minute of all of them costs.
//!
//! ```text
//! cargo test --release -p lanner-detect --test corpora hundred_thousand -- --ignored --nocapture
//! ```

use std::time::Instant;

use lanner_detect::SeriesDetector as _;
use lanner_detect::automatic::{Budgeted, Direction};

use super::noise::Random;

const N_SERIES: usize = 100_000;
const STEP_MS: i64 = 60_000;
/// Minutes that are measured, after those in which the detectors warm up.
const MEASURED: std::ops::Range<i64> = 60..70;

#[test]
#[ignore = "takes some GB of memory"]
fn a_hundred_thousand_series_by_the_minute() {
    let new = || Budgeted::new(STEP_MS, 0, 1.0, Direction::Both);
    let mut detectors: Vec<Budgeted> = (0..N_SERIES).map(|_| new()).collect();
    let (mut random, mut n_judged, mut took_s) = (Random(3), 0, 0.0);
    for minute in 0..MEASURED.end {
        let values: Vec<f64> = (0..N_SERIES).map(|_| random.normal()).collect();
        let begin = Instant::now();
        let judged = detectors.iter_mut().zip(&values).map(|(detector, y)| detector.step(Some(*y)));
        n_judged += judged.filter(Result::is_ok).count();
        if MEASURED.contains(&minute) {
            took_s += begin.elapsed().as_secs_f64();
        }
    }
    let n_minutes = (MEASURED.end - MEASURED.start) as f64;
    println!("{:.2} s of one core for a minute of {N_SERIES} series", took_s / n_minutes);
    assert_eq!(n_judged, N_SERIES * 20);
}
