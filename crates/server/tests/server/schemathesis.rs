//! A real server, tried by schemathesis with what its own OpenAPI document says: no failure of the server, and no answer
//! that the document does not describe. How: `schemathesis.toml`, where each path that is left out has its reason.
//!

//! To try more: `LANNER_SCHEMATHESIS="--seed 7 --max-examples 100" cargo test -p lanner-server --test server schemathesis`

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::switching::start;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_described() {
    let Some(python) = std::env::var_os("LANNER_TEST_OPENAPI") else {
        eprintln!("SKIPPED: LANNER_TEST_OPENAPI names no Python with schemathesis");
        return;
    };
    let mut server = start().await;
    // Something of each kind, so that more is found than that there is nothing.
    for id in ["stop", "gone", "floor"] {
        server.put(id, json!({ "when": "bank == \"hsbc\"" })).await;
    }
    server.text("/api/v1/events/payments", r#"{"bank": "hsbc", "amount": 3}"#.repeat(3)).await;
    server.text("/api/v2/write", "queue,host=a length=17\ndisk used=3".to_owned()).await;
    let rule = |id| {
        json!({ "id": id, "query": { "stream": "payments", "measure": "count" }, "window": "1m",
        "absolute": { "min": 4 }, "labels": { "team": "pay" } })
    };
    let check = json!({ "id": "roof", "query": { "target": "queue.length" }, "window": "600s", "every": "1m",
        "expression": { "warn": 20.0 } });
    server.fine("POST", "/api/v1/apply", json!({ "rules": [rule("floor"), rule("gone"), check] })).await;
    server.invite(&["schemathesis"]).await;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server");
    let further = std::env::var("LANNER_SCHEMATHESIS").unwrap_or_default();
    let mut command = Command::new(python);
    command
        .args(["-m", "schemathesis.cli", "--no-color", "--config-file"])
        .arg(tests.join("schemathesis.toml"))
        .arg("run")
        .arg(tests.join("../../openapi.json"))
        .args(["--url", &server.url, "--header"])
        .arg(format!("Authorization: Bearer {}", server.tokens["schemathesis"]))
        .args(further.split_whitespace())
        .env("SCHEMATHESIS_HOOKS", tests.join("schemathesis_hooks.py"))
        .current_dir(server.folder.path());
    let began = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, took) = (String::from_utf8_lossy(&output.stdout), began.elapsed());
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}\n{took:?}");
    assert!(!further.is_empty() || took < Duration::from_secs(180), "{took:?}: lower max-examples");
    server.server.stop().await;
}

#[tokio::test]
async fn nobody_comes_in_without_a_token() {
    let mut server = start().await;
    server.invite(&["ann"]).await;
    let document: Value = server.fine("GET", "/api/openapi.json", Value::Null).await;
    let mut n_refused = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let is_open = operation.get("security").is_none();
            assert_eq!(is_open, ["/healthz", "/readyz"].contains(&path.as_str()), "{path}");
            let (status, answer) = server.ask_as("nobody", &method.to_uppercase(), path, Value::Null).await;
            assert_eq!(status == 401, !is_open, "{method} {path}: {status} {answer}");
            n_refused += usize::from(status == 401);
        }
    }
    assert!(n_refused > 110, "{n_refused}");
    server.server.stop().await;
}
