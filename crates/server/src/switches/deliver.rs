//! Serves clients that hold switches: the snapshot, and a stream that announces new ones.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use lanner_switch::Delta;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::current::Current;
use super::service::SwitchService;
use crate::http::{ApiError, Query};
use crate::metrics::METRICS;

/// How long a stream says nothing before it shows that it lives.
pub(super) const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(5);

/// The server's clock, milliseconds since the Unix epoch, so that clients know how wrong theirs is.
pub(super) const NOW_HEADER: &str = "x-lanner-now-ms";

/// What a client calls itself.
const CLIENT_HEADER: &str = "x-lanner-client";
/// What a client wants signed together with the time.
const NONCE_HEADER: &str = "x-lanner-nonce";
/// The signature of both, where snapshots are signed.
const SIGNED_TIME_HEADER: &str = "x-lanner-now-signature";
/// A longer text of a header is not looked at.
const MAX_HEADER: usize = 200;

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_HEADER && !value.is_empty()).then_some(value)
}

/// Whether `If-None-Match` names this tag, or all.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim().trim_start_matches("W/");
        one == "*" || one.trim_matches('"') == tag
    })
}

/// What the caller has.
#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    since: Option<String>,
}

/// Download all switches at their revision, as one canonical text with its hash. Whoever holds an earlier one gets only
/// what changed, if that is known and shorter.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/snapshot", tag = "switches", operation_id = "switch_snapshot",
    params((
        "since" = Option<String>, Query,
        description = "the tag of the snapshot that is held: only what changed is sent, if it is known and shorter"
    )),
    responses((status = 200, body = Object), (status = 304))
))]
pub(crate) async fn snapshot(
    State(service): State<Arc<SwitchService>>,
    Query(Held { since }): Query<Held>,
    headers: HeaderMap,
) -> Response {
    let current = service.current();
    let tag = current.set.tag();
    let now_ms = service.now_ms();
    if let (Some(name), Some(held)) = (text(&headers, CLIENT_HEADER), &since) {
        service.clients.note(name, held, None, now_ms);
    }
    let sent = |form| METRICS.switches.snapshots.with_label_values(&[form]).inc();
    let meta = [
        (header::ETAG.as_str(), format!("\"{tag}\"")),
        (header::CACHE_CONTROL.as_str(), "no-cache".to_owned()),
        (NOW_HEADER, now_ms.to_string()),
    ];
    let signature = text(&headers, NONCE_HEADER).and_then(|nonce| service.signed_time(now_ms, nonce));
    let signature = signature.map(|signature| [(SIGNED_TIME_HEADER, signature)]);
    if is_known(&headers, &tag) {
        sent("unchanged");
        return (StatusCode::NOT_MODIFIED, meta, signature, ()).into_response();
    }
    let delta = since.and_then(|since| service.deltas.since(&since));
    // Otherwise it is no shorter than all there is.
    let is_short = |delta: &Delta| delta.changed().len() + delta.removed().len() < current.set.len();
    let text = match delta.filter(is_short) {
        Some(delta) => {
            sent("delta");
            Bytes::from(delta.to_text())
        }
        None => {
            sent("whole");
            current.text().clone()
        }
    };
    (meta, signature, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Show the public key that signs snapshots: 64 hexadecimal digits.
///
/// # Errors
/// 404 when snapshots are not signed.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/key", tag = "switches", operation_id = "switch_key",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
    )
))]
pub(crate) async fn key(State(service): State<Arc<SwitchService>>) -> Result<String, ApiError> {
    let message = "snapshots are not signed here; set server.switch_key";
    service.public_key().ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, message))
}

/// Stream the revision in force as server-sent events. One comes at once, and one after every change, with what changed
/// if that is short.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/stream", tag = "switches", operation_id = "switch_stream",
    responses((status = 200, body = String, content_type = "text/event-stream"))
))]
pub(crate) async fn stream(State(service): State<Arc<SwitchService>>) -> Response {
    let event = |service: &SwitchService, current: &Current| {
        let (revision, tag, now_ms) = (current.set.revision(), current.set.tag(), service.now_ms());
        let delta = current.delta.as_deref().unwrap_or("null");
        let data = format!(r#"{{"revision":{revision},"tag":"{tag}","now_ms":{now_ms},"delta":{delta}}}"#);
        format!("id: {tag}\nevent: revision\ndata: {data}\n\n")
    };
    events(service, event)
}

/// Answers with an event for the switches in force, now and after every change, until either side ends it.
pub(super) fn events(service: Arc<SwitchService>, event: fn(&SwitchService, &Current) -> String) -> Response {
    // One event waits at most: whoever is slow gets the newest.
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let mut changes = service.subscribe();
    tokio::spawn(async move {
        loop {
            let current = Arc::clone(&changes.borrow_and_update());
            let mut next = event(&service, &current);
            drop(current);
            loop {
                if sender.send(Bytes::from(next)).await.is_err() {
                    return;
                }
                tokio::select! {
                    changed = changes.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    () = tokio::time::sleep(KEEP_ALIVE) => next = ":\n\n".to_owned(),
                    () = sender.closed() => return,
                    () = service.shutdown.begun() => return,
                }
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // nginx holds streams back otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(Events(receiver))).into_response()
}

struct Events(mpsc::Receiver<Bytes>);

impl futures_core::Stream for Events {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_recognised() {
        #[track_caller]
        fn check(value: &str, known: bool) {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            assert_eq!(is_known(&headers, "7-ab"), known, "{value}");
        }
        check("\"7-ab\"", true);
        check("W/\"7-ab\"", true);
        check("\"x\", \"7-ab\"", true);
        check("*", true);
        check("\"7-abc\"", false);
        assert!(!is_known(&HeaderMap::new(), "7-ab"));
    }
}
