//! A switch as a flag with values of its own, for OpenFeature clients.
//!
//! Such a switch blocks nothing: it only says which of two values a context gets.

use lanner_conditions::Condition;
use lanner_core::Node;
use lanner_core::document::{Check, Content};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use serde_json::{Map, Value};

/// The values of a flag, of one kind.
#[derive(Debug, Clone)]
pub struct Flag {
    /// What a context gets that the condition matches.
    pub on: Variant,
    /// What others get: the first of these whose condition matches.
    pub cases: Vec<Case>,
    /// What every other context gets; nothing where the caller's own default counts.
    pub off: Option<Variant>,
    /// What clients are told besides: texts, numbers and truths by name.
    pub metadata: Map<String, Value>,
}

/// Some of the contexts that the switch's condition does not match, and what they get.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which contexts.
    pub when: Condition,
    /// What they get; nothing where the caller's own default counts.
    pub variant: Option<Variant>,
}

/// Which value of a flag a context gets, and why.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'s> {
    /// The value and its name; nothing where the caller's own default counts.
    pub variant: Option<&'s Variant>,
    /// Why.
    pub reason: Reason,
}

/// A value and its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Any JSON.
    pub value: Value,
}

/// Why a context gets what it gets, in OpenFeature's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Every context gets it.
    Static,
    /// The condition holds.
    TargetingMatch,
    /// The condition holds, and the context belongs to the share.
    Split,
    /// The condition does not hold, or not now.
    Default,
    /// The switch is inactive.
    Disabled,
}

impl Reason {
    /// The reason as OpenFeature spells it, such as `TARGETING_MATCH`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// The fields of a flag.
pub const FIELDS: &[Field] = &[
    Field::new("on", "INTERNAL", "value for a context that matches the condition").of(Type::Any).required(),
    Field::new(
        "cases",
        "[{ when: 'BANK == \"ING\"', value: PARTNER, variant: partner }]",
        "values for other contexts; the first case that matches applies",
    )
    .of(Type::List(&Type::Map(CASES))),
    Field::new("off", "EXTERNAL", "value for every other context; by default the caller's own default")
        .of(Type::Any),
    Field::new("variants", "[internal, external]", "names of the two values")
        .of(Type::List(&Type::Text))
        .or("[on, off]"),
    Field::new("metadata", "{ team: shop }", "metadata for clients: strings, numbers and booleans by name")
        .of(Type::ByName(&Type::Any)),
];

/// The fields of a case.
pub const CASES: &[Field] = &[
    Field::new("when", "'BANK == \"ING\"'", "condition that contexts must match")
        .of(Type::Condition)
        .required(),
    Field::new("value", "PARTNER", "value for these contexts; by default the caller's own default")
        .of(Type::Any),
    Field::new("variant", "partner", "name of the value").or("case"),
];

/// More cases than this are refused.
const MAX_CASES: usize = 100;

pub(crate) fn read(node: &Node, path: &str, check: &mut Check) -> Option<Flag> {
    let mut fields = check.map(node, path)?;
    let on = fields.require("on", "INTERNAL", check).map(Node::to_json);
    let off = fields.get("off").map(Node::to_json);
    let cases = match fields.get("cases") {
        Some(node) => read_cases(node, &fields.path_of("cases"), check)?,
        None => Vec::new(),
    };
    let names = fields.read("variants", check, names);
    let metadata = fields.read("metadata", check, |node| match node.to_json() {
        Value::Object(metadata) if metadata.values().all(is_plain) => Ok(metadata),
        _ => Err("should be texts, numbers and truths by name".to_owned()),
    });
    fields.finish_of(FIELDS, check);
    let on = on?;
    let others =
        cases.iter().filter_map(|case| case.variant.as_ref()).map(|variant| &variant.value).chain(&off);
    if let Some(other) = others.into_iter().find(|other| kind(other) != kind(&on)) {
        check.problem(
            node,
            path,
            format!("should have values of one kind, not {} and {}", kind(&on), kind(other)),
        );
        return None;
    }
    let [on_name, off_name] = names.unwrap_or_else(|| ["on", "off"].map(str::to_owned));
    Some(Flag {
        on: Variant { name: on_name, value: on },
        cases,
        off: off.map(|value| Variant { name: off_name, value }),
        metadata: metadata.unwrap_or_default(),
    })
}

fn read_cases(node: &Node, path: &str, check: &mut Check) -> Option<Vec<Case>> {
    let items = check.items(node);
    if items.len() > MAX_CASES {
        check.problem(node, path, format!("should be at most {MAX_CASES} cases"));
        return None;
    }
    let cases =
        items.into_iter().enumerate().map(|(at, node)| read_case(node, &format!("{path}[{at}]"), check));
    let cases: Vec<Option<Case>> = cases.collect();
    cases.into_iter().collect()
}

fn read_case(node: &Node, path: &str, check: &mut Check) -> Option<Case> {
    let mut fields = check.map(node, path)?;
    let when = fields
        .require("when", "'BANK == \"ING\"'", check)
        .and_then(|node| Condition::read(node, &format!("{path}.when"), check));
    let value = fields.get("value").map(Node::to_json);
    let name = fields.read("variant", check, text).unwrap_or_else(|| "case".to_owned());
    fields.finish_of(CASES, check);
    Some(Case { when: when?, variant: value.map(|value| Variant { name, value }) })
}

/// Two different texts.
fn names(node: &Node) -> Result<[String; 2], String> {
    let wrong = || {
        "should be two names, such as [internal, external]: of the value that is on, and of the other"
            .to_owned()
    };
    let Content::List(items) = &node.content else { return Err(wrong()) };
    let [on, off] = &items[..] else { return Err(wrong()) };
    let names = [text(on)?, text(off)?];
    if names[0] == names[1] || names.iter().any(String::is_empty) { Err(wrong()) } else { Ok(names) }
}

const fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Switch;
    use serde_json::json;

    #[test]
    fn a_flag_says_its_value_and_why() {
        #[track_caller]
        fn check(fields: &Value, expected: (bool, &str)) {
            let mut document = json!({"id": "a", "when": "BANK == HSBC", "flag": {"on": 1, "off": 0}});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let switch = Switch::from_json(&document).unwrap();
            let context = json!({"BANK": "HSBC", "user": "ann"});
            let flag = switch.flag.as_ref().unwrap();
            let Choice { variant, reason } = switch.choice(flag, context.as_object().unwrap(), 0);
            assert_eq!((variant.unwrap().value == 1, reason.name()), expected);
        }
        check(&json!({}), (true, "TARGETING_MATCH"));
        check(&json!({"when": "BANK == ING"}), (false, "DEFAULT"));
        check(&json!({"when": "true"}), (true, "STATIC"));
        check(&json!({"status": "inactive"}), (false, "DISABLED"));
        check(&json!({"status": "shadow"}), (false, "DEFAULT"));
        check(&json!({"rollout": {"share": 1, "by": "user"}}), (true, "SPLIT"));
        check(&json!({"valid": {"from": "2026-01-01"}}), (false, "DEFAULT"));
    }

    #[test]
    fn other_contexts_get_other_values() {
        #[track_caller]
        fn check(fields: &Value, context: &Value, expected: (Option<&str>, &str)) {
            let cases = json!([
                {"when": "BANK == ING", "value": 2, "variant": "two"},
                {"when": "BANK == KBC"},
                {"when": "BANK in (KBC, DB)", "value": 3},
                {"when": "$[\"$flagd\"].timestamp >= 60", "value": 4, "variant": "late"},
            ]);
            let mut document = json!({"id": "a", "when": "BANK == HSBC", "flag": {"on": 1, "cases": cases}});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let switch = Switch::from_json(&document).unwrap();
            let now_ms = context["now_ms"].as_i64().unwrap_or(0);
            let Choice { variant, reason } =
                switch.choice(switch.flag.as_ref().unwrap(), context.as_object().unwrap(), now_ms);
            assert_eq!((variant.map(|variant| variant.name.as_str()), reason.name()), expected);
        }
        check(&json!({}), &json!({"BANK": "HSBC"}), (Some("on"), "TARGETING_MATCH"));
        check(&json!({}), &json!({"BANK": "ING"}), (Some("two"), "TARGETING_MATCH"));
        check(&json!({}), &json!({"BANK": "KBC"}), (None, "DEFAULT"));
        check(&json!({}), &json!({"BANK": "DB"}), (Some("case"), "TARGETING_MATCH"));
        check(&json!({}), &json!({"BANK": "other"}), (None, "DEFAULT"));
        check(&json!({}), &json!({"BANK": "other", "now_ms": 60_000}), (Some("late"), "TARGETING_MATCH"));
        check(&json!({"status": "inactive"}), &json!({"BANK": "ING"}), (None, "DISABLED"));
        check(&json!({"valid": {"from": "2026-01-01"}}), &json!({"BANK": "ING"}), (None, "DEFAULT"));
    }

    #[test]
    fn what_is_wrong_with_a_flag_is_said() {
        #[track_caller]
        fn check(flag: &Value, part: &str) {
            let problems =
                Switch::from_json(&json!({"id": "a", "when": "x", "flag": flag})).unwrap_err().to_string();
            assert!(problems.contains(part), "{problems}");
        }
        check(&json!({"off": 1}), "flag");
        check(&json!({"on": 1, "cases": [{"value": 2}]}), "when");
        check(&json!({"on": 1, "cases": [{"when": "x =="}]}), "flag.cases[0].when");
        check(&json!({"on": 1, "cases": [{"when": "x", "value": "y"}]}), "a number and a text");
        check(&json!({"on": 1, "off": "x"}), "a number and a text");
        check(&json!({"on": 1, "off": 2, "variants": ["a", "a"]}), "two names");
        check(&json!({"on": 1, "off": 2, "metadata": {"a": [1]}}), "texts, numbers and truths");
        check(&json!({"on": 1, "off": 2, "of": 3}), "of");
    }
}
