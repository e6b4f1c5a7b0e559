//! Processors, end to end: lines of an access log come in as text, become events with fields, and a rule on those fires.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;

async fn start(folder: &Path) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(NOON_MS);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", kind).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(server: &Server, path: &str) -> String {
    reqwest::get(format!("http://{}{path}", server.http_addr())).await.unwrap().text().await.unwrap()
}

async fn apply(server: &Server, document: &Value) -> (u16, Value) {
    post(server, "/api/v1/apply", "application/json", document.to_string()).await
}

/// A line of an access log of this second after noon.
fn line(at_s: i64, path: &str, status: u16) -> String {
    let (minute, second) = (at_s / 60, at_s % 60);
    format!(
        "198.51.100.{} - - [01/Jan/2026:12:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} 512 \"-\" \"curl/8.5.0\"",
        at_s % 250
    )
}

/// The stored events of a stream, less their exported time.
async fn stored(server: &Server, stream: &str) -> Vec<Value> {
    let text = get(server, &format!("/api/v1/export/events/{stream}")).await;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many events of a stream match, as a question says.
async fn count(server: &Server, stream: &str, condition: &str) -> Value {
    let query = json!({ "stream": stream, "measure": "count", "where": condition });
    let question = json!({ "query": query, "step": "10m", "from": NOON_MS, "to": NOON_MS + 600_000 });
    let (status, answer) = post(server, "/api/v1/query", "application/json", question.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer["series"][0]["values"][0].clone()
}

fn processors() -> Value {
    json!([
        { "id": "access", "stream": "access-log", "parse": { "as": "combined" } },
        { "id": "errors", "stream": "access-log", "copy": { "to": "access-errors", "where": "status >= 500" } },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_event_becomes_is_one_that_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let (status, applied) = apply(&server, &json!({ "processors": processors() })).await;
    assert_eq!(status, 200, "{applied}");
    // Each is copied, so that six events are kept until the next upkeep.
    let lines: Vec<String> = (0..3).map(|at| line(at, "/cart", 502).replace("2026", "2020")).collect();
    let (status, report) = post(&server, "/api/v1/events/access-log", "text/plain", lines.join("\n")).await;
    assert_eq!((status, &report["accepted"], &report["too_old"]), (200, &json!(3), &json!(3)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_fires_on_lines_of_an_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let rule = |id: &str, stream: &str, condition: &str| {
        json!({
            "id": id, "query": { "stream": stream, "measure": "count", "where": condition, "by": ["path"] },
            "window": "10m", "absolute": { "max": 2 },
        })
    };
    let document = json!({
        "processors": processors(),
        "rules": [rule("failing", "access-log", "status >= 500"), rule("copied", "access-errors", "status > 0")],
    });
    let (status, applied) = apply(&server, &document).await;
    assert_eq!((status, &applied["processors"]["created"]), (200, &json!(["access", "errors"])), "{applied}");
    let (_, again) = apply(&server, &json!({ "processors": processors() })).await;
    assert_eq!(again["processors"]["unchanged"], json!(["access", "errors"]));

    let mut lines: Vec<String> = (0..20).map(|at| line(at * 10, "/", 200)).collect();
    lines.extend((0..4).map(|at| line(at * 20, "/cart?id=7", 502)));
    lines.push("worker process 12 exited on signal 9".to_owned());
    let body = lines.join("\r\n");
    let (status, report) =
        post(&server, "/api/v1/events/access-log", "text/plain; charset=utf-8", body).await;
    assert_eq!((status, &report["accepted"], &report["rejected"]), (200, &json!(25), &json!(0)), "{report}");

    assert!(server.step_to(NOON_MS + 610_000, Duration::from_secs(60)).await);
    let alerts: Value = serde_json::from_str(&get(&server, "/api/v1/alerts").await).unwrap();
    let mut firing: Vec<(&Value, &Value)> = alerts
        .as_array()
        .unwrap()
        .iter()
        .filter(|alert| alert["state"] == "firing")
        .map(|alert| (&alert["rule"], &alert["labels"]["path"]))
        .collect();
    firing.sort_by_key(|(rule, _)| rule.to_string());
    assert_eq!(
        firing,
        [(&json!("copied"), &json!("/cart")), (&json!("failing"), &json!("/cart"))],
        "{alerts}"
    );

    // What is asked says the same, and what is stored holds the line and what was found in it.
    assert_eq!(count(&server, "access-log", "status >= 500").await, json!(4.0));
    assert_eq!(count(&server, "access-log", "status == 200").await, json!(20.0));
    let events = stored(&server, "access-errors").await;
    assert_eq!(events.len(), 4);
    assert_eq!((&events[0]["message"], &events[0]["query"]), (&json!(lines[20]), &json!("id=7")));
    assert_eq!(events[0]["time"], "2026-01-01T12:00:00Z");
    let odd = stored(&server, "access-log").await.into_iter().find(|event| event.get("status").is_none());
    assert_eq!(odd.unwrap()["message"], "worker process 12 exited on signal 9");

    let status: Value = serde_json::from_str(&get(&server, "/api/v1/status").await).unwrap();
    let seen = json!([
        { "id": "access", "stream": "access-log", "kind": "parse", "events": 25, "unmatched": 1 },
        { "id": "errors", "stream": "access-log", "kind": "copy", "events": 25, "unmatched": 0 },
    ]);
    assert_eq!(status["processors"], seen);
    let metrics = get(&server, "/metrics").await;
    assert!(metrics.contains("lanner_processor_unmatched_total{processor=\"access\"} 1"), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_outlive_a_restart_and_end_when_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    apply(&server, &json!({ "processors": processors() })).await;
    server.stop().await;
    let server = start(folder.path()).await;
    post(&server, "/api/v1/events/access-log", "text/plain", line(1, "/a", 500)).await;
    let (_, applied) = apply(&server, &json!({ "processors": [], "prune_also": ["processors"] })).await;
    assert_eq!(applied["processors"]["deleted"], json!(["access", "errors"]), "{applied}");
    post(&server, "/api/v1/events/access-log", "text/plain", line(2, "/b", 500)).await;
    let events = stored(&server, "access-log").await;
    let statuses: Vec<Option<&Value>> = events.iter().map(|event| event.get("status")).collect();
    assert_eq!((statuses, stored(&server, "access-errors").await.len()), (vec![None, Some(&json!(500))], 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_are_listed_and_deleted_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    apply(&server, &json!({ "processors": processors() })).await;
    post(&server, "/api/v1/events/access-log", "text/plain", line(1, "/a", 500)).await;
    let list = async || -> Value { serde_json::from_str(&get(&server, "/api/v1/processors").await).unwrap() };
    let expected = json!([
        { "id": "access", "stream": "access-log", "kind": "parse", "events": 1, "unmatched": 0 },
        { "id": "errors", "stream": "access-log", "kind": "copy", "events": 1, "unmatched": 0 },
    ]);
    assert_eq!(list().await, expected);
    let delete = async |id: &str| {
        let url = format!("http://{}/api/v1/processors/{id}", server.http_addr());
        let answer = reqwest::Client::new().delete(url).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = delete("access").await;
    assert_eq!((status, &answer["deleted"]), (200, &json!(["access"])), "{answer}");
    assert_eq!(list().await[0]["id"], "errors");
    // What arrives from now on passes the other alone, whose condition needs what the first one added.
    post(&server, "/api/v1/events/access-log", "text/plain", line(2, "/b", 500)).await;
    assert_eq!(stored(&server, "access-errors").await.len(), 1);
    let audit: Value = serde_json::from_str(&get(&server, "/api/v1/audit?subject=access").await).unwrap();
    assert_eq!(audit[0]["action"], "processor.delete", "{audit}");
    for id in ["access", "never"] {
        let (status, answer) = delete(id).await;
        assert_eq!(status, 404, "{answer}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_cannot_be_read_is_listed_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    apply(&server, &json!({ "processors": processors() })).await;
    let odd = lanner_io::store::DocumentChange {
        id: "odd".to_owned(),
        document: Some(json!({ "id": "odd", "stream": "access-log", "parse": { "as": "xml" } })),
    };
    server.store().save_documents("processor", "ann", "", NOON_MS, vec![odd]).unwrap().wait().unwrap();
    server.stop().await;
    let server = start(folder.path()).await;
    let list: Value = serde_json::from_str(&get(&server, "/api/v1/processors").await).unwrap();
    assert_eq!(
        (list.as_array().unwrap().len(), &list[2]["id"], &list[2]["kind"]),
        (3, &json!("odd"), &json!("parse"))
    );
    assert!(list[2]["problem"].as_str().unwrap().contains("xml"), "{list}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_are_refused_also_across_applications() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let copy = |id: &str, from: &str, to: &str| json!({ "processors": [{ "id": id, "stream": from, "copy": { "to": to } }] });
    assert_eq!(apply(&server, &copy("a", "s", "t")).await.0, 200);
    let (status, refused) = apply(&server, &copy("b", "t", "s")).await;
    assert_eq!(status, 422);
    assert_eq!(refused["problems"][0]["message"], "closes a circle: s -> t -> s", "{refused}");
    // What replaces the other end opens it.
    assert_eq!(apply(&server, &copy("a", "s", "u")).await.0, 200);
    assert_eq!(apply(&server, &copy("b", "t", "s")).await.0, 200);
    let (_, report) = post(&server, "/api/v1/events/t", "application/json", "{\"n\":1.10}").await;
    assert_eq!(report["accepted"], 1);
    for stream in ["s", "t", "u"] {
        let text = get(&server, &format!("/api/v1/export/events/{stream}")).await;
        assert!(text.starts_with("{\"n\":1.10,"), "{stream}: {text}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_access_logs_are_read() {
    let Some(log) = lanner_testkit::shared_data("accesslogs/apache_combined_10k.log") else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    apply(&server, &json!({ "processors": processors() })).await;
    let log = std::fs::read(log).unwrap();
    let n_lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    let (status, report) = post(&server, "/api/v1/events/access-log", "text/plain", log).await;
    assert_eq!((status, &report["accepted"]), (200, &json!(n_lines)), "{report}");
    let status: Value = serde_json::from_str(&get(&server, "/api/v1/status").await).unwrap();
    // One line was cut off in the middle of its last field, and is read as far as it goes.
    let seen = &status["processors"][0];
    assert_eq!((&seen["events"], &seen["unmatched"]), (&json!(n_lines), &json!(0)));
    server.stop().await;
}
