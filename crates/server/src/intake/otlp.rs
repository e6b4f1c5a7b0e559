//! OTLP, the protocol of OpenTelemetry, as HTTP: what of a request the path needs, and its answer.
//!
//! Metrics become samples; logs are events of the stream `logs`, and spans of the stream `spans`, unless the parameter
//! `stream` names another. What was refused of a request is told in its answer, as the protocol has it, and senders do not send it
//! again.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use lanner_core::Event;
use lanner_wire::Report;
use lanner_wire::api::WriteReport;
use lanner_wire::jaeger;
use lanner_wire::otlp::{Body, Encoding, OtlpError, answer, logs, spans};

use super::body::decoded;
use super::error::IntakeError;
use super::events::{stream_name, take_made};
use super::handlers::{encoding, parameters};
use super::samples::{Samples, WhenBusy};
use super::service::IntakeService;
use crate::http::{ApiError, Received, blocking};

/// What data comes by, for metrics.
const PROTOCOL: &str = "otlp";

/// The codes of gRPC that errors have.
const INVALID_ARGUMENT: u8 = 3;
const RESOURCE_EXHAUSTED: u8 = 8;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;

/// `/v1/metrics`: metrics, as samples.
pub(crate) async fn write_metrics(
    State(service): State<Arc<IntakeService>>,
    headers: HeaderMap,
    body: Result<Received, ApiError>,
) -> Response {
    let taken = take_metrics(&service, &headers, body).await;
    answered(&headers, "rejectedDataPoints", taken)
}

/// `/v1/logs`: log records, as events.
pub(crate) async fn write_logs(
    State(service): State<Arc<IntakeService>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Received, ApiError>,
) -> Response {
    let read: ReadEvents = |body, now_ms, report, events| {
        logs::read(body, now_ms, report, |event| {
            events.push(event);
            Ok(())
        })
    };
    let taken = take_events(service, ("logs", read), query.as_deref(), &headers, body).await;
    answered(&headers, "rejectedLogRecords", taken)
}

/// The stream that spans go to, if the request names no other.
const SPANS: &str = "spans";

/// `/v1/traces`: spans, as events; also those of a trace that Jaeger wrote as JSON.
pub(crate) async fn write_spans(
    State(service): State<Arc<IntakeService>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Received, ApiError>,
) -> Response {
    let read: ReadEvents = |body, now_ms, report, events| {
        spans::read(body, now_ms, report, |event| {
            events.push(event);
            Ok(())
        })
    };
    let taken = take_events(service, (SPANS, read), query.as_deref(), &headers, body).await;
    answered(&headers, "rejectedSpans", taken)
}

/// Reads the records of a request as events.
type ReadEvents = fn(&Body<'_>, i64, &mut Report, &mut Vec<Event>) -> Result<(), OtlpError>;

async fn take_metrics(
    service: &IntakeService,
    headers: &HeaderMap,
    body: Result<Received, ApiError>,
) -> Result<WriteReport, ApiError> {
    let (encoding, body) = received(service, headers, body)?;
    let _permit = service.permit()?;
    let mut samples = Samples::new(service, PROTOCOL);
    samples.add_otlp(&Body::new(encoding, &body).map_err(IntakeError::from)?)?;
    Ok(samples.commit(WhenBusy::Refuse).await?)
}

/// Takes records that are events. They go to the stream `usual`, if the request names no other.
async fn take_events(
    service: Arc<IntakeService>,
    (usual, read): (&'static str, ReadEvents),
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Received, ApiError>,
) -> Result<WriteReport, ApiError> {
    let (encoding, body) = received(&service, headers, body)?;
    let named = parameters(query).remove("stream");
    let stream = stream_name(named.as_deref().unwrap_or(usual))?;
    let _permit = service.permit()?;
    let taken = blocking(move || {
        let (mut report, mut events) = (Report::default(), Vec::new());
        if usual == SPANS && encoding == Encoding::Json && jaeger::is_one(&body) {
            let on_event = |event| {
                events.push(event);
                Ok(())
            };
            jaeger::read(&body, &mut report, on_event).map_err(IntakeError::Unreadable)?;
        } else {
            let body = Body::new(encoding, &body)?;
            read(&body, service.now_ms(), &mut report, &mut events)?;
        }
        take_made(&service, &stream, PROTOCOL, report, &events)
    });
    Ok(taken.await??)
}

impl From<OtlpError> for IntakeError {
    fn from(error: OtlpError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// How a request is written, and its body decompressed.
fn received(
    service: &IntakeService,
    headers: &HeaderMap,
    body: Result<Received, ApiError>,
) -> Result<(Encoding, Bytes), ApiError> {
    let Some(of) = encoding_of(headers) else {
        let message = "OTLP comes as application/x-protobuf or application/json; send one of these";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    Ok((of, decoded(service.live.get().max_body_bytes, encoding(headers), body?.0)?))
}

fn encoding_of(headers: &HeaderMap) -> Option<Encoding> {
    headers.get(CONTENT_TYPE)?.to_str().ok().and_then(Encoding::of_content_type)
}

/// The answer, in the encoding of the request; in JSON where that has none.
/// - `rejected`: what the number of records that were refused is called
fn answered(headers: &HeaderMap, rejected: &'static str, taken: Result<WriteReport, ApiError>) -> Response {
    let encoding = encoding_of(headers).unwrap_or(Encoding::Json);
    let kind = (CONTENT_TYPE, encoding.content_type());
    match taken {
        Ok(report) => {
            let why = report.problems.first().map(|problem| problem.message.clone()).or(report.warning);
            let body = answer::success(encoding, rejected, report.rejected, &why.unwrap_or_default());
            ([kind], body).into_response()
        }
        Err(error) => {
            let (status, code) = of_error(error.status());
            let body = answer::failure(encoding, code, &error.lines().join("; "));
            let retry_after: Option<HeaderValue> = error.into_response().headers_mut().remove(RETRY_AFTER);
            let mut response = (status, [kind], body).into_response();
            response.headers_mut().extend(retry_after.map(|value| (RETRY_AFTER, value)));
            response
        }
    }
}

/// The status and the code of an error. Senders send again after 429, 502, 503 and 504 alone.
const fn of_error(status: StatusCode) -> (StatusCode, u8) {
    match status {
        StatusCode::INSUFFICIENT_STORAGE | StatusCode::SERVICE_UNAVAILABLE => {
            (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => (status, RESOURCE_EXHAUSTED),
        StatusCode::INTERNAL_SERVER_ERROR => (status, INTERNAL),
        _ => (status, INVALID_ARGUMENT),
    }
}
