//! A gate for proxies: whether the request that they hold may pass.
//!
//! The context is what the proxy sends. Its query's parameters are fields by their own names (numbers and `true`
//! and `false` as such), its headers are fields of `header` with `-` as `_`, and `method`, `host` and `path` are those
//! of the original request, as nginx (`X-Original-...`) and others (`X-Forwarded-...`) tell them. A parameter of the
//! query never stands for a header.
//!
//! nginx's `auth_request` asks `/gate?...`: 204 or 403. Envoy's `ext_authz` asks `/gate/` and the original path, and
//! takes 200 only as leave: 200, or 403 with the switch's headers and body.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_switch::Verdict;
use serde_json::{Map, Value};

use super::evaluate::ask;
use crate::app::App;

/// Headers that are nobody else's business.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy_authorization", "x_api_key"];
/// More parameters or headers than this are not looked at.
const MAX_FIELDS: usize = 200;

/// For nginx: 204 or 403.
pub(super) async fn gate(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let path = original(request.headers(), &["x-original-uri", "x-forwarded-uri"]);
    answer(&app, query.as_deref(), &request, path, StatusCode::NO_CONTENT)
}

/// For Envoy: 200 or 403; the original path stands behind `/gate`.
pub(super) async fn gate_ok(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let path = request.uri().path().strip_prefix("/gate").map(str::to_owned);
    answer(&app, query.as_deref(), &request, path, StatusCode::OK)
}

fn answer(
    app: &App,
    query: Option<&str>,
    request: &Request,
    path: Option<String>,
    leave: StatusCode,
) -> Response {
    let context = context(request.method().as_str(), request.headers(), query, path);
    let verdict = ask(app, &app.switches.current(), &context, "gate");
    if verdict.is_blocked() { refusal(&verdict) } else { leave.into_response() }
}

fn original(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| Some(headers.get(*name)?.to_str().ok()?.to_owned()))
}

fn context(
    method: &str,
    headers: &HeaderMap,
    query: Option<&str>,
    path: Option<String>,
) -> Map<String, Value> {
    let mut context = Map::new();
    let named = headers.iter().take(MAX_FIELDS).filter_map(|(name, value)| {
        Some((name.as_str().replace('-', "_"), Value::from(value.to_str().ok()?)))
    });
    let named: Map<String, Value> = named.filter(|(name, _)| !SECRET.contains(&name.as_str())).collect();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(MAX_FIELDS) {
        context.insert(name.into_owned(), typed(&value));
    }
    let method =
        original(headers, &["x-original-method", "x-forwarded-method"]).unwrap_or_else(|| method.to_owned());
    let host = original(headers, &["x-original-host", "x-forwarded-host", "host"]);
    let path = path.map(|path| path.split('?').next().unwrap_or_default().to_owned());
    let told = [("method", Some(method)), ("host", host), ("path", path)];
    context.extend(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))));
    context.insert("header".to_owned(), Value::Object(named));
    context
}

/// A parameter's value: a number or a truth value where it is written like one.
fn typed(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::from(text),
    }
}

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
    if let Some(first) = verdict.first() {
        put("x-lanner-switch", &first.id);
    }
    let body = answer.body.or_else(|| verdict.reason().map(str::to_owned)).unwrap_or_default();
    (StatusCode::FORBIDDEN, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_a_context() {
        let mut headers = HeaderMap::new();
        headers.insert("x-original-uri", HeaderValue::from_static("/buy?x=1"));
        headers.insert("x-original-method", HeaderValue::from_static("POST"));
        headers.insert("x-bank", HeaderValue::from_static("HSBC"));
        headers.insert("authorization", HeaderValue::from_static("secret"));
        let query = Some("WORKFLOW=PURCHASE&amount=12.5&vip=true&header=forged&empty=");
        let context = context("GET", &headers, query, Some("/buy?x=1".to_owned()));
        assert_eq!(
            Value::Object(context),
            json!({
                "WORKFLOW": "PURCHASE", "amount": 12.5, "vip": true, "empty": "", "method": "POST", "path": "/buy",
                "header": {"x_original_uri": "/buy?x=1", "x_original_method": "POST", "x_bank": "HSBC"},
            })
        );
    }
}
