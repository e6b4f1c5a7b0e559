//! Alert rules of Prometheus, and of what reads the same files: Thanos, Mimir and vmalert.
//!
//! Source: "Alerting rules" and "Recording rules" of the documentation of Prometheus, release 3.

use lanner_core::document::{Node, Position};
use serde_json::{Map, Value, json};

use super::fields::{Field, Use};
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

/// The fields of a file; Mimir's have a namespace, and operators of Kubernetes wrap them.
const FILE: &[Field] = &[
    ("groups", Use::Read),
    ("namespace", Use::Idle),
    ("apiVersion", Use::Idle),
    ("kind", Use::Idle),
    ("metadata", Use::Idle),
    ("spec", Use::In(&[("groups", Use::Read)])),
];
const GROUP: &[Field] = &[
    ("name", Use::Idle),
    ("interval", Use::Read),
    ("query_offset", Use::Read),
    ("labels", Use::Read),
    ("rules", Use::Read),
    ("type", Use::Read),
    ("limit", Use::Not("a rule has no limit of its alerts; left out")),
];
const RULE: &[Field] = &[
    ("alert", Use::Read),
    ("expr", Use::Read),
    ("for", Use::Read),
    ("keep_firing_for", Use::Read),
    ("labels", Use::Read),
    ("annotations", Use::Read),
];

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    // Operators of Kubernetes wrap the same groups.
    let wrapped = get(file, "spec").filter(|_| get(file, "kind").is_some());
    let Some(groups) = get(wrapped.unwrap_or(file), "groups") else { return };
    moving.unread(file, &[FILE], "");
    for group in items(Some(groups)) {
        take_group(group, names, moving);
    }
}

fn take_group(group: &Node, names: &Names, moving: &mut Moving) {
    let is_alert = |rule: &&Node| text(rule, "alert").is_some();
    // Prometheus goes on recording, and queries ask for what it recorded.
    let (alerts, others): (Vec<_>, Vec<_>) = items(get(group, "rules")).into_iter().partition(is_alert);
    let (recording, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|rule| get(rule, "record").is_some());
    moving.n_staying += recording.len();
    for rule in others {
        moving.note(rule.at, "", "neither an alert nor a recording rule; left out");
    }
    if alerts.is_empty() {
        return;
    }
    let entry = format!("group {}", text(group, "name").unwrap_or_default());
    moving.unread(group, &[GROUP], &entry);
    let every_ms = moving.duration_ms(group, "interval", &entry).filter(|ms| *ms > 0).unwrap_or(EVERY_MS);
    let delay_ms = moving.duration_ms(group, "query_offset", &entry).filter(|ms| *ms > 0);
    for rule in alerts {
        let alert = text(rule, "alert").unwrap_or_default();
        let made = converted(group, rule, every_ms, names, moving).map(|mut document| {
            if let Some(delay_ms) = delay_ms {
                document["delay"] = span::written(delay_ms).into();
            }
            document
        });
        if made.is_ok() {
            moving.unread(rule, &[RULE], &alert);
        }
        moving.entry("rules", &alert, made);
    }
}

fn converted(
    group: &Node,
    rule: &Node,
    every_ms: i64,
    names: &Names,
    moving: &mut Moving,
) -> Result<Value, Reason> {
    // A group of vmalert may ask Graphite or VictoriaLogs.
    if let Some(kind) = text(group, "type").filter(|kind| kind != "prometheus") {
        return Err((rule.at, format!("its group asks {kind}, which is not converted")));
    }
    let alert = text(rule, "alert").unwrap_or_default();
    let at = get(rule, "expr").and_then(|expr| expr.at).or(rule.at);
    let expr = text(rule, "expr").ok_or_else(|| (at, "it has no expression".to_owned()))?;
    if expr.trim().is_empty() {
        return Err((at, "its expression is empty".to_owned()));
    }
    let mut document = rule_of(&alert, &expr, every_ms, names, moving);
    waits(rule, every_ms, &alert, &mut document, moving)?;
    document["labels"] = labels(&[group, rule], &alert, moving);
    let annotations = annotations(rule, &alert, moving);
    if !annotations.is_empty() {
        document["annotations"] = Value::Object(annotations);
    }
    Ok(document)
}

/// How many bad windows a rule waits for, and how many good ones end its alert.
pub(super) fn waits(
    rule: &Node,
    every_ms: i64,
    alert: &str,
    document: &mut Value,
    moving: &mut Moving,
) -> Result<(), Reason> {
    // Prometheus waits for so long after the first bad evaluation.
    if let Some(wait_ms) = lasts(rule, "for")?.filter(|ms| *ms > 0) {
        let n_windows = span::steps(wait_ms, every_ms).saturating_add(1);
        document["for"] = in_a_row(n_windows, rule, "for", alert, moving);
    }
    for name in ["keep_firing_for", "keepFiringFor"] {
        if let Some(keep_ms) = lasts(rule, name)?.filter(|ms| *ms > every_ms) {
            document["recover_for"] = in_a_row(span::steps(keep_ms, every_ms), rule, name, alert, moving);
        }
    }
    Ok(())
}

fn lasts(rule: &Node, name: &str) -> Result<Option<i64>, Reason> {
    let Some(written) = text(rule, name) else { return Ok(None) };
    let at = get(rule, name).and_then(|node| node.at);
    span::of_text(&written).map(Some).ok_or_else(|| (at, format!("{name}: \"{written}\" is not a duration")))
}

/// Windows in a row, as many as Lanner counts.
fn in_a_row(n_windows: i64, rule: &Node, name: &str, alert: &str, moving: &mut Moving) -> Value {
    if n_windows > MAX_FOR {
        let at = get(rule, name).and_then(|node| node.at);
        moving.note(
            at,
            alert,
            format!("{name}: {n_windows} windows are cut to {MAX_FOR}, the most there can be"),
        );
    }
    n_windows.min(MAX_FOR).into()
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

/// Labels, among them the name of the alert: routes and inhibition go by it. Those of later nodes replace those of earlier ones.
pub(super) fn labels(nodes: &[&Node], alert: &str, moving: &mut Moving) -> Value {
    let mut labels = Map::from_iter([("alertname".to_owned(), json!(alert))]);
    for (key, value) in nodes.iter().filter_map(|node| get(node, "labels")).flat_map(entries) {
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
