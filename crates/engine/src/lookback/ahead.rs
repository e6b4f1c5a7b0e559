//! What the weeks to come will bring, by what limits would have done in the past.
//!
//! Limits that were chosen so that so many episodes lie beyond are passed more often afterwards: the next episode
//! lay just before them. So one more than was seen is expected, and so few say little about the rate.

/// Four of five values of a normal distribution are within so many standard deviations.
const FOUR_OF_FIVE: f64 = 1.281_6;

/// Alarms a week to expect from limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// On average.
    pub per_week: f64,
    /// At least and at most so many in as long a time again, in about four cases out of five, where the series goes on as it was.
    pub range: (f64, f64),
}

/// What to expect of limits next to an episode's peak, beyond which `n_episodes` lay in so many `weeks`.
///
/// # Source
/// The rate is gamma distributed, and what comes varies as much again around it: together as a gamma distribution of half
/// the shape. Its quantiles are those of E. B. Wilson, M. M. Hilferty, "The distribution of chi-square",
/// Proceedings of the National Academy of Sciences 17(12), 1931.
pub(super) fn expected(n_episodes: u64, weeks: f64) -> Option<Expected> {
    if weeks <= 0.0 {
        return None;
    }
    let n = n_episodes as f64 + 1.0;
    let shape = n / 2.0;
    let quantile = |z: f64| n * (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt())).powi(3) / weeks;
    Some(Expected { per_week: n / weeks, range: (quantile(-FOUR_OF_FIVE), quantile(FOUR_OF_FIVE)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_their_ranges() {
        #[track_caller]
        fn check(n: u64, weeks: f64, per_week: f64, range: (f64, f64)) {
            let found = expected(n, weeks).unwrap();
            assert_eq!(found.per_week, per_week);
            // Quantiles of gamma distributions, by tables.
            let is_near = |a: f64, b: f64| (a - b).abs() < 0.03 * b.max(0.3);
            assert!(is_near(found.range.0, range.0) && is_near(found.range.1, range.1), "{found:?}");
        }
        check(0, 1.0, 1.0, (0.008, 2.706));
        check(3, 1.0, 4.0, (1.064, 7.780));
        check(3, 4.0, 1.0, (0.266, 1.945));
        check(99, 10.0, 10.0, (8.236, 11.850));
        assert_eq!(expected(3, 0.0), None);
    }
}
