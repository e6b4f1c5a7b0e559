//! Traces of Jaeger come in as JSON.

use serde_json::{Value, json};

use crate::switching::start;

/// A trace as Jaeger saves it becomes a session like requests of an access log.
#[tokio::test(flavor = "multi_thread")]
async fn traces_of_jaeger_become_sessions() {
    let running = start().await;
    let now_ms = running.server.now_ms();
    let document = json!({ "processors": [
        { "id": "api", "stream": "spans", "sessions": { "from": "http", "by": ["network(client)"], "where": "kind == server" } },
    ] });
    running.fine("POST", "/api/v1/apply", document).await;
    let span = |i: i64| {
        let tags = json!([
            { "key": "span.kind", "type": "string", "value": "server" },
            { "key": "http.method", "type": "string", "value": "POST" },
            { "key": "http.target", "type": "string", "value": "/login?from=app" },
            { "key": "http.status_code", "type": "int64", "value": 401 },
            { "key": "http.client_ip", "type": "string", "value": format!("203.0.113.{i}") },
        ]);
        json!({
            "traceID": "4bf92f3577b34da6", "spanID": format!("{i:016x}"), "operationName": "POST /login", "references": [],
            "startTime": (now_ms - 20_000 + i * 1_000) * 1_000, "duration": 12_345, "tags": tags, "logs": [], "processID": "p1",
        })
    };
    let mut spans: Vec<Value> = (0..8).map(span).collect();
    spans.push(json!({ "traceID": "x" }));
    let processes = json!({ "p1": { "serviceName": "shop", "tags": [{ "key": "host", "type": "string", "value": "a" }] } });
    let trace = json!({ "data": [{ "traceID": "4bf92f3577b34da6", "spans": spans, "processes": processes }], "total": 0, "errors": null });
    let request =
        running.http.post(format!("{}/v1/traces", running.url)).header("content-type", "application/json");
    let answer: Value = request.body(trace.to_string()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{answer}");
    let export = async |stream: &str| -> Vec<Value> {
        let url = format!("{}/api/v1/export/events/{stream}", running.url);
        let text = running.http.get(url).send().await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let events = export("spans").await;
    let facts = ["service", "kind", "duration_ms"].map(|name| events[0][name].clone());
    assert_eq!((events.len(), facts), (8, [json!("shop"), json!("server"), json!(12.345)]), "{events:?}");
    assert_eq!(events[0]["resource"], json!({ "host": "a" }));
    let sessions = export("api.sessions").await;
    assert_eq!(
        (&sessions[0]["client"], &sessions[0]["finding"]),
        (&json!("203.0.113.0/24"), &json!("brute_force"))
    );
    running.server.stop().await;
}
