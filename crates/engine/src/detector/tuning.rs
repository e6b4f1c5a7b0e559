//! What looking back tunes: the limits of a detector for which it can name better numbers.
//!
//! Scoring knows nothing of it. What a detector says of its limits, and how a document with other limits is written,
//! stands here and in the detector's own file.

use lanner_core::Score;
use serde_json::{Map, Value};

use crate::source::Ceiling;
use crate::source::Query;

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
pub struct Tunable {
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

impl Tunable {
    /// A limit in the unit of the query or the score, above which it is bad.
    #[must_use]
    pub const fn above(field: &'static str, at: f64) -> Self {
        Self { field, at, bad: Side::Above, inclusive: false, unit: "", errors_only: false }
    }

    /// Whether a limit at `a` lets more pass than one at `b`.
    #[must_use]
    pub(crate) fn is_laxer(&self, a: f64, b: f64) -> bool {
        match self.bad {
            Side::Above => a > b,
            Side::Below => a < b,
        }
    }

    /// Whether a value with this [limit](Tuning::limit_at) is bad when the limit stands at `at`.
    #[must_use]
    pub fn is_bad(&self, limit_at: f64, at: f64) -> bool {
        self.is_laxer(limit_at, at) || (self.inclusive && limit_at == at)
    }
}

/// What is kept of a value that was scored: enough to score it again under other limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredValue {
    /// The value.
    pub value: f64,
    /// What it was compared with.
    pub baseline: Option<f64>,
    /// Its score before limits, as [`Tuning::unscaled`] gives it.
    pub unscaled: f64,
}

impl ScoredValue {
    /// A value and its score, for detectors that need no more.
    #[must_use]
    pub const fn new(value: f64, baseline: Option<f64>, unscaled: f64) -> Self {
        Self { value, baseline, unscaled }
    }
}

/// What the limits of a detector are measured against.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// What is measured.
    pub query: &'a dyn Query,
    /// The length of its windows, milliseconds.
    pub window_ms: i64,
    /// The distance of the values that an expression reads, seconds, where it is known.
    pub step_s: Option<i64>,
}

/// The limits of a detector, as what tunes them sees them.
pub trait Tuning {
    /// The limits that can be tuned; those that are tuned together stand together.
    fn tunables(&self) -> Vec<Vec<Tunable>> {
        Vec::new()
    }

    /// What a score of this detector was before limits, to within rounding; `None` if that can no longer be told.
    fn unscaled(&self, score: Score) -> Option<f64> {
        Some(score.value())
    }

    /// Where a limit would have to stand for this value to lie on it.
    fn limit_at(&self, _: &Tunable, scored: &ScoredValue) -> f64 {
        scored.value
    }

    /// Scores again what was scored before, perhaps by a detector with other limits: what
    /// [`Detector::score`](super::Detector::score) would say.
    fn rescore(&self, scored: &ScoredValue, firing: bool) -> Score;

    /// The farthest that can come in the direction of a limit, as far as arithmetic tells before any data is seen.
    fn ceiling(&self, _: &Tunable, _: &Measured<'_>) -> Option<Ceiling> {
        None
    }

    /// Writes other limits into the document of a detector, as its author would write them: where recovery has limits
    /// of its own, they move along.
    fn tune(&self, document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
        recover_in_proportion(document, moves);
        insert(document, moves);
    }

    /// Writes limits into the document that leave scores as they are, so that those before limits can be told from
    /// them. Returns whether there was anything to write: `false` when the detector's own limits leave them so.
    fn unscale(&self, _document: &mut Map<String, Value>) -> bool {
        false
    }
}

/// Writes the limits themselves.
pub(super) fn insert(document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
    for (tunable, limit) in moves {
        document.insert(tunable.field.to_owned(), written(*limit, tunable.unit));
    }
}

/// Moves one limit of recovery along with the limits that fire, in proportion.
fn recover_in_proportion(document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
    let Some(written_at) = document.get_mut("recover_at") else { return };
    let share = moves.iter().map(|(tunable, limit)| limit / tunable.at).fold(f64::INFINITY, f64::min);
    let text = written_at.as_str().map(|text| text.trim().trim_end_matches('%').trim_end().parse().ok());
    let at = text.flatten().or_else(|| written_at.as_f64());
    let least = moves.iter().map(|(_, limit)| *limit).fold(f64::INFINITY, f64::min);
    let unit = moves.first().map_or("", |(tunable, _)| tunable.unit);
    if let Some(at) = at {
        *written_at = written(tidy(at * share).min(least), unit);
    }
}

/// Without what rounding left behind the twelfth digit.
pub(super) fn tidy(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}

/// A number as people write it: whole ones without a point.
pub(super) fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

fn written(limit: f64, unit: &str) -> Value {
    if unit.is_empty() { number(limit) } else { Value::from(format!("{limit}{unit}")) }
}
