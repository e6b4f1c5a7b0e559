//! Rules wait until the past of what they measure is known; each goes on as soon as its own is.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::sync::Arc;

use lanner_engine::{Engine, Rule};
use serde_json::json;

const MINUTE_MS: i64 = 60_000;

fn rule(id: &str) -> Rule {
    let query = json!({"stream": "s", "measure": "count"});
    Rule::from_json(&json!({"id": id, "query": query, "window": "1m", "absolute": {"max": 2}}), 1).unwrap()
}

fn due(engine: &mut Engine, now_ms: i64) -> Vec<String> {
    let due = engine.plan(now_ms, 10).due;
    let mut ids: Vec<String> = due.iter().map(|due| due.rule.id.to_string()).collect();
    for due in due {
        engine.apply(now_ms, &due, Vec::new());
    }
    ids.sort();
    ids
}

#[test]
fn a_rule_goes_on_when_its_own_past_is_known() {
    let mut engine = Engine::new();
    engine.set_rules(vec![rule("a"), rule("b"), rule("c")], 0);
    engine.set_waiting(["a", "b"].map(Arc::from).into());
    let late_ms = MINUTE_MS + 30_000;
    assert_eq!((due(&mut engine, late_ms), engine.n_waiting()), (vec!["c".to_owned()], 2));
    // Also one that does not wait, and one that is gone, may be named.
    engine.resume(["a", "c", "gone"].map(Arc::from));
    assert_eq!((due(&mut engine, late_ms), engine.n_waiting()), (vec!["a".to_owned()], 1));
    // With every window that has passed.
    engine.resume([Arc::from("b")]);
    for _ in 0..2 {
        assert_eq!(due(&mut engine, late_ms + MINUTE_MS).iter().filter(|id| *id == "b").count(), 1);
    }
    assert_eq!(due(&mut engine, late_ms + MINUTE_MS), Vec::<String>::new());
}
