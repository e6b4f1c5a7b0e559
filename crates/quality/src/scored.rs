//! Checked labels and scores, so that metrics need not handle bad input.

use std::ops::Range;

/// `n` labels and `n` scores, with at least one labelled point and one that is not.
///
/// Scores are in any unit, larger is stranger; infinite ones are allowed, NaN is not.
///
/// ```
/// use lanner_quality::{MetricError, Scored, auc_pr};
///
/// let scored = Scored::new(&[false, true, false], &[0.1, 0.9, 0.2])?;
/// assert_eq!(auc_pr(&scored), 1.0);
/// assert_eq!(Scored::new(&[false], &[1.0]), Err(MetricError::NothingLabelled));
/// # Ok::<(), MetricError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<'a> {
    labels: &'a [bool],
    scores: &'a [f64],
}

/// Why labels and scores cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// There is not one score a label.
    #[error("{labels} labels, but {scores} scores")]
    Lengths {
        /// Labels given.
        labels: usize,
        /// Scores given.
        scores: usize,
    },
    /// A score is not a number.
    #[error("score {index} is not a number")]
    NotANumber {
        /// Which score, from 0.
        index: usize,
    },
    /// Nothing to find.
    #[error("no point is labelled as an anomaly, so there is nothing to find")]
    NothingLabelled,
    /// Nothing to leave alone.
    #[error("every point is labelled as an anomaly, so no alarm could be false")]
    AllLabelled,
    /// A window of a file cannot be used.
    #[error("window {index} is empty, out of order or out of the file")]
    Window {
        /// Which window, from 0.
        index: usize,
    },
}

impl<'a> Scored<'a> {
    /// Checks labels and scores. Cost: O(n).
    ///
    /// # Errors
    /// One for each way in which metrics would have no meaning, see [`MetricError`].
    pub fn new(labels: &'a [bool], scores: &'a [f64]) -> Result<Self, MetricError> {
        if labels.len() != scores.len() {
            return Err(MetricError::Lengths { labels: labels.len(), scores: scores.len() });
        }
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(MetricError::NotANumber { index });
        }
        if !labels.contains(&true) {
            return Err(MetricError::NothingLabelled);
        }
        if !labels.contains(&false) {
            return Err(MetricError::AllLabelled);
        }
        Ok(Self { labels, scores })
    }

    /// Points, at least two.
    pub(super) const fn n(&self) -> usize {
        self.labels.len()
    }

    /// One label a point.
    pub(super) const fn labels(&self) -> &'a [bool] {
        self.labels
    }

    /// One score a point.
    pub(super) const fn scores(&self) -> &'a [f64] {
        self.scores
    }

    /// Labelled points, at least one and not all.
    pub(super) fn n_labelled(&self) -> usize {
        self.labels.iter().filter(|&&label| label).count()
    }

    /// Which points have a score strictly above `threshold`.
    pub(super) fn above(&self, threshold: f64) -> Vec<bool> {
        self.scores.iter().map(|&score| score > threshold).collect()
    }

    /// The best value of `metric` over 100 evenly spaced thresholds from the least to the greatest finite score.
    pub(super) fn best_of_100(&self, metric: impl Fn(&[bool]) -> f64) -> f64 {
        let finite = || self.scores.iter().copied().filter(|score| score.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let step = (high - low) / 99.0;
        let threshold = |i: usize| if i == 99 { high } else { low + i as f64 * step };
        (0..100).map(|i| metric(&self.above(threshold(i)))).fold(0.0, f64::max)
    }
}

/// The runs of labelled points, as half-open ranges of indices, in order. Cost: O(n).
///
/// ```
/// assert_eq!(lanner_quality::events(&[true, false, true, true]), [0..1, 2..4]);
/// ```
#[must_use]
pub fn events(labels: &[bool]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut events = Vec::new();
    for run in labels.chunk_by(|a, b| a == b) {
        if run[0] {
            events.push(start..start + run.len());
        }
        start += run.len();
    }
    events
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_measured_is_refused() {
        #[track_caller]
        fn check(labels: &[bool], scores: &[f64], message: &str) {
            assert_eq!(Scored::new(labels, scores).unwrap_err().to_string(), message);
        }
        check(&[true, false], &[1.0], "2 labels, but 1 scores");
        check(&[true, false], &[1.0, f64::NAN], "score 1 is not a number");
        check(&[], &[], "no point is labelled as an anomaly, so there is nothing to find");
        check(
            &[false, false],
            &[1.0, 2.0],
            "no point is labelled as an anomaly, so there is nothing to find",
        );
        check(
            &[true, true],
            &[1.0, 2.0],
            "every point is labelled as an anomaly, so no alarm could be false",
        );
    }

    #[test]
    fn runs_are_events() {
        assert!(events(&[]).is_empty());
        assert!(events(&[false]).is_empty());
        assert_eq!(events(&[true, true]), [0..2]);
        assert_eq!(events(&[false, true, false, true]), [1..2, 3..4]);
    }
}
