//! OpenFeature's remote evaluation protocol (OFREP 0.3): every switch is a boolean flag that is true while it blocks, or
//! chooses from values of its own.
//!
//! The flag `blocked` stands for all of them. Variant and reason are always sent, as clients stumble without. That a
//! context is not matched has the reason `DEFAULT`, which clients accept though the protocol's list lacks it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_core::content;
use lanner_core::time::SECOND_MS;
use lanner_switch::{Reason, Switch, Verdict};
use serde_json::{Map, Value, json};

use super::deliver::{events, is_known};
use super::evaluate::ask;
use super::{Current, KEEP_ALIVE};
use crate::api::{Json, Received};
use crate::app::App;

/// The flag that stands for all switches.
const ALL: &str = "blocked";

/// Why a request cannot be answered.
struct Refusal {
    code: &'static str,
    details: String,
}

/// The context of a request; none is an empty one, as clients send.
fn context(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let wrong = |code, details: &str| Refusal { code, details: details.to_owned() };
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| wrong("PARSE_ERROR", &format!("the body is not JSON: {error}")))?;
    let Value::Object(mut fields) = body else {
        return Err(wrong("PARSE_ERROR", "the body should be an object with a context"));
    };
    match fields.remove("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(context)) => Ok(context),
        Some(_) => Err(wrong("INVALID_CONTEXT", "the context should be an object")),
    }
}

fn variant(is_blocked: bool) -> &'static str {
    if is_blocked { "blocked" } else { "open" }
}

/// Whether a switch is on, and why.
fn resolve(
    switch: &Arc<Switch>,
    verdict: &Verdict,
    context: &Map<String, Value>,
    now_ms: i64,
) -> (bool, Reason) {
    let is_on = match switch.flag {
        Some(_) => switch.is_on(context, now_ms),
        None => verdict.blocking().iter().any(|blocking| Arc::ptr_eq(blocking, switch)),
    };
    (is_on, switch.why(is_on, now_ms))
}

/// One switch as a flag. A disabled one that has values of its own has none to give: the caller's default counts.
fn flag(switch: &Switch, (is_on, reason): (bool, Reason), revision: u64, now_ms: i64) -> Value {
    let mut metadata = Map::new();
    metadata.insert("revision".to_owned(), json!(revision));
    metadata.insert("priority".to_owned(), json!(switch.priority));
    metadata.insert("phase".to_owned(), json!(switch.phase(now_ms).name()));
    for (name, value) in [("owner", &switch.owner), ("reason", &switch.reason)] {
        if let Some(value) = value {
            metadata.insert(name.to_owned(), json!(value));
        }
    }
    let mut answer = json!({"key": &*switch.id, "reason": reason.name()});
    if let Some(flag) = &switch.flag {
        metadata.extend(flag.metadata.clone());
        let variant = if is_on { &flag.on } else { &flag.off };
        answer["variant"] = json!(variant.name);
        if reason != Reason::Disabled {
            answer["value"] = variant.value.clone();
        }
    } else {
        answer["variant"] = json!(variant(is_on));
        answer["value"] = json!(is_on);
    }
    answer["metadata"] = Value::Object(metadata);
    answer
}

/// All switches as one flag.
fn all(verdict: &Verdict) -> Value {
    let is_blocked = verdict.is_blocked();
    let mut metadata = json!({"revision": verdict.revision(), "switches": verdict.blocking().len()});
    if let Some(first) = verdict.first() {
        metadata["switch"] = json!(&*first.id);
        metadata["reason"] = json!(verdict.reason());
    }
    let reason = if is_blocked { "TARGETING_MATCH" } else { "DEFAULT" };
    json!({
        "key": ALL, "value": is_blocked, "variant": variant(is_blocked), "reason": reason, "metadata": metadata,
    })
}

/// Evaluate one flag: one switch, or `blocked` for all of them.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "ofrep", operation_id = "ofrep_flag", request_body = Object,
    params(("key" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = Object), (status = 404, body = Object))
)]
pub async fn single(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    Received(body): Received,
) -> Response {
    let context = match context(&body) {
        Ok(context) => context,
        Err(Refusal { code, details }) => {
            let answer = json!({"key": key, "errorCode": code, "errorDetails": details});
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    };
    let current = app.switches.current();
    if key == ALL {
        return Json(all(&ask(&app, &current, &context, "ofrep"))).into_response();
    }
    let Some(switch) = current.set.get(&key) else {
        let details = format!("there is no switch \"{}\"", key.chars().take(100).collect::<String>());
        let answer = json!({"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details});
        return (StatusCode::NOT_FOUND, Json(answer)).into_response();
    };
    let (verdict, now_ms) = (ask(&app, &current, &context, "ofrep"), app.now_ms());
    Json(flag(switch, resolve(switch, &verdict, &context, now_ms), current.set.revision(), now_ms))
        .into_response()
}

/// Evaluate all flags; 304 for who has this answer already.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", operation_id = "ofrep_flags", request_body = Object,
    responses((status = 200, body = Object), (status = 304), (status = 400, body = Object))
)]
pub async fn bulk(State(app): State<Arc<App>>, headers: HeaderMap, Received(body): Received) -> Response {
    let context = match context(&body) {
        Ok(context) => context,
        Err(Refusal { code, details }) => {
            let answer = json!({"errorCode": code, "errorDetails": details});
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    };
    let current = app.switches.current();
    let now_ms = app.now_ms();
    let verdict = ask(&app, &current, &context, "ofrep");
    let mut flags: Vec<Value> = current
        .set
        .switches()
        .iter()
        .map(|switch| {
            flag(switch, resolve(switch, &verdict, &context, now_ms), current.set.revision(), now_ms)
        })
        .collect();
    flags.push(all(&verdict));
    let stream = json!({
        "type": "sse", "endpoint": {"requestUri": "/ofrep/v1/stream"}, "inactivityDelaySec": 8 * KEEP_ALIVE.as_secs(),
    });
    let answer = json!({
        "flags": flags, "metadata": {"revision": current.set.revision()}, "eventStreams": [stream],
    });
    let text = answer.to_string();
    let tag = content::sha256(text.as_bytes())[..32].to_owned();
    let etag = [(header::ETAG, format!("\"{tag}\""))];
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    (etag, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Server-sent events for OpenFeature's clients: when to evaluate again.
#[utoipa::path(
    get, path = "/ofrep/v1/stream", tag = "ofrep", operation_id = "ofrep_stream",
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub async fn stream(State(app): State<Arc<App>>) -> Response {
    let event = |_: &App, current: &Current| {
        let since_ms = current.since_ms.load(Ordering::Relaxed);
        let (tag, modified_s) = (format!("{}-{since_ms}", current.set.tag()), since_ms / SECOND_MS);
        let data = json!({"type": "refetchEvaluation", "etag": tag, "lastModified": modified_s});
        format!("id: {tag}\nevent: message\ndata: {data}\n\n")
    };
    events(app, event)
}
