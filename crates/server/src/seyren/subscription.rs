//! A subscription of a check and the receiver that it becomes.
//!
//! | Type | Receiver |
//! | --- | --- |
//! | `HTTP` | a webhook to the target |
//! | `SLACK` | the target when it is a URL; otherwise the channel, by the first stored receiver of kind `slack` |
//! | `EMAIL` | the address, by the server of the first stored receiver of kind `email` |
//! | `LOGGER` | a line a message in `seyren.log` in the data folder |
//!
//! Weekdays and hours are kept and shown; messages are not held back by them.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::form;
use super::truths::truths;
use crate::configuration::service::ConfigurationService;
use crate::http::ApiError;

/// What the names of such receivers begin with.
pub(super) const PREFIX: &str = "seyren-";

/// What is true or false of a subscription.
const TRUTHS: [&str; 11] =
    ["enabled", "ignoreWarn", "ignoreError", "ignoreOk", "su", "mo", "tu", "we", "th", "fr", "sa"];

/// The subscription as it is kept: with an id, its own or a new one.
///
/// # Errors
/// 400 for what cannot be a subscription.
pub(super) fn read(service: &ConfigurationService, posted: Value) -> Result<Value, ApiError> {
    let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST, message);
    let truths = truths(&posted, &TRUTHS).map_err(wrong)?;
    let Value::Object(mut fields) = posted else {
        return Err(wrong(format!("a subscription should be an object, found {posted}")));
    };
    // What `view` adds is not kept.
    fields.retain(|name, _| !TRUTHS.contains(&&**name) && name != "delivered" && name != "note");
    fields.extend(truths);
    if !fields.get("id").is_some_and(Value::is_string) {
        fields.insert("id".to_owned(), form::new_id(service, "subscription").into());
    }
    Ok(Value::Object(fields))
}

/// The subscriptions of a check as they are kept, each with an id of its own.
///
/// # Errors
/// As of [`read`].
pub(super) fn read_all(service: &ConfigurationService, posted: &[Value]) -> Result<Vec<Value>, ApiError> {
    let mut known = HashSet::new();
    let read = |posted: &Value| {
        let mut subscription = read(service, posted.clone())?;
        // Of two with one id, neither could be changed or ended alone.
        if !known.insert(subscription["id"].clone()) {
            subscription["id"] = form::new_id(service, "subscription").into();
        }
        Ok(subscription)
    };
    posted.iter().map(read).collect()
}

/// The document of the receiver, or why there is none.
///
/// - `known`: the documents of the stored receivers.
pub(super) fn receiver(
    service: &ConfigurationService,
    subscription: &Value,
    known: &[Value],
) -> Result<Value, String> {
    let kind = subscription["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let target = subscription["target"].as_str().unwrap_or_default();
    let is = |name: &str| subscription[name] == json!(true);
    if subscription["enabled"] == json!(false) {
        return Err("it is not enabled".to_owned());
    }
    let only = match (is("ignoreWarn"), is("ignoreError")) {
        (true, true) => return Err("it ignores warnings and errors".to_owned()),
        (true, false) => Some("error"),
        (false, true) => Some("warn"),
        (false, false) => None,
    };
    let mut document = transport(service, &kind, target, known)?;
    let identity = format!("{kind}/{target}/{}/{}", only.unwrap_or_default(), is("ignoreOk"));
    let hash = lanner_core::alert::fingerprint(&identity, &lanner_core::Labels::default());
    let name = format!("{PREFIX}{}-{hash}", kind.to_ascii_lowercase());
    document.insert("name".to_owned(), name.into());
    document.insert("send_resolved".to_owned(), (!is("ignoreOk")).into());
    document.insert("group_wait".to_owned(), "0s".into());
    // Seyren tells changes, and never the same twice.
    document.insert("repeat".to_owned(), "never".into());
    match only {
        Some(severity) => document.insert("only".to_owned(), json!({ "severity": severity })),
        None => document.remove("only"),
    };
    Ok(Value::Object(document))
}

fn transport(
    service: &ConfigurationService,
    kind: &str,
    target: &str,
    known: &[Value],
) -> Result<Map<String, Value>, String> {
    let like = |kind: &str| known.iter().find(|receiver| receiver["kind"] == json!(kind)).cloned();
    let is_url = target.starts_with("http://") || target.starts_with("https://");
    let document = match kind {
        "HTTP" => json!({ "kind": "webhook", "url": target }),
        "SLACK" if is_url => json!({ "kind": "slack", "url": target }),
        "SLACK" => {
            let mut document = like("slack").ok_or("there is no receiver of kind slack to send it by")?;
            document["channel"] = target.into();
            document
        }
        "EMAIL" => {
            let mut document = like("email").ok_or("there is no receiver of kind email to send it by")?;
            document["to"] = json!([target]);
            document
        }
        "LOGGER" => {
            let path = service.rules.delivery.powers.own_log().map_err(|error| error.to_string())?;
            json!({ "kind": "log", "path": path })
        }
        other => return Err(format!("there is no kind of receiver for {other}")),
    };
    match document {
        Value::Object(document) => Ok(document),
        _ => Err("its receiver is no document".to_owned()),
    }
}

/// A subscription as Seyren shows it, and whether it reaches anybody.
pub(super) fn view(service: &ConfigurationService, posted: Value, known: &[Value]) -> Value {
    let mut shown = posted;
    let made = receiver(service, &shown, known);
    shown["delivered"] = made.is_ok().into();
    if let Err(why) = made {
        shown["note"] = format!("kept, but nothing is delivered: {why}").into();
    }
    shown
}
