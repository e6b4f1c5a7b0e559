//! Medians, and measures of spread that single values cannot move.

/// Makes the median absolute deviation of normal noise its standard deviation.
pub(super) const MAD_TO_STDDEV: f64 = 1.4826;

/// Makes the mean absolute deviation of normal noise its standard deviation: `sqrt(pi / 2)`.
pub(super) const MEAN_TO_STDDEV: f64 = 1.2533;

/// What the median absolute deviation of so few values falls short of that of many.
///
/// Source: C. Croux, P. J. Rousseeuw, "Time-efficient algorithms for two highly robust estimators of scale",
/// Computational Statistics 1, 1992.
const OF_FEW: [f64; 10] = [1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107];

/// The median; sorts partly. `None` without values. O(n).
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let (below, middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper = *middle;
    if n % 2 == 1 {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(lower / 2.0 + upper / 2.0)
}

/// The median, and the standard deviation of normal noise with the same median absolute deviation. Where more
/// than half of the values are equal, that would be 0: then from the mean absolute deviation instead.
pub(super) fn median_and_spread(values: &mut [f64]) -> Option<(f64, f64)> {
    let center = median(values)?;
    let n = values.len() as f64;
    values.iter_mut().for_each(|value| *value = (*value - center).abs());
    let mad = median(values)?;
    let spread = if mad > 0.0 {
        let of_few = OF_FEW.get(values.len()).copied().unwrap_or(1.0);
        mad * MAD_TO_STDDEV * of_few
    } else {
        values.iter().map(|value| value / n).sum::<f64>() * MEAN_TO_STDDEV
    };
    Some((center, spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        #[track_caller]
        fn check(values: &[f64], expected: Option<f64>) {
            assert_eq!(median(&mut values.to_vec()), expected);
        }
        check(&[], None);
        check(&[3.0], Some(3.0));
        check(&[4.0, 1.0], Some(2.5));
        check(&[9.0, 1.0, 5.0], Some(5.0));
        check(&[1e308, 1.5e308], Some(1.25e308));
    }

    #[test]
    fn spreads() {
        #[track_caller]
        fn check(values: &[f64], expected: (f64, f64)) {
            let (center, spread) = median_and_spread(&mut values.to_vec()).unwrap();
            assert!((center - expected.0).abs() < 1e-12 && (spread - expected.1).abs() < 1e-12, "{spread}");
        }
        check(&[1.0, 2.0, 3.0, 4.0, 500.0], (3.0, MAD_TO_STDDEV * 1.206));
        let many: Vec<f64> = (-50..=50).map(f64::from).collect();
        check(&many, (0.0, 25.0 * MAD_TO_STDDEV));
        check(&[7.0, 7.0, 7.0, 7.0, 12.0], (7.0, MEAN_TO_STDDEV));
        check(&[7.0; 4], (7.0, 0.0));
    }
}
