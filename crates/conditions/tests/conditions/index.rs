//! An index answers what a plain loop over its conditions answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::{Condition, Index, Missing, Scratch};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

type Rule = (u32, Condition, Missing);

fn by_loop(rules: &[Rule], event: &Map<String, Value>) -> Vec<u32> {
    let holds = rules.iter().filter(|(_, condition, missing)| condition.matches(event, *missing));
    let mut ids: Vec<u32> = holds.map(|(id, ..)| *id).collect();
    ids.sort_unstable();
    ids
}

#[track_caller]
fn check(rules: &[Rule], events: &[Map<String, Value>], scratch: &mut Scratch) {
    let index = Index::build(rules.iter().map(|(id, condition, missing)| (*id, condition, *missing)));
    assert_eq!(index.len(), rules.len());
    let mut found = vec![99]; // emptied by the call
    for event in events {
        let expected = by_loop(rules, event);
        index.matches(event, scratch, &mut found);
        assert_eq!(found, expected, "{event:?}");
        index.matches_json(&serde_json::to_string(event).unwrap(), scratch, &mut found).unwrap();
        assert_eq!(found, expected, "the text of {event:?}");
    }
}

const FIELDS: [&str; 6] = ["a", "b", "c", "d.e", "l[0]", "a.length"];
const LITERALS: [&str; 14] = [
    "x",
    "xy",
    "\"\"",
    "xyz",
    "5",
    "5.0",
    "-1",
    "2.5",
    "9007199254740993",
    "null",
    "true",
    "false",
    "7",
    "\"5\"",
];

fn predicate() -> impl Strategy<Value = String> {
    let field = || select(FIELDS.to_vec());
    let literal = || select(LITERALS.to_vec());
    let texts = || select(vec!["x", "xy", "y", "\"\"", "x*", "?y*", "[w-x]*"]);
    prop_oneof![
        4 => (field(), select(vec!["==", "!="]), literal()).prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        3 => (field(), select(vec!["<", "<=", ">", ">="]), select(vec!["5", "2.5", "-1", "7", "9007199254740992.0", "\"xy\""]))
            .prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        2 => (field(), any::<bool>(), prop::collection::vec(literal(), 0..5))
            .prop_map(|(f, not, l)| format!("{f} {}in ({})", if not { "not " } else { "" }, l.join(","))),
        3 => (field(), select(vec!["contains", "icontains", "startswith", "endswith", "glob", "iglob"]), texts())
            .prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        1 => (field(), select(vec!["=~", "!~", "=~~", "!~~", "regex"]), select(vec!["x", "x.*", "\"y$\""]))
            .prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        2 => (field(), select(vec!["oneof", "anyof", "allof"]), select(vec!["==", "!=", "startswith", "glob"]), prop::collection::vec(literal(), 0..3))
            .prop_map(|(f, each, op, l)| format!("{f} {op} {each} ({})", l.join(","))),
        1 => (field(), prop::collection::vec(literal(), 0..4)).prop_map(|(f, l)| format!("{f} intersects ({})", l.join(","))),
        1 => (field(), prop::collection::vec(texts(), 0..3)).prop_map(|(f, l)| format!("{f} pmatch ({})", l.join(","))),
        1 => (field(), select(vec!["==", "<", ">="]), select(vec!["d\"2026-12-01\"", "d\"2026-12-01T00:00:00.5Z\""]))
            .prop_map(|(f, op, l)| format!("{f} {op} {l}")),
        1 => (field(), select(vec!["in (10.0.0.0/8, x)", "== 10.0.0.0/8", "!= ::1", "== ::1", "in (10.1.0.0/16, d'2026-12-01', 5)", "in (d'2026-12-01')", "intersects (0.0.0.0/0, ::/0)"])).prop_map(|(f, op)| format!("{f} {op}")),
        2 => (field(), select(vec!["==", "!=", "<", ">=", "in", "not in", "intersects", "contains", "startswith", "glob"]), field())
            .prop_map(|(f, op, g)| format!("{f} {op} val({g})")),
        1 => (field(), select(vec!["< \"1.10\"", "== 1.9.0", "in (1.10.0, 2)", "!= anyof (2)", "exists", ">= semver(b)"]))
            .prop_map(|(f, rest)| format!("semver({f}) {rest}")),
        1 => (field(), select(vec!["< 2000000000", "exists", ">= murmur3(b)"])).prop_map(|(f, rest)| format!("murmur3({f}) {rest}")),
        1 => (field(), select(vec!["text", "number", "list", "\"null\""])).prop_map(|(f, kind)| format!("type({f}) == {kind}")),
        1 => (select(vec!["-y", "x", "-x xy"]), field(), select(vec!["[y] exists", "[x] == xy", " intersects (x, y)"]))
            .prop_map(|(word, f, rest)| format!("getopt((\"{word}\", {f}), \"x:y\"){rest}")),
        1 => (select(vec!["tolower", "len", "basename", "b64"]), field(), select(vec!["== x", "> 1", "in (x, 1)", "exists", ""]))
            .prop_map(|(function, f, rest)| format!("{function}({f}) {rest}")),
        1 => field().prop_map(|f| format!("{f} exists")),
        1 => field().prop_map(str::to_owned),
        1 => (literal().prop_filter("a bare word on the left is a field", |l| !l.starts_with('x')), field())
            .prop_map(|(l, f)| format!("{l} in {f}")),
        1 => select(vec!["true", "false"]).prop_map(str::to_owned),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    predicate().prop_recursive(3, 12, 4, |inner| {
        let members = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            3 => members().prop_map(|members| format!("({})", members.join(" and "))),
            2 => members().prop_map(|members| format!("({})", members.join(" or "))),
            1 => inner.clone().prop_map(|member| format!("not ({member})")),
        ]
    })
}

fn rules(n: usize) -> impl Strategy<Value = Vec<Rule>> {
    let mode = any::<bool>().prop_map(|kleene| if kleene { Missing::Kleene } else { Missing::False });
    let rule = (0..50_u32, condition(), mode);
    prop::collection::vec(rule, 0..n).prop_map(|rules| {
        rules.into_iter().map(|(id, text, mode)| (id, Condition::compile(&text).unwrap(), mode)).collect()
    })
}

fn event() -> impl Strategy<Value = Map<String, Value>> {
    let value = || {
        let values = [
            json!("x"),
            json!("xy"),
            json!("xyz"),
            json!("y"),
            json!(""),
            json!("5"),
            json!(5),
            json!(5.0),
            json!(2.5),
            json!(-1),
            json!(7),
            json!(9_007_199_254_740_993_u64),
            json!(null),
            json!(true),
            json!(false),
            json!([]),
            json!(["x", 5]),
            json!([5, 7]),
            json!(["xy"]),
            json!("2026-12-01"),
            json!("2026-12-01T01:00:00+01:00"),
            json!("10.1.2.3"),
            json!("10.0.0.0/8"),
            json!(["10.1.2.3", "2026-12-01"]),
            json!(["2026-12-01"]),
            json!("0:0::1"),
            json!("xy/x"),
            json!("1.9"),
            json!("v1.10.0"),
            json!(["-x", "xy"]),
            json!({"x": 1}),
            json!(u64::MAX),
            json!(1e300),
        ];
        prop::option::weighted(0.7, select(values.to_vec()))
    };
    (value(), value(), value(), value(), value()).prop_map(|(a, b, c, e, l)| {
        let mut event = Map::new();
        for (name, value) in [("a", a), ("b", b), ("c", c)] {
            if let Some(value) = value {
                event.insert(name.to_owned(), value);
            }
        }
        if let Some(e) = e {
            event.insert("d".to_owned(), json!({ "e": e }));
        }
        if let Some(l) = l {
            event.insert("l".to_owned(), json!([l]));
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn index_equals_loop(
        few in rules(12),
        more in rules(6),
        events in prop::collection::vec(event(), 1..6),
    ) {
        // One scratch for two indexes in turn: what one leaves must not mislead the other.
        let mut scratch = Scratch::default();
        check(&few, &events, &mut scratch);
        check(&more, &events, &mut scratch);
        check(&few, &events, &mut scratch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Enough conditions on few values for nodes inside nodes.
    #[test]
    fn large_index_equals_loop(
        many in rules(400),
        events in prop::collection::vec(event(), 1..20),
    ) {
        check(&many, &events, &mut Scratch::default());
    }
}

/// Conditions that are alike, as rule sets are: every pair of values, lists, intervals, prefixes.
#[test]
fn families() {
    let mut texts = Vec::new();
    for at in 0..900 {
        let (i, j) = (at % 30, at / 30);
        texts.push(format!("kind == \"pay\" and workflow == \"WF{i}\" and bank == \"B{j}\""));
        texts.push(format!("bank in (B{i}, B{j}) and workflow in (WF{i}, WF{j}) and amount > {at}"));
        texts.push(format!("amount > {at} and amount <= {} and bank != B{i}", at + 20));
        texts.push(format!("path startswith /api/{i} and not bank == B{j}"));
        texts.push(format!("bank == B{i} or amount == {j} or path glob \"/api/{i}/?\""));
    }
    let rules: Vec<Rule> = (0..)
        .zip(&texts)
        .map(|(id, text)| (id, Condition::compile(text).unwrap(), Missing::Kleene))
        .collect();
    let mut events = Vec::new();
    for at in 0..60 {
        let (i, j) = (at % 31, at % 7);
        let mut event = Map::new();
        for (name, value) in [
            ("kind", json!(if at % 5 == 0 { "refund" } else { "pay" })),
            ("workflow", json!(format!("WF{i}"))),
            ("bank", json!(format!("B{j}"))),
            ("amount", json!(at * 17)),
            ("path", json!(format!("/api/{i}/{}", j))),
        ] {
            if (at + name.len()) % 6 > 0 {
                event.insert(name.to_owned(), value);
            }
        }
        events.push(event);
    }
    check(&rules, &events, &mut Scratch::default());
}

/// A small rule set must not grow into a large index, whatever it says.
#[test]
fn lists_against_lists_stay_small() {
    let list = |name: &str| (0..200).map(|at| format!("{name}{at}")).collect::<Vec<_>>().join(",");
    let rules: Vec<Rule> = (0..40)
        .map(|id| {
            let text = format!(
                "a in ({}) and b in ({}) and c in ({}) and d > {id}",
                list("a"),
                list("b"),
                list("c")
            );
            (id, Condition::compile(&text).unwrap(), Missing::False)
        })
        .collect();
    let event = json!({"a": "a7", "b": "b150", "c": "c0", "d": 20});
    check(&rules, &[event.as_object().unwrap().clone()], &mut Scratch::default());
}

#[test]
fn equal_conditions_are_one() {
    let rules = [(4, "a == 1 and b == 2"), (2, "b = 2 && (a = 1.0)"), (3, "a == 1"), (2, "a == 1")];
    let index =
        Index::build(rules.map(|(id, text)| (id, Condition::compile(text).unwrap(), Missing::Kleene)));
    let event = json!({"a": 1, "b": 2});
    let mut found = Vec::new();
    index.matches(event.as_object().unwrap(), &mut Scratch::default(), &mut found);
    assert_eq!(found, [2, 2, 3, 4]);
}
