//! Log records, as events.

use lanner_core::Event;
use serde_json::{Map, Value};

use super::body::Body;
use super::data;
use super::error::OtlpError;
use super::message::{Message, Names};
use super::record::{note, time_ms};
use crate::Report;

const RECORD: Names = &[
    (1, "timeUnixNano"),
    (11, "observedTimeUnixNano"),
    (2, "severityNumber"),
    (3, "severityText"),
    (5, "body"),
    (6, "attributes"),
    (9, "traceId"),
    (10, "spanId"),
    (12, "eventName"),
];

/// The names of the severities, each of which stands for four numbers.
const SEVERITIES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// Reads log records, calling `on_event` for each.
///
/// A record that cannot be read, or for which `on_event` returns a reason, is counted and explained in `report`, and costs only
/// itself. Cost: O(length).
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
    body.each_record(&["resourceLogs", "scopeLogs", "logRecords"], Value::Object, |resource, record| {
        number += 1;
        let event = event(record, resource, received_ms).map_err(|why| why.to_string());
        note(report, number, event.and_then(&mut on_event));
    })
}

fn event(record: Message<'_>, resource: &Value, received_ms: i64) -> Result<Event, OtlpError> {
    let (mut fields, mut attributes) = (Map::new(), Map::new());
    let (mut time_ns, mut observed_ns, mut severity_number) = (0, 0, 0);
    let (mut severity, mut body) = (String::new(), Value::Null);
    let mut ids = Vec::new();
    record.each(RECORD, |number, field| {
        match number {
            1 => time_ns = field.count()?,
            11 => observed_ns = field.count()?,
            2 => severity_number = field.whole()?,
            3 => severity = field.text()?.into_owned(),
            5 => body = data::any(field.message()?, 0)?,
            6 => data::attribute(field, &mut attributes)?,
            9 => ids.push(("trace_id", field.id()?)),
            10 => ids.push(("span_id", field.id()?)),
            _ => ids.push(("event_name", field.text()?.into_owned())),
        }
        Ok(())
    })?;
    if let Some(service) = resource.get("service.name") {
        fields.insert("service".to_owned(), service.clone());
    }
    if let Ok(at) = usize::try_from(severity_number - 1)
        && severity.is_empty()
    {
        severity = SEVERITIES.get(at / 4).copied().unwrap_or_default().to_owned();
    }
    if !severity.is_empty() {
        fields.insert("severity".to_owned(), Value::String(severity));
    }
    if severity_number != 0 {
        fields.insert("severity_number".to_owned(), Value::from(severity_number));
    }
    match body {
        Value::Null => {}
        Value::String(text) => _ = fields.insert("message".to_owned(), Value::String(text)),
        body => _ = fields.insert("body".to_owned(), body),
    }
    let ids = ids.into_iter().filter(|(_, id)| !id.is_empty());
    fields.extend(ids.map(|(name, id)| (name.to_owned(), Value::String(id))));
    add_attributes(&mut fields, attributes, resource);
    let time_ms = time_ms(if time_ns == 0 { observed_ns } else { time_ns }, received_ms)?;
    Ok(Event { time_ms, fields })
}

/// Adds the attributes of a record and those of its resource, where there are some.
pub(super) fn add_attributes(
    fields: &mut Map<String, Value>,
    attributes: Map<String, Value>,
    resource: &Value,
) {
    let is_some = |value: &Value| value.as_object().is_some_and(|fields| !fields.is_empty());
    let parts = [("attributes", Value::Object(attributes)), ("resource", resource.clone())];
    fields.extend(
        parts.into_iter().filter(|(_, part)| is_some(part)).map(|(name, part)| (name.to_owned(), part)),
    );
}
