//! Exponential histograms with the bounds of Prometheus' classic ones: powers of two.
//!
//! OTLP's bounds are the powers of a base that is finer the fewer different values came, up to 2^(1/2^20), and that changes as
//! more come. Series need bounds that stay. Every base is a root or a power of two, so the buckets of any scale add up to those
//! between powers of two without a guess (of a scale below 0 not all of these are there). A quantile of them is off by less
//! than a factor of two.

use std::collections::BTreeMap;

/// The powers of two that a number may have.
const EXPONENTS: std::ops::RangeInclusive<i64> = -1_074..=1_023;

/// An exponential histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Exponential {
    /// The base is 2^(1/2^scale).
    pub(super) scale: i64,
    /// How many values are zero, or so small that they count as zero.
    pub(super) n_zero: u64,
    /// How many are below zero.
    pub(super) n_negative: u64,
    /// The index of the first of the counts.
    pub(super) offset: i64,
    /// How many values each bucket has: the one at index i those above base^i, up to base^(i+1).
    pub(super) counts: Vec<u64>,
}

impl Exponential {
    /// Upper bounds and how many values are at most these, from the lowest bound with values to the highest; without the bound
    /// that has all. Cost: O(counts).
    pub(super) fn cumulative(&self) -> Vec<(f64, u64)> {
        let below = self.n_zero.saturating_add(self.n_negative);
        let mut of_exponents: BTreeMap<i64, u64> = BTreeMap::new();
        let is_some = |count: &u64| *count > 0;
        let n_unused = self.counts.iter().position(is_some).unwrap_or(self.counts.len());
        let n_used = self.counts.iter().rposition(is_some).map_or(0, |last| last + 1);
        let used = (self.offset..=i64::MAX).zip(&self.counts).take(n_used).skip(n_unused);
        for (index, count) in used {
            let exponent = self.exponent(index).max(*EXPONENTS.start());
            let all = of_exponents.entry(exponent).or_default();
            *all = all.saturating_add(*count);
        }
        let mut so_far = below;
        let first = (below > 0).then_some((0.0, below));
        let others = of_exponents.into_iter().filter(|(exponent, _)| EXPONENTS.contains(exponent));
        let others = others.map(|(exponent, count)| {
            so_far = so_far.saturating_add(count);
            ((exponent as f64).exp2(), so_far)
        });
        first.into_iter().chain(others).collect()
    }

    /// The power of two that is the least upper bound of the bucket at an index.
    fn exponent(&self, index: i64) -> i64 {
        if self.scale >= 0 {
            // Rounded down, below zero as well.
            return (index >> self.scale.min(62)) + 1;
        }
        let width = 1i64 << (-self.scale).min(62);
        index.saturating_add(1).saturating_mul(width)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_add_up_to_those_between_powers_of_two() {
        #[track_caller]
        fn check(scale: i64, offset: i64, counts: &[u64], expected: &[(f64, u64)]) {
            let histogram = Exponential { scale, offset, counts: counts.to_vec(), ..Exponential::default() };
            assert_eq!(histogram.cumulative(), expected, "{histogram:?}");
        }
        // (1, 2], (2, 4]
        check(0, 0, &[3, 4], &[(2.0, 3), (4.0, 7)]);
        check(0, -2, &[0, 0, 3, 0, 4, 0], &[(2.0, 3), (4.0, 3), (8.0, 7)]);
        // (0.5, 0.7], (0.7, 1], (1, 1.4], (1.4, 2]
        check(1, -2, &[1, 1, 1, 1], &[(1.0, 2), (2.0, 4)]);
        // (16, 256] of base 16
        check(-2, 1, &[5], &[(256.0, 5)]);
        // 5 is 2^2.32, so at scale 20 in the bucket 2434718
        check(20, 2_434_718, &[1], &[(8.0, 1)]);
        // The second smallest of all numbers, and what is smaller than the smallest.
        check(0, -1_074, &[1], &[(f64::from_bits(2), 1)]);
        check(0, -9_000, &[1], &[(5e-324, 1)]);
        // Greater than any number: only the bucket that has all has them.
        check(0, 1_023, &[1], &[]);
        check(-10, i64::MAX, &[1], &[]);
        check(0, 0, &[], &[]);
        check(0, 0, &[u64::MAX, 1], &[(2.0, u64::MAX), (4.0, u64::MAX)]);
    }

    #[test]
    fn what_is_not_above_zero_comes_first() {
        let histogram = Exponential { n_zero: 2, n_negative: 3, counts: vec![4], ..Exponential::default() };
        assert_eq!(histogram.cumulative(), [(0.0, 5), (2.0, 9)]);
    }

    proptest! {
        #[test]
        fn bounds_and_counts_only_grow(
            scale in -12i64..24, offset in any::<i64>(), counts in prop::collection::vec(0u64..9, 0..200),
        ) {
            let histogram = Exponential { scale, offset: offset >> 8, counts, ..Exponential::default() };
            let found = histogram.cumulative();
            prop_assert!(found.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1));
            prop_assert!(found.len() <= histogram.counts.len());
            prop_assert!(found.last().map_or(0, |last| last.1) <= histogram.counts.iter().sum::<u64>());
        }
    }
}
