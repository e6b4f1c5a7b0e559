//! A request that a proxy holds, as a context.
//!
//! Its query's parameters are fields by their own names (numbers and `true` and `false` as such), its headers are fields of
//! `header` with `-` as `_`, and `method`, `host` and `path` are those of the original request, as nginx (`X-Original-...`)
//! and others (`X-Forwarded-...`) tell them. A parameter of the query never stands for a header.

use http::HeaderMap;
use serde_json::{Map, Value};

/// Headers that are nobody else's business.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy_authorization", "x_api_key"];
/// More parameters or headers than this are not looked at.
const MAX_FIELDS: usize = 200;

/// The first of the headers `names` that is there and is text.
#[must_use]
pub fn original(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| Some(headers.get(*name)?.to_str().ok()?.to_owned()))
}

/// The context of a request.
///
/// - `method`: as the proxy asks; the original one, where a header tells it, counts
/// - `query`: without the `?`
/// - `path`: of the original request
#[must_use]
pub fn context(
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
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
