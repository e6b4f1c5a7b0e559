//! Clients are sent what changed, and fetch all only where that is not enough.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lanner_client::{Snapshot, Switches};
use serde_json::{Value, json};

use crate::running::{Running, client, eventually, options};

/// How often the server sent a snapshot in this form.
async fn sent(server: &Running, form: &str) -> u64 {
    let metrics = server.text("/metrics").await;
    let name = format!("lanner_switch_snapshots_total{{form=\"{form}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

async fn reached(switches: &Switches, revision: u64) {
    tokio::time::timeout(Duration::from_secs(20), switches.reached(revision)).await.unwrap();
}

fn blocks(switches: &Switches, context: &Value) -> bool {
    switches.evaluate(context.as_object().unwrap()).is_blocked()
}

async fn twenty_switches(server: &Running) {
    for n in 0..20 {
        let document = json!({"when": format!("x == {n}"), "description": "long enough ".repeat(10)});
        server.put(&format!("s{n}"), &document).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_change_is_told_and_nothing_fetched() {
    let server = Running::start().await;
    twenty_switches(&server).await;
    let (switches, whole) = (client(&server.url).await, sent(&server, "whole").await);
    eventually("pushed", || switches.status().is_pushed).await;
    for n in 0..5 {
        let revision = server.put("s1", &json!({"when": format!("x == {}", 100 + n)})).await;
        reached(&switches, revision).await;
        assert!(blocks(&switches, &json!({"x": 100 + n})) && !blocks(&switches, &json!({"x": 99 + n})));
        assert!(blocks(&switches, &json!({"x": 19})), "what did not change counts as before");
    }
    let revision = server.change("s2", "deactivate").await;
    reached(&switches, revision).await;
    assert!(!blocks(&switches, &json!({"x": 2})));
    assert_eq!((sent(&server, "whole").await, sent(&server, "delta").await), (whole, 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_polls_gets_what_changed_since() {
    let server = Running::start().await;
    twenty_switches(&server).await;
    let options = options(&server.url).without_push().every(Duration::from_millis(300));
    let (switches, whole) = (Switches::connect(options).await.unwrap(), sent(&server, "whole").await);
    server.put("s1", &json!({"when": "x == 100"})).await;
    server.put("s2", &json!({"when": "x == 200"})).await;
    let revision = server.put("s1", &json!({"when": "x == 101"})).await;
    reached(&switches, revision).await;
    let held = [1, 2, 3, 100, 101, 200].map(|x| blocks(&switches, &json!({ "x": x })));
    assert_eq!(held, [false, false, true, false, true, true]);
    assert_eq!(sent(&server, "whole").await, whole);
    assert!(sent(&server, "delta").await > 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_too_long_to_be_told() {
    let server = Running::start().await;
    twenty_switches(&server).await;
    let (switches, whole) = (client(&server.url).await, sent(&server, "whole").await);
    let document = json!({"when": "x == 100", "description": "far too long ".repeat(2_000)});
    let revision = server.put("s1", &document).await;
    reached(&switches, revision).await;
    assert!(blocks(&switches, &json!({"x": 100})));
    let fetched = sent(&server, "whole").await + sent(&server, "delta").await;
    assert_eq!(fetched, whole + 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_not_known_gets_all() {
    let server = Running::start().await;
    twenty_switches(&server).await;
    let path = "/api/v1/switches/snapshot";
    let before = Snapshot::from_json(&server.get(path).await).unwrap();
    server.put("s1", &json!({"when": "x == 100"})).await;
    let delta = server.get(&format!("{path}?since={}", before.tag())).await;
    assert_eq!(delta["from"], json!(before.tag()));
    assert_eq!(delta["changed"][0]["id"], "s1");
    for since in ["1-0000", "", "%22%00"] {
        let all = server.get(&format!("{path}?since={since}")).await;
        assert_eq!(Snapshot::from_json(&all).unwrap().switches().count(), 20, "{since}");
    }
    server.stop().await;
}
