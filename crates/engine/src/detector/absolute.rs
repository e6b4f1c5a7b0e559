//! `absolute`: a value below a minimum or above a maximum.
//!
//! The score is the distance outside the limits, in the unit of the query; 0 inside and on them.

use lanner_core::field::{Field, Type};
use lanner_core::{Score, Threshold};
use serde_json::{Map, Value};

use super::tuning::{insert, number, tidy};
use super::{Baseline, Detector, Kind, Measured, ScoreResult, ScoredValue, Side, Tunable, Tuning};
use crate::document::{Check, Fields};
use crate::source::Ceiling;

pub(super) const KIND: Kind = Kind {
    name: "absolute",
    about: "a value below a minimum, above a maximum, or outside both",
    example: "{ min: 400, recover_at: { min: 420 } }",
    read,
    fields: &[
        MIN,
        MAX,
        OUTSIDE,
        Field::new("recover_at", "{ min: 420 }", "limits that a firing alert must return to")
            .of(Type::Map(LIMITS)),
    ],
};

const MIN: Field = Field::new("min", "400", "fires below this value").of(Type::Number);
const MAX: Field = Field::new("max", "9000", "fires above this value").of(Type::Number);
const OUTSIDE: Field =
    Field::new("outside", "[400, 9000]", "short for `min` and `max`").of(Type::List(&Type::Number));
const LIMITS: &[Field] = &[MIN, MAX, OUTSIDE];

#[derive(Debug, Clone, Copy, PartialEq)]
struct Limits {
    min: f64,
    max: f64,
}

#[derive(Debug)]
struct Absolute {
    fires: Limits,
    recovers: Limits,
}

impl Absolute {
    /// The distance outside the limits.
    fn outside(&self, value: f64, firing: bool) -> Score {
        let limits = if firing { self.recovers } else { self.fires };
        Score::new((limits.min - value).max(value - limits.max))
    }
}

impl Detector for Absolute {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        self
    }

    fn score(&self, value: f64, _: &[Baseline], firing: bool) -> ScoreResult {
        ScoreResult::against(None, Ok(self.outside(value, firing)))
    }

    fn threshold(&self) -> Threshold {
        Threshold::above(0.0)
    }

    fn is_too_much(&self, value: f64, _: Option<f64>) -> bool {
        value > self.recovers.max
    }
}

impl Tuning for Absolute {
    fn tunables(&self) -> Vec<Vec<Tunable>> {
        let Limits { min, max } = self.fires;
        let min = Tunable { bad: Side::Below, ..Tunable::above("min", min) };
        vec![[min, Tunable::above("max", max)].into_iter().filter(|tunable| tunable.at.is_finite()).collect()]
    }

    fn rescore(&self, scored: &ScoredValue, firing: bool) -> Score {
        self.outside(scored.value, firing)
    }

    fn ceiling(&self, tunable: &Tunable, measured: &Measured<'_>) -> Option<Ceiling> {
        let is_floor = tunable.bad == Side::Below && measured.query.counts();
        is_floor.then(|| Ceiling::never(0.0, "a count is never below 0".to_owned()))
    }

    /// Recovery has limits in the same unit: they move by as much.
    fn tune(&self, document: &mut Map<String, Value>, moves: &[(&Tunable, f64)]) {
        expand(document);
        if let Some(Value::Object(limits)) = document.get_mut("recover_at") {
            expand(limits);
            for (tunable, limit) in moves {
                if let Some(at) = limits.get(tunable.field).and_then(Value::as_f64) {
                    limits.insert(tunable.field.to_owned(), number(tidy(limit + (at - tunable.at))));
                }
            }
        }
        insert(document, moves);
    }
}

/// `outside: [a, b]` as `min` and `max`.
fn expand(limits: &mut Map<String, Value>) {
    let Some(outside) = limits.remove("outside") else { return };
    for (at, name) in ["min", "max"].into_iter().enumerate() {
        limits.insert(name.to_owned(), outside.get(at).cloned().unwrap_or_default());
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let fires = limits(fields, check)?;
    let mut recovers = fires;
    if let Some(node) = fields.get("recover_at") {
        let path = fields.path_of("recover_at");
        let mut inner = check.map(node, &path)?;
        recovers = limits(&mut inner, check)?;
        inner.finish_of(LIMITS, check);
        let kept = |at: f64, own: f64| if at.is_finite() { at } else { own };
        recovers = Limits { min: kept(recovers.min, fires.min), max: kept(recovers.max, fires.max) };
        if recovers.min < fires.min || recovers.max > fires.max {
            check.problem(
                node,
                &path,
                "should lie inside the limits that fire, so that an alert does not flap",
            );
            return None;
        }
    }
    Some(Box::new(Absolute { fires, recovers }))
}

fn limits(fields: &mut Fields<'_>, check: &mut Check) -> Option<Limits> {
    let number = |node: &crate::document::Node| {
        node.number().ok_or_else(|| format!("should be a number, found {}", node.content.kind()))
    };
    let mut min = fields.read("min", check, number);
    let mut max = fields.read("max", check, number);
    if let Some(node) = fields.get("outside") {
        let path = fields.path_of("outside");
        let both: Vec<f64> = check.items(node).iter().filter_map(|node| node.number()).collect();
        let [low, high] = both[..] else {
            check.problem(node, &path, "should be a list of two numbers, for example outside: [10, 20]");
            return None;
        };
        if min.is_some() || max.is_some() {
            check.problem(node, &path, "says the same as min and max; write one or the other");
            return None;
        }
        (min, max) = (Some(low), Some(high));
    }
    let limits = Limits { min: min.unwrap_or(f64::NEG_INFINITY), max: max.unwrap_or(f64::INFINITY) };
    if min.is_none() && max.is_none() {
        // What is written wrongly has been said.
        if fields.get("min").or(fields.get("max")).is_none() {
            check.problem(fields.node, &fields.path, "needs min, max or outside, for example { min: 400 }");
        }
        return None;
    }
    if limits.min > limits.max {
        check.problem(fields.node, &fields.path, format!("min {} is above max {}", limits.min, limits.max));
        return None;
    }
    Some(limits)
}
