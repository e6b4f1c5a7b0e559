//! The drill of whoever answers for the data: a backup while the server is busy, the machine gone, the backup restored on
//! another one, and work goes on there.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, Setup};
use crate::receiver::Webhook;

/// Runs a command of the program; what it wrote.
fn run(setup: &Setup, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanner"));
    command
        .args(arguments)
        .env("LANNER_URL", setup.url())
        .env_remove("LANNER_TOKEN")
        .env_remove("LANNER_DATA");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn listed(setup: &Setup, what: &[&str]) -> Value {
    serde_json::from_str(&run(setup, &[what, &["--format", "json"]].concat())).unwrap()
}

fn ids(listed: &Value) -> Vec<&str> {
    listed.as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect()
}

/// A rule that fires while anything arrives, and so for all of the drill.
async fn configure(program: &Program, webhook: &Webhook) {
    let busy = json!({ "id": "busy", "query": { "stream": "orders", "measure": "count" }, "window": "1s",
                       "absolute": { "max": 0 }, "recover_for": 60, "receivers": ["hook"] });
    let profile = json!({ "id": "usual", "stream": "orders", "profile": { "fields": ["bank"], "learn": "1m", "memory": 1 } });
    let hook = json!({ "name": "hook", "kind": "webhook", "url": webhook.url, "group_wait": "0s", "group_interval": "1s" });
    let all = json!({ "rules": [busy], "receivers": [hook], "processors": [profile],
                      "switches": [{ "id": "block-a", "when": "bank == \"a\"", "status": "active" }] });
    let (status, answer) = program.post("/api/v1/apply", all.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// Sends one order and one sample; whether both were acknowledged.
async fn send(program: &Program, n: u64) -> bool {
    let order = json!({ "bank": if n.is_multiple_of(2) { "a" } else { "b" }, "n": n }).to_string();
    let sample = format!("load value={n} {}", 1_790_000_000_000 + n);
    program.post("/api/v1/events/orders", order).await.0 < 300
        && program.post("/write?precision=ms", sample).await.0 < 300
}

/// Sends without end; tells how many were acknowledged.
fn keep_sending(program: Program) -> (tokio::sync::watch::Receiver<u64>, tokio::task::JoinHandle<Program>) {
    let (told, acknowledged) = tokio::sync::watch::channel(0);
    let sending = tokio::spawn(async move {
        for n in 1_u64.. {
            if told.is_closed() {
                break;
            }
            assert!(send(&program, n).await);
            let _ = told.send(n);
        }
        program
    });
    (acknowledged, sending)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_server_goes_on_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let webhook = Webhook::listen(false).await;
    let program = setup.start().await;
    configure(&program, &webhook).await;
    run(&setup, &["silence", "add", "rule=other", "--for", "1h", "--comment", "maintenance"]);
    let (mut acknowledged, sending) = keep_sending(program);
    // Until somebody is notified.
    webhook.wait_for(1).await;
    acknowledged.changed().await.unwrap();
    let n_before = *acknowledged.borrow_and_update();
    let backup = folder.path().join("backup.db").to_str().unwrap().to_owned();
    let copying = setup.clone();
    let file = backup.clone();
    tokio::task::spawn_blocking(move || run(&copying, &["backup", &file])).await.unwrap();
    acknowledged.changed().await.unwrap();
    assert!(*acknowledged.borrow() > n_before, "the server takes data during a backup");
    let documents = [["rule", "list"], ["switch", "list"], ["silence", "list"], ["processor", "list"]];
    let before: Vec<Value> = documents.iter().map(|what| listed(&setup, what)).collect();
    drop(acknowledged);
    sending.await.unwrap().kill();

    // Another machine: another folder, another port.
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let other = Setup::new(&elsewhere);
    run(&other, &["restore", &backup, "--data", other.data.to_str().unwrap()]);
    let restored = other.start().await;
    for (what, before) in documents.iter().zip(&before) {
        let after = listed(&other, what);
        assert!(!ids(before).is_empty(), "{what:?}: {before}");
        assert_eq!(ids(&after), ids(before), "{what:?}");
    }
    // Everything that was acknowledged before the backup began.
    let samples = run(&other, &["export", "--format", "csv"]);
    let n_samples = samples.lines().filter(|line| line.contains("load")).count() as u64;
    assert!(n_samples >= n_before, "{n_samples} of {n_before} samples");
    let learned = other.data.join("processors");
    assert_eq!(std::fs::read_dir(&learned).unwrap().count(), 1, "what the processor learned");
    let (status, verdict) = restored.post("/api/v1/switches/evaluate", r#"{"context": {"bank": "a"}}"#).await;
    assert_eq!((status, &verdict["verdicts"][0]["blocked"]), (200, &json!(true)), "{verdict}");

    // The alert that ran goes on: it is the same episode, of which nobody is notified anew.
    let alerts = restored.get("/api/v1/alerts").await;
    assert_eq!((&alerts[0]["rule"], &alerts[0]["episode"]), (&json!("busy"), &json!(1)), "{alerts}");
    let n_evaluated =
        restored.get("/api/v1/evaluations?rule=busy&limit=10000").await.as_array().unwrap().len();
    for n in 0..20 {
        assert!(send(&restored, 1_000_000 + n).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    restored
        .until("/api/v1/evaluations?rule=busy&limit=10000", |all| {
            all.as_array().is_some_and(|all| all.len() > n_evaluated)
        })
        .await;
    let mut keys: Vec<String> = webhook.attempts().into_iter().map(|attempt| attempt.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 1, "one beginning, sent under one key: {:?}", webhook.attempts());
    restored.stop().await;
}
