//! A rule with other limits, written as its author would write them.

use serde_json::{Map, Value};

use crate::detector::{Dial, KINDS, Side};
use crate::rule::Rule;

/// The kind of a rule's detector: the field that chooses it.
pub(super) fn kind(rule: &Rule) -> Option<&'static str> {
    let document = rule.document();
    KINDS.iter().map(|kind| kind.name).find(|name| document.get(name).is_some_and(|it| !it.is_null()))
}

/// The detector and the rule with `dials` turned to `limits`; `None` if the rule does not take them.
///
/// Where recovery has limits of its own, they move along. Where two levels would pass each other, both move.
pub(super) fn turned(rule: &Rule, kind: &str, dials: &[Dial], limits: &[f64]) -> Option<(Value, Rule)> {
    let mut document = rule.document();
    let mut detector = document.get(kind)?.as_object()?.clone();
    expand(&mut detector);
    let moves: Vec<(&Dial, f64)> = dials.iter().zip(limits.iter().copied()).collect();
    keep_apart(&mut detector, &moves);
    recover(&mut detector, &moves);
    for (dial, limit) in moves {
        detector.insert(dial.field.to_owned(), written(limit, dial.unit));
    }
    let detector = Value::Object(detector);
    *document.get_mut(kind)? = detector.clone();
    let turned = Rule::from_json(&document, rule.version).ok()?;
    // Levels that passed each other would mean the opposite.
    let dial = dials.first()?;
    let same_side =
        turned.detector.dials().iter().flatten().any(|it| it.field == dial.field && it.bad == dial.bad);
    same_side.then_some((detector, turned))
}

/// The rule with limits that leave its scores as they are, so that those before limits can be told from them;
/// `None` when its own do.
#[must_use]
pub fn bare(rule: &Rule) -> Option<Rule> {
    if rule.detector.is_raw_exact() {
        return None;
    }
    let kind = kind(rule)?;
    let mut document = rule.document();
    let detector = document.get_mut(kind)?.as_object_mut()?;
    detector.remove("recover_at");
    // A power of two, below every limit that a detector may have.
    detector.insert("above".to_owned(), Value::from(0.5));
    Rule::from_json(&document, rule.version).ok()
}

/// `outside: [a, b]` as `min` and `max`.
fn expand(limits: &mut Map<String, Value>) {
    let Some(outside) = limits.remove("outside") else { return };
    for (at, name) in ["min", "max"].into_iter().enumerate() {
        limits.insert(name.to_owned(), outside.get(at).cloned().unwrap_or_default());
    }
}

/// Moves the error along when a warning would pass it.
fn keep_apart(detector: &mut Map<String, Value>, moves: &[(&Dial, f64)]) {
    let [(dial, limit)] = moves else { return };
    let Some(error) = detector.get("error").and_then(Value::as_f64).filter(|_| dial.field == "warn") else {
        return;
    };
    let has_passed = match dial.bad {
        Side::Above => *limit > error,
        Side::Below => *limit <= error,
    };
    if has_passed {
        detector.insert("error".to_owned(), number(tidy(limit + (error - dial.at))));
    }
}

/// Moves the limits of recovery along: those in the unit of the query by as much, others in proportion.
fn recover(detector: &mut Map<String, Value>, moves: &[(&Dial, f64)]) {
    match detector.get_mut("recover_at") {
        Some(Value::Object(limits)) => {
            expand(limits);
            for (dial, limit) in moves {
                if let Some(at) = limits.get(dial.field).and_then(Value::as_f64) {
                    limits.insert(dial.field.to_owned(), number(tidy(limit + (at - dial.at))));
                }
            }
        }
        Some(written_at) => {
            let share = moves.iter().map(|(dial, limit)| limit / dial.at).fold(f64::INFINITY, f64::min);
            let text =
                written_at.as_str().map(|text| text.trim().trim_end_matches('%').trim_end().parse().ok());
            let at = text.flatten().or_else(|| written_at.as_f64());
            let least = moves.iter().map(|(_, limit)| *limit).fold(f64::INFINITY, f64::min);
            let unit = moves.first().map_or("", |(dial, _)| dial.unit);
            if let Some(at) = at {
                *written_at = written(tidy(at * share).min(least), unit);
            }
        }
        None => {}
    }
}

/// Without what rounding left behind the twelfth digit.
fn tidy(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}

/// A number as people write it: whole ones without a point.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

fn written(limit: f64, unit: &str) -> Value {
    if unit.is_empty() { number(limit) } else { Value::from(format!("{limit}{unit}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Node;

    #[test]
    fn limits_are_written_as_their_author_would() {
        #[track_caller]
        fn check(detector: &str, set: usize, limits: &[f64], expected: &str) {
            let text = format!("{{ id: a, query: {{ target: a }}, window: 1m, {detector} }}");
            let rule = Rule::check(&Node::from_yaml(&text).unwrap(), "", 1).unwrap();
            let dials = rule.detector.dials().swap_remove(set);
            let actual = turned(&rule, kind(&rule).unwrap(), &dials, limits).map(|(detector, _)| detector);
            let expected = Node::from_yaml(expected).unwrap().to_json();
            assert_eq!(
                actual.unwrap_or_else(|| Value::Object(Map::new())),
                expected,
                "{detector} to {limits:?}"
            );
        }
        check("absolute: { max: 10 }", 0, &[12.5], "{ max: 12.5 }");
        check("absolute: { outside: [1, 5] }", 0, &[2.0, 4.0], "{ min: 2, max: 4 }");
        check("absolute: { outside: [1, 5] }", 0, &[4.0, 2.0], "");
        let recovering = "absolute: { max: 10, recover_at: { max: 9.7 } }";
        check(recovering, 0, &[12.5], "{ max: 12.5, recover_at: { max: 12.2 } }");
        let recovering = "relative: { to: 1w, drop: 20%, recover_at: 10% }";
        check(recovering, 0, &[30.0], "{ to: 1w, drop: 30%, recover_at: 15% }");
        check("relative: { to: 1w, change: 20% }", 0, &[7.5], "{ to: 1w, change: 7.5% }");
        check("relative: { to: 1w, change: 20% }", 0, &[-1.0], "");
        check("variation: { above: 1, recover_at: 0.8 }", 0, &[2.0], "{ above: 2, recover_at: 1.6 }");
        check("variation: { n: 5 }", 0, &[2.0], ""); // the ceiling
        check("expression: { warn: 1, error: 2 }", 0, &[1.5], "{ warn: 1.5, error: 2 }");
        check("expression: { warn: 1, error: 2 }", 0, &[3.0], "{ warn: 3, error: 4 }");
        check("expression: { warn: 1, error: 2 }", 1, &[3.0], "{ warn: 1, error: 3 }");
        check("expression: { warn: 1, error: 2 }", 1, &[0.5], ""); // it would mean low values
        check("expression: { warn: 20, error: 5 }", 0, &[4.0], "{ warn: 4, error: -11 }");
    }

    #[test]
    fn bare_rules_score_without_limits() {
        #[track_caller]
        fn check(detector: &str, expected: Option<&str>) {
            let text = format!("{{ id: a, query: {{ target: a }}, window: 1m, {detector} }}");
            let rule = Rule::check(&Node::from_yaml(&text).unwrap(), "", 1).unwrap();
            let bare = bare(&rule).map(|bare| bare.document()["variation"].clone());
            let expected = expected.map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(bare, expected, "{detector}");
        }
        check("absolute: { max: 10 }", None);
        check("variation: { n: 5, above: 1 }", None);
        check("variation: { n: 5, above: 0.25 }", None);
        check("variation: { n: 5, above: 0.3 }", Some(r#"{"above":0.5,"n":5}"#));
        check("variation: { n: 2, above: 0.5, recover_at: 0.4 }", Some(r#"{"above":0.5,"n":2}"#));
    }
}
