//! Shared by the tests of all detectors: series written as text, and the mirror test.

use super::{NotScored, Scored, SeriesDetector};

/// A series from text: numbers, `_` for a gap, `12x5` for five times 12, `_x5` for five gaps.
pub(super) fn series(text: &str) -> Vec<Option<f64>> {
    let one = |item: &str| {
        let (value, times) = item.split_once('x').unwrap_or((item, "1"));
        vec![value.parse().ok(); times.parse().unwrap()]
    };
    text.split_whitespace().flat_map(one).collect()
}

/// What a detector says of the last value of a series.
pub(super) fn last(detector: &mut impl SeriesDetector, text: &str) -> Result<Scored, NotScored> {
    series(text).into_iter().map(|y| detector.step(y)).last().unwrap()
}

/// Checks that a series and its mirror image about `center` have the same scores: made series with level
/// shifts, spikes and gaps, from fixed seeds.
#[track_caller]
pub(super) fn mirrored_scores_agree<D: SeriesDetector>(new: impl Fn() -> D, center: f64) {
    for seed in 0..30 {
        let (mut one, mut other) = (new(), new());
        for step in 0..one.warm_up() + 200 {
            let y = made(seed, step as u64).map(|y| y + center);
            let (a, b) = (one.step(y), other.step(y.map(|y| 2.0 * center - y)));
            match (a, b) {
                (Ok(a), Ok(b)) => {
                    let (a, b) = (a.score.value(), b.score.value());
                    assert!(a == b || (a - b).abs() < 1e-6 * (1.0 + a.min(b)), "{seed} {step}: {a} {b}");
                }
                (a, b) => assert_eq!(a.err(), b.err(), "{seed} {step}"),
            }
        }
    }
}

/// Noise between -8 and 8 with a season of 12, sometimes a spike or a gap, later a level shift.
fn made(seed: u64, step: u64) -> Option<f64> {
    let chance = mixed(seed * 1_000_003 + step);
    let noise = (chance % 17) as f64 - 8.0;
    let season = if step % 12 < 6 { 10.0 } else { 0.0 };
    let shift = if step % 150 > 110 { 25.0 } else { 0.0 };
    match (chance >> 20) % 40 {
        0 => None,
        1 => Some(noise + 200.0),
        _ => Some(noise + season + shift),
    }
}

/// SplitMix64.
pub(super) fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Even noise in [-1, 1).
pub(super) fn noise(seed: u64) -> f64 {
    (mixed(seed) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}
