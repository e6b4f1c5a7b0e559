//! Conditions from other languages say what the originals say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::import::{Release, flagd, json_logic, rule_engine};
use lanner_conditions::{Condition, Expr, Missing, Verdict};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Rules, and for each what a release of the package says of some contexts; see `testdata/ask_rule_engine.py`.
const RULES: [(Release, &str); 2] = [
    (Release::Three, include_str!("../../testdata/rule_engine-3.4.0.json")),
    (Release::Five, include_str!("../../testdata/rule_engine-5.1.0.json")),
];

/// Whether a rule asks a context for what the manual says is not the same.
fn is_otherwise(rule: &str, context: &Map<String, Value>) -> bool {
    let asks = |parts: &[&str]| parts.iter().any(|part| rule.contains(part));
    let is_text = |name: &str| context.get(name).is_some_and(Value::is_string);
    let whole = Value::Object(context.clone());
    let has_null = whole.to_string().contains("null");
    let is_holder = |at: &str| whole.pointer(at).is_some_and(|value| value.is_object() || value.is_array());
    asks(&["L[", "L&["]) && is_text("L") // a position in a text
        || asks(&["U&[", "U["]) && is_text("U")
        || asks(&["L == L", "O == O", "L != L", "O != O", "L in L", "L[0] in L", "L&[0] in L"])
        || compares_fields(rule, &["==", "!="]) && ["/O/k", "/U/a", "/L/0"].iter().any(|at| is_holder(at))
        || asks(&["=~", "!~"]) && has_null
        || compares_fields(rule, &["<", "<=", ">", ">="]) && (has_null || asks(&["T >= T", "T <= T"]))
}

/// Whether one of the operators stands between two fields.
fn compares_fields(rule: &str, operators: &[&str]) -> bool {
    let words: Vec<&str> = rule.split([' ', '(', ')']).collect();
    let is_field = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
    words.windows(3).any(|words| is_field(words[0]) && operators.contains(&words[1]) && is_field(words[2]))
}

/// What the package says of a context, and we do not.
fn difference(text: &str, condition: &Condition, context: &Map<String, Value>, said: &str) -> Option<String> {
    let verdict = condition.verdict(context, Missing::Kleene);
    // An error of one part need not be one of the whole here, as a part that decides is looked for in all of them.
    let has_parts = ["and", "or", "?"].iter().any(|part| text.contains(part));
    let is_same = match said {
        "true" => verdict == Verdict::True,
        "false" => verdict == Verdict::False,
        _ => has_parts || verdict != Verdict::True,
    };
    let context = Value::Object(context.clone());
    (!is_same).then(|| format!("{text}: {said} there, {verdict:?} of `{}` for {context}", condition.expr()))
}

#[test]
fn rules_of_rule_engine() {
    for (release, rules) in RULES {
        let table: Value = serde_json::from_str(rules).unwrap();
        let contexts: Vec<&Map<String, Value>> = table["contexts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|context| context.as_object().unwrap())
            .collect();
        let (mut n_verdicts, mut n_read, mut wrong) = (0, 0, Vec::new());
        for row in table["rules"].as_array().unwrap() {
            let text = row[0].as_str().unwrap();
            let (Some(said), Ok(expr)) = (row[1].as_array(), rule_engine(text, Some(release))) else {
                if row[1].is_null() && rule_engine(text, Some(release)).is_ok() {
                    wrong.push(format!("{text}: refused there"));
                }
                continue;
            };
            n_read += 1;
            let condition = Condition::from_expr(expr);
            for (context, said) in contexts.iter().zip(said) {
                if !is_otherwise(text, context) {
                    n_verdicts += 1;
                    wrong.extend(difference(text, &condition, context, said.as_str().unwrap()));
                }
            }
        }
        eprintln!("{release:?}: {n_read} rules were read, {n_verdicts} verdicts compared");
        assert!(wrong.is_empty(), "{release:?}: {} of {n_verdicts}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(n_verdicts > 3_000, "{n_verdicts}");
    }
}

/// Without a release, a rule is read only if the releases read it alike, or one of them cannot read it.
#[test]
fn releases_of_rule_engine() {
    #[track_caller]
    fn check(text: &str, read: Result<&str, &str>) {
        let ours = rule_engine(text, None);
        match read {
            Ok(condition) => assert_eq!(ours.unwrap().to_string(), condition, "{text}"),
            Err(says) => assert!(ours.unwrap_err()[0].to_string().contains(says), "{text}"),
        }
    }
    check("A == 1 and B", Ok("A == 1 and B"));
    check("(A and B) ? C : D", Ok("A and B and C or not (A and B) and D"));
    check("A and B ? C : D", Err("releases 3 and 5 of the package read this differently"));
    check("A and (B ? C : D)", Ok("A and (B and C or not B and D)"));
    check("A == 1 # why", Ok("A == 1"));
    check("true == A < 5", Ok("A < 5"));
    check("N == 00", Ok("N == 0"));
    check("I == 9007199254740993", Err("column 6: release 3 rounds this number, and release 5 does not"));
    check("I == -9007199254740993", Err("column 6: release 3 rounds this number"));
    check("I == 9007199254740992", Ok("I == 9007199254740992"));
    check("I == 18446744073709551617", Err("would be rounded"));
    check("I == 0.1000000000000000055511151231257827", Err("would be rounded to 0.1"));
    check("A ?? B", Err("`??` is not supported"));
    check("A == b\"x\"", Err("bytes are not supported"));
    check("A +", Err("the rule ends too early"));
    assert_eq!(
        rule_engine("I == -9007199254740993", Some(Release::Five)).unwrap().to_string(),
        "I == -9007199254740993"
    );
}

/// `&.` says `null` of what `null` holds, and nothing of a key that is not there.
#[test]
fn safe_access_of_rule_engine() {
    #[track_caller]
    fn check(text: &str, condition: &str) {
        for release in [Release::Three, Release::Five] {
            assert_eq!(rule_engine(text, Some(release)).unwrap().to_string(), condition, "{text}");
        }
    }
    check("user&.age == null", "user == null or user.age == null");
    check("user&.age > 5", "user.age > 5");
    check("user&.age == 5", "not user == null and user.age == 5");
    check(
        "user&[\"age\"] == null",
        r#"user == null or type(user) == anyof ("object", "list") and not user[age] exists or user[age] == null"#,
    );
}

#[test]
fn what_rule_engine_has_and_conditions_have_not() {
    #[track_caller]
    fn check(text: &str, says: &[&str]) {
        let problems = rule_engine(text, Some(Release::Three)).unwrap_err();
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
    assert_eq!(rule_engine(&text, None).map(|expr| expr.depth()), Ok(2));
    let text = vec!["A"; 6_000].join(" not in ");
    assert!(rule_engine(&text, None).is_err());
    assert!(rule_engine(&"-".repeat(60_000), None).is_err());
    assert!(rule_engine(&"A == ".repeat(10_000), None).is_err());
    assert!(rule_engine(&"x".repeat(70_000), None).is_err());
    // Each choice of a choice would be twice as large.
    let text = format!("{}A{}", "(".repeat(100), " ? B : C)".repeat(100));
    assert!(rule_engine(&text, None).is_err());
    let logic =
        (0..60).fold(json!({"var": "a"}), |inner, _| json!({"if": [inner, {"var": "b"}, {"var": "c"}]}));
    assert!(json_logic(&logic).is_err());
    let fields = vec!["X"; 5_000].join(", ");
    assert!(rule_engine(&format!("U{} in [{fields}]", "&.a".repeat(60)), None).is_err());
}

fn logic() -> impl Strategy<Value = Value> {
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
        "fractional",
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
        "r\"\\d\"", "??", "# x",
    ]), 0..12)) {
        let parts = parts.concat();
        for text in [&text, &parts] {
            for release in [None, Some(Release::Three), Some(Release::Five)] {
                match rule_engine(text, release) {
                    Ok(expr) => prop_assert_eq!(lanner_conditions::parse(&expr.to_string()), Ok(expr)),
                    Err(problems) => {
                        prop_assert!(problems.iter().all(|problem| text.is_char_boundary(problem.offset)));
                    }
                }
            }
        }
    }

    /// A rule of JSONLogic is true or false, whatever is missing, and can be written and read again.
    #[test]
    fn any_logic_is_answered(logic in logic()) {
        match json_logic(&logic) {
            Ok(expr) => {
                prop_assert_eq!(lanner_conditions::parse(&expr.to_string()), Ok(expr.clone()));
                let negated = json_logic(&Value::Object(Map::from_iter([("!".to_owned(), logic)]))).unwrap();
                for context in [json!({}), json!({"a": null}), json!({"a": 5, "b": {"c": ["a"]}, "on": "a"}), json!({"a": "on"})] {
                    let context = context.as_object().unwrap();
                    let matches = |expr: &Expr| {
                        Condition::from_expr(expr.clone()).matches(context, Missing::Kleene)
                    };
                    prop_assert!(matches(&expr) != matches(&negated), "{} and {} of {:?}", expr, negated, context);
                }
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
    fn any_flag_is_answered(targeting in logic()) {
        let file = json!({"flags": {"f": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting,
        }}});
        let read = flagd(&file.to_string()).unwrap();
        prop_assert!(read.flags.len() == 1 || !read.problems.is_empty());
    }
}
