//! Lanner watches itself, in a running server: what is shown of it, who is notified, and the heartbeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lanner_io::receiver::Power;
use lanner_server::settings::{Heartbeat, To};
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

const PATIENCE: Duration = Duration::from_secs(60);

impl Running {
    async fn readyz(&self) -> String {
        self.http.get(format!("{}/readyz", self.url)).send().await.unwrap().text().await.unwrap()
    }
}

/// A server whose receivers may write and read files although they come over the API.
async fn start_allowed() -> Running {
    let folder = tempfile::tempdir().unwrap();
    start_with(folder, |settings| settings.allow.extend([Power::Log, Power::File])).await
}

/// Waits until the file holds a line with each of `parts`.
async fn until_written(path: &std::path::Path, parts: &[&str]) {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().any(|line| parts.iter().all(|part| line.contains(part))) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{parts:?} never came: {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_cannot_work_is_shown_and_told_and_works_once_it_can() {
    let running = start_allowed().await;
    let (told, secret) = (running.folder.path().join("told.json"), running.folder.path().join("secret"));
    let receivers = json!([
        {"name": "self", "kind": "log", "path": told, "group_wait": "0s", "group_interval": "0s"},
        {"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/", "auth": {"bearer": {"file": secret}}},
    ]);
    running.fine("POST", "/api/v1/apply", json!({ "receivers": receivers })).await;

    let is_broken = |all: &Value| all[0]["problem"].as_str().is_some_and(|why| why.contains("auth.bearer"));
    let all = running.until("/api/v1/receivers", is_broken).await;
    assert_eq!(all[1]["problem"], Value::Null);
    let alerts = running.until("/api/v1/alerts", |all| all[0]["rule"] == "lanner:receiver").await;
    assert_eq!((&alerts[0]["state"], &alerts[0]["group"]["receiver"]), (&json!("firing"), &json!("hook")));
    until_written(&told, &["\"status\":\"firing\"", "lanner:receiver", "auth.bearer"]).await;
    let status = running.fine("GET", "/api/v1/status", Value::Null).await;
    assert!(status["ready"] == true && status["problems"][0].as_str().unwrap().contains("hook"), "{status}");
    let ready = running.readyz().await;
    assert!(ready.starts_with("ready\nwarning: lanner:receiver: the receiver hook"), "{ready}");

    std::fs::write(&secret, "t0ken").unwrap();
    running.until("/api/v1/receivers", |all| all[0]["problem"].is_null()).await;
    until_written(&told, &["\"status\":\"resolved\"", "lanner:receiver", "recovered"]).await;
    running.until("/api/v1/alerts", |all| all == &json!([])).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_shown_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_with(folder, |settings| settings.allow.extend([Power::Command])).await;
    let auth = json!({"username": "ops", "password": "s3cret-password"});
    let receivers = json!([
        {"name": "page", "kind": "command", "command": ["/bin/false", "--password", "s3cret-argument"],
            "env": {"TOKEN": "s3cret-variable"}},
        {"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/s3cret-path?key=s3cret-query", "auth": auth,
            "headers": {"X-Token": "s3cret-header"}},
        {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": 9, "tls": "none", "from": "a@example.org",
            "to": ["b@example.org"], "username": "ops", "password": "s3cret-password"},
    ]);
    let (status, applied) = running.ask("POST", "/api/v1/apply", json!({ "receivers": receivers })).await;
    assert!(!applied.to_string().contains("s3cret"), "{applied}");
    assert_eq!(status, 200, "{applied}");
    for name in ["page", "hook", "mail"] {
        let (_, answer) = running.ask("POST", &format!("/api/v1/receivers/{name}/test"), Value::Null).await;
        assert!(answer.to_string().contains(name) && !answer.to_string().contains("s3cret"), "{answer}");
    }
    for path in ["/api/v1/receivers", "/api/v1/audit", "/api/v1/status", "/api/v1/alerts", "/api/v1/outbox"] {
        let shown = running.fine("GET", path, Value::Null).await.to_string();
        assert!(!shown.contains("s3cret"), "{path}: {shown}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_told_and_failures_are_dated() {
    let running = start_allowed().await;
    let told = running.folder.path().join("told.json");
    let refusing =
        axum::Router::new().fallback(async || (axum::http::StatusCode::BAD_REQUEST, "no such team"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move { axum::serve(listener, refusing).await });
    let rule = json!({"id": "r", "query": {"stream": "s", "measure": "count"}, "window": "1s",
        "absolute": {"min": 1}, "receivers": ["hook"]});
    let receivers = json!([
        {"name": "self", "kind": "log", "path": told, "group_wait": "0s", "group_interval": "0s"},
        {"name": "hook", "kind": "webhook", "url": url, "group_wait": "0s", "group_interval": "0s",
            "give_up_after": "1s"},
    ]);
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule], "receivers": receivers})).await;
    let failed = |all: &Value| all[0]["failing_since"].is_string() && all[0]["last_failed"].is_string();
    let all = running.until("/api/v1/receivers", failed).await;
    assert!(all[0]["last_error"].as_str().unwrap().contains("no such team"), "{all}");
    running.until("/api/v1/receivers", |all| all[0]["dead"].as_u64() > Some(0)).await;
    until_written(&told, &["lanner:dead-letters", "no such team"]).await;
    let is_said = |status: &Value| status["problems"].to_string().contains("no such team");
    let status = running.until("/api/v1/status", is_said).await;
    assert!(status["outbox"]["dead"].as_u64() > Some(0), "{status}");
    running.server.stop().await;
    peer.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_comes_while_rules_are_evaluated_and_not_otherwise() {
    let beats = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&beats);
    let router = axum::Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        "OK"
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping/s3cret", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move { axum::serve(listener, router).await });
    let to = To::Url(lanner_io::receiver::Secret::Text(url));
    let folder = tempfile::tempdir().unwrap();
    let running =
        start_with(folder, |settings| settings.heartbeat = Some(Heartbeat { to, every_ms: 100 })).await;
    let began = Instant::now();
    while beats.load(Ordering::SeqCst) < 3 {
        assert!(began.elapsed() < PATIENCE, "no heartbeat");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What the loop decides cannot be written: nothing comes any more.
    let evaluation = &running.server.services().evaluation;
    *evaluation.stuck.lock().unwrap() = Some("the disk is full".to_owned());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = beats.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(beats.load(Ordering::SeqCst), before);
    *evaluation.stuck.lock().unwrap() = None;
    let began = Instant::now();
    while beats.load(Ordering::SeqCst) == before {
        assert!(began.elapsed() < PATIENCE, "no heartbeat again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.server.stop().await;
    peer.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_that_nobody_takes_is_an_alert() {
    let folder = tempfile::tempdir().unwrap();
    let to = To::Receiver("nobody".to_owned());
    let running =
        start_with(folder, |settings| settings.heartbeat = Some(Heartbeat { to, every_ms: 100 })).await;
    let alerts = running.until("/api/v1/alerts", |all| !all.as_array().unwrap().is_empty()).await;
    let [alert] = &alerts.as_array().unwrap()[..] else { panic!("{alerts}") };
    assert_eq!(alert["rule"], "lanner:heartbeat-lost");
    assert!(alert["content"].as_str().unwrap().contains("\"nobody\""), "{alert}");
    running.server.stop().await;
}
