//! `new`: a value of a field that was never seen, or not for a long time.
//!
//! The field joins the rule's `by` fields, so each value is a group: its alert names it, and what is measured is what the
//! value comes to in the window. Whether it was seen before is remembered by the measure ([`crate::measure::seen`]): a time
//! for each value, however long `over` is. The score is the value where it is new, and 0 where it is known.

use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::time::{DAY_MS, parse_duration_ms};
use lanner_core::{Outcome, Score, Threshold};

use super::{Baseline, Detector, Kind, ScoreResult, ScoredValue, Tuning};
use crate::document::{Check, Fields};
use crate::measure::seen::{LEARNING, Remembers, SEEN};

pub(super) const KIND: Kind = Kind {
    name: "new",
    about: "a value of a field that was never seen before",
    example: "{ field: country, over: 30d }",
    read,
    fields: &[
        Field::new("field", "country", "the field to look at").required(),
        Field::new("over", "30d", "how long a value stays known after it was last seen")
            .of(Type::Duration)
            .or("30d"),
        Field::new("learn", "1d", "how much history of the stream there must be before anything is new")
            .of(Type::Duration)
            .or("1d, at most `over`"),
    ],
};

#[derive(Debug)]
struct New(Remembers);

impl Detector for New {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        self
    }

    fn remembers(&self) -> Option<&Remembers> {
        Some(&self.0)
    }

    fn score(&self, value: f64, baselines: &[Baseline], _: bool) -> ScoreResult {
        let score = match baselines.first() {
            Some(Baseline::TooEarly) => Err(Outcome::HistoryShort),
            Some(Baseline::Value(base)) if *base == LEARNING => Err(Outcome::HistoryShort),
            Some(Baseline::Value(base)) if *base == SEEN => Ok(Score::ZERO),
            _ => Ok(Score::new(value)),
        };
        ScoreResult::against(None, score)
    }

    fn threshold(&self) -> Threshold {
        Threshold::above(0.0)
    }

    fn is_too_much(&self, value: f64, _: Option<f64>) -> bool {
        value > 0.0
    }
}

impl Tuning for New {
    /// Whether it was new is known from then alone.
    fn rescore(&self, scored: &ScoredValue, _: bool) -> Score {
        Score::new(scored.unscaled)
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    fields.require("field", "country", check);
    let field = fields.read("field", check, text);
    let mut duration = |name: &str, check: &mut Check| {
        fields.read(name, check, |node| parse_duration_ms(&text(node)?).map_err(|error| error.to_string()))
    };
    let over_ms = duration("over", check).unwrap_or(30 * DAY_MS);
    let learn_ms = duration("learn", check);
    if over_ms <= 0 {
        check.problem(fields.node, &fields.path_of("over"), "should be longer than that");
        return None;
    }
    if learn_ms.is_some_and(|learn_ms| learn_ms > over_ms) {
        let message = "is longer than over; values would be forgotten before anything is new";
        check.problem(fields.node, &fields.path_of("learn"), message);
        return None;
    }
    let learn_ms = learn_ms.unwrap_or(DAY_MS.min(over_ms));
    Some(Box::new(New(Remembers { field: field?, over_ms, learn_ms })))
}
