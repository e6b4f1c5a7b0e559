//! Events as JSON, an array of them, or NDJSON, on `/api/v1/events/{stream}`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lanner_io::store::{Batch, StoreError, Texts};
use lanner_wire::api::WriteReport;
use lanner_wire::{Report, events};
use serde_json::{Map, Value};

use super::age::Ages;
use super::decode::{decoded, parameters};
use super::lateness;
use super::service::IntakeService;
use crate::http::{ApiError, Json, Path, Received, blocking};
use crate::metrics::METRICS;
use crate::sync::locked;

/// Write events: one JSON object, an array of objects, or one object a line.
///
/// The time is the field `_time`, `time`, `timestamp`, `@timestamp` or `ts` (or the one named by `?time=`), else now.
/// Answers 200 with a report when every event was taken, else 400 with one that names each bad event; the
/// good ones are kept either way.
///
/// # Errors
/// 400, 413, 415, 429, 503.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/events/{stream}", tag = "ingest", operation_id = "write_events",
    request_body(
        description = "One object, an array of objects, or one object a line",
        content(
            (Value = "application/json", example = json!([{"bank": "hsbc", "amount": 3}])),
            (Value = "application/x-ndjson", example = "{\"bank\": \"hsbc\"}\n{\"bank\": \"ing\"}"),
        )
    ),
    params(
        ("stream" = String, Path, description = "name of the stream; made when it is new"),
        ("time" = Option<String>, Query, description = "field that holds the time"),
    ),
    responses(
        (status = 200, body = WriteReport),
        (status = 400, body = WriteReport),
    )
))]
pub async fn write(
    State(service): State<Arc<IntakeService>>,
    Path(stream): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let _permit = service.permit()?;
    if stream.is_empty() || stream.len() > 200 || stream.chars().any(char::is_control) {
        let message = "a stream's name should be 1 to 200 printable characters";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
    }
    let time_field = parameters(query.as_deref()).remove("time");
    let (service, stream) = (Arc::clone(&service), stream.into());
    let taken = blocking(move || {
        let body = decoded(service.live.get().max_body_bytes, &headers, body)?;
        take(&service, &stream, &body, time_field.as_deref())
    });
    let report = taken.await??;
    let status = if report.rejected == 0 { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, Json(report)).into_response())
}

/// Reads events, makes them durable and counts them. Blocks.
fn take(
    service: &IntakeService,
    stream: &Arc<str>,
    body: &[u8],
    time_field: Option<&str>,
) -> Result<WriteReport, ApiError> {
    // From here to the end the events are in store and measures, or in neither, for whoever registers; and what the
    // measures look at stays the same.
    let _passing = service.counting.passing();
    let wanted = locked(&service.counting.of(stream)).wanted();
    let options = events::Options { time_field, received_ms: service.now_ms(), wanted: Some(&wanted) };
    let (mut texts, mut counted) = (Texts::with_capacity(body.len()), Vec::new());
    let mut ages = Ages::new(service);
    let mut report = Report::default();
    events::parse(body, options, &mut report, |event| {
        ages.event(stream, event.time_ms);
        texts.push(event.json.as_bytes());
        counted.push((event.time_ms, event.fields));
        Ok(())
    });
    keep(service, stream, texts, &counted)?;
    service.count_report("events", &report);
    Ok(ages.answer(report, "events"))
}

/// Takes one event that is not parsed here, as a JSON object. Blocks.
///
/// # Errors
/// Failures of the store.
pub fn take_one(
    service: &IntakeService,
    stream: &Arc<str>,
    time_ms: i64,
    event: &Map<String, Value>,
) -> Result<(), StoreError> {
    let _passing = service.counting.passing();
    let json = Value::Object(event.clone()).to_string();
    let mut texts = Texts::with_capacity(json.len());
    texts.push(json.as_bytes());
    keep(service, stream, texts, &[(time_ms, event.clone())])
}

/// Makes events durable and counts them; what history says of their time is forgotten first.
fn keep(
    service: &IntakeService,
    stream: &Arc<str>,
    texts: Texts,
    events: &[(i64, Map<String, Value>)],
) -> Result<(), StoreError> {
    let times_ms = || events.iter().map(|(time_ms, _)| *time_ms);
    let Some(first_ms) = times_ms().min() else { return Ok(()) };
    let arriving = service.history.arriving(stream, first_ms);
    let wrong = locked(&service.counting.of(stream)).corrections(events);
    arriving.correct(&service.store, &wrong)?;
    service.store.append(Batch::of_events(stream, times_ms(), texts))?.wait()?;
    service.counting.note_first(stream, first_ms);
    count(service, stream, events);
    Ok(())
}

/// Adds durable events to the measures of their stream.
fn count(service: &IntakeService, stream: &Arc<str>, events: &[(i64, Map<String, Value>)]) {
    let measures = service.counting.of(stream);
    let mut measures = locked(&measures);
    let (mut n_late, mut overflow) = (0, 0);
    for (time_ms, fields) in events {
        let counted = measures.count(*time_ms, fields);
        n_late += u64::from(counted.late > 0);
        overflow += u64::from(counted.overflow);
    }
    let is_measured = !measures.is_empty();
    drop(measures);
    METRICS.groups_overflow.inc_by(overflow);
    let lateness = lateness::of_events(events.iter().map(|(time_ms, _)| *time_ms), service.now_ms());
    METRICS.late_events.inc_by(n_late);
    // Callers name as many streams as they like; rules do not.
    if is_measured {
        service.lateness.note(stream, &lateness, n_late);
    }
}
