//! The contract of [`Scorer`]: deterministic, and warmed up when it says so.
//!
//! The rest of the contract holds by construction: a scorer is never shown a later sample, and a
//! [`Score`] is never NaN or negative.

use lanner_core::{Score, Scorer};

/// Samples scored after the warm-up.
const N_SCORED: usize = 200;

/// Checks that the scorers made by `new` keep the contract, on made series: constant, rising, seasonal,
/// noisy from a fixed seed, jumping, alternating in sign, and with magnitudes up to `1e300`.
///
/// - Same samples in, same scores out, bit by bit, also when other scorers ran in between.
/// - `None` for the first `warm_up()` samples, `Some` afterwards; `warm_up()` does not change meanwhile.
///
/// Cost: two runs of `warm_up() + 200` samples for each series.
///
/// # Panics
/// When the contract is broken; the message names the series and the sample.
///
/// ```
/// use lanner_core::{Score, Scorer};
///
/// /// Distance from zero.
/// struct Distance;
/// impl Scorer for Distance {
///     fn warm_up(&self) -> usize {
///         0
///     }
///     fn push(&mut self, y: f64) -> Option<Score> {
///         Some(Score::new(y.abs()))
///     }
/// }
/// lanner_testkit::check_scorer(|| Distance);
/// ```
#[track_caller]
pub fn check_scorer<S: Scorer>(new: impl Fn() -> S) {
    let first: Vec<_> = SERIES.iter().map(|series| run(new(), series)).collect();
    for (series, first) in SERIES.iter().zip(first) {
        assert_eq!(run(new(), series), first, "{}: a second run differs", series.0);
    }
}

/// The bits of the scores of one series; checks the warm-up.
#[track_caller]
fn run(mut scorer: impl Scorer, (name, sample): &Series) -> Vec<Option<u64>> {
    let warm_up = scorer.warm_up();
    let score_one = |index| {
        let score = scorer.push(sample(index));
        assert_eq!(score.is_some(), index >= warm_up, "{name}: sample {index} of a warm-up of {warm_up}");
        assert_eq!(scorer.warm_up(), warm_up, "{name}: the warm-up changed at sample {index}");
        score.map(|score: Score| score.value().to_bits())
    };
    (0..warm_up + N_SCORED).map(score_one).collect()
}

/// A name, and the sample at an index.
type Series = (&'static str, fn(usize) -> f64);

const SERIES: [Series; 8] = [
    ("zero", |_| 0.0),
    ("constant", |_| 42.0),
    ("rising", |index| index as f64),
    ("seasonal", |index| (index as f64 * std::f64::consts::TAU / 24.0).sin()),
    ("noisy", noise),
    ("jumping", |index| if index % 50 == 49 { 1_000.0 } else { noise(index) }),
    ("alternating", |index| if index % 2 == 0 { 1.0 } else { -1.0 }),
    ("huge", |index| 1e300 * noise(index)),
];

/// Even noise in `[-1, 1)` with a fixed seed (SplitMix64).
fn noise(index: usize) -> f64 {
    let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The change over `shift` samples; can be made to break each part of the contract.
    struct Change {
        shift: usize,
        warm_up: usize,
        offset: f64,
        seen: Vec<f64>,
    }

    impl Scorer for Change {
        fn warm_up(&self) -> usize {
            self.warm_up
        }
        fn push(&mut self, y: f64) -> Option<Score> {
            self.seen.push(y);
            let past = self.seen.len().checked_sub(self.shift + 1)?;
            Some(Score::new((y - self.seen[past]).abs() + self.offset))
        }
    }

    fn change(shift: usize, warm_up: usize, offset: f64) -> Change {
        Change { shift, warm_up, offset, seen: Vec::new() }
    }

    #[test]
    fn a_good_scorer_passes() {
        check_scorer(|| change(0, 0, 0.0));
        check_scorer(|| change(7, 7, 0.0));
    }

    #[test]
    #[should_panic(expected = "sample 3 of a warm-up of 3")]
    fn a_late_first_score_is_found() {
        check_scorer(|| change(4, 3, 0.0));
    }

    #[test]
    #[should_panic(expected = "sample 3 of a warm-up of 4")]
    fn an_early_first_score_is_found() {
        check_scorer(|| change(3, 4, 0.0));
    }

    #[test]
    #[should_panic(expected = "zero: a second run differs")]
    fn memory_outside_the_scorer_is_found() {
        let runs = Cell::new(0.0);
        check_scorer(|| {
            runs.set(runs.get() + 1.0);
            change(1, 1, runs.get())
        });
    }
}
