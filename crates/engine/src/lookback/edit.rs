//! A rule with other limits, written as its author would write them.

use serde_json::{Map, Value};

use crate::detector::Tunable;
use crate::rule::Rule;

/// The detector and the rule with `tunables` moved to `limits`; `None` if the rule does not take them.
///
/// Where recovery has limits of its own, they move along. Where two levels would pass each other, both move.
pub(super) fn tuned(rule: &Rule, tunables: &[Tunable], limits: &[f64]) -> Option<(Value, Rule)> {
    let mut document = rule.document();
    let detector = detector_in(&mut document, rule)?;
    let moves: Vec<(&Tunable, f64)> = tunables.iter().zip(limits.iter().copied()).collect();
    rule.detector.tuning().tune(detector, &moves);
    let detector = Value::Object(detector.clone());
    let tuned = Rule::from_json(&document, rule.version).ok()?;
    // Levels that passed each other would mean the opposite.
    let first = tunables.first()?;
    let is_same = |it: &Tunable| it.field == first.field && it.bad == first.bad;
    let same_side = tuned.detector.tuning().tunables().iter().flatten().any(is_same);
    same_side.then_some((detector, tuned))
}

/// The rule with limits that leave its scores as they are, so that those before limits can be told from them;
/// `None` when its own do.
#[must_use]
pub fn bare(rule: &Rule) -> Option<Rule> {
    let mut document = rule.document();
    let is_other = rule.detector.tuning().unscale(detector_in(&mut document, rule)?);
    is_other.then(|| Rule::from_json(&document, rule.version).ok()).flatten()
}

/// The fields of the detector in a rule's document.
fn detector_in<'d>(document: &'d mut Value, rule: &Rule) -> Option<&'d mut Map<String, Value>> {
    document.get_mut(rule.detector.kind())?.as_object_mut()
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
            let tunables = rule.detector.tuning().tunables().swap_remove(set);
            let actual = tuned(&rule, &tunables, limits).map(|(detector, _)| detector);
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
