//! Samples and events by HTTP: what of a request the path needs, and its answer.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_wire::line_protocol::Precision;

use super::body::decoded;
use super::error::IntakeError;
use super::events::{self, Form};
use super::samples::{Samples, WhenBusy};
use super::service::IntakeService;
use crate::http::{ApiError, Json, Path, Received, blocking, too_large};

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        let status = match error {
            IntakeError::Store(error) => return error.into(),
            IntakeError::TooLarge { limit } => return too_large(limit),
            IntakeError::Busy => {
                return Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()).retry_after(1);
            }
            IntakeError::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            IntakeError::Unreadable(_) | IntakeError::StreamName | IntakeError::Elsewhere { .. } => {
                StatusCode::BAD_REQUEST
            }
        };
        Self::new(status, error.to_string())
    }
}

/// Write samples as Influx line protocol.
///
/// With `format=ndjson` the lines are samples as `/api/v1/export` writes them, which may have any name.
/// `precision` is `ns` (default), `us`, `ms` or `s`. Answers 204 when every line was taken, 200 with a report when some of
/// them are too old to be kept for long, else 400 with a report that names each bad line; the good ones are kept either way.
///
/// # Errors
/// 400, 413, 415, 429, 503.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v2/write", tag = "ingest", operation_id = "write_samples",
    request_body(content = String, content_type = "text/plain", example = "queue,host=a length=17"),
    params(
        ("precision" = Option<String>, Query, description = "unit of the times: ns (default), us, ms or s"),
        ("format" = Option<String>, Query, description = "line (default) or ndjson"),
    ),
    responses((status = 204), (status = 200, body = lanner_wire::api::WriteReport), (status = 400, body = lanner_wire::api::WriteReport))
))]
pub(crate) async fn write_samples(
    State(service): State<Arc<IntakeService>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let _permit = service.permit()?;
    let mut parameters = parameters(query.as_deref());
    let precision = parameters.remove("precision").unwrap_or_default();
    let precision =
        Precision::parse(&precision).map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, why))?;
    let body = decoded(service.live.get().max_body_bytes, encoding(&headers), body)?;
    let mut samples = Samples::new(&service, "influx");
    match parameters.remove("format").as_deref() {
        None | Some("line") => samples.add_line_protocol(&body, precision),
        Some("ndjson") => samples.add_ndjson(&body)?,
        Some(other) => {
            let message = format!("the format \"{other}\" is not known; write line or ndjson");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
        }
    }
    let answer = samples.commit(WhenBusy::Refuse).await?;
    let status = match (answer.rejected, answer.too_old) {
        (0, 0) => return Ok(StatusCode::NO_CONTENT.into_response()),
        (0, _) => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    Ok((status, Json(answer)).into_response())
}

/// Write events: one JSON object, an array of objects, or one object a line; or lines of text.
///
/// The time is the field `_time`, `time`, `timestamp`, `@timestamp` or `ts` (or the one named by `?time=`), else now.
/// As `text/plain`, each line of the body is the field `message` of an event that happened now.
/// Answers 200 with a report when every event was taken, else 400 with one that names each bad event; the
/// good ones are kept either way.
///
/// # Errors
/// 400, 413, 415, 429, 503.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/events/{stream}", tag = "ingest", operation_id = "write_events",
    request_body(
        description = "One object, an array of objects, one object a line, or lines of text",
        content(
            (Value = "application/json", example = json!([{"bank": "hsbc", "amount": 3}])),
            (Value = "application/x-ndjson", example = "{\"bank\": \"hsbc\"}\n{\"bank\": \"ing\"}"),
            (String = "text/plain", example = "connection to db1 lost\nconnection to db1 restored"),
        )
    ),
    params(
        ("stream" = String, Path, description = "name of the stream; made when it is new"),
        ("time" = Option<String>, Query, description = "field that holds the time"),
    ),
    responses(
        (status = 200, body = lanner_wire::api::WriteReport),
        (status = 400, body = lanner_wire::api::WriteReport),
    )
))]
pub(crate) async fn write_events(
    State(service): State<Arc<IntakeService>>,
    Path(stream): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let _permit = service.permit()?;
    let stream = events::stream_name(&stream)?;
    let time_field = parameters(query.as_deref()).remove("time");
    let service = Arc::clone(&service);
    let taken = blocking(move || {
        let body = decoded(service.live.get().max_body_bytes, encoding(&headers), body)?;
        events::take(&service, &stream, form(&headers), &body, time_field.as_deref())
    });
    let report = taken.await??;
    let status = if report.rejected == 0 { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, Json(report)).into_response())
}

/// Parameters of a query string, the last of each name.
pub(super) fn parameters(query: Option<&str>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

pub(super) fn encoding(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity")
}

/// Text is text only where the request says so; whatever else it says, or nothing, is JSON.
fn form(headers: &HeaderMap) -> Form {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("text/plain") { Form::Lines } else { Form::Json }
}
