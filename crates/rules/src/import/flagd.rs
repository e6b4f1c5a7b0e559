//! Files of flagd: flags that are true or false, as conditions under which each is true.
//!
//! ```
//! use lanner_rules::import::flagd;
//! let file = flagd(r#"{"flags": {"block-bank": {
//!     "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
//!     "targeting": {"if": [{"==": [{"var": "bank"}, "hsbc"]}, "on", null]}
//! }}}"#).unwrap();
//! assert_eq!(file.flags[0].when.to_string(), r#"bank == "hsbc""#);
//! assert!(file.flags[0].is_enabled && file.problems.is_empty());
//! ```
//!
//! Source: flagd's schema of flags, version 0: <https://flagd.dev/schema/v0/flags.json>.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::choose;
use super::json_logic::{Arguments, Logic, PointedProblem, below, only};
use crate::Expr;

/// A flag that is true or false.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Its name.
    pub key: String,
    /// When it is true, as a condition for which a missing field is unknown ([`Missing::Kleene`](crate::Missing)).
    pub when: Expr,
    /// Whether its `state` is `ENABLED`. What is disabled is whatever the calling program has in its code.
    pub is_enabled: bool,
    /// What its metadata says for people.
    pub description: Option<String>,
}

/// What a file of flagd holds.
#[derive(Debug, Clone, Default)]
pub struct FlagdFile {
    /// The flags that could be read, in the file's order.
    pub flags: Vec<Flag>,
    /// Why others could not be, all of it.
    pub problems: Vec<PointedProblem>,
}

/// Reads a file of flagd.
///
/// A flag without a default variant is false where its targeting says nothing; there the calling program's own default
/// would count. Metadata other than a description is passed over.
///
/// # Errors
/// The text is no JSON object with `flags`.
pub fn flagd(text: &str) -> Result<FlagdFile, PointedProblem> {
    let file: Value = serde_json::from_str(text)
        .map_err(|error| PointedProblem::new("", format!("this is no JSON: {error}"), ""))?;
    let Some(Value::Object(flags)) = file.get("flags") else {
        return Err(PointedProblem::new("", "there is no object `flags`", ""));
    };
    let none = Map::new();
    let shared = file.get("$evaluators").and_then(Value::as_object).unwrap_or(&none);
    let mut read = FlagdFile::default();
    for (key, flag) in flags {
        match one(key, flag, shared) {
            Ok(flag) => read.flags.push(flag),
            Err(problems) => read.problems.extend(problems),
        }
    }
    Ok(read)
}

const FIELDS: [&str; 5] = ["state", "variants", "defaultVariant", "targeting", "metadata"];

fn one(key: &str, flag: &Value, shared: &Map<String, Value>) -> Result<Flag, Vec<PointedProblem>> {
    let at = below("/flags", key);
    let problem = |place: &str, message: &str| PointedProblem::new(&format!("{at}{place}"), message, "");
    let Value::Object(fields) = flag else { return Err(vec![problem("", "a flag is an object")]) };
    let mut problems: Vec<PointedProblem> = fields
        .keys()
        .filter(|field| !FIELDS.contains(&field.as_str()))
        .map(|field| problem(&below("", field), "there is no such field of a flag"))
        .collect();
    let is_enabled = match fields.get("state").and_then(Value::as_str) {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        _ => {
            problems.push(problem("/state", "it is neither ENABLED nor DISABLED"));
            false
        }
    };
    let Some(variants) = truth_values(fields.get("variants")) else {
        problems
            .push(problem("/variants", "only a flag whose variants are true and false can be a condition"));
        return Err(problems);
    };
    let default = match fields.get("defaultVariant") {
        None | Some(Value::Null) => false,
        Some(name) => match name.as_str().and_then(|name| variants.get(name).copied()) {
            Some(value) => value,
            None => {
                problems.push(problem("/defaultVariant", "there is no such variant"));
                false
            }
        },
    };
    let (mut logic, place) = (Logic::new(shared, key), format!("{at}/targeting"));
    let when = match fields.get("targeting") {
        Some(Value::Object(targeting)) if targeting.is_empty() => Some(Expr::Constant(default)),
        Some(targeting) => outcome(&mut logic, Outcomes { variants: &variants, default }, targeting, &place),
        None => Some(Expr::Constant(default)),
    };
    let metadata = fields.get("metadata").and_then(|metadata| metadata.get("description"));
    let description = metadata.and_then(Value::as_str).map(str::to_owned);
    match logic.finish(when, &place) {
        Ok(when) if problems.is_empty() => Ok(Flag { key: key.to_owned(), when, is_enabled, description }),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// The variants, if each is true or false.
fn truth_values(variants: Option<&Value>) -> Option<BTreeMap<&str, bool>> {
    variants?.as_object()?.iter().map(|(name, value)| Some((name.as_str(), value.as_bool()?))).collect()
}

/// What targeting may come to: the name of a variant, or nothing.
#[derive(Clone, Copy)]
struct Outcomes<'f> {
    variants: &'f BTreeMap<&'f str, bool>,
    default: bool,
}

/// When the variant that `targeting` comes to is true.
fn outcome<'l>(
    logic: &mut Logic<'l>,
    outcomes: Outcomes<'_>,
    targeting: &'l Value,
    at: &str,
) -> Option<Expr> {
    let variant = |logic: &mut Logic<'l>, name: &str| match outcomes.variants.get(name) {
        Some(value) => Some(Expr::Constant(*value)),
        None => logic.refuse(at, format!("there is no variant `{name}`"), ""),
    };
    match targeting {
        Value::Null => Some(Expr::Constant(outcomes.default)),
        Value::Bool(value) => variant(logic, if *value { "true" } else { "false" }),
        Value::String(name) => variant(logic, name),
        Value::Number(_) | Value::Array(_) => logic.refuse(at, "targeting names a variant", ""),
        Value::Object(operation) => {
            let Some((name, arguments)) = only(operation) else {
                return logic.refuse(at, "an operation is an object with one key", "");
            };
            let place = &below(at, name);
            let arguments = Arguments::new(arguments, place);
            match name {
                "if" | "?:" => logic.deeper(at, |logic| {
                    logic.branches(&arguments, &mut |logic, part| match part {
                        Some((part, at)) => outcome(logic, outcomes, part, at),
                        None => Some(Expr::Constant(outcomes.default)),
                    })
                }),
                "$ref" => logic.deeper(at, |logic| {
                    logic.shared(&arguments, |logic, part, at| outcome(logic, outcomes, part, at))
                }),
                "var" | "and" | "or" | "missing" if !is_truth(targeting) => {
                    logic.refuse(place, "this names no variant", "write `{\"if\": [..., \"on\", \"off\"]}`")
                }
                _ if !is_truth(targeting) => logic.unsupported(name, place),
                _ => {
                    let (yes, no) = (variant(logic, "true"), variant(logic, "false"));
                    let asked = logic.condition(targeting, at);
                    Some(choose(asked?, yes?, no?))
                }
            }
        }
    }
}

/// Whether an operation comes to true or false, and to nothing else.
fn is_truth(logic: &Value) -> bool {
    let Value::Object(operation) = logic else { return logic.is_boolean() };
    match only(operation) {
        Some(("and" | "or", Value::Array(members))) => members.iter().all(is_truth),
        Some((name, _)) => matches!(
            name,
            "==" | "==="
                | "!="
                | "!=="
                | "<"
                | "<="
                | ">"
                | ">="
                | "!"
                | "!!"
                | "in"
                | "starts_with"
                | "ends_with"
        ),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Missing};
    use serde_json::json;

    fn read(flag: &Value) -> FlagdFile {
        let evaluators = json!({
            "internal": {"ends_with": [{"var": "email"}, "@example.com"]},
            "a": {"$ref": "b"}, "b": {"!": {"$ref": "a"}},
        });
        flagd(&json!({"flags": {"f": flag}, "$evaluators": evaluators}).to_string()).unwrap()
    }

    fn flag(targeting: &Value) -> Value {
        let variants = json!({"on": true, "off": false, "true": true, "false": false});
        json!({"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": targeting})
    }

    #[test]
    fn targeting_as_a_condition() {
        #[track_caller]
        fn check(targeting: &Value, when: &str) {
            let file = read(&flag(targeting));
            assert_eq!(file.problems, []);
            assert_eq!(file.flags[0].when.to_string(), when);
        }
        let bank = json!({"==": [{"var": "bank"}, "hsbc"]});
        check(&json!({}), "false");
        check(&json!("on"), "true");
        check(&json!({"if": [bank, "on", "off"]}), r#"bank == "hsbc""#);
        check(&json!({"if": [bank, "off", "on"]}), r#"not (bank exists and bank == "hsbc")"#);
        check(&json!({"if": [bank, "on"]}), r#"bank == "hsbc""#);
        check(&json!({"if": [bank, true, null]}), r#"bank == "hsbc""#);
        check(
            &json!({"if": [bank, "off", {"in": ["x", {"var": "tags"}]}, "on", "off"]}),
            r#"not (bank exists and bank == "hsbc") and "x" in tags"#,
        );
        check(
            &json!({"if": [bank, {"if": [{"var": "a"}, "on", "off"]}, "on"]}),
            r#"not (bank exists and bank == "hsbc") or a"#,
        );
        check(&bank, r#"bank == "hsbc""#);
        check(&json!({"!": [bank]}), r#"not (bank exists and bank == "hsbc")"#);
        check(&json!({"if": [{"$ref": "internal"}, "on", "off"]}), r#"email endswith "@example.com""#);
        check(&json!({"if": [{"==": [{"var": "$flagd.flagKey"}, "f"]}, "on", "off"]}), "true");
    }

    #[test]
    fn what_is_no_condition() {
        #[track_caller]
        fn check(flag: &Value, says: &[&str]) {
            let file = read(flag);
            assert!(file.flags.is_empty(), "{:?}", file.flags);
            let problems: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems, says);
        }
        let mut text = flag(&json!({}));
        text["variants"] = json!({"red": "#f00"});
        check(
            &text,
            &["/flags/f/variants: only a flag whose variants are true and false can be a condition"],
        );
        let mut lacking = flag(&json!({}));
        lacking["defaultVariant"] = json!("x");
        lacking["state"] = json!("on");
        check(
            &lacking,
            &[
                "/flags/f/state: it is neither ENABLED nor DISABLED",
                "/flags/f/defaultVariant: there is no such variant",
            ],
        );
        check(
            &flag(&json!({"fractional": [["on", 25], ["off", 75]]})),
            &["/flags/f/targeting/fractional: flagd's own choice of a share is not supported; \
               `rollout: { share: 25%, by: targetingKey }` of a switch blocks a share, but of others"],
        );
        check(
            &flag(&json!({"if": [{"sem_ver": [{"var": "v"}, ">", "1.0.0"]}, "on", "x"]})),
            &[
                "/flags/f/targeting/if/0/sem_ver: versions cannot be compared; a `glob` such as \"1.2.*\" may say what is meant",
                "/flags/f/targeting/if/2: there is no variant `x`",
            ],
        );
        check(
            &flag(&json!({"var": "x"})),
            &["/flags/f/targeting/var: this names no variant; write `{\"if\": [..., \"on\", \"off\"]}`"],
        );
        check(
            &flag(&json!({"if": [{"$ref": "a"}, "on"]})),
            &["/$evaluators/b/!/$ref: the evaluator `a` uses itself"],
        );
    }

    #[test]
    fn a_missing_field_is_as_flagd_has_it() {
        #[track_caller]
        fn check(targeting: &Value, context: &Value, is_true: bool) {
            let file = read(&flag(&json!({"if": [targeting, "on", "off"]})));
            let condition = Condition::from_expr(file.flags[0].when.clone());
            let context = context.as_object().unwrap();
            assert_eq!(condition.matches(context, Missing::Kleene), is_true, "{}", condition.expr());
        }
        check(&json!({"!=": [{"var": "a"}, "x"]}), &json!({}), true);
        check(&json!({"!=": [{"var": "a"}, "x"]}), &json!({"a": "x"}), false);
        check(&json!({"!": {"var": "a"}}), &json!({}), true);
        check(&json!({"!": {"var": "a"}}), &json!({"a": 0}), true);
        check(&json!({"==": [{"var": "a"}, null]}), &json!({}), true);
        check(&json!({"==": [{"var": "a"}, null]}), &json!({"a": null}), true);
        check(&json!({"!=": [{"var": "a"}, null]}), &json!({}), false);
        check(&json!({"!=": [{"var": "a"}, null]}), &json!({"a": 1}), true);
        check(&json!({"!": {"in": [{"var": "a"}, ["x", "y"]]}}), &json!({}), true);
        check(&json!({"missing": ["a", "b.c"]}), &json!({"a": 1}), true);
        check(&json!({"missing": ["a", "b.c"]}), &json!({"a": 1, "b": {"c": 2}}), false);
        check(&json!({"<": [1, {"var": "a"}, 5]}), &json!({"a": 3}), true);
        check(&json!({"<": [1, {"var": "a"}, 5]}), &json!({"a": 5}), false);
        check(&json!({"<=": [{"var": "a"}, {"var": "l.0"}]}), &json!({"a": 5, "l": [5]}), true);
        check(&json!({"or": [{"var": "a"}, {"!": {"var": "b"}}]}), &json!({"b": 1}), false);
    }

    #[test]
    fn files_that_are_none() {
        #[track_caller]
        fn check(text: &str, says: &str) {
            assert!(flagd(text).unwrap_err().to_string().starts_with(says), "{:?}", flagd(text));
        }
        check("{", "/: this is no JSON: EOF");
        check("[]", "/: there is no object `flags`");
        check(r#"{"flags": []}"#, "/: there is no object `flags`");
    }

    #[test]
    fn shared_rules_cannot_grow_without_bound() {
        let mut evaluators = Map::new();
        evaluators.insert("r0".to_owned(), json!({"==": [{"var": "a"}, 1]}));
        for n in 1..40 {
            let below = json!({"$ref": format!("r{}", n - 1)});
            evaluators.insert(format!("r{n}"), json!({"and": [below, below]}));
        }
        let file =
            json!({"flags": {"f": flag(&json!({"if": [{"$ref": "r39"}, "on"]}))}, "$evaluators": evaluators});
        let file = flagd(&file.to_string()).unwrap();
        assert_eq!(file.problems.len(), 1);
        assert!(file.problems[0].message.contains("too large"), "{:?}", file.problems);
    }
}
