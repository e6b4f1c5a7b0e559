//! The mapping between a check and its rule.

use std::sync::Arc;

use axum::http::StatusCode;
use lanner_core::{Alert, AlertState};
use lanner_engine::detector::Levels;
use lanner_graphite::interval_s;
use serde_json::{Map, Value, json};

use super::subscription;
use super::truths::truths;
use crate::configuration::apply;
use crate::configuration::service::ConfigurationService;
use crate::documents::{ApplyOptions, RULE};
use crate::http::{ApiError, Principal};
use crate::rules::document;

/// What Seyren asks for when a check says nothing, seconds before now.
const FROM_S: i64 = 660;
const UNTIL_S: i64 = 60;
/// How long after the end of its window a check runs: values of the last minute may come a little late.
const LATE_S: i64 = 10;

/// What of a check is text.
const TEXTS: [&str; 5] = ["name", "description", "target", "from", "until"];

/// What people read of a check.
const CONTENT: &str = "{{ description }} is {{ state }}{% if severity %} ({{ severity }}){% endif %}: {{ value }}\
    {% if error %} ({{ error }}){% endif %}";

/// The stored rules that are checks, in order of their ids.
pub(super) fn stored(service: &ConfigurationService) -> Result<Vec<Value>, ApiError> {
    let documents = service.state.documents(RULE)?.into_iter().filter_map(|rule| rule.document);
    Ok(documents.filter(is_check).collect())
}

/// The rule of one check.
pub(super) fn find(service: &ConfigurationService, id: &str) -> Result<Value, ApiError> {
    let found = stored(service)?.into_iter().find(|rule| rule["id"].as_str() == Some(id));
    found.ok_or_else(|| ApiError::not_found("check", id))
}

fn is_check(rule: &Value) -> bool {
    rule["query"]["target"].is_string() && rule["expression"].is_object()
}

/// The limits of a check.
pub(super) fn levels(rule: &Value) -> Levels {
    let limit = |name: &str| number(&rule["expression"][name]);
    Levels { warn: limit("warn"), error: limit("error") }
}

/// A number, also when it comes as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// A limit as Seyren writes it: text, or null.
pub(super) fn limit_text(limit: Option<f64>) -> Value {
    limit.map_or(Value::Null, |limit| json!(json!(limit).to_string()))
}

/// What Seyren alone knows of a check.
fn own(rule: &Value) -> &Value {
    &rule["annotations"]["seyren"]
}

/// The same, to be changed.
fn own_mut(rule: &mut Value) -> &mut Map<String, Value> {
    let annotations = as_map(rule).entry("annotations").or_insert(Value::Null);
    as_map(as_map(annotations).entry("seyren").or_insert(Value::Null))
}

/// The map in `value`; an empty one where there was something else.
#[expect(clippy::expect_used, reason = "it was made a map the line before")]
fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("a map")
}

/// Alerts from before are not shown, milliseconds since the Unix epoch.
pub(super) fn alerts_since_ms(rule: &Value) -> i64 {
    own(rule)["alertsSince"].as_i64().unwrap_or(i64::MIN)
}

/// The rule without what lies before `since_ms` in its list of alerts.
pub(super) fn with_alerts_since(mut rule: Value, since_ms: i64) -> Value {
    own_mut(&mut rule).insert("alertsSince".to_owned(), since_ms.into());
    rule
}

/// The subscriptions of a check, as they were posted, with their ids.
pub(super) fn subscriptions(rule: &Value) -> Vec<Value> {
    let mut all = own(rule)["subscriptions"].as_array().cloned().unwrap_or_default();
    all.retain(Value::is_object);
    all
}

/// The rule with these subscriptions.
pub(super) fn with_subscriptions(mut rule: Value, all: Vec<Value>) -> Value {
    own_mut(&mut rule).insert("subscriptions".to_owned(), all.into());
    rule
}

/// The rule of a check as it was posted, over the rule that it was before, if any.
///
/// # Errors
/// 400 for what cannot be a check.
pub(super) fn rule(
    service: &ConfigurationService,
    id: &str,
    posted: &Value,
    before: Option<&Value>,
) -> Result<Value, ApiError> {
    let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST, message);
    for name in TEXTS {
        if !matches!(&posted[name], Value::Null | Value::String(_)) {
            return Err(wrong(format!("{name} should be a text, found {}", posted[name])));
        }
    }
    let text = |name: &str| posted[name].as_str().filter(|text| !text.is_empty());
    let target =
        text("target").ok_or_else(|| wrong("target is missing: a Graphite expression".to_owned()))?;
    let limit = |name: &str| match &posted[name] {
        Value::Null => Ok(None),
        value => {
            number(value).map(Some).ok_or_else(|| wrong(format!("{name} should be a number, found {value}")))
        }
    };
    let (warn, error) = (limit("warn")?, limit("error")?);
    let (from_s, until_s) = (back_s(posted, "from", FROM_S)?, back_s(posted, "until", UNTIL_S)?);
    if from_s - until_s < 60 {
        return Err(wrong(
            "from should lie at least a minute before until, for example -11minutes and -1minutes".to_owned(),
        ));
    }
    let truths = truths(posted, &["enabled", "live", "allowNoData"]).map_err(wrong)?;
    let is = |name: &str| truths.get(name) == Some(&Value::Bool(true));
    let is_off = truths.get("enabled") == Some(&Value::Bool(false));
    let mut rule = before.cloned().unwrap_or_else(|| json!({}));
    rule["id"] = id.into();
    let name = text("name").unwrap_or(id);
    rule["description"] = name.into();
    // The id is a number: people know a check by its name.
    as_map(&mut rule).entry("labels").or_insert_with(|| json!({}))["check"] = name.into();
    as_map(&mut rule).entry("content").or_insert_with(|| CONTENT.into());
    rule["query"]["target"] = target.into();
    rule["window"] = format!("{}s", from_s - until_s).into();
    rule["every"] = "1m".into();
    // The slot that has just begun is never looked at.
    rule["delay"] = format!("{}s", (until_s - UNTIL_S).max(0) + LATE_S).into();
    rule["expression"] = Map::from_iter(
        [("warn", warn), ("error", error)]
            .into_iter()
            .filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))),
    )
    .into();
    rule["no_data"] = if is("allowNoData") { "ok" } else { "alert" }.into();
    rule["status"] = if is_off { "inactive" } else { "active" }.into();
    let kept = ["description", "from", "until"].map(|name| (name.to_owned(), posted[name].clone()));
    let mut own = Map::from_iter(kept);
    own.extend(truths.into_iter().filter(|(name, _)| name != "enabled"));
    own.insert(
        "alertsSince".to_owned(),
        before.map_or(Value::Null, |rule| self::own(rule)["alertsSince"].clone()),
    );
    // Seyren changes a check and leaves its subscriptions, which have requests of their own: whoever says nothing of them
    // wants people told as before.
    let subscriptions = match &posted["subscriptions"] {
        Value::Null => before.map(subscriptions).unwrap_or_default(),
        Value::Array(posted) => subscription::read_all(service, posted)?,
        other => return Err(wrong(format!("subscriptions should be a list, found {other}"))),
    };
    own.insert("subscriptions".to_owned(), subscriptions.into());
    own.retain(|_, value| !value.is_null());
    *own_mut(&mut rule) = own;
    Ok(rule)
}

/// `-11minutes`, `-1h` or `now`, in seconds before now.
fn back_s(posted: &Value, name: &str, default_s: i64) -> Result<i64, ApiError> {
    let Some(text) = posted[name].as_str().map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(default_s);
    };
    let text = text.strip_prefix("now").unwrap_or(text);
    match interval_s(text) {
        _ if text.is_empty() => Ok(0),
        Ok(ago_s @ ..=0) => Ok(-ago_s),
        _ => {
            let message =
                format!("{name} should be a time before now, for example -11minutes; found \"{text}\"");
            Err(ApiError::new(StatusCode::BAD_REQUEST, message))
        }
    }
}

/// Saves the rule of a check, and the receivers of its subscriptions.
///
/// # Errors
/// 422 with every problem, and failures of the store.
pub(super) async fn save(
    service: &Arc<ConfigurationService>,
    principal: &Principal,
    mut rule: Value,
) -> Result<(), ApiError> {
    let stored = document::stored_document(&*service.state)?;
    let known = stored["receivers"].as_array().cloned().unwrap_or_default();
    let mut receivers: Vec<Value> = Vec::new();
    for subscription in subscriptions(&rule) {
        if let Ok(receiver) = subscription::receiver(service, &subscription, &known)
            && !receivers.contains(&receiver)
        {
            receivers.push(receiver);
        }
    }
    let kept = rule["receivers"].as_array().cloned().unwrap_or_default();
    let kept = kept
        .into_iter()
        .filter(|name| !name.as_str().is_some_and(|name| name.starts_with(subscription::PREFIX)));
    let names: Vec<Value> = kept.chain(receivers.iter().map(|receiver| receiver["name"].clone())).collect();
    rule["receivers"] = names.into();
    let document = json!({ "rules": [rule], "receivers": receivers });
    let options = ApplyOptions { actor: principal.name().to_owned(), ..ApplyOptions::default() };
    apply::apply(service, &document, &options).await?;
    Ok(())
}

/// A check as Seyren shows it.
pub(super) fn view(service: &ConfigurationService, rule: &Value) -> Value {
    let id = rule["id"].as_str().unwrap_or_default();
    let own = own(rule);
    let mut worst = if own["allowNoData"] == json!(true) { State::Ok } else { State::Unknown };
    let mut last_ms: Option<i64> = None;
    for alert in service.rules.evaluation.engine().alerts().filter(|alert| *alert.rule == *id) {
        worst = worst.max(state(alert));
        last_ms = last_ms.max(Some(alert.window.end_ms));
    }
    let known = document::stored_document(&*service.state).unwrap_or_default();
    let known = known["receivers"].as_array().cloned().unwrap_or_default();
    let subscriptions: Vec<Value> =
        subscriptions(rule).into_iter().map(|posted| subscription::view(service, posted, &known)).collect();
    let Levels { warn, error } = levels(rule);
    json!({
        "id": id,
        "name": rule["description"].as_str().unwrap_or(id),
        "description": own["description"],
        "target": rule["query"]["target"],
        "from": own["from"], "until": own["until"],
        "warn": limit_text(warn), "error": limit_text(error),
        "enabled": rule["status"] != json!("inactive"),
        "live": own["live"].as_bool().unwrap_or(false),
        "allowNoData": own["allowNoData"].as_bool().unwrap_or(false),
        "state": worst.name(),
        "lastCheck": last_ms,
        "subscriptions": subscriptions,
    })
}

/// The states of Seyren, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Unknown,
    Ok,
    Warn,
    Error,
    Exception,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Exception => "EXCEPTION",
        }
    }
}

fn state(alert: &Alert) -> State {
    match alert.state {
        AlertState::Error => State::Exception,
        AlertState::NoData => State::Unknown,
        AlertState::Normal if alert.value.is_some() => State::Ok,
        AlertState::Normal => State::Unknown,
        _ if alert.labels.get("severity") == Some("error") => State::Error,
        _ => State::Warn,
    }
}
