//! The cases that the evaluator answers alike wherever it runs.

use lanner_switch::{Snapshot, SwitchSet};
use serde_json::{Value, json};

#[test]
fn the_shared_cases_hold() {
    let suite: Value = serde_json::from_str(include_str!("../testdata/cases.json")).unwrap();
    let set = SwitchSet::compile(&Snapshot::new(1, suite["switches"].as_array().unwrap().clone())).unwrap();
    for case in suite["cases"].as_array().unwrap() {
        let now_ms = case["now_ms"].as_i64().unwrap_or(0);
        let said = set.evaluate(case["context"].as_object().unwrap(), now_ms).to_json();
        for (name, expected) in case["verdict"].as_object().unwrap() {
            assert_eq!(said[name], *expected, "{}: {name}", case["about"]);
        }
        assert_eq!(said["revision"], json!(1));
    }
}
