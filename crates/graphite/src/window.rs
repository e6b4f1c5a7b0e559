//! One value of each window that slides along a series: in O(1) a value for all but the median, however long the
//! window.
//!
//! Nothing is ever subtracted, so no rounding error is carried along: the series is cut into blocks as long as the
//! window, so that a window is the end of one block and the beginning of the next; both are folded as they grow.
//! Gaps (NaN) are skipped; only how many values a window has is counted.

use super::aggregate::Aggregate;

/// For each window of `n` values but the first, which ends at `values[n]`: what `aggregate` makes of those that are
/// there; NaN where there is none, or a smaller share than `x_files_factor`. None at all if there is no such window.
///
/// O(len); the median O(len × log len).
pub(super) fn sliding(values: &[f64], n: usize, aggregate: Aggregate, x_files_factor: f64) -> Vec<f64> {
    if n == 0 {
        return vec![f64::NAN; values.len()];
    }
    if values.len() <= n {
        return Vec::new();
    }
    let window = Window { values, n, n_needed: n_needed(n, x_files_factor) };
    match aggregate {
        Aggregate::Sum => window.fold(0.0, |value| value, |a, b| a + b, |sum, _| sum),
        Aggregate::Average | Aggregate::AverageZero => {
            window.fold(0.0, |value| value, |a, b| a + b, |sum, count| sum / float(count))
        }
        Aggregate::Min => window.fold(f64::INFINITY, |value| value, least, |least, _| least),
        Aggregate::Max => window.fold(f64::NEG_INFINITY, |value| value, greatest, |greatest, _| greatest),
        Aggregate::Range => window.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |value| (value, value),
            |a, b| (least(a.0, b.0), greatest(a.1, b.1)),
            |(least, greatest), _| greatest - least,
        ),
        Aggregate::Multiply => window.fold(1.0, |value| value, |a, b| a * b, |product, _| product),
        Aggregate::Count => window.fold((), |_| (), |(), ()| (), |(), count| float(count)),
        Aggregate::Last => {
            window.fold(f64::NAN, |value| value, |a, b| if b.is_nan() { a } else { b }, |last, _| last)
        }
        Aggregate::Diff => window.fold(
            Difference::NONE,
            |first| Difference { first, rest: 0.0 },
            Difference::join,
            |difference, _| difference.first - difference.rest,
        ),
        Aggregate::Stddev => {
            let spread = Spreads::up_to(n);
            window.fold(Spread::NONE, Spread::of, |a, b| spread.join(a, b), |all, _| spread.deviation(all))
        }
        Aggregate::Median => window.medians(),
    }
}

/// Standard deviation (population) of the last `n` values at each value; of fewer at the beginning. NaN where a
/// smaller share of `n` than `tolerance` is there, or none. O(len).
///
/// From running sums of values and squares, in the order in which Graphite takes them out and adds them, so that what
/// rounding leaves of a spread of nothing is what Graphite answers too: a little more than 0, or NaN. For a deviation
/// that is exact far from 0 use the detectors.
pub(super) fn deviations(values: &[f64], n: usize, tolerance: f64) -> Vec<f64> {
    /// So few that the roots of one stretch are taken while the sums of the next are waited for.
    const STRETCH: usize = 32;
    if n == 0 {
        return vec![f64::NAN; values.len()];
    }
    let mut out = vec![f64::NAN; values.len()];
    let mut sums = Sums { n_needed: n_needed(n, tolerance), ..Sums::default() };
    let (first, rest) = values.split_at(n.min(values.len()));
    let (first_out, rest_out) = out.split_at_mut(first.len());
    for (value, out) in first.iter().zip(first_out) {
        sums.add(*value);
        *out = sums.deviation();
    }
    let stretches = rest.chunks(STRETCH).zip(values.chunks(STRETCH));
    for ((values, gone), out) in stretches.zip(rest_out.chunks_mut(STRETCH)) {
        sums.slide(values, gone, out);
    }
    out
}

/// What is there of a window: how many values, their sum, and the sum of their squares.
#[derive(Default)]
struct Sums {
    n_there: usize,
    sum: f64,
    squares: f64,
    n_needed: usize,
}

impl Sums {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.squares += value * value;
            self.n_there += 1;
        }
    }

    fn take_out(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum -= value;
            self.squares -= value * value;
            self.n_there -= 1;
        }
    }

    /// Takes out one value and adds another, again and again; `out` is as long as `values`, which is not longer than
    /// `gone`.
    fn slide(&mut self, values: &[f64], gone: &[f64], out: &mut [f64]) {
        let is_gap = |(value, gone): (&f64, &f64)| value.is_nan() || gone.is_nan();
        let complete = self.n_there >= self.n_needed && !values.iter().zip(gone).any(is_gap);
        let n_there = float(self.n_there);
        for ((value, gone), out) in values.iter().zip(gone).zip(&mut *out) {
            if complete {
                self.sum -= gone;
                self.squares -= gone * gone;
                self.sum += value;
                self.squares += value * value;
                *out = n_there * self.squares - self.sum * self.sum;
            } else {
                self.take_out(*gone);
                self.add(*value);
                *out = self.deviation();
            }
        }
        if complete {
            // Several at once, as none waits for the one before.
            out.iter_mut().for_each(|spread| *spread = spread.sqrt() / n_there);
        }
    }

    fn deviation(&self) -> f64 {
        let n_there = float(self.n_there);
        let spread = n_there * self.squares - self.sum * self.sum;
        // The root of a number below 0 is NaN.
        if self.n_there >= self.n_needed { spread.sqrt() / n_there } else { f64::NAN }
    }
}

/// The least number of values out of `n` that is at least `share` of them, and 1; more than `n` if none is.
fn n_needed(n: usize, share: f64) -> usize {
    let share = share.max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let near = ((share * float(n)).floor().clamp(0.0, float(n)) as usize).saturating_sub(1);
    (near..=n).find(|count| *count > 0 && float(*count) / float(n) >= share).unwrap_or(n.saturating_add(1))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of values are far below 2^53")]
fn float(n: usize) -> f64 {
    n as f64
}

fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn greatest(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

struct Window<'a> {
    values: &'a [f64],
    n: usize,
    n_needed: usize,
}

impl Window<'_> {
    fn fold<T: Copy>(
        &self,
        none: T,
        one: impl Fn(f64) -> T,
        join: impl Fn(T, T) -> T,
        finish: impl Fn(T, usize) -> f64,
    ) -> Vec<f64> {
        self.fold_from(self.n, none, one, join, finish)
    }

    /// Folds each window that ends at `values[first]` or later: `one` value each, gaps as `none`, joined in order.
    fn fold_from<T: Copy>(
        &self,
        first: usize,
        none: T,
        one: impl Fn(f64) -> T,
        join: impl Fn(T, T) -> T,
        finish: impl Fn(T, usize) -> f64,
    ) -> Vec<f64> {
        let element = |value: f64| if value.is_nan() { none } else { one(value) };
        let mut folded = Vec::with_capacity(self.values.len().saturating_sub(first));
        // ends[i]: values i.. of the block before; then the number of values there.
        let mut ends = vec![(none, 0); self.n.min(self.values.len()) + 1];
        for (block, values) in self.values.chunks(self.n).enumerate() {
            let (mut begin, mut count) = (none, 0);
            let rest = ends.get(1..).unwrap_or_default();
            for ((i, value), (end, n_end)) in (block * self.n..).zip(values).zip(rest) {
                begin = join(begin, element(*value));
                count += usize::from(!value.is_nan());
                if i >= first {
                    let all = n_end + count;
                    let enough = all >= self.n_needed;
                    folded.push(if enough { finish(join(*end, begin), all) } else { f64::NAN });
                }
            }
            let (mut end, mut count) = (none, 0);
            for (slot, value) in ends.iter_mut().zip(values).rev() {
                end = join(element(*value), end);
                count += usize::from(!value.is_nan());
                *slot = (end, count);
            }
        }
        folded
    }

    fn medians(&self) -> Vec<f64> {
        /// Above this, moving the sorted window about costs more than counting.
        const FEW: usize = 1024;
        if self.n <= FEW {
            self.medians_in(Sorted::default())
        } else {
            self.medians_in(Ranked::of(self.values))
        }
    }

    fn medians_in(&self, mut order: impl Order) -> Vec<f64> {
        let mut medians = Vec::with_capacity(self.values.len().saturating_sub(self.n));
        let (first, rest) = self.values.split_at(self.n.min(self.values.len()));
        first.iter().for_each(|value| order.insert(*value));
        for (value, oldest) in rest.iter().zip(self.values) {
            order.replace(*oldest, *value);
            let count = order.len();
            medians.push(if count < self.n_needed {
                f64::NAN
            } else if count % 2 == 1 {
                order.at(count / 2)
            } else {
                f64::midpoint(order.at(count / 2 - 1), order.at(count / 2))
            });
        }
        medians
    }
}

/// The first value, and the sum of those after it.
#[derive(Clone, Copy)]
struct Difference {
    /// NaN if there is none.
    first: f64,
    rest: f64,
}

impl Difference {
    const NONE: Self = Self { first: f64::NAN, rest: 0.0 };

    fn join(self, after: Self) -> Self {
        match (self.first.is_nan(), after.first.is_nan()) {
            (true, _) => after,
            (_, true) => self,
            _ => Self { first: self.first, rest: self.rest + (after.first + after.rest) },
        }
    }
}

/// How many values, their mean, and the sum of their squared distances to it.
///
/// The mean is kept as its distance to one of the values: values far from 0 that lie close together lose no digits.
#[derive(Clone, Copy)]
struct Spread {
    n: usize,
    /// One of the values.
    anchor: f64,
    /// The mean, less `anchor`.
    mean: f64,
    squares: f64,
}

impl Spread {
    const NONE: Self = Self { n: 0, anchor: 0.0, mean: 0.0, squares: 0.0 };

    fn of(value: f64) -> Self {
        Self { n: 1, anchor: value, mean: 0.0, squares: 0.0 }
    }
}

/// Joins spreads of up to so many values; a table spares divisions. The pairwise form (T. F. Chan, G. H. Golub,
/// R. J. `LeVeque`, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
struct Spreads {
    inverse: Vec<f64>,
}

impl Spreads {
    fn up_to(n: usize) -> Self {
        Self { inverse: (0..=n).map(|n| if n == 0 { 0.0 } else { 1.0 / float(n) }).collect() }
    }

    #[inline]
    fn join(&self, a: Spread, b: Spread) -> Spread {
        if a.n == 0 {
            return b;
        }
        let n = a.n + b.n;
        let share = float(b.n) * self.inverse.get(n).copied().unwrap_or(0.0);
        let apart = (b.anchor - a.anchor) + (b.mean - a.mean);
        Spread {
            n,
            anchor: a.anchor,
            mean: a.mean + apart * share,
            squares: a.squares + b.squares + apart * apart * float(a.n) * share,
        }
    }

    #[inline]
    fn deviation(&self, Spread { n, squares, .. }: Spread) -> f64 {
        (squares * self.inverse.get(n).copied().unwrap_or(0.0)).sqrt()
    }
}

/// Values in order; gaps are let alone.
trait Order {
    fn insert(&mut self, value: f64);
    fn remove(&mut self, value: f64);
    fn replace(&mut self, old: f64, new: f64) {
        self.remove(old);
        self.insert(new);
    }
    fn len(&self) -> usize;
    /// The value with `rank` values below.
    fn at(&self, rank: usize) -> f64;
}

/// Sorted in a row.
#[derive(Default)]
struct Sorted(Vec<f64>);

impl Sorted {
    /// How many are smaller: branch-free, as values of a window come in no order that could be guessed.
    fn place(&self, value: f64) -> usize {
        self.0.partition_point(|other| *other < value)
    }
}

impl Order for Sorted {
    fn insert(&mut self, value: f64) {
        if !value.is_nan() {
            let place = self.place(value);
            self.0.insert(place, value);
        }
    }

    fn remove(&mut self, value: f64) {
        let place = self.place(value);
        if !value.is_nan() && place < self.0.len() {
            self.0.remove(place);
        }
    }

    /// Moves only what lies between the two.
    fn replace(&mut self, old: f64, new: f64) {
        let (from, to) = (self.place(old), self.place(new));
        if old.is_nan() || new.is_nan() || from >= self.0.len() {
            self.remove(old);
            self.insert(new);
            return;
        }
        let at = if to > from {
            self.0.copy_within(from + 1..to, from);
            to - 1
        } else {
            self.0.copy_within(to..from, to + 1);
            to
        };
        if let Some(place) = self.0.get_mut(at) {
            *place = new;
        }
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&self, rank: usize) -> f64 {
        self.0.get(rank).copied().unwrap_or(f64::NAN)
    }
}

/// Counts of values by rank among all that there will ever be, in a binary indexed tree (P. M. Fenwick, "A new data
/// structure for cumulative frequency tables", 1994).
struct Ranked {
    all: Vec<f64>,
    counts: Vec<u32>,
    len: usize,
}

impl Ranked {
    fn of(values: &[f64]) -> Self {
        let mut all: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        all.sort_unstable_by(f64::total_cmp);
        all.dedup();
        Self { counts: vec![0; all.len() + 1], all, len: 0 }
    }

    fn count(&mut self, value: f64, change: impl Fn(u32) -> u32) {
        let mut node = self.all.partition_point(|other| *other < value) + 1;
        while let Some(count) = self.counts.get_mut(node) {
            *count = change(*count);
            node += node & node.wrapping_neg();
        }
    }
}

impl Order for Ranked {
    fn insert(&mut self, value: f64) {
        if !value.is_nan() {
            self.count(value, |count| count + 1);
            self.len += 1;
        }
    }

    fn remove(&mut self, value: f64) {
        if !value.is_nan() {
            self.count(value, |count| count.saturating_sub(1));
            self.len = self.len.saturating_sub(1);
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn at(&self, rank: usize) -> f64 {
        let (mut node, mut below) = (0, 0);
        let mut jump = self.all.len().checked_ilog2().map_or(0, |bits| 1 << bits);
        while jump > 0 {
            let count = self.counts.get(node + jump).map(|count| *count as usize);
            if let Some(count) = count
                && below + count <= rank
            {
                node += jump;
                below += count;
            }
            jump /= 2;
        }
        self.all.get(node).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `sliding` is, written as one would say it.
    fn naive(values: &[f64], n: usize, aggregate: Aggregate, x_files_factor: f64) -> Vec<f64> {
        let of = |window: &[f64]| {
            let there: Vec<f64> = window.iter().copied().filter(|value| !value.is_nan()).collect();
            if there.is_empty() || float(there.len()) / float(n) < x_files_factor {
                f64::NAN
            } else {
                aggregate.of(there)
            }
        };
        values.windows(n).skip(1).map(of).collect()
    }

    fn same(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs() + 1e-9 * 100.0 || a.is_nan() && b.is_nan()
    }

    const ALL: [Aggregate; 12] = [
        Aggregate::Average,
        Aggregate::AverageZero,
        Aggregate::Median,
        Aggregate::Sum,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Diff,
        Aggregate::Stddev,
        Aggregate::Count,
        Aggregate::Range,
        Aggregate::Multiply,
        Aggregate::Last,
    ];

    proptest! {
        #[test]
        fn as_one_would_say_it(
            values in prop::collection::vec(prop_oneof![-2.0..2.0, Just(f64::NAN), Just(1.0)], 0..60),
            n in 1_usize..12,
            share in 0.0..1.2,
        ) {
            for aggregate in ALL {
                let (found, expected) = (sliding(&values, n, aggregate, share), naive(&values, n, aggregate, share));
                prop_assert!(
                    found.len() == expected.len() && found.iter().zip(&expected).all(|(a, b)| same(*a, *b)),
                    "{aggregate:?}: {found:?}, not {expected:?}"
                );
            }
            let window = Window { values: &values, n, n_needed: n_needed(n, share) };
            let (sorted, ranked) = (window.medians_in(Sorted::default()), window.medians_in(Ranked::of(&values)));
            prop_assert!(sorted.iter().zip(&ranked).all(|(a, b)| same(*a, *b)), "{sorted:?}, {ranked:?}");
        }
    }

    proptest! {
        #[test]
        fn a_deviation_far_from_zero_keeps_its_digits(
            values in prop::collection::vec(prop_oneof![-4.0..4.0, Just(f64::NAN)], 2..60),
            n in 1_usize..12,
            far in prop_oneof![Just(0.0), Just(1e8), Just(-3e12)],
        ) {
            // Exactly representable at every distance, so that moving them loses nothing.
            let near: Vec<f64> = values.iter().map(|value: &f64| (value * 64.0).round() / 64.0).collect();
            let moved: Vec<f64> = near.iter().map(|value| value + far).collect();
            let expected = naive(&near, n, Aggregate::Stddev, 0.0);
            let found = sliding(&moved, n, Aggregate::Stddev, 0.0);
            for (found, expected) in found.iter().zip(&expected) {
                let both_none = found.is_nan() && expected.is_nan();
                prop_assert!(both_none || (found - expected).abs() < 1e-13, "{found}, not {expected}");
            }
        }
    }

    #[test]
    fn deviations_begin_with_fewer_values() {
        #[track_caller]
        fn check(values: &[f64], n: usize, tolerance: f64, expected: &[f64]) {
            let found = deviations(values, n, tolerance);
            assert!(
                found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(*a, *b)),
                "{found:?}"
            );
        }
        const NONE: f64 = f64::NAN;
        check(&[], 3, 0.1, &[]);
        check(&[2.0, 4.0, 4.0, 4.0], 2, 0.1, &[0.0, 1.0, 0.0, 0.0]);
        check(&[2.0, NONE, 4.0], 2, 0.6, &[NONE, NONE, NONE]);
        check(&[2.0, NONE, 4.0], 100, 0.0, &[0.0, 0.0, 1.0]);
        check(&[2.0, 4.0], 0, 0.0, &[NONE, NONE]);
        // What rounding leaves of nothing is what Graphite's arithmetic leaves.
        let noise = deviations(&[0.3, 0.1, 0.1], 2, 0.1);
        assert_eq!(noise, [0.0, 0.099_999_999_999_999_98, 1.317_089_015_965_438_6e-9]);
    }
}
