//! Trained detectors: the list, and one name with the rules that ask it, its scores and its versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use lanner_page::detectors::{self as page, Named, One, Scores};
use lanner_page::training::page as in_training;
use lanner_page::{rules, text};
use lanner_wire::api::{AlertView, ModelView, RuleView};
use serde_json::Value;

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::rules::evaluations;
use super::trainings::trainings;
use super::visitor::Who;
use crate::api::alerts;
use crate::http::{ApiError, Json, Limit, Path, Query};
use crate::models::handlers as models;
use crate::rules::handlers::{self, Page};
use crate::services::Services;

/// How far back scores are shown.
const SPAN: &str = "24h";

/// How the kinds of models begin that are detectors.
const FAMILY: &str = "detector/";

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who) -> Shown {
    let Json(models) = models::list(State(Arc::clone(&services.models))).await?;
    let rules = all_rules(&services).await?;
    let mut by_name: BTreeMap<String, Vec<ModelView>> = BTreeMap::new();
    for model in models {
        if let Some(name) = model.kind.strip_prefix(FAMILY) {
            by_name.entry(name.to_owned()).or_default().push(model);
        }
    }
    let named = |(name, models): (String, Vec<ModelView>)| Named {
        n_rules: rules.iter().filter(|rule| asks(rule, &name)).count(),
        n_models: models.len(),
        scores: scoring(&models).cloned(),
        name,
    };
    let trainings = trainings(&services, None).await?;
    Ok(Html(page::list(&who.visitor, &by_name.into_iter().map(named).collect::<Vec<_>>(), &trainings)))
}

/// The one that scores: the champion, or the only one.
fn scoring(models: &[ModelView]) -> Option<&ModelView> {
    let champion = models.iter().find(|model| model.role.as_deref() == Some("champion"));
    champion.or_else(|| models.first().filter(|_| models.len() == 1))
}

async fn all_rules(services: &Services) -> Result<Vec<RuleView>, ApiError> {
    let page = Page { limit: Limit(10_000), after: None };
    let (_, Json(rules)) = handlers::list(State(Arc::clone(&services.rules)), Query(page)).await?;
    Ok(rules)
}

/// Whether a query of a rule, or a part of one, asks the detector of this name.
fn asks(rule: &RuleView, name: &str) -> bool {
    fn holds(query: &Value, name: &str) -> bool {
        match query {
            Value::Object(fields) => {
                fields.get("model").is_some_and(|model| model == name)
                    || fields.values().any(|value| holds(value, name))
            }
            Value::Array(items) => items.iter().any(|item| holds(item, name)),
            _ => false,
        }
    }
    rule.rule.document.get("query").is_some_and(|query| holds(query, name))
}

/// One name.
pub(super) async fn show(
    State(services): State<Services>,
    who: Who,
    Path(name): Path<String>,
    fields: Fields,
) -> Shown {
    let Json(mut models) = models::list(State(Arc::clone(&services.models))).await?;
    models.retain(|model| model.kind.strip_prefix(FAMILY) == Some(&name));
    let named = |field: &str| models.iter().find(|model| model.id == fields.get(field));
    let shown = named("model").or_else(|| scoring(&models)).or_else(|| models.first());
    let training = trainings(&services, Some(&name)).await?.into_iter().next();
    let shown = match (shown, &training) {
        (Some(shown), _) => shown,
        (None, Some(training)) => return Ok(Html(in_training(&who.visitor, training))),
        (None, None) => return Err(ApiError::not_found("detector", &name).into()),
    };
    let other = named("with").filter(|other| other.id != shown.id).cloned();
    let Json(detector) =
        models::detector(State(Arc::clone(&services.models)), Path(shown.id.clone())).await?;
    let mut rules = all_rules(&services).await?;
    rules.retain(|rule| asks(rule, &name));
    let alerts = found(&services, &rules);
    let scores = scores(&services, &rules, alerts.first()).await?;
    let last = alerts.into_iter().find(|alert| alert.started.is_some());
    Ok(Html(page::one(&who.visitor, &One { name, detector, models, other, rules, scores, last, training })))
}

/// Alerts of rules, those that began last first.
fn found(services: &Services, rules: &[RuleView]) -> Vec<AlertView> {
    let mut alerts =
        alerts::views(&services.evaluation, |alert| rules.iter().any(|rule| rule.rule.id == *alert.rule));
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.started));
    alerts
}

/// What was scored of the group that found something last; of the first rule's only group where none has.
async fn scores(
    services: &Services,
    rules: &[RuleView],
    latest: Option<&AlertView>,
) -> Result<Option<Scores>, ApiError> {
    let (rule, group) = match (latest, rules.first()) {
        (Some(alert), _) => (alert.rule.clone(), alert.group.clone()),
        (None, Some(rule)) => {
            let last = rule.state.as_ref().and_then(|state| state.last.as_ref());
            (rule.rule.id.clone(), last.map(|last| last.group.clone()).unwrap_or_default())
        }
        (None, None) => return Ok(None),
    };
    let found = evaluations(services, &rule, &group, SPAN).await?;
    let document = rules.iter().find(|it| it.rule.id == rule).map(|it| &it.rule.document);
    let title = format!("Scores of {rule} {}", text::labels(&group));
    let chart = rules::chart(&title, document.unwrap_or(&Value::Null), &found);
    Ok((!found.is_empty()).then(|| Scores { group: text::labels(&group), rule, chart }))
}
