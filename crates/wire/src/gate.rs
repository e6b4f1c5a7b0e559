//! A request held by a proxy, as a context.
//!
//! Its query's parameters are fields by their own names (numbers and `true` and `false` as such), its headers are fields of
//! `header` with `-` as `_`, and `method`, `host` and `path` are those of the original request, as nginx (`X-Original-...`)
//! and others (`X-Forwarded-...`) tell them. A parameter of the query never stands for a header.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value};

/// Headers that are nobody else's business.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy_authorization", "x_api_key"];
/// More parameters or headers than this are not looked at.
const MAX_FIELDS: usize = 200;
/// A request that may mean more contexts than this means too many.
const MAX_CONTEXTS: usize = 32;

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
    for (name, value) in parameters(query) {
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

fn parameters(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(MAX_FIELDS)
}

/// The contexts that a request may mean: one for each value of a parameter that is given more than once, as nobody knows
/// which one counts behind the proxy. `None` when they are too many.
#[must_use]
pub fn contexts(
    method: &str,
    headers: &HeaderMap,
    query: Option<&str>,
    path: Option<String>,
) -> Option<Vec<Map<String, Value>>> {
    let base = context(method, headers, query, path);
    let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in parameters(query) {
        let (values, value) = (values.entry(name.into_owned()).or_default(), typed(&value));
        if !values.contains(&value) {
            values.push(value);
        }
    }
    // What the request itself says counts before parameters of those names.
    values
        .retain(|name, values| values.len() > 1 && values.iter().any(|value| base.get(name) == Some(value)));
    let mut contexts = vec![base];
    for (name, values) in values {
        if contexts.len() * values.len() > MAX_CONTEXTS {
            return None;
        }
        let with = |context: &Map<String, Value>, value: &Value| {
            let mut context = context.clone();
            context.insert(name.clone(), value.clone());
            context
        };
        contexts = contexts
            .iter()
            .flat_map(|context| values.iter().map(|value| with(context, value)).collect::<Vec<_>>())
            .collect();
    }
    Some(contexts)
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

    #[test]
    fn every_value_of_a_doubled_parameter_counts() {
        #[track_caller]
        fn check(query: &str, banks: Option<&[&str]>) {
            let contexts = contexts("GET", &HeaderMap::new(), Some(query), None);
            let found = contexts.map(|contexts| {
                contexts.iter().map(|context| context["BANK"].to_string()).collect::<Vec<_>>()
            });
            let banks = banks.map(|banks| banks.iter().map(|bank| format!("\"{bank}\"")).collect::<Vec<_>>());
            assert_eq!(found, banks, "{query}");
        }
        check("BANK=HSBC", Some(&["HSBC"]));
        check("BANK=HSBC&BANK=HSBC", Some(&["HSBC"]));
        check("BANK=HSBC&BANK=ING", Some(&["HSBC", "ING"]));
        check("BANK=HSBC&x=1&BANK=ING&x=2", Some(&["HSBC", "HSBC", "ING", "ING"]));
        check("BANK=HSBC&method=a&method=b", Some(&["HSBC"]));
        let many: Vec<String> = (0..MAX_CONTEXTS + 1).map(|n| format!("BANK={n}x")).collect();
        check(&many.join("&"), None);
    }
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
