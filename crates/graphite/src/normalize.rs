//! Equal steps: what series need before they can be combined value by value.
//!
//! Series of different steps meet at the least common multiple of their steps. Graphite's way has two traits that
//! answers depend on: the runs that become one value are counted from the first value of each series, not from the
//! clock, and series with different starts meet by place, not by time.

use std::sync::Arc;

use super::series::{Consolidation, Series};

/// Values of several series at one common step.
#[derive(Debug)]
pub struct Normalized {
    /// The earliest start.
    pub start_s: i64,
    /// The latest end, cut to whole steps.
    pub end_s: i64,
    /// The least common multiple of the steps.
    pub step_s: i64,
    /// The values of each series, in order, at that step; some may be longer than others.
    pub values: Vec<Arc<Vec<f64>>>,
}

/// `series` at one step; nothing of nothing. Values are shared where the step stays. O(values).
///
/// ```
/// use lanner_graphite::{Series, normalize};
///
/// let fine = Series::new("fine", 60, 60, vec![1.0, 3.0, 5.0]);
/// let coarse = Series::new("coarse", 120, 120, vec![7.0]);
/// let both = normalize(&[fine, coarse]).unwrap();
/// assert_eq!((both.start_s, both.step_s), (60, 120));
/// assert_eq!(*both.values[0], [2.0, 5.0]); // means of two; the last run is shorter
/// ```
#[must_use]
pub fn normalize(series: &[Series]) -> Option<Normalized> {
    let step_s = series.iter().map(|series| series.step_s.max(1)).reduce(least_common_multiple)?;
    let start_s = series.iter().map(|series| series.start_s).min()?;
    let end_s = series.iter().map(|series| series.end_s).max()?;
    let whole_s = end_s.saturating_sub(start_s).max(0);
    Some(Normalized {
        start_s,
        end_s: start_s + (whole_s - whole_s % step_s),
        step_s,
        values: series.iter().map(|series| at_step(series, step_s)).collect(),
    })
}

impl Normalized {
    /// How many values the longest series has; the others count as NaN behind their end.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.iter().map(|values| values.len()).max().unwrap_or(0)
    }

    /// Whether none has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value of those at each place; NaN stands where a series has none there.
    #[must_use]
    pub fn combine(&self, of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        // Rows are gathered block by block, so that each series is read in stretches.
        const BLOCK: usize = 128;
        let n = self.len();
        let width = self.values.len();
        let mut rows = vec![f64::NAN; BLOCK * width];
        let mut combined = Vec::with_capacity(n);
        for from in (0..n).step_by(BLOCK) {
            let height = BLOCK.min(n - from);
            for (column, values) in self.values.iter().enumerate() {
                let there = values.get(from..).unwrap_or_default();
                let there = there.iter().copied().chain(std::iter::repeat(f64::NAN));
                for (row, value) in rows.chunks_exact_mut(width).take(height).zip(there) {
                    row[column] = value;
                }
            }
            combined.extend(rows.chunks_exact(width).take(height).map(&of));
        }
        combined
    }
}

fn at_step(series: &Series, step_s: i64) -> Arc<Vec<f64>> {
    let per_point = usize::try_from(step_s / series.step_s.max(1)).unwrap_or(usize::MAX);
    if per_point <= 1 {
        return Arc::clone(&series.values);
    }
    Arc::new(consolidated(&series.values, per_point, series.consolidation, series.x_files_factor))
}

/// Each run of `per_point` values as one; NaN where too few are there (`x_files_factor`, of a whole run even where
/// the last one is shorter). O(n).
#[must_use]
pub fn consolidated(
    values: &[f64],
    per_point: usize,
    consolidation: Consolidation,
    x_files_factor: f64,
) -> Vec<f64> {
    let per_point = per_point.max(1);
    #[expect(clippy::cast_precision_loss, reason = "numbers of values are far below 2^53")]
    let one = |run: &[f64]| {
        let n_there = run.iter().filter(|value| !value.is_nan()).count();
        if n_there == 0 || (n_there as f64) / (per_point as f64) < x_files_factor {
            return f64::NAN;
        }
        let mut there = run.iter().copied().filter(|value| !value.is_nan());
        match consolidation {
            Consolidation::Sum => there.sum(),
            Consolidation::Average => there.sum::<f64>() / n_there as f64,
            Consolidation::AverageZero => there.sum::<f64>() / run.len() as f64,
            Consolidation::Min => there.fold(f64::INFINITY, f64::min),
            Consolidation::Max => there.fold(f64::NEG_INFINITY, f64::max),
            Consolidation::First => there.next().unwrap_or(f64::NAN),
            Consolidation::Last => there.next_back().unwrap_or(f64::NAN),
        }
    };
    values.chunks(per_point).map(one).collect()
}

fn least_common_multiple(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    // Beyond any time range, one step holds all values whatever its length.
    (a / x).checked_mul(b).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Consolidation as C, Series, consolidated, least_common_multiple, normalize};

    const NONE: f64 = f64::NAN;

    #[track_caller]
    fn check(consolidation: C, x_files_factor: f64, expected: &[f64]) {
        let values = [4.0, NONE, 2.0, NONE, NONE, NONE, 1.0];
        let found = consolidated(&values, 3, consolidation, x_files_factor);
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{consolidation:?}");
    }

    #[test]
    fn runs_become_values() {
        check(C::Average, 0.0, &[3.0, NONE, 1.0]);
        check(C::AverageZero, 0.0, &[2.0, NONE, 1.0]); // nothing at all stays nothing
        check(C::Sum, 0.0, &[6.0, NONE, 1.0]);
        check(C::Min, 0.0, &[2.0, NONE, 1.0]);
        check(C::Max, 0.0, &[4.0, NONE, 1.0]);
        check(C::First, 0.0, &[4.0, NONE, 1.0]);
        check(C::Last, 0.0, &[2.0, NONE, 1.0]);
        check(C::Sum, 0.5, &[6.0, NONE, NONE]); // one of three is too few, though the run has only one
    }

    #[test]
    fn common_steps() {
        assert_eq!(least_common_multiple(60, 60), 60);
        assert_eq!(least_common_multiple(60, 90), 180);
        assert_eq!(least_common_multiple(i64::MAX, i64::MAX - 1), i64::MAX);
        let steps = [(0, 60, 5), (30, 90, 2)];
        let series = steps.map(|(start_s, step_s, n)| Series::new("a", start_s, step_s, vec![1.0; n]));
        let both = normalize(&series).unwrap();
        assert_eq!((both.start_s, both.end_s, both.step_s, both.len()), (0, 180, 180, 2));
        assert!(normalize(&[]).is_none());
        assert!(normalize(&[Series::new("a", 0, 60, Vec::new())]).unwrap().is_empty());
    }

    #[test]
    fn rows_are_as_long_as_the_longest() {
        let series = [3, 300].map(|n| Series::new("a", 0, 60, vec![1.0; n]));
        let sums = normalize(&series).unwrap().combine(|row| row.iter().filter(|x| !x.is_nan()).sum());
        assert_eq!((sums.len(), sums[2], sums[3], sums[299]), (300, 2.0, 1.0, 1.0));
    }
}
