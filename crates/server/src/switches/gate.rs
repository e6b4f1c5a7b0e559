//! The gate for proxies: decides whether the request that a proxy holds may pass.
//!
//! The context is what the proxy sends: [`lanner_wire::gate`].
//!
//! nginx's `auth_request` asks `/gate?...`: 204 or 403. Envoy's `ext_authz` asks `/gate/` and the original path, and
//! takes 200 only as leave: 200, or 403 with the switch's headers and body.
//!
//! A refusal is 403 and nothing else. nginx takes any other status for a failure of the gate, Envoy those of 500 and
//! above, and both may be told to let requests pass then: a switch that answers its callers with 503 would block nothing.
//! For the same reason a parameter that is given twice is no bad request, but counts with each of its values.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_switch::Verdict;
use lanner_wire::gate::{contexts, original};

use super::evaluate::ask;
use super::service::SwitchService;

/// For nginx: 204 or 403.
pub(crate) async fn gate(
    State(service): State<Arc<SwitchService>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let path = original(request.headers(), &["x-original-uri", "x-forwarded-uri"]);
    answer(&service, query.as_deref(), &request, path, StatusCode::NO_CONTENT)
}

/// For Envoy: 200 or 403; the original path stands behind `/gate`.
pub(crate) async fn gate_ok(
    State(service): State<Arc<SwitchService>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let path = request.uri().path().strip_prefix("/gate").map(str::to_owned);
    answer(&service, query.as_deref(), &request, path, StatusCode::OK)
}

fn answer(
    service: &SwitchService,
    query: Option<&str>,
    request: &Request,
    path: Option<String>,
    leave: StatusCode,
) -> Response {
    let Some(contexts) = contexts(request.method().as_str(), request.headers(), query, path) else {
        let why = "a parameter is given too many times to say what the request means\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    };
    let current = service.current();
    let verdicts: Vec<Verdict> =
        contexts.iter().map(|context| ask(service, &current, context, "gate")).collect();
    match verdicts.iter().find(|verdict| verdict.is_blocked()) {
        Some(verdict) => refusal(verdict),
        None => tagged(leave, &verdicts),
    }
}

/// Leave to pass; the tags are for whoever is asked next.
fn tagged(leave: StatusCode, verdicts: &[Verdict]) -> Response {
    let mut tags: Vec<&str> = verdicts.iter().flat_map(Verdict::tags).collect();
    tags.sort_unstable();
    tags.dedup();
    match HeaderValue::try_from(tags.join(", ")) {
        Ok(value) if !tags.is_empty() => (leave, [(TAG, value)]).into_response(),
        _ => leave.into_response(),
    }
}

/// The tags with which a request passes.
const TAG: HeaderName = HeaderName::from_static("x-lanner-tag");

fn refusal(verdict: &Verdict) -> Response {
    let mut headers = HeaderMap::new();
    let mut put = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    };
    let answer = verdict.answer().unwrap_or_default();
    put(header::CONTENT_TYPE.as_str(), "text/plain; charset=utf-8");
    answer.headers.iter().for_each(|(name, value)| put(name, value));
    put("x-lanner-status", &answer.status.to_string());
    if let Some(first) = verdict.first() {
        put("x-lanner-switch", &first.id);
    }
    let body = answer.body.or_else(|| verdict.reason().map(str::to_owned)).unwrap_or_default();
    (StatusCode::FORBIDDEN, headers, body).into_response()
}
