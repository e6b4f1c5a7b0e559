//! Spans, as events: the call that each is, and for those of HTTP the request, in the form that sessions are made of.

use lanner_core::Event;
use serde_json::{Map, Value};

use super::body::Body;
use super::data::{self, text_of};
use super::error::OtlpError;
use super::logs::add_attributes;
use super::message::{Field, Message, Names};
use super::record::{note, time_ms};
use crate::Report;

const SPAN: Names = &[
    (1, "traceId"),
    (2, "spanId"),
    (4, "parentSpanId"),
    (5, "name"),
    (6, "kind"),
    (7, "startTimeUnixNano"),
    (8, "endTimeUnixNano"),
    (9, "attributes"),
    (11, "events"),
    (15, "status"),
];
const EVENT: Names = &[(1, "timeUnixNano"), (2, "name"), (3, "attributes")];
const STATUS: Names = &[(2, "message"), (3, "code")];

const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATES: [&str; 3] = ["unset", "ok", "error"];

/// Fields of `http`, and the attributes that they come from: those of today's conventions, then those of before.
const HTTP: [(&str, &[&str]); 7] = [
    (
        "client",
        &["client.address", "http.client_ip", "network.peer.address", "net.sock.peer.addr", "net.peer.ip"],
    ),
    ("agent", &["user_agent.original", "http.user_agent"]),
    ("method", &["http.request.method", "http.method"]),
    ("path", &["url.path"]),
    ("query", &["url.query"]),
    ("route", &["http.route"]),
    ("status", &["http.response.status_code", "http.status_code"]),
];

/// Reads spans, calling `on_event` for each. The time of such an event is when the span ended, as in an access log.
///
/// A span that cannot be read, or for which `on_event` returns a reason, is counted and explained in `report`, and costs only
/// itself. Links are left out. Cost: O(length).
///
/// # Errors
/// A body that is no such request; events before the mistake were handed out already.
pub fn read(
    body: &Body<'_>,
    received_ms: i64,
    report: &mut Report,
    mut on_event: impl FnMut(Event) -> Result<(), String>,
) -> Result<(), OtlpError> {
    let mut number = 0;
    body.each_record(&["resourceSpans", "scopeSpans", "spans"], Value::Object, |resource, span| {
        number += 1;
        let event = event(span, resource, received_ms).map_err(|why| why.to_string());
        note(report, number, event.and_then(&mut on_event));
    })
}

fn event(span: Message<'_>, resource: &Value, received_ms: i64) -> Result<Event, OtlpError> {
    let (mut fields, mut attributes, mut events) = (Map::new(), Map::new(), Vec::new());
    let (mut start_ns, mut end_ns) = (0, 0);
    if let Some(service) = resource.get("service.name") {
        fields.insert("service".to_owned(), service.clone());
    }
    span.each(SPAN, |number, field| {
        let (name, value) = match number {
            1 => ("trace_id", field.id()?),
            2 => ("span_id", field.id()?),
            4 => ("parent_span_id", field.id()?),
            5 => ("name", field.text()?.into_owned()),
            6 => ("kind", word(&KINDS, field)?),
            7 => {
                start_ns = field.count()?;
                return Ok(());
            }
            8 => {
                end_ns = field.count()?;
                return Ok(());
            }
            9 => return data::attribute(field, &mut attributes),
            11 => {
                events.push(moment(field.message()?)?);
                return Ok(());
            }
            _ => return status(field.message()?, &mut fields),
        };
        if !value.is_empty() {
            fields.insert(name.to_owned(), Value::String(value));
        }
        Ok(())
    })?;
    let duration_ms = end_ns.saturating_sub(start_ns) as f64 / 1e6;
    fields.insert("duration_ms".to_owned(), Value::from(duration_ms));
    if let Some(http) = http(&attributes) {
        fields.insert("http".to_owned(), Value::Object(http));
    }
    add_attributes(&mut fields, attributes, resource);
    if !events.is_empty() {
        fields.insert("events".to_owned(), Value::Array(events));
    }
    let time_ms = time_ms(if end_ns == 0 { start_ns } else { end_ns }, received_ms)?;
    Ok(Event { time_ms, fields })
}

fn word(words: &[&str], field: Field<'_>) -> Result<String, OtlpError> {
    let word = usize::try_from(field.whole()?).ok().and_then(|at| words.get(at));
    Ok(word.copied().unwrap_or_default().to_owned())
}

fn status(message: Message<'_>, fields: &mut Map<String, Value>) -> Result<(), OtlpError> {
    message.each(STATUS, |number, field| {
        let (name, value) = match number {
            2 => ("status_message", field.text()?.into_owned()),
            _ => ("status", word(&STATES, field)?),
        };
        if !value.is_empty() {
            fields.insert(name.to_owned(), Value::String(value));
        }
        Ok(())
    })
}

/// An event of a span, such as an exception.
fn moment(message: Message<'_>) -> Result<Value, OtlpError> {
    let (mut fields, mut attributes) = (Map::new(), Map::new());
    message.each(EVENT, |number, field| {
        match number {
            1 => {
                let time = lanner_core::time::format_time(time_ms(field.count()?, 0)?);
                fields.insert("time".to_owned(), Value::String(time));
            }
            2 => _ = fields.insert("name".to_owned(), Value::String(field.text()?.into_owned())),
            _ => data::attribute(field, &mut attributes)?,
        }
        Ok(())
    })?;
    if !attributes.is_empty() {
        fields.insert("attributes".to_owned(), Value::Object(attributes));
    }
    Ok(Value::Object(fields))
}

/// The request that a span is, in the words of access logs; `None` for spans that are none.
pub(crate) fn http(attributes: &Map<String, Value>) -> Option<Map<String, Value>> {
    text_of(attributes, &["http.request.method", "http.method"])?;
    let mut http = Map::new();
    for (name, from) in HTTP {
        http.extend(text_of(attributes, from).map(|value| (name.to_owned(), value.clone())));
    }
    // The conventions of before have path and query in one.
    if let Some(Value::String(target)) = text_of(attributes, &["http.target"]) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        for (name, text) in [("path", path), ("query", query)] {
            if !text.is_empty() && !http.contains_key(name) {
                http.insert(name.to_owned(), Value::from(text));
            }
        }
    }
    Some(http)
}
