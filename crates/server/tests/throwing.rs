//! Alerts that change switches: each for itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::switching::{Running, start};

mod switching;

/// Comes when it holds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Running {
    async fn event(&self, event: Value) {
        self.text("/api/v1/events/payments", event.to_string()).await;
    }

    async fn is_blocked(&self, bank: &str) -> bool {
        self.blocks(json!({"BANK": bank})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_without_the_label_keeps_no_other_from_blocking() {
    let running = start().await;
    running.put("block", json!({"when": "BANK exists", "status": "inactive"})).await;
    let rule = json!({
        "id": "fails", "window": "1s", "absolute": {"max": 0}, "receivers": ["stop"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank", "country"]},
    });
    let receiver = json!({
        "name": "stop", "kind": "switch", "switch": "block", "with": {"BANK": "bank"}, "group_wait": "0s",
        "group_interval": "0s", "cooldown": "0s",
    });
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule], "receivers": [receiver]})).await;
    let banks = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all_blocked = async || {
        for bank in banks {
            // The one without a bank is in the middle.
            running.event(json!({"bank": bank, "country": "x"})).await;
            running.event(json!({"country": "m"})).await;
        }
        let mut n = 0;
        for bank in banks {
            n += usize::from(running.is_blocked(bank).await);
        }
        n == banks.len()
    };
    eventually("all banks that fail are blocked", all_blocked).await;
    let failed = async || {
        let outbox = running.fine("GET", "/api/v1/outbox", Value::Null).await;
        outbox.to_string().contains("has no label \\\"bank\\\" for BANK")
    };
    eventually("the alert that changes no switch is shown", failed).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_turned_off_stays_off_whatever_the_person_is_called() {
    let running = start().await;
    running.put("block", json!({"when": "BANK exists", "status": "inactive"})).await;
    let rule = json!({
        "id": "floor", "window": "1s", "absolute": {"max": 0}, "receivers": ["stop"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank"]},
    });
    let receiver = json!({
        "name": "stop", "kind": "switch", "switch": "block", "with": {"BANK": "bank"}, "group_wait": "0s",
        "group_interval": "0s", "cooldown": "0s", "repeat": "1s",
    });
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule], "receivers": [receiver]})).await;
    let fails = async || running.event(json!({"bank": "a"})).await;
    let blocked = async || {
        fails().await;
        running.is_blocked("a").await
    };
    eventually("the alert blocks", blocked).await;
    let history = async || running.fine("GET", "/api/v1/switches/block.a/history", Value::Null).await;
    assert_eq!(history().await[0]["cause"]["rule"], "floor");
    // By a name like the alert's, and in its words.
    let off = json!({"message": "the alert is over"});
    let (status, answer) =
        running.ask_as("alert of floor", "POST", "/api/v1/switches/block.a/deactivate", off).await;
    assert_eq!((status, &answer["cause"]), (200, &json!({"kind": "person"})), "{answer}");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        fails().await;
        assert!(!running.is_blocked("a").await, "it blocks again: {}", history().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    running.server.stop().await;
}
