//! Alert rules of Prometheus, and of what reads the same files: Thanos, Mimir and vmalert.
//!
//! Source: "Alerting rules" and "Recording rules" of the documentation of Prometheus, release 3.

use lanner_core::document::{Node, Position};
use serde_json::{Map, Value, json};

use super::moved::{Moving, Names, Program, Reason};
use super::promql::{Asks, asks};
use super::tree::{entries, get, items, text};
use super::{go_template, span};

pub(super) const PROGRAM: Program = Program {
    name: "prometheus-rules",
    about: "alert rules of Prometheus, Thanos, Mimir and vmalert",
    noun: "alerts",
    source: "prometheus",
    take,
};

/// How often Prometheus evaluates, unless a group says otherwise.
const EVERY_MS: i64 = 60_000;
/// The most windows in a row that a rule waits for.
const MAX_FOR: i64 = 10_000;
/// Below every value: what exceeds it is there at all.
const ANYTHING: f64 = -1e300;

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    // Operators of Kubernetes wrap the same groups.
    let wrapped = get(file, "spec").filter(|_| get(file, "kind").is_some());
    for group in items(get(wrapped.unwrap_or(file), "groups")) {
        let every_ms = text(group, "interval").and_then(|text| span::of_text(&text)).filter(|ms| *ms > 0);
        for rule in items(get(group, "rules")) {
            match (text(rule, "alert"), text(rule, "record")) {
                (Some(alert), _) => {
                    let made = converted(rule, &alert, every_ms.unwrap_or(EVERY_MS), names, moving);
                    moving.entry("rules", &alert, made);
                }
                // Prometheus goes on recording, and queries ask for what it recorded.
                (None, Some(_)) => {}
                (None, None) => moving.note(rule.at, "", "neither an alert nor a recording rule; left out"),
            }
        }
    }
}

fn converted(
    rule: &Node,
    alert: &str,
    every_ms: i64,
    names: &Names,
    moving: &mut Moving,
) -> Result<Value, Reason> {
    let at = get(rule, "expr").and_then(|expr| expr.at).or(rule.at);
    let expr = text(rule, "expr").ok_or_else(|| (at, "it has no expression".to_owned()))?;
    let mut document = rule_of(alert, &expr, every_ms, names, moving);
    let lasts = |name: &str| -> Result<Option<i64>, Reason> {
        let Some(written) = text(rule, name) else { return Ok(None) };
        let at = get(rule, name).and_then(|node| node.at);
        span::of_text(&written)
            .map(Some)
            .ok_or_else(|| (at, format!("{name}: \"{written}\" is not a duration")))
    };
    // Prometheus waits for so long after the first bad evaluation.
    if let Some(wait_ms) = lasts("for")?.filter(|ms| *ms > 0) {
        let n_windows = span::steps(wait_ms, every_ms) + 1;
        if n_windows > MAX_FOR {
            let at = get(rule, "for").and_then(|node| node.at);
            moving.note(
                at,
                alert,
                format!("for: {n_windows} windows are more than {MAX_FOR}, which is what it waits"),
            );
        }
        document["for"] = n_windows.min(MAX_FOR).into();
    }
    if let Some(keep_ms) = lasts("keep_firing_for")?.filter(|ms| *ms > every_ms) {
        document["recover_for"] = span::steps(keep_ms, every_ms).into();
    }
    document["labels"] = labels(rule, alert, moving);
    let annotations = annotations(rule, alert, moving);
    if !annotations.is_empty() {
        document["annotations"] = Value::Object(annotations);
    }
    Ok(document)
}

/// A rule that asks a Prometheus for an expression and fires as that would.
pub(super) fn rule_of(alert: &str, expr: &str, every_ms: i64, names: &Names, moving: &mut Moving) -> Value {
    let (value, absolute) = match asks(expr) {
        Asks::Limit { value, is_above: true, limit } => (value, json!({ "max": plain(limit) })),
        Asks::Limit { value, is_above: false, limit } => (value, json!({ "min": plain(limit) })),
        Asks::Anything => (expr.trim().to_owned(), json!({ "max": ANYTHING })),
    };
    let mut document = json!({
        "id": moving.id(alert),
        "query": { "promql": value, "source": names.source, "by": ["*"] },
        "window": span::written(every_ms),
        "absolute": absolute,
        // An expression that gives nothing is fine.
        "no_data": "ok",
    });
    if !names.receivers.is_empty() {
        document["receivers"] = json!(names.receivers);
    }
    document
}

/// `5` rather than `5.0`.
pub(super) fn plain(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// Labels, among them the name of the alert: routes and inhibition go by it.
pub(super) fn labels(rule: &Node, alert: &str, moving: &mut Moving) -> Value {
    let mut labels = Map::from_iter([("alertname".to_owned(), json!(alert))]);
    for (key, value) in get(rule, "labels").map(entries).unwrap_or_default() {
        match value.scalar_text() {
            Some(text) if text.contains("{{") => {
                moving.note(
                    key.at,
                    alert,
                    format!("the label {} is a template, which labels cannot be; left out", key.name),
                );
            }
            Some(text) => _ = labels.insert(key.name.clone(), text.into()),
            None => moving.note(key.at, alert, format!("the label {} is not text; left out", key.name)),
        }
    }
    Value::Object(labels)
}

pub(super) fn annotations(rule: &Node, alert: &str, moving: &mut Moving) -> Map<String, Value> {
    let mut annotations = Map::new();
    for (key, value) in get(rule, "annotations").map(entries).unwrap_or_default() {
        let converted = value.scalar_text().ok_or_else(|| "not text".to_owned());
        match converted.and_then(|text| go_template::converted(&text)) {
            Ok(template) => _ = annotations.insert(key.name.clone(), template.into()),
            Err(why) => left_out(key.at, alert, &key.name, &why, moving),
        }
    }
    annotations
}

fn left_out(at: Option<Position>, alert: &str, name: &str, why: &str, moving: &mut Moving) {
    moving.note(at, alert, format!("the annotation {name} is left out: {why}"));
}
