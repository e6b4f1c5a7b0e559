//! Requests of the OpenTelemetry SDK for Python 1.45.2, recorded and then given round times and identifiers, in both encodings; and
//! what is none.

use lanner_core::Event;
use lanner_core::time::format_time;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Report;

const METRICS: [(Encoding, &[u8]); 2] = [
    (Encoding::Protobuf, include_bytes!("../../testdata/otlp/metrics.pb")),
    (Encoding::Json, include_bytes!("../../testdata/otlp/metrics.json")),
];
const DELTAS: [(Encoding, &[u8]); 2] = [
    (Encoding::Protobuf, include_bytes!("../../testdata/otlp/metrics-delta.pb")),
    (Encoding::Json, include_bytes!("../../testdata/otlp/metrics-delta.json")),
];
const LOGS: [(Encoding, &[u8]); 2] = [
    (Encoding::Protobuf, include_bytes!("../../testdata/otlp/logs.pb")),
    (Encoding::Json, include_bytes!("../../testdata/otlp/logs.json")),
];
const SPANS: [(Encoding, &[u8]); 2] = [
    (Encoding::Protobuf, include_bytes!("../../testdata/otlp/spans.pb")),
    (Encoding::Json, include_bytes!("../../testdata/otlp/spans.json")),
];

/// The time of receipt.
const RECEIVED_MS: i64 = 1_767_268_900_000;

/// Series as they are shown, with their values, in order; and the report.
fn samples(encoding: Encoding, bytes: &[u8]) -> Result<(Vec<String>, Report), OtlpError> {
    let (mut report, mut found) = (Report::default(), Vec::new());
    metrics::read(&Body::new(encoding, bytes)?, RECEIVED_MS, &mut report, |key, sample| {
        found.push(format!("{key} {} {}", sample.value, format_time(sample.time_ms)));
        Ok(())
    })?;
    found.sort();
    Ok((found, report))
}

type Read =
    fn(&Body<'_>, i64, &mut Report, &mut dyn FnMut(Event) -> Result<(), String>) -> Result<(), OtlpError>;
const READ_LOGS: Read = |body, received_ms, report, on_event| logs::read(body, received_ms, report, on_event);
const READ_SPANS: Read =
    |body, received_ms, report, on_event| spans::read(body, received_ms, report, on_event);

fn events(read: Read, encoding: Encoding, bytes: &[u8]) -> Result<(Vec<(String, Value)>, Report), OtlpError> {
    let (mut report, mut found) = (Report::default(), Vec::new());
    read(&Body::new(encoding, bytes)?, RECEIVED_MS, &mut report, &mut |event| {
        found.push((format_time(event.time_ms), Value::Object(event.fields)));
        Ok(())
    })?;
    Ok((found, report))
}

const RESOURCE: &str = r#"deployment_environment_name="prod",instance="shop-1",job="eu/shop""#;

#[test]
fn metrics_of_the_sdk() {
    for (encoding, bytes) in METRICS {
        let (found, report) = samples(encoding, bytes).unwrap();
        let mut expected: Vec<String> = Vec::new();
        let mut expect = |name: &str, labels: &[&str], value: f64| {
            let mut labels: Vec<&str> = labels.iter().copied().chain(RESOURCE.split(',')).collect();
            labels.sort_unstable();
            expected.push(format!("{name}{{{}}} {value} 2026-01-01T12:00:00Z", labels.join(",")));
        };
        expect("orders_total", &[r#"bank="ing""#], 4.0);
        expect("orders_total", &[r#"bank="hsbc""#, r#"http_route="/buy""#], 2.0);
        expect("queue_length", &[], -2.0);
        expect("cpu_utilization_ratio", &[r#"cpu="0""#], 0.25);
        let get = r#"http_request_method="GET""#;
        for (bound, count) in [("0.005", 1.0), ("0.1", 3.0), ("1", 4.0), ("2.5", 4.0), ("+Inf", 5.0)] {
            let bound = format!("le=\"{bound}\"");
            expect("http_server_request_duration_seconds_bucket", &[get, &bound], count);
        }
        expect("http_server_request_duration_seconds_count", &[get], 5.0);
        expect("http_server_request_duration_seconds_sum", &[get], 9.621);
        for (bound, count) in [("0", 1), ("4", 2), ("8", 3), ("1024", 4), ("2048", 5), ("+Inf", 5)] {
            expect("payload_size_bytes_bucket", &[&format!("le=\"{bound}\"")], f64::from(count));
        }
        for exponent in 4..10 {
            expect("payload_size_bytes_bucket", &[&format!("le=\"{}\"", 1 << exponent)], 3.0);
        }
        expect("payload_size_bytes_count", &[], 5.0);
        expect("payload_size_bytes_sum", &[], 2_508.0);
        expected.sort();
        assert_eq!(found, expected, "{encoding:?}");
        assert_eq!((report.accepted, report.skipped, report.rejected), (found.len() as u64, 0, 0));
    }
}

#[test]
fn what_comes_by_intervals_is_no_total() {
    for (encoding, bytes) in DELTAS {
        let (found, _) = samples(encoding, bytes).unwrap();
        let orders: Vec<&String> = found.iter().filter(|line| line.starts_with("orders")).collect();
        assert!(orders.len() == 2 && orders.iter().all(|line| line.starts_with("orders{")), "{orders:?}");
        assert!(found.iter().any(|line| line.starts_with("queue_length{")), "{found:?}");
    }
}

#[test]
fn logs_of_the_sdk() {
    for (encoding, bytes) in LOGS {
        let (found, report) = events(READ_LOGS, encoding, bytes).unwrap();
        assert_eq!((found.len(), report.accepted), (2, 2));
        assert_eq!(found[0].0, "2026-01-01T12:00:00Z");
        let slow = &found[0].1;
        for (path, value) in [
            ("/service", json!("shop")),
            ("/severity", json!("WARN")),
            ("/severity_number", json!(13)),
            ("/message", json!("slow query: 812 ms")),
            ("/trace_id", json!("00000000000000000000000000000001")),
            ("/span_id", json!("0000000000000002")),
            ("/attributes/table", json!("orders")),
            ("/attributes/code.line.number", json!(47)),
            ("/resource/deployment.environment.name", json!("prod")),
        ] {
            assert_eq!(slow.pointer(path), Some(&value), "{encoding:?}: {path} of {slow}");
        }
        assert_eq!((&found[1].1["message"], found[1].1.get("trace_id")), (&json!("bye"), None));
    }
}

#[test]
fn spans_of_the_sdk() {
    for (encoding, bytes) in SPANS {
        let (found, report) = events(READ_SPANS, encoding, bytes).unwrap();
        assert_eq!((found.len(), report.accepted), (2, 2));
        let [query, request] = ["SELECT orders", "GET /orders/{id}"]
            .map(|name| found.iter().find(|(_, span)| span["name"] == name).unwrap());
        assert_eq!(request.0, "2026-01-01T12:00:00.25Z");
        let expected = json!({
            "client": "203.0.113.7", "agent": "curl/8.0", "method": "GET", "path": "/orders/17", "query": "full=1",
            "route": "/orders/{id}", "status": 500,
        });
        let request = &request.1;
        assert_eq!(
            (&request["http"], &request["kind"], &request["duration_ms"]),
            (&expected, &json!("server"), &json!(250.0))
        );
        assert_eq!(
            (&request["status"], &request["status_message"]),
            (&json!("error"), &json!("no such order"))
        );
        assert_eq!(request["events"][0]["attributes"]["exception.type"], "ValueError", "{request}");
        assert_eq!(query.1["parent_span_id"], request["span_id"]);
        assert_eq!((&query.1["trace_id"], query.1.get("http")), (&request["trace_id"], None));
    }
}

/// A request with one data point or record, in JSON.
fn request(names: [&str; 3], record: &Value) -> Vec<u8> {
    json!({ names[0]: [{ names[1]: [{ names[2]: [record] }] }] }).to_string().into_bytes()
}

#[test]
fn what_cannot_be_taken_costs_only_itself() {
    #[track_caller]
    fn check(metric: &Value, taken: &[&str], n_skipped: u64, why: &str) {
        let body = request(["resourceMetrics", "scopeMetrics", "metrics"], metric);
        let (found, report) = samples(Encoding::Json, &body).unwrap();
        let reason = report.problems.first().map_or("", |problem| problem.message.as_str());
        assert_eq!((found.as_slice(), report.skipped), (taken.map_owned().as_slice(), n_skipped), "{metric}");
        assert!(reason.contains(why) && reason.is_empty() == why.is_empty(), "{metric}: {reason}");
    }
    let gauge = |points: Value| json!({ "name": "a", "gauge": { "dataPoints": points } });
    let at = "1767268800000000000";
    let noon = "a 1 2026-01-01T12:00:00Z";
    check(&gauge(json!([{ "timeUnixNano": at, "asDouble": 1 }])), &[noon], 0, "");
    check(&gauge(json!([{ "asInt": "1" }])), &["a 1 2026-01-01T12:01:40Z"], 0, "");
    check(
        &gauge(json!([{ "timeUnixNano": at, "asDouble": "NaN" }, { "timeUnixNano": at, "asInt": 1 }])),
        &[noon],
        1,
        "",
    );
    check(&gauge(json!([{ "timeUnixNano": at, "flags": 1 }, { "timeUnixNano": at }])), &[], 2, "");
    check(&gauge(json!([{ "timeUnixNano": "9999999999999999999", "asInt": 1 }])), &[], 0, "not between 1900");
    check(&gauge(json!([{ "asInt": "x" }, { "timeUnixNano": at, "asInt": 1 }])), &[noon], 0, "wrong type");
    check(
        &json!({ "name": "$$", "gauge": { "dataPoints": [{ "asInt": 1 }] } }),
        &[],
        0,
        "\"$$\" has no name",
    );
    let long = json!([{ "asInt": 1, "attributes": [{ "key": "a", "value": { "stringValue": "x".repeat(70_000) } }] }]);
    check(&gauge(long), &[], 0, "longer than 64 KiB");
    let histogram =
        json!([{ "timeUnixNano": at, "count": "1", "bucketCounts": ["1"], "explicitBounds": [1, 2] }]);
    check(&json!({ "name": "a", "histogram": { "dataPoints": histogram } }), &[], 0, "2 bounds has 1 counts");
    let summary = json!([{ "timeUnixNano": at, "count": 2, "sum": 3, "quantileValues": [{ "quantile": 0.5, "value": 1 }] }]);
    check(
        &json!({ "name": "a", "summary": { "dataPoints": summary } }),
        &[
            "a_count 2 2026-01-01T12:00:00Z",
            "a_sum 3 2026-01-01T12:00:00Z",
            r#"a{quantile="0.5"} 1 2026-01-01T12:00:00Z"#,
        ],
        0,
        "",
    );
    // An integer with its fraction is none; nothing at all is nothing.
    check(&json!({ "name": "a" }), &[], 0, "");
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|line| (*line).to_owned()).collect()
    }
}

#[test]
fn values_of_attributes() {
    #[track_caller]
    fn check(value: &Value, expected: Result<Value, &str>) {
        let record = json!({ "attributes": [{ "key": "a", "value": value }] });
        let body = request(["resourceLogs", "scopeLogs", "logRecords"], &record);
        let (found, report) = events(READ_LOGS, Encoding::Json, &body).unwrap();
        match expected {
            Ok(expected) => assert_eq!(found[0].1["attributes"]["a"], expected, "{value}"),
            Err(why) => assert!(report.problems[0].message.contains(why), "{:?}", report.problems),
        }
    }
    check(&json!({ "stringValue": "x" }), Ok(json!("x")));
    check(&json!({ "intValue": "-7" }), Ok(json!(-7)));
    check(&json!({ "intValue": 7 }), Ok(json!(7)));
    check(&json!({ "doubleValue": "Infinity" }), Ok(json!("inf")));
    check(&json!({ "boolValue": true }), Ok(json!(true)));
    check(&json!({ "arrayValue": { "values": [{ "intValue": "1" }, {}] } }), Ok(json!([1, null])));
    let map = json!({ "kvlistValue": { "values": [{ "key": "b", "value": { "stringValue": "x" } }] } });
    check(&map, Ok(json!({ "b": "x" })));
    check(&json!({}), Ok(Value::Null));
    check(&json!({ "intValue": 1.5 }), Err("wrong type"));
    let deep = (0..30).fold(json!({}), |inner, _| json!({ "arrayValue": { "values": [inner] } }));
    check(&deep, Err("24 levels"));
}

#[test]
fn requests_before_the_conventions_of_today() {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let attributes = [
        ("http.method", "GET"),
        ("http.target", "/a/b?c=d"),
        ("http.status_code", "200"),
        ("net.peer.ip", "::1"),
    ];
    let span = json!({ "endTimeUnixNano": "1767268800000000000", "kind": 2,
        "attributes": attributes.map(|(key, value)| attribute(key, value)) });
    let body = request(["resourceSpans", "scopeSpans", "spans"], &span);
    let (found, _) = events(READ_SPANS, Encoding::Json, &body).unwrap();
    let expected =
        json!({ "client": "::1", "method": "GET", "status": "200", "path": "/a/b", "query": "c=d" });
    assert_eq!(found[0].1["http"], expected);
}

#[test]
fn what_is_no_request() {
    for body in [
        &b"rubbish"[..],
        b"",
        b"[]",
        b"{\"resourceLogs\":[{\"scopeLogs\":7}]}",
        b"{\"resourceLogs\":[7]}",
        b"{",
    ] {
        let why = events(READ_LOGS, Encoding::Json, body).map(|_| ()).unwrap_err();
        assert!(why.to_string().starts_with("no OTLP message"), "{why}");
    }
    assert!(events(READ_LOGS, Encoding::Protobuf, b"rubbish").is_err());
    assert_eq!(events(READ_LOGS, Encoding::Protobuf, b"").unwrap().0, []);
    assert_eq!(events(READ_LOGS, Encoding::Json, b"{}").unwrap().0, []);
}

proptest! {
    /// Recorded requests of which some bytes are others, or that were cut off.
    #[test]
    fn any_bytes_are_answered(
        at in 0usize..4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(),
    ) {
        for (encoding, bytes) in [METRICS, DELTAS, LOGS, SPANS][at] {
            let mut bytes = bytes.to_vec();
            for (index, byte) in &changes {
                let length = bytes.len();
                bytes[index.index(length)] = *byte;
            }
            if changes.len() < 3 {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
            let _ = samples(encoding, &bytes);
            let _ = events(READ_LOGS, encoding, &bytes);
            let _ = events(READ_SPANS, encoding, &bytes);
        }
    }

    #[test]
    fn any_nested_lengths_are_answered(bytes in prop::collection::vec(prop_oneof![Just(0x0a), Just(0x12), Just(0x2a), 0u8..40, any::<u8>()], 0..300)) {
        let _ = samples(Encoding::Protobuf, &bytes);
        let _ = events(READ_LOGS, Encoding::Protobuf, &bytes);
        let _ = events(READ_SPANS, Encoding::Protobuf, &bytes);
    }
}
