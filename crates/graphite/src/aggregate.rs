//! Aggregates many values to one: across series at one time, or along one series in a window.

/// A way to make one value of many. All skip what is missing, but [`AverageZero`](Self::AverageZero) and
/// [`Multiply`](Self::Multiply); of nothing they make nothing (NaN), but [`Count`](Self::Count).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Their mean.
    Average,
    /// Their mean, where missing counts as 0.
    AverageZero,
    /// The middle one, or the mean of the middle two.
    Median,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The first minus all others.
    Diff,
    /// Their standard deviation (population).
    Stddev,
    /// How many there are.
    Count,
    /// The greatest minus the least.
    Range,
    /// Their product; missing if any is.
    Multiply,
    /// The last one.
    Last,
}

/// Every name that Graphite has for them.
const NAMES: &[(&str, Aggregate)] = &[
    ("average", Aggregate::Average),
    ("avg", Aggregate::Average),
    ("avg_zero", Aggregate::AverageZero),
    ("median", Aggregate::Median),
    ("sum", Aggregate::Sum),
    ("total", Aggregate::Sum),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("diff", Aggregate::Diff),
    ("stddev", Aggregate::Stddev),
    ("count", Aggregate::Count),
    ("range", Aggregate::Range),
    ("rangeOf", Aggregate::Range),
    ("multiply", Aggregate::Multiply),
    ("last", Aggregate::Last),
    ("current", Aggregate::Last),
];

impl Aggregate {
    /// The one called `name`; an older spelling such as `sumSeries` is known too.
    ///
    /// ```
    /// use lanner_graphite::Aggregate;
    /// assert_eq!(Aggregate::named("total"), Aggregate::named("sumSeries"));
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let short = name.strip_suffix("Series").unwrap_or(name);
        NAMES.iter().find(|(known, _)| *known == short).map(|(_, aggregate)| *aggregate)
    }

    /// One value of `values`, where NaN is missing. Sums run from left to right. O(n), the median O(n log n).
    ///
    /// ```
    /// use lanner_graphite::Aggregate;
    /// assert_eq!(Aggregate::Average.of([1.0, f64::NAN, 3.0]), 2.0);
    /// assert!(Aggregate::Sum.of([f64::NAN]).is_nan());
    /// assert_eq!(Aggregate::Count.of([f64::NAN]), 0.0);
    /// ```
    pub fn of(self, values: impl IntoIterator<Item = f64>) -> f64 {
        let mut n = 0_u32;
        let mut n_missing = 0_u32;
        let there = values.into_iter().filter(|value| {
            let missing = value.is_nan();
            n_missing += u32::from(missing);
            n += u32::from(!missing);
            !missing
        });
        match self {
            Self::Count => f64::from(u32::try_from(there.count()).unwrap_or(u32::MAX)),
            Self::Sum => sum_or_none(there),
            Self::Average => {
                let sum = sum_or_none(there);
                sum / f64::from(n)
            }
            Self::AverageZero => {
                let sum: f64 = there.sum();
                let all = n + n_missing;
                if all == 0 { f64::NAN } else { sum / f64::from(all) }
            }
            Self::Min => there.fold(f64::NAN, f64::min),
            Self::Max => there.fold(f64::NAN, f64::max),
            Self::Range => {
                let (min, max) =
                    there.fold((f64::NAN, f64::NAN), |(min, max), value| (value.min(min), value.max(max)));
                max - min
            }
            Self::Diff => there.reduce(|first, value| first - value).unwrap_or(f64::NAN),
            Self::Multiply => {
                let product = there.reduce(|product, value| product * value).unwrap_or(f64::NAN);
                if n_missing > 0 { f64::NAN } else { product }
            }
            Self::Last => there.last().unwrap_or(f64::NAN),
            Self::Median => median(&mut there.collect::<Vec<_>>()),
            Self::Stddev => stddev(&there.collect::<Vec<_>>()),
        }
    }
}

fn sum_or_none(values: impl Iterator<Item = f64>) -> f64 {
    values.reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

fn stddev(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 values")]
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::Aggregate as A;

    const NONE: f64 = f64::NAN;

    #[track_caller]
    fn check(aggregate: A, values: &[f64], expected: f64) {
        let value = aggregate.of(values.iter().copied());
        assert!(
            value == expected || (value.is_nan() && expected.is_nan()),
            "{aggregate:?} of {values:?}: {value}"
        );
    }

    #[test]
    fn one_of_many() {
        let some = [4.0, NONE, 1.0, 3.0];
        check(A::Average, &some, 8.0 / 3.0);
        check(A::AverageZero, &some, 2.0);
        check(A::Median, &some, 3.0);
        check(A::Median, &[1.0, 2.0], 1.5);
        check(A::Sum, &some, 8.0);
        check(A::Min, &some, 1.0);
        check(A::Max, &some, 4.0);
        check(A::Diff, &some, 0.0);
        check(A::Stddev, &[2.0, 4.0, NONE], 1.0);
        // Far from 0 squares have no digits left for it.
        check(A::Stddev, &[1e8, 1e8 + 1e-3, 1e8 + 2e-3], 0.0008164982356053407);
        check(A::Count, &some, 3.0);
        check(A::Range, &some, 3.0);
        check(A::Multiply, &some, NONE);
        check(A::Multiply, &[2.0, 3.0], 6.0);
        check(A::Last, &[1.0, 2.0, NONE], 2.0);
    }

    #[test]
    fn nothing_of_nothing() {
        let all = [
            A::Average,
            A::Median,
            A::Sum,
            A::Min,
            A::Max,
            A::Diff,
            A::Stddev,
            A::Range,
            A::Multiply,
            A::Last,
        ];
        for aggregate in all {
            check(aggregate, &[NONE, NONE], NONE);
            check(aggregate, &[], NONE);
        }
        check(A::AverageZero, &[NONE, NONE], 0.0);
    }
}
