//! Alert rules of Grafana, as `GET /api/v1/provisioning/alert-rules/export` and provisioning files have them, in YAML or JSON.
//!
//! A rule there is a chain of steps; those that come to one query of a Prometheus and one limit are taken.
//! Source: "Export alerting resources" and "File provisioning" of the documentation of Grafana, release 12.

use lanner_core::document::Node;
use serde_json::{Value, json};

use super::moved::{Moving, Names, Program, Reason};
use super::prometheus::{annotations, labels, plain, rule_of};
use super::span;
use super::tree::{get, items, text};

pub(super) const PROGRAM: Program = Program {
    name: "grafana-alerts",
    about: "alert rules of Grafana that ask a Prometheus",
    noun: "alerts",
    source: "prometheus",
    take,
};

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    for group in items(get(file, "groups")) {
        let every_ms = text(group, "interval").and_then(|text| span::of_text(&text)).filter(|ms| *ms > 0);
        for rule in items(get(group, "rules")) {
            let title = text(rule, "title").or_else(|| text(rule, "uid")).unwrap_or_default();
            let made = converted(rule, &title, every_ms.unwrap_or(60_000), names, moving);
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
    let (value, absolute) = steps.limit(&condition, rule)?;
    let mut document = rule_of(title, &value, every_ms, names, moving);
    document["query"]["promql"] = value.into();
    document["absolute"] = absolute;
    if let Some(wait_ms) = text(rule, "for").and_then(|text| span::of_text(&text)).filter(|ms| *ms > 0) {
        document["for"] = (span::steps(wait_ms, every_ms) + 1).into();
    }
    for (theirs, ours) in [("noDataState", "no_data"), ("execErrState", "error")] {
        document[ours] = policy(text(rule, theirs).as_deref()).into();
    }
    if text(rule, "isPaused").as_deref() == Some("true") {
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

/// The steps of a rule, each with its `refId`.
struct Steps<'n>(Vec<&'n Node>);

impl<'n> Steps<'n> {
    fn step(&self, id: &str, rule: &Node) -> Result<&'n Node, Reason> {
        let id = id.trim().trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
        let found = self.0.iter().find(|step| text(step, "refId").as_deref() == Some(id));
        found.copied().ok_or_else(|| (rule.at, format!("there is no step \"{id}\"")))
    }

    /// The query, and the limits of its values, that a step comes to.
    fn limit(&self, id: &str, rule: &Node) -> Result<(String, Value), Reason> {
        let step = self.step(id, rule)?;
        let model = get(step, "model").unwrap_or(step);
        match text(model, "type").as_deref() {
            Some("threshold") => {
                let of = text(model, "expression").unwrap_or_default();
                let conditions = items(get(model, "conditions"));
                let [condition] = conditions.as_slice() else {
                    return Err((step.at, "it has several thresholds".to_owned()));
                };
                Ok((self.query(&of, rule)?, evaluator(condition)?))
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
                Ok((self.query(&of, rule)?, evaluator(condition)?))
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

    /// The query that a step comes to, perhaps reduced to its last value.
    fn query(&self, id: &str, rule: &Node) -> Result<String, Reason> {
        let step = self.step(id, rule)?;
        let model = get(step, "model").unwrap_or(step);
        if text(step, "datasourceUid").is_some_and(|uid| uid == "__expr__" || uid == "-100") {
            if text(model, "type").as_deref() != Some("reduce") {
                let kind = text(model, "type").unwrap_or_default();
                return Err((step.at, format!("a step of type {kind} has no counterpart")));
            }
            refuse_reducer(text(model, "reducer").as_deref(), step)?;
            return self.query(&text(model, "expression").unwrap_or_default(), rule);
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
