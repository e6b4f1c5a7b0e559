//! `/api/alerts` and the alerts of a check: one for each evaluation and series, but while all stays well.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::{Evaluation, Group, Outcome};
use lanner_engine::detector::Levels;
use lanner_io::store::EvaluationFilter;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{check, form};
use crate::configuration::service::ConfigurationService;
use crate::http::{ApiError, Json, Path, Principal, Query};

/// Evaluations that one answer looks at, the newest of them.
const MAX_LOOKED_AT: usize = 50_000;

/// Which part of the list is wanted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Part {
    start: Option<usize>,
    items: Option<usize>,
}

impl Part {
    fn of(&self, values: &[Value]) -> Value {
        form::page(values, self.start.unwrap_or(0), self.items.unwrap_or(20).min(10_000))
    }
}

/// The alerts of all checks, the newest first.
pub(super) async fn list(
    State(service): State<Arc<ConfigurationService>>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let values = rows(&service, &check::stored(&service)?, None)?;
    Ok(Json(part.of(&values)))
}

/// The alerts of one check, the newest first.
pub(super) async fn of_check(
    State(service): State<Arc<ConfigurationService>>,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let rule = check::find(&service, &id)?;
    let values = rows(&service, &[rule], Some(&id))?;
    Ok(Json(part.of(&values)))
}

/// Until when alerts are forgotten.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

/// Shows no alerts of a check from before a time any more; evaluations are kept as they are.
pub(super) async fn forget(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path(id): Path<String>,
    Query(Before { before }): Query<Before>,
) -> Result<StatusCode, ApiError> {
    let rule = check::find(&service, &id)?;
    let since_ms = match before {
        None => service.now_ms(),
        Some(text) => lanner_core::time::parse_time_ms(&text)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("before: {error}")))?,
    };
    check::save(&service, &principal, check::with_alerts_since(rule, since_ms)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn rows(service: &ConfigurationService, rules: &[Value], only: Option<&str>) -> Result<Vec<Value>, ApiError> {
    let rules: HashMap<&str, (Levels, i64)> = rules
        .iter()
        .map(|rule| {
            let id = rule["id"].as_str().unwrap_or_default();
            (id, (check::levels(rule), check::alerts_since_ms(rule)))
        })
        .collect();
    let filter =
        EvaluationFilter { rule: only.map(Arc::from), limit: MAX_LOOKED_AT, ..EvaluationFilter::default() };
    let evaluations = service.state.evaluations(&filter)?;
    let mut last: HashMap<(Arc<str>, Group), &'static str> = HashMap::new();
    let mut rows = Vec::new();
    for evaluation in evaluations.iter().rev() {
        let Some((levels, since_ms)) = rules.get(&*evaluation.rule) else { continue };
        let Some(to) = type_of(evaluation) else { continue };
        let from = last.insert((evaluation.rule.clone(), evaluation.group.clone()), to).unwrap_or("OK");
        if (from, to) != ("OK", "OK") && evaluation.window.end_ms >= *since_ms {
            rows.push(row(evaluation, *levels, from, to));
        }
    }
    rows.reverse();
    Ok(rows)
}

/// How bad an evaluation found it; series without a value make no alert in Seyren.
fn type_of(evaluation: &Evaluation) -> Option<&'static str> {
    match evaluation.outcome {
        Outcome::Normal => Some("OK"),
        Outcome::Breach if evaluation.score.is_some_and(|score| score.value() >= 2.0) => Some("ERROR"),
        Outcome::Breach => Some("WARN"),
        _ => None,
    }
}

fn row(evaluation: &Evaluation, levels: Levels, from: &str, to: &str) -> Value {
    let target = evaluation.group.labels().iter().next().map(|(_, value)| value);
    json!({
        "id": evaluation.id,
        "checkId": evaluation.rule,
        "value": check::limit_text(evaluation.value),
        "target": target,
        "warn": check::limit_text(levels.warn),
        "error": check::limit_text(levels.error),
        "fromType": from,
        "toType": to,
        "timestamp": evaluation.window.end_ms,
    })
}
