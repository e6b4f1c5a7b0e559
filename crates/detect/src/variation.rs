//! `variation`: the coefficient of variation, standard deviation over mean, of the last `n` values.
//!
//! Use it for metrics that should be calm: it needs no season and little history. It finds the edge of a change
//! and unrest, not a new level: once the window has passed a step, calm has returned.

use std::collections::VecDeque;

use lanner_core::{Score, Scorer};

use super::{NotScored, ParamError, Scored, SeriesDetector, require_count, score_of};

/// What [`Variation`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `n` | values of the window | 10 | 2 to 100,000 |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariationParams {
    /// Values of the window.
    pub n: usize,
}

impl Default for VariationParams {
    fn default() -> Self {
        Self { n: 10 }
    }
}

/// Scores the coefficient of variation of full windows: population standard deviation over the mean's size.
///
/// - **Score:** from 0 to [`ceiling`], which values of one sign cannot pass; a threshold at or above it never
///   fires. Values whose mean is 0 have the ceiling.
/// - **Rise and drop:** values mirrored about their mean score the same.
/// - **Zero:** a fall to 0 climbs to the ceiling and stays there until something is measured again. A series
///   that was never anything but 0 scores 0.
/// - **Missing:** gaps are skipped; as many in a row as the window is long empty it.
/// - **Cost:** O(n) a step, formed anew each time, so that rounding never adds up. State: `n` values.
///
/// ```
/// use lanner_core::Scorer;
/// use lanner_detect::{Variation, VariationParams};
///
/// let mut variation = Variation::try_new(VariationParams { n: 5 })?;
/// assert!([10.0; 4].iter().all(|y| variation.push(*y).is_none())); // warming up
/// let score = variation.push(40.0).unwrap();
/// assert!((score.value() - 0.75).abs() < 1e-12); // mean 16, standard deviation 12
/// # Ok::<(), lanner_detect::ParamError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Variation {
    n: usize,
    window: VecDeque<f64>,
    n_gaps: usize,
    /// Whether anything but 0 was ever measured.
    alive: bool,
    /// Whether a window was full before.
    warm: bool,
}

/// The largest coefficient of variation that `n` values of one sign can have: `sqrt(n - 1)`, when all but one
/// of them are 0.
#[must_use]
pub fn ceiling(n: usize) -> f64 {
    (n.max(1) as f64 - 1.0).sqrt()
}

impl Variation {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(VariationParams { n }: VariationParams) -> Result<Self, ParamError> {
        require_count(n, 2, 100_000, "n", "2 to 100000")?;
        Ok(Self { n, window: VecDeque::new(), n_gaps: 0, alive: false, warm: false })
    }

    /// Mean, standard deviation and their quotient. Scaled, so that no square overflows.
    fn judge(&self) -> Scored {
        let scale = self.window.iter().fold(0.0_f64, |scale, y| scale.max(y.abs()));
        let ceiling = ceiling(self.n);
        if scale == 0.0 {
            let score = Score::new(if self.alive { ceiling } else { 0.0 });
            return Scored { score, expected: 0.0, lower: 0.0, upper: 0.0 };
        }
        let n = self.n as f64;
        // Around the first value: equal values then have exactly no spread.
        let first = self.window[0] / scale;
        let offset = self.window.iter().map(|y| y / scale - first).sum::<f64>() / n;
        let squares = self.window.iter().map(|y| (y / scale - first - offset).powi(2));
        let stddev = (squares.sum::<f64>() / n).sqrt();
        let mean = first + offset;
        let variation = if stddev == 0.0 { 0.0 } else { (stddev / mean.abs()).min(ceiling) };
        let (mean, stddev) = (mean * scale, stddev * scale);
        Scored { score: Score::new(variation), expected: mean, lower: mean - stddev, upper: mean + stddev }
    }
}

impl SeriesDetector for Variation {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let Some(y) = y.filter(|y| y.is_finite()) else {
            self.n_gaps += 1;
            if self.n_gaps >= self.n {
                self.window.clear();
            }
            return Err(NotScored::Gap);
        };
        self.n_gaps = 0;
        self.alive |= y != 0.0;
        self.window.push_back(y);
        if self.window.len() > self.n {
            self.window.pop_front();
        }
        if self.window.len() < self.n {
            return Err(if self.warm { NotScored::NothingToCompare } else { NotScored::WarmingUp });
        }
        self.warm = true;
        Ok(self.judge())
    }
}

impl Scorer for Variation {
    fn warm_up(&self) -> usize {
        self.n - 1
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{last, mirrored_scores_agree};

    fn new(n: usize) -> Variation {
        Variation::try_new(VariationParams { n }).unwrap()
    }

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(|| new(10));
        lanner_testkit::check_scorer(|| new(2));
        mirrored_scores_agree(|| new(5), 0.0); // the same distance from 0, on the other side
    }

    #[test]
    fn windows() {
        #[track_caller]
        fn check(values: &str, expected: Result<f64, NotScored>) {
            let found = last(&mut new(5), values).map(|judged| judged.score.value());
            let close = matches!((found, expected), (Ok(a), Ok(b)) if (a - b).abs() < 1e-12);
            assert!(close || found == expected, "{values}: {found:?} is not {expected:?}");
        }
        check("10 10 10 10", Err(NotScored::WarmingUp));
        check("10 10 10 10 10", Ok(0.0));
        check("0.1x5", Ok(0.0)); // although 0.1 * 5 / 5 need not be 0.1
        check("10 10 10 10 40", Ok(0.75));
        check("10 10 10 10 -20", Ok(2.0)); // mean 4, standard deviation 12: the ceiling
        check("0 0 0 0 0", Ok(0.0)); // never anything else
        check("10 10 10 10 10 0", Ok(0.5));
        check("10x5 0 0 0 0", Ok(2.0)); // the ceiling of five values
        check("10x5 0x50", Ok(2.0)); // an outage stays
        check("0x9 10", Ok(2.0));
        check("-10 10 -10 10 0", Ok(2.0)); // mean 0
        check("10x5 _ _ _ 10", Ok(0.0)); // a gap is skipped
        check("10x5 _ _ _ _ _ 10", Err(NotScored::NothingToCompare));
        check("10x5 _", Err(NotScored::Gap));
        check("10 20x5", Ok(0.0)); // a new level is calm again
        check("1e300 1e300 1e300 1e300 4e300", Ok(0.75));
    }

    #[test]
    fn parameters() {
        let error = Variation::try_new(VariationParams { n: 1 }).unwrap_err();
        assert_eq!(error.to_string(), "n should be 2 to 100000, found 1");
        assert_eq!(ceiling(10), 3.0);
    }
}
