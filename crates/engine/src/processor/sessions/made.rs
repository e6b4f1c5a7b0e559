//! What of an event is the request, and what a session becomes as an event.

use std::borrow::Cow;

use lanner_core::{Event, content};
use lanner_traffic::{Report, Request};
use serde_json::{Map, Value, json};

use super::key::KeyPart;

/// The fields of a session as it is told, beside those that tell clients apart.
pub const NAMES: &[&str] = &[
    "id",
    "status",
    "over",
    "flagged",
    "new",
    "score",
    "finding",
    "findings",
    "reason",
    "client_kind",
    "started_ms",
    "ended_ms",
    "requests",
    "errors",
    "endpoints",
    "model",
    "probability",
    "challenger",
    "challenger_probability",
    "challenger_flagged",
];

/// Between the values of a key; they cannot hold it.
const BETWEEN: char = '\n';

/// Longer values of a key are cut.
const MAX_VALUE_BYTES: usize = 256;

/// The request that an event tells of; `None` without a path.
pub(super) fn request<'e>(event: &'e Event, from: Option<&str>) -> Option<Request<'e>> {
    let fields = match from {
        None => &event.fields,
        Some(name) => event.field(name)?.as_object()?,
    };
    let text = |name: &str| Cow::Borrowed(fields.get(name).and_then(Value::as_str).unwrap_or_default());
    let path = match text("path") {
        path if path.is_empty() => text("request"), // what is no request of HTTP
        path => path,
    };
    (!path.is_empty()).then(|| Request {
        time_ms: event.time_ms,
        client: text("client"),
        user: text("user"),
        host: text("host"),
        method: text("method"),
        path,
        query: text("query"),
        status: fields.get("status").and_then(status),
        agent: text("agent"),
        ..Request::default()
    })
}

/// A status as a number, or as the text of one.
fn status(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64().and_then(|status| u16::try_from(status).ok()),
    }
}

/// What tells the client of an event apart; `None` if it has none of them.
pub(super) fn key(event: &Event, from: Option<&str>, by: &[KeyPart]) -> Option<String> {
    let mut key = String::new();
    for (at, part) in by.iter().enumerate() {
        if at > 0 {
            key.push(BETWEEN);
        }
        if let Some(value) = part.value(event, from) {
            push(&mut key, &value);
        }
    }
    key.chars().any(|c| c != BETWEEN).then_some(key)
}

/// The key of the session that an event of ours tells of.
pub(super) fn key_of(told: &Map<String, Value>, by: &[KeyPart]) -> String {
    let value = |part: &KeyPart| told.get(&part.name).and_then(Value::as_str).unwrap_or_default();
    by.iter().map(value).collect::<Vec<_>>().join(&BETWEEN.to_string())
}

fn push(key: &mut String, text: &str) {
    let end = text.floor_char_boundary(MAX_VALUE_BYTES);
    key.extend(text.get(..end).unwrap_or_default().chars().map(|c| if c == BETWEEN { ' ' } else { c }));
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// What is said of a session, as an event.
pub(super) fn event_of(report: &Report, by: &[KeyPart]) -> Event {
    let values = by.iter().map(|part| &*part.name).zip(report.key.split(BETWEEN));
    let mut fields: Map<String, Value> = values
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let id = content::sha256(format!("{}{BETWEEN}{}", report.key, report.first_ms).as_bytes());
    let findings: Vec<&str> = report.findings.iter().map(|finding| finding.kind.name()).collect();
    let facts = json!({
        "id": id.get(..16),
        "status": report.standing.name(),
        "over": report.is_over,
        "flagged": report.is_flagged(),
        "new": report.is_news,
        "score": report.score.map(rounded),
        "finding": findings.first(),
        "findings": if findings.is_empty() { None } else { Some(&findings) },
        "reason": if report.reasons.is_empty() { None } else { Some(report.reasons.join("; ")) },
        "client_kind": report.client.map(lanner_traffic::ClientKind::name),
        "started_ms": report.first_ms,
        "ended_ms": report.last_ms,
        "requests": report.n_requests,
        "errors": report.n_errors,
        "endpoints": report.n_endpoints,
        "model": report.champion.as_ref().map(|verdict| &*verdict.model),
        "probability": report.champion.as_ref().map(|verdict| rounded(verdict.probability)),
        "challenger": report.challenger.as_ref().map(|verdict| &*verdict.model),
        "challenger_probability": report.challenger.as_ref().map(|verdict| rounded(verdict.probability)),
        "challenger_flagged": report.challenger.as_ref().map(|verdict| verdict.is_flagged),
    });
    if let Value::Object(facts) = facts {
        fields.extend(facts.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Event { time_ms: report.time_ms, fields }
}
