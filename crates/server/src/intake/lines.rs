//! Influx line protocol on `/write` and `/api/v2/write`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lanner_core::Sample;
use lanner_io::store::{Batch, Store};
use lanner_wire::line_protocol::{self, Options, Precision};
use lanner_wire::{Report, ndjson};

use super::age::Ages;
use super::decode::{decoded, parameters};
use super::service::IntakeService;
use crate::http::{ApiError, Json, Received};

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
pub async fn write(
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
    let body = decoded(service.live.get().max_body_bytes, &headers, body)?;
    let options = Options { precision, received_ms: service.now_ms() };
    let (batch, report, ages) = match parameters.remove("format").as_deref() {
        None | Some("line") => parse(&service, &body, options),
        Some("ndjson") => parse_ndjson(&service, &body)?,
        Some(other) => {
            let message = format!("the format \"{other}\" is not known; write line or ndjson");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
        }
    };
    service.commit(batch).await?;
    service.count_report("influx", &report);
    let answer = ages.answer(report, "influx");
    let status = match (answer.rejected, answer.too_old) {
        (0, 0) => return Ok(StatusCode::NO_CONTENT.into_response()),
        (0, _) => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    Ok((status, Json(answer)).into_response())
}

/// Lines to a batch: each raw series is looked up once, and its labels are built only when it is new.
fn parse(service: &IntakeService, body: &[u8], options: Options) -> (Batch, Report, Ages) {
    let store = &service.store;
    let mut ages = Ages::new(service);
    let mut batch = Batch::default();
    let mut report = Report::default();
    let mut raw = Vec::with_capacity(256);
    line_protocol::parse(body, options, &mut report, |line| {
        let before = batch.samples.len();
        for field in line.fields {
            raw.clear();
            // A line break separates what neither part can hold.
            raw.extend_from_slice(line.raw_series.as_bytes());
            raw.push(b'\n');
            raw.extend_from_slice(field.raw_key.as_bytes());
            let id = match store.resolve_known(&raw) {
                Some(id) => id,
                None => match new_series(store, &raw, line.raw_series, field.raw_key) {
                    Ok(id) => id,
                    Err(why) => {
                        batch.samples.truncate(before);
                        return Err(why);
                    }
                },
            };
            ages.sample(store, id, line.time_ms);
            batch.samples.push((id, Sample::new(line.time_ms, field.value)));
        }
        Ok(())
    });
    (batch, report, ages)
}

/// Samples as they are exported, which holds names that line protocol cannot.
fn parse_ndjson(service: &IntakeService, body: &[u8]) -> Result<(Batch, Report, Ages), ApiError> {
    let store = &service.store;
    let (mut batch, mut report, mut ages) = (Batch::default(), Report::default(), Ages::new(service));
    let read = ndjson::read(body, &mut report, |key, sample| {
        let id = store.series_id(key).map_err(|error| error.to_string())?;
        ages.sample(store, id, sample.time_ms);
        batch.samples.push((id, sample));
        Ok(())
    });
    read.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok((batch, report, ages))
}

fn new_series(
    store: &Store,
    raw: &[u8],
    raw_series: &str,
    raw_field: &str,
) -> Result<lanner_io::store::SeriesId, String> {
    let key = line_protocol::series_key(raw_series, raw_field).map_err(|error| error.to_string())?;
    store.resolve(raw, || key).map_err(|error| error.to_string())
}
