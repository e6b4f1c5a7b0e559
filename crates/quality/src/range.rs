//! Range-based F1: recall and precision of ranges instead of points.

use std::ops::Range;

use super::{Scored, events, f1};

/// What hitting a range at all is worth in recall; the rest is how much of it is covered.
const EXISTENCE: f64 = 0.2;

/// The best F1, over 100 thresholds, of range recall (existence worth 0.2) and range precision (existence worth 0).
///
/// Overlap counts every position alike, and is divided by the number of pieces it is in.
///
/// Cost: O(100 (n + ranges squared)) at worst, O(100 n) when ranges are few.
///
/// # Source
/// Tatbul et al., "Precision and recall for time series", NeurIPS 2018.
#[must_use]
pub fn range_f1(scored: &Scored<'_>) -> f64 {
    let labelled = events(scored.labels());
    scored.best_of_100(|taken| {
        let taken = events(taken);
        f1(range_reward(&taken, &labelled, 0.0), range_reward(&labelled, &taken, EXISTENCE))
    })
}

/// The mean reward of `ranges` for being covered by `others`; 0 without ranges.
fn range_reward(ranges: &[Range<usize>], others: &[Range<usize>], existence: f64) -> f64 {
    let reward = |range: &Range<usize>| {
        let from = others.partition_point(|other| other.end <= range.start);
        let touching = others[from..].iter().take_while(|other| other.start < range.end);
        let overlaps: Vec<usize> =
            touching.map(|other| other.end.min(range.end) - other.start.max(range.start)).collect();
        if overlaps.is_empty() {
            return 0.0;
        }
        let covered = overlaps.iter().sum::<usize>() as f64 / range.len() as f64;
        existence + (1.0 - existence) * covered / overlaps.len() as f64
    };
    if ranges.is_empty() { 0.0 } else { ranges.iter().map(reward).sum::<f64>() / ranges.len() as f64 }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        #[track_caller]
        fn check(taken: &[Range<usize>], recall: f64, precision: f64) {
            let labelled = [2..6, 10..12];
            let found = (range_reward(&labelled, taken, EXISTENCE), range_reward(taken, &labelled, 0.0));
            assert!((found.0 - recall).abs() < 1e-12 && (found.1 - precision).abs() < 1e-12, "{found:?}");
        }
        check(&[], 0.0, 0.0);
        check(&[2..6, 10..12], 1.0, 1.0);
        check(&[2..4], (0.2 + 0.8 / 2.0) / 2.0, 1.0);
        check(&[2..3, 4..5], (0.2 + 0.8 / 2.0 / 2.0) / 2.0, 1.0); // two pieces
        check(&[0..12], 1.0, 6.0 / 12.0 / 2.0); // one alarm over two events
        check(&[6..10], 0.0, 0.0);
    }

    #[test]
    fn constant_scores_find_nothing() {
        assert_eq!(range_f1(&Scored::new(&[true, false], &[1.0, 1.0]).unwrap()), 0.0);
    }
}
