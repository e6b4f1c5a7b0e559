//! The cases that the evaluator answers alike wherever it runs, asked over HTTP.

use lanner_server::Clock;
use serde_json::{Value, json};

use crate::switching::start_with;

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_cases_hold_over_http() {
    let suite: Value = serde_json::from_str(include_str!("../../../switch/testdata/cases.json")).unwrap();
    let mut cases: Vec<&Value> = suite["cases"].as_array().unwrap().iter().collect();
    let time_ms = |case: &Value| case["now_ms"].as_i64();
    // The server's clock goes forward only; a case without a time holds at any.
    cases.sort_by_key(|case| time_ms(case));
    let clock = Clock::stepped(cases.iter().find_map(|case| time_ms(case)).unwrap());
    let running = start_with(tempfile::tempdir().unwrap(), |settings| settings.clock = clock.clone()).await;
    running.fine("POST", "/api/v1/switches", json!({"switches": suite["switches"]})).await;
    for case in cases {
        if let Some(now_ms) = time_ms(case) {
            clock.put_on(now_ms);
        }
        let context = &case["context"];
        let answer = running.fine("POST", "/api/v1/switches/evaluate", json!({ "context": context })).await;
        let said = &answer["verdicts"][0];
        for (name, expected) in case["verdict"].as_object().unwrap() {
            assert_eq!(said[name], *expected, "{}: {name}", case["about"]);
        }
        let flag =
            running.fine("POST", "/ofrep/v1/evaluate/flags/blocked", json!({ "context": context })).await;
        assert_eq!(flag["value"], case["verdict"]["blocked"], "{}", case["about"]);
        let flags = running.fine("POST", "/ofrep/v1/evaluate/flags", json!({ "context": context })).await;
        let mut on: Vec<&str> = flags["flags"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|flag| flag["value"] == true && flag["key"] != "blocked")
            .map(|flag| flag["key"].as_str().unwrap())
            .collect();
        let blocking = case["verdict"]["switches"].as_array().unwrap();
        let mut expected: Vec<&str> = blocking.iter().map(|id| id.as_str().unwrap()).collect();
        on.sort_unstable();
        expected.sort_unstable();
        assert_eq!(on, expected, "{}", case["about"]);
    }
    running.server.stop().await;
}
