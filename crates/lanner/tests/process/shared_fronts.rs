//! Several servers with the role api on one state: what is changed by way of one is in force for all, and switches are judged while others
//! are away.

use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup, client};
use crate::receiver::Webhook;
use crate::shared_work::setup;

/// Whether a bank is blocked, as a server judges it.
async fn is_blocked(program: &Program, bank: &str) -> bool {
    let asked = json!({ "context": { "bank": bank } }).to_string();
    let (status, answer) = program.post("/api/v1/switches/evaluate", asked).await;
    assert_eq!(status, 200, "{answer}");
    answer["verdicts"][0]["blocked"] == true
}

async fn until_blocked(program: &Program, bank: &str) -> Duration {
    let begun = Instant::now();
    while !is_blocked(program, bank).await {
        assert!(begun.elapsed() < PATIENCE, "{bank} is not blocked: {}", program.setup().log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

async fn block(program: &Program, bank: &str) -> (u16, Value) {
    let switch = json!({ "id": bank, "when": format!("bank == \"{bank}\"") });
    program.post("/api/v1/switches", json!({ "switches": [switch] }).to_string()).await
}

/// The stream of revisions says that there is a later one than it said first.
async fn hears_of_a_change(program: &Program, change: impl Future<Output = ()>) {
    let mut stream = client().get(format!("{}/api/v1/switches/stream", program.url())).send().await.unwrap();
    let mut said = String::new();
    while said.matches("event: revision").count() < 1 {
        said.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    change.await;
    let heard = async {
        while said.matches("event: revision").count() < 2 {
            said.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
}

/// A server that notifies and two of the role api.
fn three(folder: &std::path::Path, database: &str, webhook: &Webhook) -> (Setup, [Setup; 2]) {
    let center = setup(&folder.join("center"), database, &json!(["api", "notify"]), webhook);
    (center, [1, 2].map(|n| setup(&folder.join(format!("api-{n}")), database, &json!("api"), webhook)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_at_one_is_in_force_at_the_other() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let (center_setup, [one, other]) = three(folder.path(), &database.fresh("fronts"), &webhook);

    // They are there before anybody can answer for them, and say so.
    let one = one.start().await;
    let (status, said) = block(&one, "north").await;
    assert!(status == 503 && said["error"].as_str().unwrap().contains("start one"), "{status} {said}");
    let (center, other) = (center_setup.start().await, other.start().await);
    one.until("/api/v1/rules", |rules| rules.as_array().is_some_and(|rules| rules.len() > 1)).await;

    // Rules.
    let rule = json!({ "id": "made-at-one", "query": { "stream": "payments", "measure": "count" }, "window": "1m", "absolute": { "min": 5 } });
    let (status, said) = one.post("/api/v1/apply", json!({ "rules": [rule] }).to_string()).await;
    assert_eq!(status, 200, "{said}");
    for program in [&center, &other] {
        assert_eq!(program.get("/api/v1/rules/made-at-one").await["id"], "made-at-one");
    }
    // Events, and what comes of them.
    let (status, said) = other.post("/api/v1/events/payments", r#"{"bank":"north"}"#).await;
    assert_eq!(status, 200, "{said}");
    assert!(one.get("/api/v1/streams").await.to_string().contains("payments"));
    // Silences.
    let silence = json!({ "matchers": ["rule=\"made-at-one\""], "duration": "1h", "comment": "a drill", "author": "ann" });
    let (status, said) = other.post("/api/v1/silences", silence.to_string()).await;
    assert!(status < 300, "{status} {said}");
    assert!(one.get("/api/v1/silences").await.to_string().contains("a drill"));
    // Switches, which each judges by itself, and of which clients hear.
    hears_of_a_change(&other, async { assert_eq!(block(&one, "north").await.0, 200) }).await;
    for program in [&one, &other, &center] {
        println!("blocked after {:?}", until_blocked(program, "north").await);
        assert!(!is_blocked(program, "south").await);
    }
    let snapshot = async |program: &Program| program.ask("/api/v1/switches/snapshot").await.1;
    assert_eq!(snapshot(&one).await, snapshot(&center).await);
    // The page, with its address as the browser has it.
    let (status, page) = other.ask("/rules").await;
    assert!(status == 200 && page.contains("made-at-one"), "{status} {page}");

    // A request that was handed on is not handed on again.
    let twice =
        client().get(format!("{}/api/v1/rules", one.url())).header("x-lanner-handed-on", "1").send().await;
    assert_eq!(twice.unwrap().status(), 508);
    one.stop().await;
    other.stop().await;
    center.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switches_are_judged_while_others_are_away() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut database) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let (mut center_setup, [one, other]) = three(folder.path(), &database.fresh("alone"), &webhook);
    let (center, one, other) = (center_setup.start().await, one.start().await, other.start().await);
    one.until("/api/v1/rules", Value::is_array).await;
    assert_eq!(block(&one, "north").await.0, 200);
    until_blocked(&one, "north").await;
    until_blocked(&other, "north").await;

    // Tokens that are made at one are asked for, and known, at the other.
    let made = json!({ "name": "ann", "scopes": ["admin"] }).to_string();
    let (status, made) = one.post("/api/v1/tokens", made).await;
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap().to_owned();
    let asked = async |program: &Program, token: &str| {
        let request = client().post(format!("{}/api/v1/switches/evaluate", program.url())).bearer_auth(token);
        let request = request.body(json!({ "context": { "bank": "north" } }).to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let begun = Instant::now();
    while other.post("/api/v1/switches/evaluate", r#"{"context":{}}"#).await.0 != 401 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(asked(&other, &token).await.0, 200);
    assert_eq!(other.ask("/api/v1/rules").await.0, 401, "the server that notifies asks for it too");

    // Without the server that notifies, and without the database, switches are judged, and everything else is told.
    center.kill();
    database.kill();
    for program in [&one, &other] {
        let (status, answer) = asked(program, &token).await;
        assert!(status == 200 && answer.contains("\"blocked\":true"), "{status} {answer}");
        assert_eq!(program.ask("/readyz").await.0, 200);
        let (status, said) = program.ask("/api/v1/rules").await;
        assert!(status == 503 && said.contains("does not answer"), "{status} {said}");
    }
    database.go_on();
    // It comes back at another place, and is found.
    center_setup.port = crate::program::fixed_port();
    let center = center_setup.start().await;
    let rules = async || {
        let request = client().get(format!("{}/api/v1/rules", one.url())).bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    let begun = Instant::now();
    while rules().await != 200 {
        assert!(begun.elapsed() < PATIENCE, "{}", one.setup().log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("found again {:?} after it was ready", begun.elapsed());
    one.stop().await;
    other.stop().await;
    center.stop().await;
}
