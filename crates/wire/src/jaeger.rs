//! Traces as Jaeger writes them in JSON: what its API answers and its page saves. Each span becomes the event that
//! [OTLP's](crate::otlp::spans) would be.
//!
//! Field names and types are those of Jaeger's `model/json` (release 1.76); times are in microseconds there.

use std::collections::HashMap;

use lanner_core::Event;
use lanner_core::time::{MAX_TIME_MS, MIN_TIME_MS};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::Report;
use crate::otlp::spans::http;

/// What a body begins with, as far as it says whose it is.
#[derive(Debug, Deserialize)]
struct Kind {
    data: Option<IgnoredAny>,
    spans: Option<IgnoredAny>,
}

/// What the API answers.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Trace>,
}

#[derive(Debug, Deserialize)]
struct Trace {
    #[serde(default)]
    spans: Vec<Value>,
    #[serde(default)]
    processes: HashMap<String, Process>,
}

#[derive(Debug, Default, Deserialize)]
struct Process {
    #[serde(default, rename = "serviceName")]
    service: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
    #[serde(default, rename = "parentSpanID")]
    parent: String,
    #[serde(default)]
    operation_name: String,
    #[serde(default)]
    references: Vec<Reference>,
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default, rename = "processID")]
    process_id: String,
    process: Option<Process>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(default, rename = "refType")]
    kind: String,
    #[serde(default, rename = "spanID")]
    span: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: Value,
}

/// Whether a body in JSON is Jaeger's: an answer with `data`, or one trace with `spans`. Cost: a look at all of it.
#[must_use]
pub fn is_one(body: &[u8]) -> bool {
    serde_json::from_slice::<Kind>(body).is_ok_and(|kind| kind.data.is_some() || kind.spans.is_some())
}

/// Reads spans, calling `on_event` for each. The time of such an event is when the span ended, as in an access log. Logs of spans
/// are left out.
///
/// A span that cannot be read, or for which `on_event` returns a reason, is counted and explained in `report`, and costs only
/// itself. Cost: O(length).
///
/// # Errors
/// A body that is no such document.
///
/// ```
/// let body = br#"{"data": [{"spans": [{"traceID": "a", "spanID": "b", "operationName": "GET /x", "startTime": 1767225600000000,
///     "duration": 1500, "tags": [{"key": "http.method", "type": "string", "value": "GET"}, {"key": "http.target", "value": "/x?y=1"}],
///     "processID": "p1"}], "processes": {"p1": {"serviceName": "shop", "tags": []}}}]}"#;
/// let mut events = Vec::new();
/// lanner_wire::jaeger::read(body, &mut lanner_wire::Report::default(), |event| { events.push(event); Ok(()) }).unwrap();
/// assert_eq!((events[0].time_ms, &events[0].fields["http"]["path"]), (1_767_225_600_001, &serde_json::json!("/x")));
/// ```
pub fn read(
    body: &[u8],
    report: &mut Report,
    mut on_event: impl FnMut(Event) -> Result<(), String>,
) -> Result<(), String> {
    let traces = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer.data,
        Err(_) => vec![
            serde_json::from_slice::<Trace>(body)
                .map_err(|error| format!("is no trace of Jaeger: {error}"))?,
        ],
    };
    let mut number = 0;
    for Trace { spans, processes } in traces {
        for span in spans {
            number += 1;
            let read = Span::deserialize(span).map_err(|error| format!("is no span of Jaeger: {error}"));
            let taken = read.and_then(|span| event(span, &processes)).and_then(&mut on_event);
            match taken {
                Ok(()) => report.accepted += 1,
                Err(why) => report.reject(number, None, why),
            }
        }
    }
    Ok(())
}

fn event(span: Span, processes: &HashMap<String, Process>) -> Result<Event, String> {
    let end_us = span.start_time.saturating_add(span.duration);
    let time_ms = i64::try_from(end_us / 1_000).ok().filter(|ms| (MIN_TIME_MS..=MAX_TIME_MS).contains(ms));
    let time_ms =
        time_ms.ok_or_else(|| format!("startTime {} is no time in microseconds", span.start_time))?;
    let process = span.process.as_ref().or_else(|| processes.get(&span.process_id));
    let mut attributes: Map<String, Value> = span.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let mut text =
        |name: &str| attributes.shift_remove(name).as_ref().and_then(Value::as_str).map(str::to_owned);
    let (kind, status) = (text("span.kind"), text("otel.status_code"));
    let is_error = attributes.get("error").is_some_and(|error| *error == true || *error == "true");
    let status = status.map(|status| status.to_lowercase()).or_else(|| is_error.then(|| "error".to_owned()));
    let parent = span.references.into_iter().find(|reference| reference.kind == "CHILD_OF");
    let parent = parent.map_or(span.parent, |reference| reference.span);
    let service = process.map(|process| process.service.clone()).unwrap_or_default();
    let facts = [
        ("service", service),
        ("trace_id", span.trace),
        ("span_id", span.span),
        ("parent_span_id", parent),
        ("name", span.operation_name),
        ("kind", kind.unwrap_or_default()),
        ("status", status.unwrap_or_default()),
    ];
    let said = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let mut fields: Map<String, Value> = said.map(|(name, value)| (name.to_owned(), value.into())).collect();
    fields.insert("duration_ms".to_owned(), (span.duration as f64 / 1e3).into());
    if let Some(http) = http(&attributes) {
        fields.insert("http".to_owned(), Value::Object(http));
    }
    let resource: Map<String, Value> = process
        .into_iter()
        .flat_map(|process| &process.tags)
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    for (name, part) in [("attributes", attributes), ("resource", resource)] {
        if !part.is_empty() {
            fields.insert(name.to_owned(), Value::Object(part));
        }
    }
    Ok(Event { time_ms, fields })
}
