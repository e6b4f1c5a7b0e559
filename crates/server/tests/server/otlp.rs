//! OTLP: the OpenTelemetry SDK for Python sends, recorded bytes of it, and what is refused.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use lanner_io::remote::Secret;
use lanner_server::Server;
use lanner_server::settings::{Settings, Tls};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sending::{apply, counts, events, get, python, run, samples, start, wait_for};
use crate::{asking, tls};

/// The three signals of a program, with the SDK's own settings.
const PROGRAM: &str = include_str!("otlp/program.py");

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_python_sends_by_http() {
    the_sdk_for_python_sends("http", "http").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_python_sends_by_grpc() {
    the_sdk_for_python_sends("otlp_grpc", "grpc").await;
}

async fn the_sdk_for_python_sends(listener: &str, protocol: &str) {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    run(&python, PROGRAM, &[&format!("http://{}", server.address(listener).unwrap()), protocol]).await;
    let of = |all: &[(String, String, f64)], start: &str, label: &str| {
        all.iter()
            .find(|(name, ..)| name.starts_with(start) && name.contains(label))
            .map(|(.., value)| *value)
    };
    wait_for(&server, |all| of(all, "orders_total{", "bank=\"ing\"").is_some()).await;
    let all = samples(&server).await;
    assert_eq!(of(&all, "orders_total{", "bank=\"ing\""), Some(3.0), "{all:?}");
    assert_eq!(of(&all, "orders_total{", "job=\"eu/shop\""), Some(3.0));
    assert_eq!(of(&all, "queue_length{", "instance=\"shop-1\""), Some(-2.0));
    assert_eq!(of(&all, "checkout_duration_seconds_bucket{", "le=\"2.5\""), Some(1.0));
    assert_eq!(of(&all, "checkout_duration_seconds_count{", ""), Some(2.0));
    assert_eq!(of(&all, "checkout_duration_seconds_sum{", ""), Some(10.5));
    let logs = events(&server, "logs", 1).await;
    assert_eq!((&logs[0]["message"], &logs[0]["severity"]), (&json!("slow query: 812 ms"), &json!("WARN")));
    let spans = events(&server, "spans", 2).await;
    let span = spans.iter().find(|span| span["kind"] == "server").unwrap();
    assert_eq!(
        span["http"],
        json!({ "client": "203.0.113.7", "method": "GET", "path": "/orders/17", "status": 500 })
    );
    assert_eq!((&span["status"], &span["service"]), (&json!("error"), &json!("shop")));
    assert_eq!((&logs[0]["trace_id"], span["duration_ms"].is_f64()), (&span["trace_id"], true));
    server.stop().await;
}

/// Spans of HTTP are requests of sessions, as docs/sending.md shows.
#[tokio::test(flavor = "multi_thread")]
async fn spans_become_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let server = asking::start(folder.path(), "[]").await;
    let sessions = json!({ "from": "http", "where": "kind == server" });
    apply(&server, &json!({ "processors": [{ "id": "api", "stream": "spans", "sessions": sessions }] }))
        .await;
    let attribute = |key: &str, value: Value| json!({ "key": key, "value": value });
    let span = |kind: u8, at: i64| {
        json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "kind": kind, "name": "POST /login",
            "endTimeUnixNano": ((asking::NOON_MS - 60_000 + at * 1_000) * 1_000_000).to_string(),
            "attributes": [
                attribute("http.request.method", json!({ "stringValue": "POST" })),
                attribute("url.path", json!({ "stringValue": "/login" })),
                attribute("http.response.status_code", json!({ "intValue": "401" })),
                attribute("client.address", json!({ "stringValue": "203.0.113.7" })),
            ],
        })
    };
    // What the server asks of others is no request of its clients.
    let spans: Vec<Value> = (0..6).flat_map(|at| [span(2, at), span(3, at)]).collect();
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
    let (status, _, answer) = send(&server, "/v1/traces", &[JSON], body.into_bytes()).await;
    assert_eq!((status, answer.as_slice()), (200, &b"{}"[..]));
    let found = events(&server, "api.sessions", 1).await;
    let told = ["client", "finding"].map(|name| found[0][name].as_str().unwrap_or_default());
    assert_eq!((told, &found[0]["requests"]), (["203.0.113.7", "brute_force"], &json!(5)), "{found:?}");
    server.stop().await;
}

/// The status, the content type and the body of an answer.
async fn send(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, String, Vec<u8>) {
    let mut request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body).send().await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.bytes().await.unwrap().to_vec())
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_as_the_protocol_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = asking::start(folder.path(), "[]").await;
    let recorded = include_bytes!("../../../wire/testdata/otlp/metrics.pb").to_vec();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&recorded).unwrap();
    let gzip = ("content-encoding", "gzip");
    let answer = send(&server, "/v1/metrics", &[PROTOBUF, gzip], zipped.finish().unwrap()).await;
    assert_eq!(answer, (200, "application/x-protobuf".to_owned(), Vec::new()));
    let n_samples = samples(&server).await.len();
    assert_eq!(n_samples, 25);
    // The same again is the same.
    send(&server, "/v1/metrics", &[PROTOBUF], recorded.clone()).await;
    assert_eq!(samples(&server).await.len(), n_samples);

    let spans = include_bytes!("../../../wire/testdata/otlp/spans.json").to_vec();
    let answer = send(&server, "/v1/traces?stream=shop.spans", &[JSON], spans).await;
    assert_eq!(answer, (200, "application/json".to_owned(), b"{}".to_vec()));
    assert_eq!(events(&server, "shop.spans", 2).await.len(), 2);

    // Of two records one has a time that cannot be.
    let records = json!([{ "timeUnixNano": "1767268800000000000", "body": { "stringValue": "a" } }, { "timeUnixNano": "9999999999999999999" }]);
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] }).to_string();
    let (status, _, body) = send(&server, "/v1/logs", &[JSON], logs.into_bytes()).await;
    let partial: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &partial["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    let why = partial["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(why.contains("not between 1900 and 2200"), "{why}");
    assert_eq!(events(&server, "logs", 1).await[0]["message"], "a");

    let half = recorded[..recorded.len() / 2].to_vec();
    for (path, headers, body, status, kind, part) in [
        ("/v1/logs", &[JSON][..], b"rubbish".to_vec(), 400, "application/json", "no OTLP message"),
        ("/v1/metrics", &[PROTOBUF], half, 400, "application/x-protobuf", "ends within a field"),
        ("/v1/traces", &[PROTOBUF, gzip], b"rubbish".to_vec(), 400, "application/x-protobuf", "not gzip"),
        (
            "/v1/traces",
            &[PROTOBUF, ("content-encoding", "zstd")],
            vec![],
            415,
            "application/x-protobuf",
            "zstd",
        ),
        (
            "/v1/logs",
            &[("content-type", "text/plain")],
            vec![],
            415,
            "application/json",
            "application/x-protobuf",
        ),
        ("/v1/logs", &[], vec![], 415, "application/json", "application/x-protobuf"),
        ("/v1/logs?stream=a%00", &[JSON], b"{}".to_vec(), 400, "application/json", "stream's name"),
    ] {
        let (found, found_kind, body) = send(&server, path, headers, body).await;
        let body = String::from_utf8_lossy(&body);
        assert_eq!((found, found_kind.as_str()), (status, kind), "{path}: {body}");
        assert!(body.contains(part), "{path}: {body}");
    }
    assert_eq!(counts(&server).await, [3, 50, 1]);
    assert!(get(&server, "/metrics").await.contains("accepted_total{protocol=\"otlp\"}"));
    server.stop().await;
}

/// What an ordinary client of gRPC is told: the code of each call, and the details or the bytes of the answer.
async fn called(python: &Path, address: &str, ca_file: &str, token: &str) -> Value {
    let mut command = tokio::process::Command::new(python);
    let done = command.arg("-c").arg(CALLS).args([address, ca_file, token]).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

const CALLS: &str = include_str!("otlp/calls.py");

/// A server that takes calls of gRPC, as `change` has it.
async fn taking_calls(folder: &Path, change: impl FnOnce(&mut Settings)) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut settings = Settings::new(folder);
    settings.listen = any_port;
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.otlp_grpc = Some(any_port);
    settings.max_body_bytes = 2_000_000;
    change(&mut settings);
    Server::start(settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_as_grpc_has_it() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = taking_calls(folder.path(), |_| ()).await;
    let address = server.address("otlp_grpc").unwrap();
    let told = called(&python, &address.to_string(), "", "").await;
    let check = |call: &str, code: &str, details: &str| {
        let text = told[call][1].as_str().map_or_else(|| told[call][1].to_string(), str::to_owned);
        assert!(told[call][0] == code && text.contains(details), "{call}: {told}");
    };
    check("empty", "OK", "[]");
    check("rubbish", "INVALID_ARGUMENT", "ends within a field");
    // A message whose first field says that one record was refused.
    check("partial", "OK", "[10,");
    check("unknown", "UNIMPLEMENTED", "metrics, logs and traces");
    check("large", "RESOURCE_EXHAUSTED", "server.max_body");
    check("deflated", "UNIMPLEMENTED", "send gzip");

    // What does not speak gRPC is told so, or cut off; the port of HTTP speaks HTTP/1.1 alone.
    let answer = reqwest::get(format!("http://{address}/v1/metrics")).await;
    assert!(answer.is_err(), "{answer:?}");
    let mut preface = tokio::net::TcpStream::connect(server.http_addr()).await.unwrap();
    preface.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let _ = preface.read_to_end(&mut told).await;
    assert!(told.is_empty() || told.starts_with(b"HTTP/1.1 4"), "{told:?}");
    server.stop().await;
}

/// Where the server has a token and a certificate, callers show the one and see the other.
#[tokio::test(flavor = "multi_thread")]
async fn calls_need_what_requests_need() {
    let Some(python) = python() else { return };
    if !tls::has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tls::make(folder.path(), "cert");
    let place = |name: &str| folder.path().join(name);
    let token = "a-token-of-the-test-of-calls";
    let server = taking_calls(folder.path(), |settings| {
        settings.token = Some(Secret::Text(token.to_owned()));
        settings.tls = Some(Tls { cert: place("cert.pem"), key: place("cert.key") });
    })
    .await;
    let address = format!("localhost:{}", server.address("otlp_grpc").unwrap().port());
    let cert = place("cert.ca.pem").display().to_string();
    let told = called(&python, &address, &cert, "").await;
    // Nor is it looked how large a call is.
    for call in ["empty", "partial", "large"] {
        assert_eq!(told[call][0], "UNAUTHENTICATED", "{told}");
    }
    let told = called(&python, &address, &cert, "another-token-than-that").await;
    assert_eq!(told["empty"][0], "UNAUTHENTICATED", "{told}");
    let told = called(&python, &address, &cert, token).await;
    assert_eq!(
        (&told["empty"][0], &told["rubbish"][0]),
        (&json!("OK"), &json!("INVALID_ARGUMENT")),
        "{told}"
    );
    server.stop().await;
}
