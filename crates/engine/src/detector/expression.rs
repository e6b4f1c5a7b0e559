//! `expression`: two limits, `warn` and `error`, as checks of Seyren have them.
//!
//! High values are worse when `warn <= error`, otherwise low ones; a value on a limit has reached it. The score
//! says which was reached: 0 for neither, 1 for `warn`, 2 for `error`.

use lanner_core::field::{Field, Type};
use lanner_core::{Score, Threshold};
use serde_json::{Map, Value};

use super::tuning::{insert, number, tidy};
use super::{Baseline, Detector, Kind, Measured, ScoreResult, ScoredValue, Side, Tunable, Tuning};
use crate::document::{Check, Fields, Node};
use crate::source::Ceiling;

pub(super) const KIND: Kind = Kind {
    name: "expression",
    about: "a value that reached warn or error; low values are worse if error is the lower one",
    example: "{ warn: 1.0, error: 1.5 }",
    read,
    fields: &[
        Field::new("warn", "1.0", "limit of a warning").of(Type::Number),
        Field::new("error", "1.5", "limit of an error; the lower one if low values are worse")
            .of(Type::Number),
    ],
};

/// How bad a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Neither limit is reached.
    Ok,
    /// The value reached `warn`.
    Warn,
    /// The value reached `error`.
    Error,
}

/// The limits; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// From here on it is a warning.
    pub warn: Option<f64>,
    /// From here on it is an error.
    pub error: Option<f64>,
}

impl Levels {
    /// Whether it is high values that are bad.
    fn high_is_worse(self) -> bool {
        self.warn.zip(self.error).is_none_or(|(warn, error)| warn <= error)
    }

    /// How bad `value` is. One limit alone is for high values.
    ///
    /// ```
    /// use lanner_engine::detector::{Level, Levels};
    /// let disk_free = Levels { warn: Some(20.0), error: Some(5.0) };
    /// assert_eq!(disk_free.of(21.0), Level::Ok);
    /// assert_eq!(disk_free.of(20.0), Level::Warn);
    /// assert_eq!(disk_free.of(4.0), Level::Error);
    /// ```
    #[must_use]
    pub fn of(self, value: f64) -> Level {
        let high_is_worse = self.high_is_worse();
        let reached = |limit: &f64| if high_is_worse { value >= *limit } else { value <= *limit };
        if self.error.as_ref().is_some_and(reached) {
            Level::Error
        } else if self.warn.as_ref().is_some_and(reached) {
            Level::Warn
        } else {
            Level::Ok
        }
    }
}

impl Levels {
    fn score_of(self, value: f64) -> Score {
        Score::new(match self.of(value) {
            Level::Ok => 0.0,
            Level::Warn => 1.0,
            Level::Error => 2.0,
        })
    }

    /// Moves the error along when a warning would pass it.
    fn keep_apart(document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
        let [(warn, limit)] = moves else { return };
        let error = document.get("error").and_then(Value::as_f64);
        let Some(error) = error.filter(|_| warn.field == "warn") else { return };
        let has_passed = match warn.bad {
            Side::Above => *limit > error,
            Side::Below => *limit <= error,
        };
        if has_passed {
            document.insert("error".to_owned(), number(tidy(limit + (error - warn.at))));
        }
    }
}

impl Detector for Levels {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        self
    }

    fn score(&self, value: f64, _: &[Baseline], _: bool) -> ScoreResult {
        ScoreResult::against(None, Ok(self.score_of(value)))
    }

    fn threshold(&self) -> Threshold {
        Threshold::above(0.0)
    }

    fn is_too_much(&self, _: f64, _: Option<f64>) -> bool {
        self.high_is_worse()
    }

    fn grades(&self) -> bool {
        true
    }

    fn grade(&self, score: Score) -> Option<&'static str> {
        match score.value() {
            reached if reached >= 2.0 => Some("error"),
            reached if reached >= 1.0 => Some("warn"),
            _ => None,
        }
    }
}

impl Tuning for Levels {
    fn tunables(&self) -> Vec<Vec<Tunable>> {
        let bad = if self.high_is_worse() { Side::Above } else { Side::Below };
        let tunable = |field, at| Tunable { bad, inclusive: true, ..Tunable::above(field, at) };
        let warn = self.warn.map(|at| vec![tunable("warn", at)]);
        let errors_only = self.warn.is_some();
        let error = self.error.map(|at| vec![Tunable { errors_only, ..tunable("error", at) }]);
        warn.into_iter().chain(error).collect()
    }

    fn rescore(&self, scored: &ScoredValue, _: bool) -> Score {
        self.score_of(scored.value)
    }

    fn ceiling(&self, tunable: &Tunable, measured: &Measured<'_>) -> Option<Ceiling> {
        let is_above = tunable.bad == Side::Above;
        is_above.then(|| measured.query.ceiling(measured.window_ms, measured.step_s)).flatten()
    }

    fn tune(&self, document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
        Self::keep_apart(document, moves);
        insert(document, moves);
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let number = |node: &Node| {
        node.number().ok_or_else(|| format!("should be a number, found {}", node.content.kind()))
    };
    let before = check.problems.len();
    let levels =
        Levels { warn: fields.read("warn", check, number), error: fields.read("error", check, number) };
    if levels.warn.or(levels.error).is_none() && check.problems.len() == before {
        check.problem(
            fields.node,
            &fields.path,
            "needs warn, error or both, for example { warn: 1.0, error: 1.5 }",
        );
    }
    (check.problems.len() == before).then(|| Box::new(levels) as Box<dyn Detector>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_reached_as_in_seyren() {
        #[track_caller]
        fn check(warn: Option<f64>, error: Option<f64>, value: f64, expected: Level) {
            assert_eq!(Levels { warn, error }.of(value), expected, "{value} with {warn:?} and {error:?}");
        }
        let (one, two) = (Some(1.0), Some(2.0));
        check(one, two, 0.99, Level::Ok);
        check(one, two, 1.0, Level::Warn);
        check(one, two, 2.0, Level::Error);
        check(two, one, 2.01, Level::Ok);
        check(two, one, 2.0, Level::Warn);
        check(two, one, 1.0, Level::Error);
        check(one, one, 1.0, Level::Error); // equal limits: high is worse, and it is an error at once
        check(one, one, 0.5, Level::Ok);
        check(one, None, 1.0, Level::Warn);
        check(None, two, 2.0, Level::Error);
        check(None, two, 1.9, Level::Ok);
        check(one, two, f64::INFINITY, Level::Error);
    }
}
