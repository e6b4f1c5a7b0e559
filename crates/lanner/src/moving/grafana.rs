//! Alert rules of Grafana, as `GET /api/v1/provisioning/alert-rules/export` and provisioning files have them, in YAML or JSON.
//!
//! A rule there is a chain of steps; those that come to one query of a Prometheus and one limit are taken.
//! Source: "Export alerting resources" and "File provisioning" of the documentation of Grafana, release 12.

use lanner_core::document::Node;
use serde_json::{Value, json};

use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::prometheus::{annotations, labels, plain, rule_of, waits};
use super::span;
use super::tree::{get, items, text, truth};

pub(super) const PROGRAM: Program = Program {
    name: "grafana-alerts",
    about: "alert rules of Grafana that ask a Prometheus",
    noun: "alerts",
    source: "prometheus",
    take,
};

const FILE: &[Field] = &[("apiVersion", Use::Idle), ("groups", Use::Read)];
const GROUP: &[Field] = &[
    ("orgId", Use::Idle),
    ("name", Use::Idle),
    ("folder", Use::Idle),
    ("interval", Use::Read),
    ("rules", Use::Read),
];
const RULE: &[Field] = &[
    ("uid", Use::Idle),
    ("title", Use::Read),
    ("condition", Use::Read),
    ("data", Use::Read),
    ("for", Use::Read),
    ("keepFiringFor", Use::Read),
    ("keep_firing_for", Use::Read),
    ("noDataState", Use::Read),
    ("execErrState", Use::Read),
    ("isPaused", Use::Read),
    ("labels", Use::Read),
    ("annotations", Use::Read),
    ("notification_settings", Use::Not("a rule names its receivers itself; name them with --receiver")),
];
const STEP: &[Field] = &[
    ("refId", Use::Read),
    ("datasourceUid", Use::Read),
    ("model", Use::Read),
    ("queryType", Use::Idle),
    // What lies before its end does not change the last value.
    ("relativeTimeRange", Use::In(&[("from", Use::Idle), ("to", Use::Read)])),
];
/// What all models have for the page that edits them.
const MODEL: &[Field] = &[
    ("refId", Use::Idle),
    ("datasource", Use::Read),
    ("type", Use::Read),
    ("hide", Use::Idle),
    ("intervalMs", Use::Idle),
    ("maxDataPoints", Use::Idle),
];
/// Ranges have steps and formats, of which the last value has none.
const QUERY: &[Field] = &[
    ("expr", Use::Read),
    ("instant", Use::Idle),
    ("range", Use::Idle),
    ("interval", Use::Idle),
    ("intervalFactor", Use::Idle),
    ("exemplar", Use::Idle),
    ("format", Use::Idle),
    ("legendFormat", Use::Idle),
    ("editorMode", Use::Idle),
    ("queryType", Use::Idle),
    ("disableTextWrap", Use::Idle),
    ("fullMetaSearch", Use::Idle),
    ("includeNullMetadata", Use::Idle),
    ("useBackend", Use::Idle),
    ("requestId", Use::Idle),
    ("utcOffsetSec", Use::Idle),
];
const REDUCE: &[Field] = &[
    ("expression", Use::Read),
    ("reducer", Use::Read),
    // The page leaves conditions behind that nothing reads.
    ("conditions", Use::Idle),
    // What is not a number is no value here either.
    ("settings", Use::In(&[("mode", Use::As(&["", "strict", "dropNN"]))])),
];
const LIMIT: &[Field] = &[
    ("expression", Use::Read),
    (
        "conditions",
        Use::In(&[
            ("type", Use::Idle),
            ("evaluator", Use::In(&[("type", Use::Read), ("params", Use::Read)])),
            ("query", Use::In(&[("params", Use::Read)])),
            ("reducer", Use::In(&[("type", Use::Read), ("params", Use::Idle)])),
            // It joins a condition with the one before, and there is only one.
            ("operator", Use::Idle),
            (
                "unloadEvaluator",
                Use::Not("there is no limit of its own at which an alert ends; see `recover_for`"),
            ),
            ("loadedDimensions", Use::Idle),
        ]),
    ),
];

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    if get(file, "groups").is_some() {
        moving.unread(file, &[FILE], "");
    }
    for group in items(get(file, "groups")) {
        let entry = format!("group {}", text(group, "name").unwrap_or_default());
        moving.unread(group, &[GROUP], &entry);
        let every_ms = moving.duration_ms(group, "interval", &entry).filter(|ms| *ms > 0);
        for rule in items(get(group, "rules")) {
            let title = text(rule, "title").or_else(|| text(rule, "uid")).unwrap_or_default();
            let made = converted(rule, &title, every_ms.unwrap_or(60_000), names, moving);
            if made.is_ok() {
                moving.unread(rule, &[RULE], &title);
            }
            moving.entry("rules", &title, made);
        }
    }
}

fn converted(
    rule: &Node,
    title: &str,
    every_ms: i64,
    names: &Names,
    moving: &mut Moving,
) -> Result<Value, Reason> {
    let steps = Steps(items(get(rule, "data")));
    let condition = text(rule, "condition").ok_or_else(|| (rule.at, "it has no condition".to_owned()))?;
    let Limit { value, absolute, path } = steps.limit(&condition, rule)?;
    let mut document = rule_of(title, &value, every_ms, names, moving);
    document["query"]["promql"] = value.into();
    document["absolute"] = absolute;
    waits(rule, every_ms, title, &mut document, moving)?;
    if let Some(delay_ms) = path.last().and_then(|query| delay_ms(query)) {
        document["delay"] = span::written(delay_ms).into();
    }
    steps.remarks(&path, title, moving);
    for (theirs, ours) in [("noDataState", "no_data"), ("execErrState", "error")] {
        document[ours] = policy(text(rule, theirs).as_deref()).into();
    }
    if truth(rule, "isPaused") == Some(true) {
        document["status"] = "inactive".into();
    }
    document["labels"] = labels(&[rule], title, moving);
    let annotations = annotations(rule, title, moving);
    if !annotations.is_empty() {
        document["annotations"] = Value::Object(annotations);
    }
    Ok(document)
}

fn policy(state: Option<&str>) -> &'static str {
    match state {
        Some("OK" | "Ok" | "Normal") => "ok",
        Some("KeepLast") => "keep",
        _ => "alert",
    }
}

/// How long before now the times end that a query looks at.
fn delay_ms(query: &Node) -> Option<i64> {
    let seconds = get(get(query, "relativeTimeRange")?, "to")?.number()?;
    // Beyond a century nothing is meant.
    (seconds > 0.0 && seconds < 3.2e9).then_some((seconds * 1_000.0) as i64)
}

/// What the condition of a rule comes to.
struct Limit<'n> {
    value: String,
    absolute: Value,
    /// The steps from the condition to the query.
    path: Vec<&'n Node>,
}

/// The steps of a rule, each with its `refId`.
struct Steps<'n>(Vec<&'n Node>);

impl<'n> Steps<'n> {
    fn step(&self, id: &str, rule: &Node) -> Result<&'n Node, Reason> {
        let id = id.trim().trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
        let found = self.0.iter().find(|step| text(step, "refId").as_deref() == Some(id));
        found.copied().ok_or_else(|| (rule.at, format!("there is no step \"{id}\"")))
    }

    /// Names what is not read of the steps on a path, and the steps beside it.
    fn remarks(&self, path: &[&Node], title: &str, moving: &mut Moving) {
        for step in &self.0 {
            if !path.iter().any(|on_path| std::ptr::eq(*on_path, *step)) {
                let id = text(step, "refId").unwrap_or_default();
                moving.note(step.at, title, format!("the condition does not use the step {id}; left out"));
                continue;
            }
            moving.unread(step, &[STEP], title);
            let Some(model) = get(step, "model") else { continue };
            let own = match text(model, "type").as_deref() {
                Some("threshold" | "classic_conditions") => LIMIT,
                Some("reduce") => REDUCE,
                _ => QUERY,
            };
            moving.unread(model, &[MODEL, own], title);
        }
    }

    /// The query, and the limits of its values, that a step comes to.
    fn limit(&self, id: &str, rule: &Node) -> Result<Limit<'n>, Reason> {
        let step = self.step(id, rule)?;
        let model = get(step, "model").unwrap_or(step);
        match text(model, "type").as_deref() {
            Some("threshold") => {
                let of = text(model, "expression").unwrap_or_default();
                let conditions = items(get(model, "conditions"));
                let [condition] = conditions.as_slice() else {
                    return Err((step.at, "it has several thresholds".to_owned()));
                };
                self.compared(step, &of, condition, rule)
            }
            Some("classic_conditions") => {
                let conditions = items(get(model, "conditions"));
                let [condition] = conditions.as_slice() else {
                    return Err((step.at, "it has several classic conditions".to_owned()));
                };
                let of = get(condition, "query").map(|query| items(get(query, "params"))).unwrap_or_default();
                let of = of.first().and_then(|id| id.scalar_text()).unwrap_or_default();
                let reducer = get(condition, "reducer").and_then(|reducer| text(reducer, "type"));
                refuse_reducer(reducer.as_deref(), step)?;
                self.compared(step, &of, condition, rule)
            }
            Some("math") => {
                Err((step.at, "its condition is an expression of several steps (math)".to_owned()))
            }
            Some(other) => {
                Err((step.at, format!("its condition is a step of type {other}, which compares nothing")))
            }
            None => Err((step.at, "its condition is a query, which compares nothing".to_owned())),
        }
    }

    /// A step that compares what the step `of` comes to.
    fn compared(&self, step: &'n Node, of: &str, condition: &Node, rule: &Node) -> Result<Limit<'n>, Reason> {
        let mut path = vec![step];
        let value = self.query(of, rule, &mut path)?;
        Ok(Limit { value, absolute: evaluator(condition)?, path })
    }

    /// The query that a step comes to, perhaps reduced to its last value.
    fn query(&self, id: &str, rule: &Node, path: &mut Vec<&'n Node>) -> Result<String, Reason> {
        let step = self.step(id, rule)?;
        path.push(step);
        let model = get(step, "model").unwrap_or(step);
        if text(step, "datasourceUid").is_some_and(|uid| uid == "__expr__" || uid == "-100") {
            if text(model, "type").as_deref() != Some("reduce") {
                let kind = text(model, "type").unwrap_or_default();
                return Err((step.at, format!("a step of type {kind} has no counterpart")));
            }
            refuse_reducer(text(model, "reducer").as_deref(), step)?;
            if path.len() > self.0.len() {
                return Err((step.at, "its steps go round in a circle".to_owned()));
            }
            return self.query(&text(model, "expression").unwrap_or_default(), rule, path);
        }
        let is_logs =
            get(model, "datasource").and_then(|it| text(it, "type")).is_some_and(|kind| kind != "prometheus");
        match text(model, "expr") {
            Some(expr) if expr.contains("$__") || expr.contains("${") => Err((
                step.at,
                "its query has variables of Grafana, such as $__rate_interval; write what they stand for"
                    .to_owned(),
            )),
            Some(expr) if !is_logs => Ok(expr),
            _ => Err((step.at, "its query is not one of Prometheus".to_owned())),
        }
    }
}

/// Only the last value is what an instant query gives.
fn refuse_reducer(reducer: Option<&str>, step: &Node) -> Result<(), Reason> {
    match reducer {
        None | Some("last" | "") => Ok(()),
        Some(other) => Err((
            step.at,
            format!(
                "it looks at the {other} of a range; write that into the query, for example avg_over_time"
            ),
        )),
    }
}

fn evaluator(condition: &Node) -> Result<Value, Reason> {
    let Some(evaluator) = get(condition, "evaluator") else {
        return Err((condition.at, "its threshold is missing".to_owned()));
    };
    let params: Vec<f64> = items(get(evaluator, "params")).iter().filter_map(|node| node.number()).collect();
    let kind = text(evaluator, "type").unwrap_or_default();
    match (kind.as_str(), params.as_slice()) {
        ("gt", [limit, ..]) => Ok(json!({ "max": plain(*limit) })),
        ("lt", [limit, ..]) => Ok(json!({ "min": plain(*limit) })),
        ("outside_range", [min, max, ..]) => Ok(json!({ "min": plain(*min), "max": plain(*max) })),
        _ => Err((evaluator.at, format!("the comparison {kind} has no counterpart"))),
    }
}
