//! A real Prometheus is sent what fires and what was measured.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lanner_core::document::{Check, Node};
use lanner_io::remote_write::RemoteWriteConfig;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

use crate::asking::{apply, post};
use crate::prometheus::{Prometheus, program};
use lanner_testkit::free_port;

const MINUTE_MS: i64 = 60_000;
/// Windows are looked at so long after their end.
const AFTER_MS: i64 = 30_000;

/// A server that sends to `endpoints`, some minutes ago: Prometheus takes no samples of long ago.
async fn start(folder: &Path, endpoints: &str, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut check = Check::default();
    let node = Node::from_yaml(endpoints).unwrap();
    let endpoints = RemoteWriteConfig::read_all(&node, "remote_write", &mut check);
    assert_eq!(check.problems, []);
    let server = Server::start(Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        carbon: None,
        carbon_pickle: None,
        clock: Clock::stepped(now_ms),
        remote_write: Arc::new(endpoints),
        ..Settings::new(folder)
    })
    .await
    .unwrap();
    let query = json!({ "stream": "payments", "measure": "count", "by": ["bank", "card.kind"] });
    let labels = json!({ "severity": "page" });
    apply(&server, json!([{ "id": "payments", "query": query, "window": "1m", "labels": labels, "absolute": { "max": 2 } }])).await;
    server
}

/// The start of the minute that was so many minutes ago.
fn minutes_ago(n: i64) -> i64 {
    let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    now_ms / MINUTE_MS * MINUTE_MS - n * MINUTE_MS
}

/// So many payments of a bank in the minute before `end_ms`.
async fn pay(server: &Server, bank: &str, n: usize, end_ms: i64) {
    let event = json!({ "time": end_ms - MINUTE_MS / 2, "bank": bank, "card": { "kind": "debit" } });
    let (status, answer) = post(server, "/api/v1/events/payments", json!(vec![event; n]).to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// Lets time pass until the window that ends then is evaluated.
async fn step_to(server: &Server, time_ms: i64) {
    assert!(server.step_to(time_ms + AFTER_MS, Duration::from_secs(60)).await);
}

/// The series that a query finds when the window is evaluated that ends then, with their values.
async fn found(
    prometheus: &Prometheus,
    query: &str,
    time_ms: i64,
) -> Vec<(BTreeMap<String, String>, String)> {
    let time = ((time_ms + AFTER_MS) as f64 / 1e3).to_string();
    let request = reqwest::Client::new().get(format!("{}/api/v1/query", prometheus.url));
    let answer: Value =
        request.query(&[("query", query), ("time", &time)]).send().await.unwrap().json().await.unwrap();
    let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let series = |it: &Value| {
        let labels = serde_json::from_value(it["metric"].clone()).unwrap();
        (labels, it["value"][1].as_str().unwrap_or_default().to_owned())
    };
    let mut all: Vec<_> = result.iter().map(series).collect();
    all.sort();
    all
}

/// Asks again until the answer is as expected.
async fn wait_for(prometheus: &Prometheus, query: &str, time_ms: i64, expected: &[(&[(&str, &str)], &str)]) {
    let owned = |(labels, value): &(&[(&str, &str)], &str)| -> (BTreeMap<String, String>, String) {
        (
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            (*value).to_owned(),
        )
    };
    let expected: Vec<_> = expected.iter().map(owned).collect();
    let begun = Instant::now();
    loop {
        let found = found(prometheus, query, time_ms).await;
        if found == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{query}: {found:?} and not {expected:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn metric(server: &Server, name: &str) -> f64 {
    let text =
        reqwest::get(format!("http://{}/metrics", server.http_addr())).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with(name));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn endpoint(name: &str, url: &str, send: &str) -> String {
    format!(
        "{{ name: {name}, url: '{url}/api/v1/write', interval: 1s, send: {send}, labels: {{ job: lanner }} }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_knows_what_fires_and_what_was_measured() {
    let Some(program) = program() else { return };
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let port = free_port();
    let prometheus = Prometheus::start(&program, data.path(), port, "{}").await;
    let begin_ms = minutes_ago(20);
    let at = |minute: i64| begin_ms + minute * MINUTE_MS;
    let server =
        start(folder.path(), &endpoint("first", &prometheus.url, "[alerts, evaluations, metrics]"), begin_ms)
            .await;
    for (minute, n) in [(1, 1), (2, 5), (3, 7)] {
        pay(&server, "ing", n, at(minute)).await;
        step_to(&server, at(minute)).await;
    }
    let labels = [("bank", "ing"), ("card_kind", "debit"), ("rule", "payments"), ("job", "lanner")];
    let named = |name: &'static str, more: &[(&'static str, &'static str)]| {
        [&[("__name__", name)][..], &labels, more].concat()
    };
    let alert = named("ALERTS", &[("alertname", "payments"), ("severity", "page"), ("alertstate", "firing")]);
    wait_for(&prometheus, "ALERTS", at(3), &[(&alert, "1")]).await;
    let since = named("ALERTS_FOR_STATE", &[("alertname", "payments"), ("severity", "page")]);
    wait_for(&prometheus, "ALERTS_FOR_STATE", at(3), &[(&since, &(at(2) / 1_000).to_string())]).await;
    wait_for(&prometheus, "lanner_evaluation_value", at(1), &[(&named("lanner_evaluation_value", &[]), "1")])
        .await;
    wait_for(&prometheus, "lanner_evaluation_value", at(3), &[(&named("lanner_evaluation_value", &[]), "7")])
        .await;
    let rules: &[(&str, &str)] = &[("__name__", "lanner_rules"), ("job", "lanner")];
    wait_for(&prometheus, "lanner_rules", at(3), &[(rules, "1")]).await;

    // Good again: the series ends at once, and not five minutes later.
    step_to(&server, at(4)).await;
    wait_for(&prometheus, "ALERTS", at(4), &[]).await;
    wait_for(&prometheus, "ALERTS", at(4) - 1, &[(&alert, "1")]).await;

    // While Prometheus is away samples wait, and none is lost.
    drop(prometheus);
    for minute in 5..8 {
        pay(&server, "ing", 10 + minute as usize, at(minute)).await;
        step_to(&server, at(minute)).await;
    }
    let begun = Instant::now();
    while metric(&server, "lanner_remote_write_up{endpoint=\"first\"").await > 0.0 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let prometheus = Prometheus::start(&program, data.path(), port, "{}").await;
    for minute in 5..8 {
        let n = (10 + minute).to_string();
        wait_for(
            &prometheus,
            "lanner_evaluation_value",
            at(minute),
            &[(&named("lanner_evaluation_value", &[]), &n)],
        )
        .await;
    }
    assert_eq!(
        metric(&server, "lanner_remote_write_samples_total{endpoint=\"first\",outcome=\"refused\"").await,
        0.0
    );
    // Who asks is told the same.
    let shown = reqwest::get(format!("http://{}/metrics/alerts", server.http_addr()))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = "ALERTS{alertname=\"payments\",alertstate=\"firing\",bank=\"ing\",card_kind=\"debit\",rule=\"payments\",severity=\"page\"} 1\n";
    assert!(shown.contains(line) && shown.ends_with("lanner_alerts_left_out 0\n"), "{shown}");
    server.stop().await;
}

/// Prometheus takes nothing of a request in which one sample is older than what it has.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_costs_only_itself() {
    let Some(program) = program() else { return };
    let data = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, data.path(), free_port(), "{}").await;
    let begin_ms = minutes_ago(20);
    let endpoint = endpoint("second", &prometheus.url, "evaluations");
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &endpoint, begin_ms + 5 * MINUTE_MS).await;
    pay(&server, "ing", 1, begin_ms + 6 * MINUTE_MS).await;
    step_to(&server, begin_ms + 6 * MINUTE_MS).await;
    let value = |bank: &'static str| {
        [
            ("__name__", "lanner_evaluation_value"),
            ("bank", bank),
            ("card_kind", "debit"),
            ("rule", "payments"),
            ("job", "lanner"),
        ]
    };
    wait_for(&prometheus, "lanner_evaluation_value", begin_ms + 6 * MINUTE_MS, &[(&value("ing"), "1")]).await;
    server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &endpoint, begin_ms).await;
    for bank in ["a", "b", "ing", "x", "y"] {
        pay(&server, bank, 2, begin_ms + MINUTE_MS).await;
    }
    step_to(&server, begin_ms + MINUTE_MS).await;
    let others = ["a", "b", "x", "y"].map(value);
    let expected: Vec<(&[(&str, &str)], &str)> = others.iter().map(|labels| (&labels[..], "2")).collect();
    wait_for(&prometheus, "lanner_evaluation_value", begin_ms + MINUTE_MS, &expected).await;
    let begun = Instant::now();
    while metric(&server, "lanner_remote_write_pending{endpoint=\"second\"").await > 0.0 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        metric(&server, "lanner_remote_write_samples_total{endpoint=\"second\",outcome=\"refused\"").await
            >= 1.0
    );
    server.stop().await;
}
