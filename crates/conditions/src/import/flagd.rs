//! Reads flagd files: flags as conditions, each with its value.
//!
//! ```
//! use lanner_conditions::import::flagd;
//! let file = flagd(r#"{"flags": {"color": {
//!     "state": "ENABLED", "variants": {"red": "f00", "blue": "00f", "grey": "888"}, "defaultVariant": "grey",
//!     "targeting": {"if": [
//!         {"==": [{"var": "bank"}, "hsbc"]}, "red",
//!         {"sem_ver": [{"var": "version"}, "<", "1.10.0"]}, "blue"
//!     ]}
//! }}}"#).unwrap();
//! let color = &file.flags[0];
//! assert_eq!((color.when.to_string().as_str(), &color.on.value), (r#"bank == "hsbc""#, &"f00".into()));
//! assert_eq!(color.cases[0].when.to_string(), r#"semver(version) < "1.10.0""#);
//! assert_eq!(color.off.as_ref().unwrap().name, "grey");
//! ```
//!
//! Source: flagd's schema of flags, version 0: <https://flagd.dev/schema/v0/flags.json>.

use lanner_core::Node;
use serde_json::{Map, Value};

use super::choices::{Choices, Outcome};
use super::choose;
use super::json_logic::{Logic, PointedProblem, below, settled};
use crate::Expr;

/// A flag. For its conditions a missing field is unknown ([`Missing::Kleene`](crate::Missing)).
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Its name.
    pub key: String,
    /// When contexts get `on`.
    pub when: Expr,
    /// What those get that meet `when`.
    pub on: Variant,
    /// What others get: the first whose condition they meet.
    pub cases: Vec<Case>,
    /// What all others get; nothing where the calling program's own default counts.
    pub off: Option<Variant>,
    /// Whether its `state` is `ENABLED`. What is disabled is whatever the calling program has in its code.
    pub is_enabled: bool,
    /// What its metadata says for people.
    pub description: Option<String>,
    /// Its other metadata: texts, numbers and truths by name.
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

/// Some of the contexts, and what they get.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Which contexts.
    pub when: Expr,
    /// What they get; nothing where the calling program's own default counts.
    pub variant: Option<Variant>,
}

/// What a file of flagd holds.
#[derive(Debug, Clone, Default)]
pub struct FlagdFile {
    /// The flags that could be read, in the file's order.
    pub flags: Vec<Flag>,
    /// Why others could not be, all of it.
    pub problems: Vec<PointedProblem>,
    /// What is to be known of those that could.
    pub notes: Vec<PointedProblem>,
}

/// Reads a file of flagd, JSON or YAML.
///
/// # Errors
/// The text is no object with `flags`.
pub fn flagd(text: &str) -> Result<FlagdFile, PointedProblem> {
    let whole = |message: String| PointedProblem::new("", message, "");
    let file: Value = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) if text.trim_start().starts_with(['{', '[']) => {
            return Err(whole(format!("this is not JSON: {error}")));
        }
        Err(_) => Node::from_yaml(text).map_err(|problem| whole(problem.to_string()))?.to_json(),
    };
    let flags: Vec<(&str, String, &Value)> = match file.get("flags") {
        Some(Value::Object(flags)) => {
            flags.iter().map(|(key, flag)| (key.as_str(), below("/flags", key), flag)).collect()
        }
        Some(Value::Array(flags)) => {
            let named = flags.iter().map(|flag| (flag.get("key").and_then(Value::as_str), flag)).enumerate();
            named.map(|(at, (key, flag))| (key.unwrap_or_default(), format!("/flags/{at}"), flag)).collect()
        }
        _ => return Err(whole("there is no object `flags`".to_owned())),
    };
    let none = Map::new();
    let object = |name: &str| file.get(name).and_then(Value::as_object).unwrap_or(&none);
    let (shared, metadata) = (object("$evaluators"), object("metadata"));
    let mut read = FlagdFile::default();
    for (key, at, flag) in flags {
        match one(key, &at, flag, shared) {
            Ok(mut flag) => {
                let of_all = metadata.iter().filter(|(_, value)| is_plain(value));
                let of_all = of_all.map(|(name, value)| (name.clone(), value.clone()));
                flag.metadata = of_all.chain(std::mem::take(&mut flag.metadata)).collect();
                if flag.is_enabled
                    && (flag.off.is_none() || flag.cases.iter().any(|case| case.variant.is_none()))
                {
                    let message =
                        "where this names none of its variants, the calling program's own default counts";
                    read.notes.push(PointedProblem::new(&at, message, ""));
                }
                read.flags.push(flag);
            }
            Err(problems) => read.problems.extend(problems),
        }
    }
    Ok(read)
}

const FIELDS: [&str; 6] = ["key", "state", "variants", "defaultVariant", "targeting", "metadata"];

fn one(key: &str, at: &str, flag: &Value, shared: &Map<String, Value>) -> Result<Flag, Vec<PointedProblem>> {
    let problem = |place: &str, message: &str| PointedProblem::new(&format!("{at}{place}"), message, "");
    let Value::Object(fields) = flag else { return Err(vec![problem("", "a flag is an object")]) };
    let mut problems: Vec<PointedProblem> = fields
        .keys()
        .filter(|field| !FIELDS.contains(&field.as_str()) && !field.starts_with('$'))
        .map(|field| problem(&below("", field), "there is no such field of a flag"))
        .collect();
    if key.is_empty() {
        problems.push(problem("/key", "a flag has a name"));
    }
    let is_enabled = match fields.get("state").and_then(Value::as_str) {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        _ => {
            problems.push(problem("/state", "it is neither ENABLED nor DISABLED"));
            false
        }
    };
    let none = Map::new();
    let variants = fields.get("variants").and_then(Value::as_object).unwrap_or(&none);
    if variants.is_empty() {
        problems.push(problem("/variants", "a flag has variants"));
        return Err(problems);
    }
    let default = match fields.get("defaultVariant") {
        None | Some(Value::Null) => None,
        Some(name) => match name.as_str().and_then(|name| variants.get_key_value(name)) {
            Some((name, _)) => Some(name.as_str()),
            None => {
                problems.push(problem("/defaultVariant", "there is no such variant"));
                None
            }
        },
    };
    let (mut names, place): (Vec<String>, _) =
        (variants.keys().cloned().collect(), format!("{at}/targeting"));
    names.sort_unstable();
    let mut logic = Logic::new(shared, key);
    let choices = match fields.get("targeting") {
        Some(Value::Object(targeting)) if targeting.is_empty() => Some(STATIC),
        Some(targeting) => logic.choices(&names, targeting, &place),
        None => Some(STATIC),
    };
    let set = Variants { values: variants, default };
    match logic.finish_with(choices, |choices| set.flag(choices.reduced(default), &place)) {
        Ok(flag) if problems.is_empty() => {
            let (description, metadata) = metadata_of(fields.get("metadata"));
            Ok(Flag { key: key.to_owned(), is_enabled, description, metadata, ..flag })
        }
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// Without targeting.
const STATIC: Choices<'static> = Choices { cases: Vec::new(), last: Outcome::Default };

/// The variants of a flag, and which of them is its default.
struct Variants<'f> {
    values: &'f Map<String, Value>,
    default: Option<&'f str>,
}

impl Variants<'_> {
    fn of(&self, outcome: Outcome<'_>) -> Option<Variant> {
        let name = match outcome {
            Outcome::Variant(name) => name,
            Outcome::Default => self.default?,
            Outcome::Caller => return None,
        };
        let value = self.values.get(name)?;
        Some(Variant { name: name.to_owned(), value: value.clone() })
    }

    fn flag(&self, choices: Choices<'_>, at: &str) -> Result<Flag, PointedProblem> {
        if let Some(flag) = self.truths(&choices, at)? {
            return Ok(flag);
        }
        let case = |(when, outcome)| Ok(Case { when: settled(when, at)?, variant: self.of(outcome) });
        let mut cases = choices.cases.into_iter().map(case).collect::<Result<Vec<Case>, PointedProblem>>()?;
        let off = self.of(choices.last);
        let (when, on) = match (cases.first(), &off) {
            (Some(Case { when, variant: Some(on) }), _) => {
                let first = (when.clone(), on.clone());
                cases.remove(0);
                first
            }
            (None, Some(on)) => (Expr::Constant(true), on.clone()),
            _ => (Expr::Constant(false), self.any()),
        };
        Ok(new_flag(when, on, cases, off))
    }

    /// A value for what is never met.
    fn any(&self) -> Variant {
        let (name, value) =
            self.values.iter().next().map_or(("", &Value::Null), |(name, value)| (name, value));
        Variant { name: name.to_owned(), value: value.clone() }
    }

    /// A flag that is true or false and nothing else is one condition: when it is true.
    fn truths(&self, choices: &Choices<'_>, at: &str) -> Result<Option<Flag>, PointedProblem> {
        let value = |outcome| self.of(outcome)?.value.as_bool();
        let last = value(choices.last);
        let mut is_true = last.map(Expr::Constant);
        for (asked, outcome) in choices.cases.iter().rev() {
            let known = value(*outcome).map(Expr::Constant);
            is_true = is_true.zip(known).map(|(no, yes)| choose(asked.clone(), yes, no));
        }
        let Some(is_true) = is_true else { return Ok(None) };
        let outcomes = || choices.cases.iter().map(|(_, outcome)| *outcome).chain([choices.last]);
        let named = |truth: bool| {
            let chosen =
                outcomes().filter_map(|outcome| self.of(outcome)).find(|variant| variant.value == truth);
            let other = || self.values.iter().find(|(_, value)| **value == truth);
            let other = || other().map(|(name, value)| Variant { name: name.clone(), value: value.clone() });
            let fixed = || Variant { name: if truth { "on" } else { "off" }.to_owned(), value: truth.into() };
            chosen.or_else(other).unwrap_or_else(fixed)
        };
        let (mut on, mut off) = (named(true), named(false));
        if on.name == off.name {
            (on.name, off.name) = ("true".to_owned(), "false".to_owned());
        }
        Ok(Some(new_flag(settled(is_true, at)?, on, Vec::new(), Some(off))))
    }
}

fn new_flag(when: Expr, on: Variant, cases: Vec<Case>, off: Option<Variant>) -> Flag {
    let metadata = Map::new();
    Flag { key: String::new(), when, on, cases, off, is_enabled: true, description: None, metadata }
}

/// The description, and what else clients are told.
fn metadata_of(metadata: Option<&Value>) -> (Option<String>, Map<String, Value>) {
    let Some(Value::Object(metadata)) = metadata else { return (None, Map::new()) };
    let description = metadata.get("description").and_then(Value::as_str).map(str::to_owned);
    let is_told = |(name, value): &(&String, &Value)| *name != "description" && is_plain(value);
    let rest = metadata.iter().filter(is_told).map(|(name, value)| (name.clone(), value.clone()));
    (description, rest.collect())
}

const fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
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
    fn truths_as_a_condition() {
        #[track_caller]
        fn check(targeting: &Value, when: &str) {
            let file = read(&flag(targeting));
            assert_eq!(file.problems, []);
            assert_eq!(file.flags[0].when.to_string(), when);
            assert_eq!((&file.flags[0].on.value, &file.flags[0].cases[..]), (&json!(true), &[][..]));
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
        check(&bank, r#"bank == "hsbc""#);
        check(&json!({"!": [bank]}), r#"not (bank exists and bank == "hsbc")"#);
        check(&json!({"if": [{"$ref": "internal"}, "on", "off"]}), r#"email endswith "@example.com""#);
        check(&json!({"if": [{"==": [{"var": "$flagd.flagKey"}, "f"]}, "on", "off"]}), "true");
        check(
            &json!({"if": [{">=": [{"var": "$flagd.timestamp"}, 1_700_000_000]}, "on", "off"]}),
            r#"$["$flagd"].timestamp >= 1700000000"#,
        );
        check(
            &json!({"if": [{"sem_ver": [{"var": "v"}, "^", "v1.2.3"]}, "on"]}),
            r#"semver(v) >= "1.0.0-0" and semver(v) < "2.0.0-0""#,
        );
        check(
            &json!({"if": [{"sem_ver": [{"var": "v"}, "~", "1.2"]}, "on"]}),
            r#"semver(v) >= "1.2.0-0" and semver(v) < "1.3.0-0""#,
        );
        // Half of the users by the hash of the flag's name and theirs.
        check(
            &json!({"fractional": [["on", 50], ["off", 50]]}),
            r#"targetingKey > "" and murmur3(concat("f", targetingKey)) < 2147483648"#,
        );
        check(&json!({"fractional": ["fixed", ["on", 1], ["off", 0]]}), "true");
        check(&json!({"fractional": [["on", 0], ["off", -1]]}), "false");
    }

    #[test]
    fn values_in_order() {
        #[track_caller]
        fn check(
            default: Option<&str>,
            targeting: &Value,
            cases: &[(&str, Option<&str>)],
            off: Option<&str>,
        ) {
            let variants = json!({"red": "f00", "blue": "00f", "grey": "888"});
            let flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": default, "targeting": targeting});
            let file = read(&flag);
            assert_eq!(file.problems, []);
            let Flag { when, on, cases: others, off: found, .. } = &file.flags[0];
            let name = |variant: &Variant| {
                assert_eq!(variants[&variant.name], variant.value);
                variant.name.clone()
            };
            let mut read = vec![(when.to_string(), Some(name(on)))];
            read.extend(others.iter().map(|case| (case.when.to_string(), case.variant.as_ref().map(name))));
            let read: Vec<(&str, Option<&str>)> =
                read.iter().map(|(when, name)| (when.as_str(), name.as_deref())).collect();
            assert_eq!((&read[..], found.as_ref().map(name).as_deref()), (cases, off));
            assert_eq!(file.notes.len(), usize::from(default.is_none()));
        }
        let bank = |name: &str| json!({"==": [{"var": "bank"}, name]});
        check(Some("grey"), &json!(null), &[("true", Some("grey"))], Some("grey"));
        check(Some("grey"), &json!("red"), &[("true", Some("red"))], Some("red"));
        check(None, &json!({}), &[("false", Some("red"))], None);
        check(
            Some("grey"),
            &json!({"if": [bank("a"), "red", {"if": [bank("b"), "blue", bank("c"), "red"]}]}),
            &[
                (r#"bank == "a""#, Some("red")),
                (r#"bank == "b""#, Some("blue")),
                (r#"bank == "c""#, Some("red")),
            ],
            Some("grey"),
        );
        check(
            None,
            &json!({"if": [bank("a"), {"if": [bank("b"), "blue"]}, "red"]}),
            &[(r#"bank == "a" and bank == "b""#, Some("blue")), (r#"bank == "a""#, None)],
            Some("red"),
        );
        check(
            Some("grey"),
            &json!({"fractional": [{"cat": ["seed", {"var": "user"}]}, ["red", 25], ["blue", 25], ["grey", 50]]}),
            &[
                (r#"murmur3(concat("seed", user)) < 1073741824"#, Some("red")),
                (r#"murmur3(concat("seed", user)) < 2147483648"#, Some("blue")),
            ],
            Some("grey"),
        );
        check(
            None,
            &json!({"var": "color"}),
            &[
                (r#"color == "blue""#, Some("blue")),
                (r#"color == "grey""#, Some("grey")),
                (r#"color == "red""#, Some("red")),
            ],
            None,
        );
    }

    #[test]
    fn what_is_no_flag() {
        #[track_caller]
        fn check(flag: &Value, says: &[&str]) {
            let file = read(flag);
            assert!(file.flags.is_empty(), "{:?}", file.flags);
            let problems: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems, says);
        }
        let mut none = flag(&json!({}));
        none["variants"] = json!({});
        check(&none, &["/flags/f/variants: a flag has variants"]);
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
            &flag(&json!({"fractional": [["on", {"var": "w"}], ["off", 0.5], ["x"]]})),
            &[
                "/flags/f/targeting/fractional/0/1: a weight that is calculated is not supported; write a number",
            ],
        );
        check(
            &flag(&json!({"if": [{"sem_ver": [{"var": "v"}, ">", "x"]}, "on", "x"]})),
            &[
                "/flags/f/targeting/if/0/sem_ver: `x` is not a version; write \"1.10.0\"",
                "/flags/f/targeting/if/2: there is no variant `x`",
            ],
        );
        check(
            &flag(&json!({"and": [{"var": "x"}]})),
            &["/flags/f/targeting/and: this names no variant; write `{\"if\": [..., \"on\", \"off\"]}`"],
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
        // Two that are not there are one; null is what is not there, and 0 where it is put in order.
        let [same, other] = ["==", "!="].map(|op| json!({op: [{"var": "a"}, {"var": "b"}]}));
        for nobody in [json!({}), json!({"a": null}), json!({"b": null}), json!({"a": null, "b": null})] {
            check(&same, &nobody, true);
            check(&other, &nobody, false);
        }
        check(&same, &json!({"a": 1}), false);
        check(&other, &json!({"a": 1}), true);
        for nobody in [json!({}), json!({"a": null})] {
            check(&json!({"<": [{"var": "a"}, 5]}), &nobody, true);
            check(&json!({"!": {"<": [{"var": "a"}, 5]}}), &nobody, false);
            check(&json!({">": [{"var": "a"}, 5]}), &nobody, false);
            check(&json!({"!": {">": [{"var": "a"}, 5]}}), &nobody, true);
            check(&json!({"<=": [{"var": "a"}, 0]}), &nobody, false); // it is 0 there, and does not equal it
            check(&json!({"<=": [{"var": "a"}, {"var": "b"}]}), &nobody, true);
            check(&json!({"!": {"starts_with": [{"var": "a"}, "x"]}}), &nobody, true);
            check(&json!({"!": {"in": ["x", {"var": "a"}]}}), &nobody, true);
            check(&json!({"in": [{"var": "a"}, [null, "x"]]}), &nobody, true);
            check(&json!({"!": {"sem_ver": [{"var": "a"}, "<", "1.0.0"]}}), &nobody, true);
        }
        // What cannot be asked this is false, and its opposite true.
        check(&json!({"!": {">": [{"var": "a"}, 5]}}), &json!({"a": "x"}), true);
        check(&json!({"!": {"ends_with": [{"var": "a"}, "x"]}}), &json!({"a": 5}), true);
        check(&json!({"!": {"in": ["x", {"var": "a"}]}}), &json!({"a": 5}), true);
    }

    #[test]
    fn files_that_are_none() {
        #[track_caller]
        fn check(text: &str, says: &str) {
            assert!(flagd(text).unwrap_err().to_string().starts_with(says), "{:?}", flagd(text));
        }
        check("{", "/: this is not JSON: EOF");
        check("[]", "/: there is no object `flags`");
        check("flags: 5", "/: there is no object `flags`");
        check("flags: [", "/: line 1");
    }

    #[test]
    fn files_of_other_shapes() {
        let yaml = "metadata: { team: shop }\nflags:\n  - { key: f, state: ENABLED, variants: { small: 1, large: 2.5 }, \
                    defaultVariant: small, metadata: { description: sizes, version: \"1\", list: [1] } }\n";
        let file = flagd(yaml).unwrap();
        let Flag { key, off, description, metadata, .. } = &file.flags[0];
        assert_eq!((key.as_str(), description.as_deref()), ("f", Some("sizes")));
        assert_eq!(off.as_ref().unwrap().value, json!(1));
        assert_eq!(Value::Object(metadata.clone()), json!({"team": "shop", "version": "1"}));
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
