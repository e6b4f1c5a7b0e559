//! Pages of other origins that may evaluate kill switches because the configuration allows it (`server.cors`).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::settings::origins::origin_of;

/// What such pages may send.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, If-None-Match, X-API-Key, Cache-Control, Last-Event-ID, X-Lanner-Client, X-Lanner-Nonce";
/// What they may read of an answer.
const EXPOSED: &str = "ETag, Retry-After, X-Lanner-Now-Ms, X-Lanner-Now-Signature, X-Lanner-Switch";
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origin of the page that asks, if it is one of those allowed.
pub(super) fn allowed<'h>(headers: &'h HeaderMap, origins: &[String]) -> Option<&'h HeaderValue> {
    let value = headers.get(header::ORIGIN)?;
    let origin = origin_of(value.to_str().ok()?)?;
    origins.contains(&origin).then_some(value)
}

/// The method that a browser asks about before it sends a request, if this is such a question.
pub(super) fn asked_about(method: &Method, headers: &HeaderMap) -> Option<Method> {
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    (*method == Method::OPTIONS).then(|| Method::from_bytes(wanted.as_bytes()).ok()).flatten()
}

/// Says that a page of `origin` may send what it asks about.
pub(super) fn preflight(headers: &HeaderMap, origin: &HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let told = response.headers_mut();
    told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
    told.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    if headers.contains_key(ASKS_PRIVATE) {
        told.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    share(&mut response, origin);
    response
}

/// Lets a page of `origin` read an answer.
pub(super) fn share(response: &mut Response, origin: &HeaderValue) {
    let told = response.headers_mut();
    told.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    told.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    told.append(header::VARY, HeaderValue::from_static("Origin"));
}
