//! Percentiles in Graphite's way.

/// The `n`-th percentile of `values`, NaN among them skipped; NaN of nothing.
///
/// The rank is `n / 100 * (count + 1)`, rounded up, or between two values where `interpolate` is set; it never leaves
/// the values. O(count log count).
///
/// ```
/// use lanner_graphite::percentile;
/// let values = [4.0, f64::NAN, 1.0, 3.0, 2.0];
/// assert_eq!(percentile(&values, 50.0, false), 3.0); // rank 2.5: the third
/// assert_eq!(percentile(&values, 50.0, true), 2.5);
/// assert_eq!(percentile(&values, 100.0, false), 4.0);
/// ```
#[must_use]
pub fn percentile(values: &[f64], n: f64, interpolate: bool) -> f64 {
    let mut there: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    percentile_of_sorted(sorted(&mut there), n, interpolate)
}

fn sorted(values: &mut [f64]) -> &[f64] {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// As [`percentile()`], of values in order and without NaN. O(1).
#[must_use]
pub fn percentile_of_sorted(values: &[f64], n: f64, interpolate: bool) -> f64 {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return f64::NAN };
    #[expect(clippy::cast_precision_loss, reason = "numbers of values are far below 2^53")]
    let exact = n / 100.0 * (values.len() as f64 + 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` stops at the ends")]
    let rank = if interpolate { exact.trunc() } else { exact.ceil() } as usize;
    let at = match rank {
        0 => *first,
        rank => *values.get(rank - 1).unwrap_or(last),
    };
    match values.get(rank) {
        Some(next) if interpolate => at + exact.fract() * (next - at),
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[track_caller]
    fn check(n: f64, rounded: f64, interpolated: f64) {
        let values = [10.0, 20.0, 30.0];
        assert_eq!(percentile(&values, n, false), rounded, "{n} rounded");
        assert_eq!(percentile(&values, n, true), interpolated, "{n} interpolated");
    }

    #[test]
    fn of_three() {
        //     n    rounded interpolated
        check(0.0, 10.0, 10.0);
        check(10.0, 10.0, 10.0); // below the first rank
        check(25.0, 10.0, 10.0);
        check(50.0, 20.0, 20.0);
        check(62.5, 30.0, 25.0);
        check(100.0, 30.0, 30.0);
        check(1000.0, 30.0, 30.0);
        assert!(percentile(&[f64::NAN], 50.0, false).is_nan());
        assert!(percentile(&[], 50.0, true).is_nan());
    }
}
