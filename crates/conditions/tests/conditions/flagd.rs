//! Flags of flagd say what flagd itself says of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::import::{Flag, Variant, flagd};
use lanner_conditions::{Condition, Expr, Missing};
use serde_json::{Map, Value, json};

/// Flags, contexts, and the variant that flagd gives each of them; see `testdata/ask_flagd.py`.
const ASKED: &str = include_str!("../../testdata/flagd.json");

/// The name of the variant that a context gets; nothing where the caller's own default counts.
fn variant<'f>(flag: &'f Flag, context: &Map<String, Value>) -> Option<&'f str> {
    let holds = |when: &Expr| Condition::from_expr(when.clone()).matches(context, Missing::Kleene);
    let name = |variant: &'f Variant| variant.name.as_str();
    if holds(&flag.when) {
        return Some(name(&flag.on));
    }
    match flag.cases.iter().find(|case| holds(&case.when)) {
        Some(case) => case.variant.as_ref().map(name),
        None => flag.off.as_ref().map(name),
    }
}

#[test]
fn as_flagd_says() {
    let asked: Value = serde_json::from_str(ASKED).unwrap();
    let variants = json!({"red": "f00", "blue": "00f", "grey": "888", "true": "t", "false": "f"});
    let rows = asked["flags"].as_array().unwrap();
    let mut flags = Map::new();
    for (at, row) in rows.iter().enumerate() {
        let mut flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": row["default"]});
        if !row["targeting"].is_null() {
            flag["targeting"] = row["targeting"].clone();
        }
        flags.insert(format!("f{at:04}"), flag);
    }
    let file = flagd(&json!({ "flags": flags }).to_string()).unwrap();
    assert_eq!(file.problems, []);
    let (mut n_asked, mut wrong) = (0, Vec::new());
    for (flag, row) in file.flags.iter().zip(rows) {
        for (context, said) in
            asked["contexts"].as_array().unwrap().iter().zip(row["said"].as_array().unwrap())
        {
            n_asked += 1;
            let ours = variant(flag, context.as_object().unwrap());
            if ours != said.as_str() {
                wrong.push(format!("{} of {context}:\n  {ours:?}, flagd says {said}", row["targeting"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {n_asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_asked > 5_000, "{n_asked}");
}
