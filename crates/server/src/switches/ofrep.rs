//! OpenFeature's remote evaluation protocol (OFREP 0.3): every switch is a boolean flag that is true while it blocks, or
//! chooses from values of its own.
//!
//! How a switch is a flag is the same everywhere: [`lanner_switch::openfeature`].

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_core::content;
use lanner_core::time::SECOND_MS;
use lanner_wire::ofrep::{self, Refusal};
use serde_json::json;

use super::current::Current;
use super::deliver::{KEEP_ALIVE, events, is_known};
use super::evaluate::ask;
use super::service::SwitchService;
use crate::http::{Json, Path, Received};

/// 429 for more than are answered within a second; providers wait as long as it says.
fn too_many(service: &SwitchService) -> Option<Response> {
    let details = "more than server.ofrep_per_second in this second; retry in the next";
    let answer = || {
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], Json(json!({"errorDetails": details})))
    };
    (!service.pace.allows(service.now_ms())).then(|| answer().into_response())
}

fn json_text(mut text: Vec<u8>) -> Response {
    text.push(b'\n');
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Evaluate one flag: one switch, or `blocked` for all of them.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "ofrep", operation_id = "ofrep_flag", 
    request_body(content = Object, example = json!({"context": {"bank": "hsbc"}})),
    params(("key" = String, Path)),
    responses(
        (status = 200, body = Object),
        (status = 400, body = Object),
        (status = 404, body = Object),
        (status = 429, body = Object),
    )
))]
pub(crate) async fn single(
    State(service): State<Arc<SwitchService>>,
    Path(key): Path<String>,
    Received(body): Received,
) -> Response {
    if let Some(refusal) = too_many(&service) {
        return refusal;
    }
    let context = match ofrep::context(&body) {
        Ok(context) => context,
        Err(Refusal { code, details }) => {
            let answer = json!({"key": key, "errorCode": code, "errorDetails": details});
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    };
    let current = service.current();
    // What nobody has is not asked, so that it does not count as asked.
    let verdict = current.set.has_flag(&key).then(|| ask(&service, &current, &context, "ofrep"));
    let now_ms = service.now_ms();
    let flag = verdict.as_ref().and_then(|verdict| current.set.flag(&key, verdict, &context, now_ms));
    let Some(flag) = flag else {
        let details = format!("there is no switch \"{}\"", key.chars().take(100).collect::<String>());
        let answer = json!({"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details});
        return (StatusCode::NOT_FOUND, Json(answer)).into_response();
    };
    json_text(flag.to_json())
}

/// Evaluate all flags; 304 for who has this answer already.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", operation_id = "ofrep_flags", 
    request_body(content = Object, example = json!({"context": {"bank": "hsbc"}})),
    responses(
        (status = 200, body = Object),
        (status = 304),
        (status = 400, body = Object),
        (status = 429, body = Object),
    )
))]
pub(crate) async fn bulk(
    State(service): State<Arc<SwitchService>>,
    headers: HeaderMap,
    Received(body): Received,
) -> Response {
    if let Some(refusal) = too_many(&service) {
        return refusal;
    }
    let context = match ofrep::context(&body) {
        Ok(context) => context,
        Err(Refusal { code, details }) => {
            let answer = json!({"errorCode": code, "errorDetails": details});
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    };
    let current = service.current();
    let now_ms = service.now_ms();
    let verdict = ask(&service, &current, &context, "ofrep");
    let flags: Vec<_> = current.set.flags(&verdict, &context, now_ms).collect();
    let quiet_s = 8 * KEEP_ALIVE.as_secs();
    let text = ofrep::bulk(&flags, current.set.revision(), "/ofrep/v1/stream", quiet_s);
    let tag = content::sha256(text.as_bytes())[..32].to_owned();
    let etag = [(header::ETAG, format!("\"{tag}\""))];
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    (etag, json_text(text.into_bytes())).into_response()
}

/// Server-sent events for OpenFeature's clients: when to evaluate again.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/ofrep/v1/stream", tag = "ofrep", operation_id = "ofrep_stream",
    responses((status = 200, body = String, content_type = "text/event-stream"))
))]
pub(crate) async fn stream(State(service): State<Arc<SwitchService>>) -> Response {
    let event = |_: &SwitchService, current: &Current| {
        let since_ms = current.since_ms.load(Ordering::Relaxed);
        let (tag, modified_s) = (format!("{}-{since_ms}", current.set.tag()), since_ms / SECOND_MS);
        let data = json!({"type": "refetchEvaluation", "etag": tag, "lastModified": modified_s});
        format!("id: {tag}\nevent: message\ndata: {data}\n\n")
    };
    events(service, event)
}
