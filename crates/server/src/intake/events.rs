//! Events, from bytes to durable data: the same path for JSON, NDJSON, lines of text and single events.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_engine::processor::Draft;
use lanner_wire::api::WriteReport;
use lanner_wire::events::{self, Options};
use lanner_wire::{Report, text_lines};
use serde_json::{Map, Value};

use super::error::IntakeError;
use super::service::IntakeService;
use super::staged::Staged;

/// What events come by, for metrics.
const PROTOCOL: &str = "events";

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON object, an array of them, or one after the other.
    Json,
    /// Lines of text, each of which is the field `message` of an event.
    Lines,
}

/// The name of a stream to write to.
///
/// # Errors
/// [`IntakeError::StreamName`].
pub(crate) fn stream_name(name: &str) -> Result<Arc<str>, IntakeError> {
    if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(IntakeError::StreamName);
    }
    Ok(name.into())
}

/// Takes events: reads and processes them, makes them durable and counts them. Their time is the field `time_field`, or one
/// of the usual ones. Blocks until they are acknowledged.
///
/// # Errors
/// Failures of the store; none of them is kept then.
pub(crate) fn take(
    service: &IntakeService,
    stream: &Arc<str>,
    form: Form,
    body: &[u8],
    time_field: Option<&str>,
) -> Result<WriteReport, IntakeError> {
    // From here to the end the events are in store and measures, or in neither, for whoever registers; and what the
    // measures look at stays the same.
    let _passing = service.counting.passing();
    let (mut report, mut staged) = (Report::default(), Staged::new(service, stream, body.len()));
    let wanted = staged.wanted();
    let options = Options { time_field, received_ms: service.now_ms(), wanted: wanted.as_deref() };
    let on_event = |event: events::RawEvent<'_>| {
        staged.push(event.time_ms, event.json, event.fields);
        Ok(())
    };
    match form {
        Form::Json => events::parse(body, options, &mut report, on_event),
        Form::Lines => text_lines::parse(body, options, &mut report, on_event),
    }
    let ages = staged.keep()?;
    service.count_report(PROTOCOL, &report);
    Ok(ages.answer(report, PROTOCOL))
}

/// Tells processors what time it is, and takes the events that they make of that. Blocks until they are acknowledged.
///
/// # Errors
/// Failures of the store.
pub(crate) fn tick(service: &IntakeService) -> Result<(), IntakeError> {
    let _passing = service.counting.passing();
    let mut of_streams: BTreeMap<Arc<str>, Vec<Draft>> = BTreeMap::new();
    for (stream, event) in service.processing.in_force().tick(service.now_ms()) {
        of_streams.entry(stream).or_default().push(Draft::new(event));
    }
    for (stream, drafts) in of_streams {
        let mut staged = Staged::new(service, &stream, drafts.iter().map(|draft| draft.json.len()).sum());
        drafts.into_iter().for_each(|Draft { event, json }| staged.push(event.time_ms, &json, event.fields));
        staged.keep()?;
    }
    Ok(())
}

/// Takes one event that is at hand. Blocks until it is acknowledged.
///
/// # Errors
/// Failures of the store.
pub(crate) fn take_one(
    service: &IntakeService,
    stream: &Arc<str>,
    time_ms: i64,
    fields: Map<String, Value>,
) -> Result<(), IntakeError> {
    let _passing = service.counting.passing();
    let event = Value::Object(fields);
    let json = event.to_string();
    let Value::Object(fields) = event else { return Ok(()) };
    let mut staged = Staged::new(service, stream, json.len());
    staged.push(time_ms, &json, fields);
    staged.keep().map(drop)
}
