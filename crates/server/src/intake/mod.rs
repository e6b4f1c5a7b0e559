//! Ingest: bodies are decoded, lines become a batch, the batch becomes durable, events are counted.
//!
//! A bad line is reported with its number and reason, and costs only itself. Back-pressure: when the store has
//! too much waiting, or too many requests write at once, the caller is told to come back (429).

pub mod age;
pub mod carbon;
pub mod events;
pub mod history;
pub mod late_samples;
pub mod lateness;
pub mod lines;
pub mod measures;

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use lanner_io::store::Batch;

use crate::app::App;
use crate::http::{ApiError, too_large};
use crate::metrics::METRICS;

/// What was done since the start, for `/api/v1/status`.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Samples taken.
    pub samples: AtomicU64,
    /// Events taken.
    pub events: AtomicU64,
    /// Lines refused.
    pub rejected: AtomicU64,
    /// Evaluations made.
    pub evaluations: AtomicU64,
}

/// Makes a batch durable; returns when it is acknowledged.
///
/// # Errors
/// The store's, as an answer to the caller.
pub async fn commit(app: &App, batch: Batch) -> Result<(), ApiError> {
    if batch.is_empty() {
        return Ok(());
    }
    lateness::note_samples(&batch, app.now_ms());
    let stored = app.late_samples.candidates(&batch);
    app.store.append(batch)?.await?;
    app.late_samples.note(&stored);
    Ok(())
}

/// A permit to write; without one the caller is told to come back.
///
/// # Errors
/// 429 with `Retry-After`.
pub fn permit(app: &App) -> Result<tokio::sync::OwnedSemaphorePermit, ApiError> {
    Arc::clone(&app.writers).try_acquire_owned().map_err(|_| {
        let message = "too many requests write at once; send this one again in a second";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(1)
    })
}

/// The body, decompressed when it says that it is gzip; bounded either way.
///
/// # Errors
/// 413 when it is too large, 400 when it is not gzip, 415 for another encoding.
pub fn decoded(app: &App, headers: &HeaderMap, body: Bytes) -> Result<Bytes, ApiError> {
    let limit = app.live.get().max_body_bytes;
    let encoding =
        headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    match encoding {
        "identity" | "" => Ok(body),
        "gzip" => {
            let mut plain = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(&body[..]).take(limit as u64 + 1);
            reader.read_to_end(&mut plain).map_err(|error| {
                ApiError::new(StatusCode::BAD_REQUEST, format!("the body is not gzip: {error}"))
            })?;
            if plain.len() > limit { Err(too_large(limit)) } else { Ok(plain.into()) }
        }
        other => {
            let message = format!("the content encoding \"{other}\" is not supported; send gzip or none");
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// Counts what a batch came to, in `/metrics`.
pub fn count_report(app: &App, protocol: &'static str, report: &lanner_wire::Report) {
    let taken = if protocol == "events" { &app.ingested.events } else { &app.ingested.samples };
    taken.fetch_add(report.accepted, Ordering::Relaxed);
    app.ingested.rejected.fetch_add(report.rejected, Ordering::Relaxed);
    METRICS.ingest_accepted.with_label_values(&[protocol]).inc_by(report.accepted);
    METRICS.ingest_rejected.with_label_values(&[protocol]).inc_by(report.rejected);
}

/// Parameters of a query string, the last of each name.
#[must_use]
pub fn parameters(query: Option<&str>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}
