//! A switch as a flag with values of its own, for OpenFeature's clients.
//!
//! Such a switch blocks nothing: it only says which of two values a context gets.

use lanner_core::Node;
use lanner_core::document::{Check, Content};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_rules::Expr;
use serde_json::{Map, Value};

use crate::switch::{Phase, Switch};

/// The values of a flag, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// What a context gets that the condition matches.
    pub on: Variant,
    /// What every other context gets.
    pub off: Variant,
    /// What clients are told besides: texts, numbers and truths by name.
    pub metadata: Map<String, Value>,
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
    /// As it is sent.
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

impl Switch {
    /// Whether it is on for `context` at `now_ms`; asked alone, whatever other switches say.
    #[must_use]
    pub fn is_on(&self, context: &Map<String, Value>, now_ms: i64) -> bool {
        self.phase(now_ms) == Phase::Blocking && self.matches(context) && self.is_rolled_out_to(context)
    }

    /// Why a context got `is_on` at `now_ms`.
    #[must_use]
    pub fn why(&self, is_on: bool, now_ms: i64) -> Reason {
        match self.phase(now_ms) {
            Phase::Inactive => Reason::Disabled,
            _ if !is_on => Reason::Default,
            _ if self.rollout.is_some() => Reason::Split,
            _ if matches!(self.condition.expr(), Expr::Constant(_)) => Reason::Static,
            _ => Reason::TargetingMatch,
        }
    }
}

/// The fields of a flag.
pub const FIELDS: &[Field] = &[
    Field::new("on", "INTERNAL", "the value of a context that the condition matches")
        .of(Type::Any)
        .required(),
    Field::new("off", "EXTERNAL", "the value of every other context").of(Type::Any).required(),
    Field::new("variants", "[internal, external]", "the names of the two values")
        .of(Type::List(&Type::Text))
        .or("[on, off]"),
    Field::new(
        "metadata",
        "{ team: shop }",
        "what clients are told besides: texts, numbers and truths by name",
    )
    .of(Type::ByName(&Type::Any)),
];

pub(crate) fn read(node: &Node, path: &str, check: &mut Check) -> Option<Flag> {
    let mut fields = check.map(node, path)?;
    let on = fields.require("on", "INTERNAL", check).map(Node::to_json);
    let off = fields.require("off", "EXTERNAL", check).map(Node::to_json);
    let names = fields.read("variants", check, names);
    let metadata = fields.read("metadata", check, |node| match node.to_json() {
        Value::Object(metadata) if metadata.values().all(is_plain) => Ok(metadata),
        _ => Err("should be texts, numbers and truths by name".to_owned()),
    });
    fields.finish_of(FIELDS, check);
    let (on, off) = (on?, off?);
    if kind(&on) != kind(&off) {
        check.problem(
            node,
            path,
            format!("should have values of one kind, not {} and {}", kind(&on), kind(&off)),
        );
        return None;
    }
    let [on_name, off_name] = names.unwrap_or_else(|| ["on", "off"].map(str::to_owned));
    Some(Flag {
        on: Variant { name: on_name, value: on },
        off: Variant { name: off_name, value: off },
        metadata: metadata.unwrap_or_default(),
    })
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
    use serde_json::json;

    #[test]
    fn a_flag_says_its_value_and_why() {
        #[track_caller]
        fn check(fields: &Value, expected: (bool, &str)) {
            let mut document = json!({"id": "a", "when": "BANK == HSBC", "flag": {"on": 1, "off": 0}});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let switch = Switch::from_json(&document).unwrap();
            let context = json!({"BANK": "HSBC", "user": "ann"});
            let is_on = switch.is_on(context.as_object().unwrap(), 0);
            assert_eq!((is_on, switch.why(is_on, 0).name()), expected);
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
    fn what_is_wrong_with_a_flag_is_said() {
        #[track_caller]
        fn check(flag: &Value, part: &str) {
            let problems =
                Switch::from_json(&json!({"id": "a", "when": "x", "flag": flag})).unwrap_err().to_string();
            assert!(problems.contains(part), "{problems}");
        }
        check(&json!({"on": 1}), "flag");
        check(&json!({"on": 1, "off": "x"}), "a number and a text");
        check(&json!({"on": 1, "off": 2, "variants": ["a", "a"]}), "two names");
        check(&json!({"on": 1, "off": 2, "metadata": {"a": [1]}}), "texts, numbers and truths");
        check(&json!({"on": 1, "off": 2, "of": 3}), "of");
    }
}
