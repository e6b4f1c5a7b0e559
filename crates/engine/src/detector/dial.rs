//! Tunable limits: the limits of a detector for which a review can suggest better numbers.

use lanner_core::Score;

/// Which side of a limit is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Larger values.
    Above,
    /// Smaller values.
    Below,
}

/// A limit of a detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dial {
    /// Its field below the detector's, such as `max`.
    pub field: &'static str,
    /// Where it stands, in its unit.
    pub at: f64,
    /// What is bad.
    pub bad: Side,
    /// Whether what lies on the limit is bad as well.
    pub inclusive: bool,
    /// What is written behind the number: `%`, or nothing.
    pub unit: &'static str,
    /// Whether it decides only whether an alert is an error, not whether there is one.
    pub errors_only: bool,
}

impl Dial {
    /// A limit in the unit of the query or the score, above which it is bad.
    #[must_use]
    pub const fn above(field: &'static str, at: f64) -> Self {
        Self { field, at, bad: Side::Above, inclusive: false, unit: "", errors_only: false }
    }

    /// Whether a limit at `a` lets more pass than one at `b`.
    #[must_use]
    pub fn is_laxer(&self, a: f64, b: f64) -> bool {
        match self.bad {
            Side::Above => a > b,
            Side::Below => a < b,
        }
    }

    /// Whether a value with this [edge](super::Detector::edge) is bad when the limit stands at `at`.
    #[must_use]
    pub fn is_bad(&self, edge: f64, at: f64) -> bool {
        self.is_laxer(edge, at) || (self.inclusive && edge == at)
    }
}

/// What is kept of a value that was scored: enough to score it again under other limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// The value.
    pub value: f64,
    /// What it was compared with.
    pub base: Option<f64>,
    /// Its score before limits, as [`super::Detector::raw`] gives it.
    pub raw: f64,
}

impl Past {
    /// A value and its score, for detectors that need no more.
    #[must_use]
    pub const fn new(value: f64, base: Option<f64>, raw: f64) -> Self {
        Self { value, base, raw }
    }
}

/// No score under limits that cannot be judged by.
pub(super) fn or_nothing<E>(score: Result<Score, E>) -> Score {
    score.unwrap_or(Score::ZERO)
}
