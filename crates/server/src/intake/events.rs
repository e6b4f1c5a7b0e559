//! Events, from bytes to durable data: the same path for JSON, NDJSON, lines of text and single events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::Event;
use lanner_core::event::MAX_EVENT_BYTES;
use lanner_engine::processor::Draft;
use lanner_io::store::StoreError;
use lanner_wire::api::WriteReport;
use lanner_wire::events::{self, Options};
use lanner_wire::{Report, text_lines};
use serde_json::{Map, Value};

use super::error::IntakeError;
use super::service::IntakeService;
use super::staged::Staged;
use crate::http::blocking;

/// What events come by, for metrics.
const PROTOCOL: &str = "events";

/// How long is waited for room on a full disk, before it is tried again.
const FULL: Duration = Duration::from_secs(1);

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

/// Refuses events of a stream that is counted elsewhere: nobody would count these.
fn comes_here(service: &IntakeService, stream: &Arc<str>) -> Result<(), IntakeError> {
    let elsewhere = service.elsewhere.place(stream).map(|place| IntakeError::Elsewhere {
        stream: Arc::clone(stream),
        source_name: Arc::clone(&place.source),
    });
    elsewhere.map_or(Ok(()), Err)
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
    comes_here(service, stream)?;
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
    service.count_events(PROTOCOL, &report);
    Ok(ages.answer(report, PROTOCOL))
}

/// Takes events that are at hand, and counts them with what `report` says of those that could not be read. Blocks until they are
/// acknowledged.
///
/// # Errors
/// Failures of the store; none of them is kept then, and they may be taken again.
pub(crate) fn take_made(
    service: &IntakeService,
    stream: &Arc<str>,
    protocol: &'static str,
    mut report: Report,
    events: &[Event],
) -> Result<WriteReport, IntakeError> {
    comes_here(service, stream)?;
    let _passing = service.counting.passing();
    let mut staged = Staged::new(service, stream, 0);
    let wanted = staged.wanted();
    let is_wanted = |name: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.binary_search_by(|other| (**other).cmp(name)).is_ok())
    };
    for Event { time_ms, fields } in events {
        let json = Value::Object(fields.clone()).to_string();
        if json.len() > MAX_EVENT_BYTES {
            report.accepted -= 1;
            report.reject(1, None, "an event is longer than 1 MiB");
            continue;
        }
        let fields = fields.iter().filter(|(name, _)| is_wanted(name));
        staged.push(*time_ms, &json, fields.map(|(name, value)| (name.clone(), value.clone())).collect());
    }
    let ages = staged.keep()?;
    service.count_events(protocol, &report);
    Ok(ages.answer(report, protocol))
}

/// As [`take_made`], for protocols without answers: waits while the store is busy or its disk is full.
///
/// # Errors
/// Other failures of the store; none of them is kept then.
pub(crate) async fn take_patiently(
    service: &Arc<IntakeService>,
    stream: &Arc<str>,
    protocol: &'static str,
    report: Report,
    events: Vec<Event>,
) -> Result<WriteReport, IntakeError> {
    let events: Arc<[Event]> = events.into();
    loop {
        let (service, stream) = (Arc::clone(service), Arc::clone(stream));
        let (report, events) = (report.clone(), Arc::clone(&events));
        let taken = blocking(move || take_made(&service, &stream, protocol, report, &events)).await;
        let taken = taken.map_err(|panic| IntakeError::Unreadable(format!("the task panicked: {panic}")))?;
        match taken {
            Err(IntakeError::Store(StoreError::Busy { retry_after })) => {
                tokio::time::sleep(retry_after).await;
            }
            Err(IntakeError::Store(StoreError::DiskFull)) => tokio::time::sleep(FULL).await,
            settled => return settled,
        }
    }
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
    comes_here(service, stream)?;
    let _passing = service.counting.passing();
    let event = Value::Object(fields);
    let json = event.to_string();
    let Value::Object(fields) = event else { return Ok(()) };
    let mut staged = Staged::new(service, stream, json.len());
    staged.push(time_ms, &json, fields);
    staged.keep().map(drop)
}
