//! Prometheus' remote write, as HTTP: what of a request the path needs, and its answer.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lanner_wire::api::WriteReport;
use lanner_wire::prometheus::remote_write::Version;

use super::body::from_snappy;
use super::samples::{Samples, WhenBusy};
use super::service::IntakeService;
use crate::http::{ApiError, Json, Received};

/// How many were stored, which senders of version 2.0 ask for. Neither histograms nor exemplars are.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

/// `/api/v1/write`: samples as Prometheus sends them on. What is right is stored, whatever is wrong beside it.
pub(crate) async fn write(
    State(service): State<Arc<IntakeService>>,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let answer = take(&service, &headers, &body).await.map_err(again_if_busy)?;
    let written = [answer.accepted, 0, 0].map(HeaderValue::from);
    let mut response = match answer.rejected {
        0 => StatusCode::NO_CONTENT.into_response(),
        _ => (StatusCode::BAD_REQUEST, Json(answer)).into_response(),
    };
    response.headers_mut().extend(WRITTEN.into_iter().zip(written));
    Ok(response)
}

async fn take(service: &IntakeService, headers: &HeaderMap, body: &[u8]) -> Result<WriteReport, ApiError> {
    let _permit = service.permit()?;
    let version = version(headers)?;
    let body = from_snappy(service.live.get().max_body_bytes, body)?;
    let mut samples = Samples::new(service, "remote_write");
    samples.add_remote_write(version, &body)?;
    Ok(samples.commit(WhenBusy::Refuse).await?)
}

fn version(headers: &HeaderMap) -> Result<Version, ApiError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unsupported = |message: String| Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    let (encoding, kind) = (header(CONTENT_ENCODING), header(CONTENT_TYPE));
    let Some(version) = Version::of_content_type(kind) else {
        let kind: String = kind.chars().take(100).collect();
        return unsupported(format!(
            "\"{kind}\" is no remote write of version 1.0 or 2.0; send application/x-protobuf"
        ));
    };
    if !encoding.eq_ignore_ascii_case("snappy") {
        return unsupported("remote write is compressed; send the content encoding snappy".to_owned());
    }
    Ok(version)
}

/// Prometheus sends again after 5xx. After 429 it gives up, unless it is told otherwise.
fn again_if_busy(error: ApiError) -> ApiError {
    match error.status() {
        StatusCode::TOO_MANY_REQUESTS => error.with_status(StatusCode::SERVICE_UNAVAILABLE),
        _ => error,
    }
}
