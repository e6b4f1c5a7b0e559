//! Rules as the API shows them: list, show, delete, history.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use lanner_core::Evaluation;
use lanner_io::state::{EvaluationFilter, StoredDocument};
use lanner_wire::api::{
    ApplyResponse, EvaluationView, Prefill, RuleDocument, RuleState, RuleView, StateCounts, Time,
};
use serde::Deserialize;
use serde_json::Value;

use super::delete::delete_rule;
use super::service::RuleService;
use super::unheard;
use crate::documents::RULE;
use crate::http::{ApiError, Json, Limit, Path, Principal, Query};
use crate::sync::locked;

fn document(stored: StoredDocument) -> RuleDocument {
    RuleDocument {
        id: stored.id,
        version: stored.version,
        document: stored.document.unwrap_or(Value::Null),
        changed: Time(stored.changed_ms),
        actor: stored.actor,
    }
}

/// How each of these rules fares that is evaluated, by id.
fn states<'i>(service: &RuleService, ids: impl IntoIterator<Item = &'i str>) -> HashMap<String, RuleState> {
    let prefills = locked(&service.prefills);
    let mut states: HashMap<String, RuleState> = HashMap::new();
    let engine = service.evaluation.engine();
    for (rule, next_ms) in ids.into_iter().filter_map(|id| engine.rule(id)) {
        let counts: StateCounts = engine.alerts_of(&rule.id).map(|alert| alert.state).collect();
        let prefill = prefills.get(&rule.id).map(|progress| Prefill {
            done: progress.done,
            total: progress.total,
            finished: progress.finished,
        });
        let state = RuleState {
            id: rule.id.to_string(),
            version: rule.version,
            next: next_ms.map(Time),
            last: None,
            states: counts,
            prefill,
            limit: service.evaluation.limits.of(&rule.id),
            lateness: service.intake.lateness.of(&*rule.query),
            warning: unheard::of_rule(service, rule),
        };
        states.insert(rule.id.to_string(), state);
    }
    states
}

/// Which rules are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) limit: Limit<1_000, 10_000>,
    pub(crate) after: Option<String>,
}

/// List rules by id, with their state. A page that is full may have a next one: `after` the last id of this.
///
/// # Errors
/// 400, 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/rules", tag = "rules", operation_id = "list_rules",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 1000"),
        ("after" = Option<String>, Query, description = "only rules with a later id than this"),
    ),
    responses((status = 200, body = Vec<RuleView>))
))]
pub(crate) async fn list(
    State(service): State<Arc<RuleService>>,
    Query(Page { limit, after }): Query<Page>,
) -> Result<(HeaderMap, Json<Vec<RuleView>>), ApiError> {
    let limit = limit.0;
    let mut stored = service.state.documents_after(RULE, after.as_deref(), limit + 1)?;
    let has_more = stored.len() > limit;
    stored.truncate(limit);
    let last = stored.last().filter(|_| has_more).map(|rule| rule.id.clone());
    let mut states = states(&service, stored.iter().map(|rule| rule.id.as_str()));
    let views = stored.into_iter().map(|stored| {
        let state = states.remove(&stored.id);
        let problem = service.set_aside.problem(RULE, &stored.id);
        RuleView { rule: document(stored), state, problem }
    });
    Ok((next_page(limit, last.as_deref()), Json(views.collect())))
}

/// The header that says where the page after `last` is, as RFC 8288 has it.
fn next_page(limit: usize, last: Option<&str>) -> HeaderMap {
    let link = last.map(|last| {
        let after: String = form_urlencoded::byte_serialize(last.as_bytes()).collect();
        format!("</api/v1/rules?limit={limit}&after={after}>; rel=\"next\"")
    });
    let link = link.and_then(|link| HeaderValue::from_str(&link).ok());
    link.map(|link| (header::LINK, link)).into_iter().collect()
}

/// Show one rule, its state and its last evaluation.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/rules/{id}", tag = "rules", operation_id = "show_rule", params(("id" = String, Path)),
    responses((status = 200, body = RuleView))
))]
pub(crate) async fn show(
    State(service): State<Arc<RuleService>>,
    Path(id): Path<String>,
) -> Result<Json<RuleView>, ApiError> {
    let rule = document(latest(&service, &id)?.ok_or_else(|| ApiError::not_found("rule", &id))?);
    let mut state = states(&service, [id.as_str()]).remove(&id);
    if let Some(state) = &mut state {
        let filter =
            EvaluationFilter { rule: Some(id.as_str().into()), limit: 1, ..EvaluationFilter::default() };
        let last: Option<Evaluation> = service.state.evaluations(&filter)?.into_iter().next();
        state.last = last.as_ref().map(EvaluationView::from);
    }
    let problem = service.set_aside.problem(RULE, &id);
    Ok(Json(RuleView { rule, state, problem }))
}

/// A rule as it is stored, unless it was deleted.
fn latest(service: &RuleService, id: &str) -> Result<Option<StoredDocument>, ApiError> {
    let latest = service.state.document_latest(RULE, id)?;
    Ok(latest.filter(|rule| rule.document.is_some()))
}

/// Delete one rule. Its alerts end, and whoever was notified of them is told.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/rules/{id}", tag = "rules", operation_id = "delete_rule", params(("id" = String, Path)),
    responses((status = 200, body = ApplyResponse))
))]
pub(crate) async fn delete(
    State(service): State<Arc<RuleService>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<ApplyResponse>, ApiError> {
    if latest(&service, &id)?.is_none() {
        return Err(ApiError::not_found("rule", &id));
    }
    delete_rule(&service, &id, principal.name()).await?;
    Ok(Json(ApplyResponse { deleted: vec![id], ..ApplyResponse::default() }))
}

/// List the versions of one rule, newest first. A deletion has no document.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/rules/{id}/history", tag = "rules", operation_id = "rule_history", params(("id" = String, Path)),
    responses((status = 200, body = Vec<RuleDocument>))
))]
pub(crate) async fn history(
    State(service): State<Arc<RuleService>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<RuleDocument>>, ApiError> {
    let versions = service.state.last_versions(RULE, &id, usize::MAX)?;
    if versions.is_empty() {
        return Err(ApiError::not_found("rule", &id));
    }
    Ok(Json(versions.into_iter().map(document).collect()))
}
