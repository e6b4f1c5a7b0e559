//! The score of a detector, and the one step that decides.
//!
//! Every detector only scores. [`Threshold::exceeded_by`] is the only place in Lanner where a score
//! becomes a finding.

use serde::{Deserialize, Serialize};

/// How strange something is: dimensionless, never negative, never NaN, larger is stranger.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Score(f64);

impl Score {
    /// Nothing strange at all.
    pub const ZERO: Self = Self(0.0);

    /// A score from a number: NaN and negative numbers become 0, infinity stays.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self(if value > 0.0 { value } else { 0.0 })
    }

    /// The score as a number: at least 0, never NaN, possibly infinite.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

/// The cut-off above which a score counts; see [`Threshold::exceeded_by`] for what lies on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold(f64);

impl Threshold {
    /// Scores strictly above `score` count.
    #[must_use]
    pub const fn above(score: f64) -> Self {
        Self(score)
    }

    /// Whether `score` counts: strictly above, so that a value exactly on a limit is allowed.
    ///
    /// ```
    /// use lanner_core::{Score, Threshold};
    /// assert!(!Threshold::above(1.0).exceeded_by(Score::new(1.0)));
    /// assert!(Threshold::above(1.0).exceeded_by(Score::new(1.01)));
    /// ```
    #[must_use]
    pub fn exceeded_by(self, score: Score) -> bool {
        score.0 > self.0
    }
}

/// Turns samples into anomaly scores, one at a time.
///
/// What every implementation keeps, and the test kit's scorer contract verifies: same samples in, same
/// scores out; score `t` uses samples up to `t` only; `None` for the first [`warm_up`](Self::warm_up)
/// samples and `Some` afterwards. Whether a score is an anomaly is the [`Threshold`]'s decision.
pub trait Scorer {
    /// Samples consumed before the first score.
    fn warm_up(&self) -> usize;
    /// Scores the newest sample. `y` is finite: the pipeline drops gaps first.
    fn push(&mut self, y: f64) -> Option<Score>;
}
