//! Conditions from other languages say what the originals say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_rules::import::{flagd, json_logic, rule_engine};
use lanner_rules::{Condition, Missing, Verdict};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Rules, and for each what the package says of some contexts; see `testdata/ask_rule_engine.py`.
const RULES: &str = include_str!("../testdata/rule_engine.json");

/// Whether a rule asks a context for what the manual says is not the same.
fn is_otherwise(rule: &str, context: &Map<String, Value>) -> bool {
    let asks = |parts: &[&str]| parts.iter().any(|part| rule.contains(part));
    let has_null = Value::Object(context.clone()).to_string().contains("null");
    asks(&["L["]) && context.get("L").is_some_and(Value::is_string) // a position in a text
        || asks(&["L == L", "O == O"])
        || asks(&["=~", "!~"]) && has_null
        || asks(&["T >= T", "T <= T"])
}

#[test]
fn rules_of_rule_engine() {
    let table: Value = serde_json::from_str(RULES).unwrap();
    let contexts: Vec<&Map<String, Value>> =
        table["contexts"].as_array().unwrap().iter().map(|context| context.as_object().unwrap()).collect();
    let (mut n_verdicts, mut wrong) = (0, Vec::new());
    for row in table["rules"].as_array().unwrap() {
        let text = row[0].as_str().unwrap();
        let (Some(said), Ok(expr)) = (row[1].as_array(), rule_engine(text)) else {
            if row[1].is_null() && rule_engine(text).is_ok() {
                wrong.push(format!("{text}: refused there"));
            }
            continue;
        };
        let condition = Condition::from_expr(expr);
        for (context, said) in contexts.iter().zip(said) {
            let verdict = condition.verdict(*context, Missing::Kleene);
            let is_same = match said.as_str().unwrap() {
                "true" => verdict == Verdict::True,
                "false" => verdict == Verdict::False,
                _ => continue, // an error there is defined here
            };
            if is_otherwise(text, context) {
                continue;
            }
            n_verdicts += 1;
            if !is_same {
                let context = serde_json::to_string(context).unwrap();
                wrong.push(format!(
                    "{text}: {said} there, {verdict:?} of `{}` for {context}",
                    condition.expr()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {n_verdicts}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_verdicts > 1_200, "{n_verdicts}");
}

#[test]
fn what_rule_engine_has_and_conditions_have_not() {
    #[track_caller]
    fn check(text: &str, says: &[&str]) {
        let problems = rule_engine(text).unwrap_err();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), says, "{text}");
    }
    check(
        "A == 1 and B + 1 > 2 or $now > 3",
        &["column 12: arithmetic is not supported", "column 25: names with `$` are not supported"],
    );
    check("-A < 5", &["column 1: arithmetic is not supported"]);
    check("L[0:2]", &["column 1: slices are not supported"]);
    check("L[-1] == 5", &["column 1: only positions from 0 on are supported"]);
    check("L[N] == 5", &["column 1: only a number or a text may stand between the brackets"]);
    check(
        "[x for x in L]",
        &["column 1: comprehensions are not supported; `intersects` asks for items of a list"],
    );
    check("{A: 1} == B", &["column 1: sets and mappings are not supported; a list is written `[a, b]`"]);
    check("A == [1, 2]", &["column 6: a list can only stand on the right of `in`"]);
    check(
        "A.as_lower == \"x\"",
        &["column 1: this attribute is not supported; `tolower(field)` does so for ASCII letters"],
    );
    check("A =~ B", &["column 6: a pattern cannot come from the context; write it in quotes"]);
    check(
        r#"A =~ "a(?=b)""#,
        &[
            "column 6: regular expression: look-around, including look-ahead and look-behind, is not supported",
        ],
    );
    check(r#"A =~ "[[a]""#, &["column 6: `[` inside of `[...]` needs a `\\` before it"]);
    check("A == \"10.0.0.0/8\"", &["column 1: this would equal every address that it stands for"]);
    check("(A == 1) == B", &["column 1: conditions cannot be compared; join them with `and` and `or`"]);
    check("A > null", &["column 1: this has no order here"]);
    check("A == inf", &["column 6: `inf` is not supported; a number of JSON is never one of these"]);
    check(
        r#"A == "\N{BULLET}""#,
        &["column 7: the escape `\\N` is not supported; write the character itself"],
    );
    // What the package refuses as well.
    check("A = 1", &["column 3: unexpected `=`; equality is `==`"]);
    check("A == 1 == 2", &["column 8: unexpected `==`; join two comparisons with `and`"]);
    check("A AND B", &["column 3: unexpected `AND`"]);
    check("A && B", &["column 4: unexpected `&`"]);
    check("A # x", &["column 3: unexpected `#`; comments are not part of the language"]);
    check("A == \"x", &["column 6: this text is never closed; end it with \", on the same line"]);
    check("(A", &["column 3: the rule ends too early"]);
    check("", &["column 1: the rule ends too early"]);
    check(
        &format!("{}A{}", "(".repeat(200), ")".repeat(200)),
        &["column 129: nested more than 128 deep; split the rule"],
    );
}

#[test]
fn long_rules_take_little_time() {
    let text = vec!["A == 1"; 5_000].join(" and ");
    assert_eq!(rule_engine(&text).map(|expr| expr.depth()), Ok(2));
    let text = vec!["A"; 6_000].join(" not in ");
    assert!(rule_engine(&text).is_err());
    assert!(rule_engine(&"-".repeat(60_000)).is_err());
    assert!(rule_engine(&"A == ".repeat(10_000)).is_err());
    assert!(rule_engine(&"x".repeat(70_000)).is_err());
}

fn json() -> impl Strategy<Value = Value> {
    let words = ["a", "b.c", "on", "off", "", "$flagd.flagKey", "10.0.0.0/8"];
    let leaf = prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-3..9_i64).prop_map(Value::from),
        Just(Value::Null),
    ];
    let names = [
        "var",
        "!",
        "!!",
        "and",
        "or",
        "if",
        "==",
        "!=",
        "<",
        ">=",
        "in",
        "starts_with",
        "ends_with",
        "missing",
        "$ref",
        "sem_ver",
        "x",
    ];
    leaf.prop_recursive(4, 30, 4, move |inner| {
        let arguments = prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => inner,
        ];
        (prop::sample::select(names.to_vec()), arguments)
            .prop_map(|(name, arguments)| Value::Object(Map::from_iter([(name.to_owned(), arguments)])))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// What is read can be written and read again.
    #[test]
    fn any_text_is_answered(text in any::<String>(), parts in prop::collection::vec(prop::sample::select(vec![
        "A", "B.k", "L[0]", " == ", " != ", " < ", " in ", " not in ", " and ", " or ", "not ", "(", ")", "[", "]", ", ",
        "\"x\"", "'y\\", "5", "-", ".5", " =~ ", "&.", "&[", "?", ":", "{", "}", "null", "d\"2026-12-01\"", "for", "if", "$",
    ]), 0..12)) {
        let parts = parts.concat();
        for text in [&text, &parts] {
            match rule_engine(text) {
                Ok(expr) => prop_assert_eq!(lanner_rules::parse(&expr.to_string()), Ok(expr)),
                Err(problems) => prop_assert!(problems.iter().all(|problem| text.is_char_boundary(problem.offset))),
            }
        }
    }

    /// A rule of JSONLogic is true or false, whatever is missing, and can be written and read again.
    #[test]
    fn any_logic_is_answered(logic in json()) {
        match json_logic(&logic) {
            Ok(expr) => {
                prop_assert_eq!(lanner_rules::parse(&expr.to_string()), Ok(expr.clone()));
                let negated = json_logic(&Value::Object(Map::from_iter([("!".to_owned(), logic)]))).unwrap();
                let matches = |expr| Condition::from_expr(expr).matches(&Map::new(), Missing::Kleene);
                prop_assert!(matches(expr.clone()) != matches(negated.clone()), "{} and {}", expr, negated);
            }
            Err(problems) => {
                for problem in problems {
                    let known = problem.pointer.starts_with("/$evaluators") || logic.pointer(&problem.pointer).is_some();
                    prop_assert!(known, "{:?} in {}", problem, logic);
                }
            }
        }
    }

    #[test]
    fn any_flag_is_answered(targeting in json()) {
        let file = serde_json::json!({"flags": {"f": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting,
        }}});
        let read = flagd(&file.to_string()).unwrap();
        prop_assert!(read.flags.len() == 1 || !read.problems.is_empty());
    }
}
