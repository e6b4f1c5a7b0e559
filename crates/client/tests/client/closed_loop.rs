//! The whole loop: payments fall, the alert fires, the switch closes, a client refuses; the bank recovers, and it opens.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use lanner_client::Switches;
use serde_json::{Value, json};

use crate::running::{Running, client, eventually};

fn blocks(switches: &Switches, bank: &str) -> bool {
    let context = json!({"WORKFLOW": "PURCHASE", "BANK": bank});
    switches.evaluate(context.as_object().unwrap()).is_blocked()
}

fn configuration(approval: bool) -> Value {
    let rule = json!({
        "id": "payments-floor", "window": "1s", "absolute": {"min": 1}, "receivers": ["stop-bank"],
        "query": {"stream": "payments", "measure": "count", "where": "status == \"ok\"", "by": ["bank"]},
    });
    let receiver = json!({
        "name": "stop-bank", "kind": "switch", "switch": "block-bank", "with": {"BANK": "bank"}, "for": "30m",
        "cooldown": "0s", "approval": approval, "group_wait": "0s", "group_interval": "0s", "group_by": ["bank"],
    });
    json!({"rules": [rule], "receivers": [receiver]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_contained_and_released() {
    let server = Running::start().await;
    let model = json!({"when": "WORKFLOW == \"PURCHASE\"", "status": "inactive", "reason": "the bank does not answer"});
    server.put("block-bank", &model).await;
    server.post("/api/v1/apply", configuration(false).to_string()).await;
    let switches = client(&server.url).await;
    let pay = async |bank: &str| {
        server.post("/api/v1/events/payments", json!({"bank": bank, "status": "ok"}).to_string()).await;
    };
    // Both banks pay; then HSBC does not.
    pay("HSBC").await;
    let last = Instant::now();
    let is_told = || blocks(&switches, "HSBC");
    while !is_told() {
        pay("ING").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(last.elapsed() < Duration::from_secs(20), "the switch stays open");
    }
    eprintln!("refused {:?} after the last payment; the window is 1 s", last.elapsed());
    assert!(!blocks(&switches, "ING"));
    // HSBC recovers.
    let recovered = Instant::now();
    while is_told() {
        pay("HSBC").await;
        pay("ING").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(recovered.elapsed() < Duration::from_secs(20), "the switch stays closed");
    }
    eprintln!("released {:?} after the first payment", recovered.elapsed());
    eventually("the model was left alone", || !blocks(&switches, "ING")).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_waits_for_a_person() {
    let server = Running::start().await;
    let model = json!({"when": "WORKFLOW == \"PURCHASE\"", "status": "inactive"});
    server.put("block-bank", &model).await;
    server.post("/api/v1/apply", configuration(true).to_string()).await;
    let switches = client(&server.url).await;
    let pay = async |bank: &str| {
        server.post("/api/v1/events/payments", json!({"bank": bank, "status": "ok"}).to_string()).await;
    };
    pay("HSBC").await;
    let begin = Instant::now();
    let waiting = loop {
        pay("ING").await;
        let requests = server.get("/api/v1/switches/requests").await;
        if let Some(request) = requests.get(0) {
            break request.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody is asked");
    };
    assert_eq!(
        (&waiting["id"], &waiting["actor"]),
        (&json!("block-bank.HSBC"), &json!("alert of payments-floor"))
    );
    assert!(!blocks(&switches, "HSBC"), "before anybody approved");
    let revision = server.change("block-bank.HSBC", "approve").await;
    switches.reached(revision).await;
    assert!(blocks(&switches, "HSBC") && !blocks(&switches, "ING"));
    // What was approved for the alert is taken back when it is over.
    let recovered = Instant::now();
    while blocks(&switches, "HSBC") {
        pay("HSBC").await;
        pay("ING").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(recovered.elapsed() < Duration::from_secs(20), "the switch stays closed");
    }
    server.stop().await;
}
