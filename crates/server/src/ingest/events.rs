//! Events as JSON, an array of them, or NDJSON, on `/api/v1/events/{stream}`.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lanner_io::store::{Batch, NewEvent};
use lanner_wire::{Report, events};

use super::{commit_events, count_report, decoded, parameters, permit};
use crate::api::{ApiError, Json, Received};
use crate::app::App;

/// Write events: one JSON object, an array of objects, or one object a line.
///
/// The time is the field `time`, `timestamp`, `@timestamp` or `ts` (or the one named by `?time=`), else now.
/// Answers 200 with a report when every event was taken, else 400 with one that names each bad event; the
/// good ones are kept either way.
///
/// # Errors
/// 400, 413, 415, 429, 503.
#[utoipa::path(
    post, path = "/api/v1/events/{stream}", tag = "ingest",
    request_body(content = String, content_type = "application/x-ndjson"),
    params(
        ("stream" = String, Path, description = "name of the stream; made when it is new"),
        ("time" = Option<String>, Query, description = "field that holds the time"),
    ),
    responses(
        (status = 200, body = lanner_wire::api::WriteReport),
        (status = 400, body = lanner_wire::api::WriteReport), (status = 429),
    )
)]
pub async fn write(
    State(app): State<Arc<App>>,
    Path(stream): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let _permit = permit(&app)?;
    if stream.is_empty() || stream.len() > 200 || stream.chars().any(char::is_control) {
        let message = "a stream's name should be 1 to 200 printable characters";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
    }
    let stream: Arc<str> = stream.into();
    let time_field = parameters(query.as_deref()).remove("time");
    let body = decoded(&app, &headers, body)?;
    let options = events::Options { time_field: time_field.as_deref(), received_ms: app.now_ms() };
    let mut batch = Batch::default();
    let mut fields = Vec::new();
    let mut report = Report::default();
    events::parse(&body, options, &mut report, |event| {
        let json = event.json.as_bytes().into();
        batch.events.push(NewEvent { stream: Arc::clone(&stream), time_ms: event.time_ms, json });
        fields.push((event.time_ms, event.fields));
        Ok(())
    });
    commit_events(&app, stream, batch, fields).await?;
    count_report(&app, "events", &report);
    let status = if report.rejected == 0 { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, Json(lanner_wire::api::WriteReport::from(report))).into_response())
}
