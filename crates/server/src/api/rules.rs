//! Rules: apply, check, list, show, delete, history.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use lanner_core::Evaluation;
use lanner_engine::Config;
use lanner_engine::document::Node;
use lanner_io::store::{EvaluationFilter, StoredRule};
use lanner_wire::api::{
    AppliedView, ApplyRequest, ApplyResponse, CheckRequest, CheckResponse, EvaluationView, Prefill, Prunable,
    RuleDocument, RuleState, RuleView, StateCounts, Time,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::problem_view;
use super::{ApiError, Json, Limit, Path, Query};
use crate::access::Principal;
use crate::app::{App, locked};
use crate::apply::{self, Applied, ApplyOptions, Outcome, Prune, Sections};
use crate::{register, unheard};

/// Apply rules, receivers, inhibitions, switches and silences: all of them or, if one has a problem, none.
///
/// # Errors
/// 400, 422 with every problem, 507.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/apply", tag = "rules", operation_id = "apply", request_body = ApplyRequest,
    responses((status = 200, body = ApplyResponse))
))]
pub async fn apply(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(request): Json<ApplyRequest>,
) -> Result<Json<ApplyResponse>, ApiError> {
    let sections = Sections {
        rules: request.prune,
        receivers: request.prune_also.contains(&Prunable::Receivers),
        switches: request.prune_also.contains(&Prunable::Switches),
        silences: request.prune_also.contains(&Prunable::Silences),
    };
    let options = ApplyOptions {
        actor: principal.name().to_owned(),
        message: request.message.unwrap_or_default(),
        prune: if sections == Sections::default() { Prune::Nothing } else { Prune::All(sections) },
        dry_run: request.dry_run,
        force: request.force,
        ..ApplyOptions::default()
    };
    let warnings = unheard::of_documents(&app, &request.rules);
    let (has_rules, has_receivers) = (!request.rules.is_empty(), !request.receivers.is_empty());
    let intervals = Some(request.time_intervals).filter(|items| !items.is_empty());
    let mut document = register::document(request.rules, request.receivers, request.inhibit);
    // What is neither sent nor pruned is not looked at.
    if let Some(document) = document.as_object_mut() {
        document.retain(|name, _| match name.as_str() {
            "rules" => has_rules || sections.rules,
            "receivers" => has_receivers || sections.receivers,
            _ => true,
        });
    }
    let others =
        [("switches", request.switches), ("silences", request.silences), ("time_intervals", intervals)];
    for (name, items) in others {
        if let (Some(items), Some(document)) = (items, document.as_object_mut()) {
            document.insert(name.to_owned(), items.into());
        }
    }
    let outcome = apply::apply(&app, &document, &options).await?;
    Ok(Json(ApplyResponse { warnings, ..response(outcome, request.dry_run) }))
}

/// What was applied, as the API says it.
pub fn response(outcome: Outcome, dry_run: bool) -> ApplyResponse {
    let Outcome { rules, receivers, inhibitions, switches, silences } = outcome;
    let view = |applied| applied_view(applied, dry_run);
    let AppliedView { created, changed, unchanged, deleted, kept } = view(rules);
    ApplyResponse {
        created,
        changed,
        unchanged,
        deleted,
        kept,
        dry_run,
        receivers: view(receivers),
        inhibit: view(inhibitions),
        switches: view(switches),
        silences: view(silences),
        warnings: Vec::new(),
    }
}

/// Ids in alphabetical order; what merely stays is told on a dry run only.
pub(crate) fn applied_view(applied: Applied, dry_run: bool) -> AppliedView {
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let Applied { created, changed, unchanged, deleted, kept } = applied;
    AppliedView {
        kept: if dry_run { sorted(kept) } else { Vec::new() },
        created: sorted(created),
        changed: sorted(changed),
        unchanged: sorted(unchanged),
        deleted: sorted(deleted),
    }
}

/// Check rules, receivers and inhibitions without storing them.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/check", tag = "rules", operation_id = "check", request_body = CheckRequest,
    responses((status = 200, body = CheckResponse))
))]
pub async fn check(
    State(app): State<Arc<App>>,
    Json(request): Json<CheckRequest>,
) -> Result<Json<CheckResponse>, ApiError> {
    let warnings = unheard::of_documents(&app, &request.rules);
    let document = json!({
        "rules": request.rules, "receivers": request.receivers, "inhibit": request.inhibit,
        "time_intervals": request.time_intervals,
    });
    let mut config = Config::default();
    let mut problems = config.read(&Node::from_json(&document));
    problems.extend(register::check_receivers(&config.receivers));
    problems.extend(config.cross_check());
    let problems = problems.into_iter().map(problem_view).collect();
    Ok(Json(CheckResponse { warnings, ..CheckResponse::new(problems) }))
}

fn document(stored: StoredRule) -> RuleDocument {
    RuleDocument {
        id: stored.id,
        version: stored.version,
        document: stored.document.unwrap_or(Value::Null),
        changed: Time(stored.changed_ms),
        actor: stored.actor,
    }
}

/// How each of these rules fares that is evaluated, by id.
fn states<'i>(app: &App, ids: impl IntoIterator<Item = &'i str>) -> HashMap<String, RuleState> {
    let prefills = locked(&app.prefills);
    let mut states: HashMap<String, RuleState> = HashMap::new();
    let engine = app.engine();
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
            limit: app.limits.of(&rule.id),
            lateness: app.lateness.of(&rule.query),
            warning: unheard::of_rule(app, rule),
        };
        states.insert(rule.id.to_string(), state);
    }
    states
}

/// Which rules are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    #[serde(default)]
    limit: Limit<1_000, 10_000>,
    after: Option<String>,
}

/// List rules by id, with their state. A page that is full may have a next one: `after` the last id of this.
///
/// # Errors
/// 400, 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/rules", tag = "rules", operation_id = "list_rules",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "how many at most; default 1000"),
        ("after" = Option<String>, Query, description = "only rules with a later id than this"),
    ),
    responses((status = 200, body = Vec<RuleView>))
))]
pub async fn list(
    State(app): State<Arc<App>>,
    Query(Page { limit, after }): Query<Page>,
) -> Result<(HeaderMap, Json<Vec<RuleView>>), ApiError> {
    let limit = limit.0;
    let mut stored = app.store.documents_after(register::RULE, after.as_deref(), limit + 1)?;
    let has_more = stored.len() > limit;
    stored.truncate(limit);
    let last = stored.last().filter(|_| has_more).map(|rule| rule.id.clone());
    let mut states = states(&app, stored.iter().map(|rule| rule.id.as_str()));
    let views = stored.into_iter().map(|stored| {
        let state = states.remove(&stored.id);
        let problem = app.set_aside.problem(register::RULE, &stored.id);
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
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RuleView>, ApiError> {
    let rule = document(latest(&app, &id)?.ok_or_else(|| ApiError::not_found("rule", &id))?);
    let mut state = states(&app, [id.as_str()]).remove(&id);
    if let Some(state) = &mut state {
        let filter =
            EvaluationFilter { rule: Some(id.as_str().into()), limit: 1, ..EvaluationFilter::default() };
        let last: Option<Evaluation> = app.store.evaluations(&filter)?.into_iter().next();
        state.last = last.as_ref().map(EvaluationView::from);
    }
    let problem = app.set_aside.problem(register::RULE, &id);
    Ok(Json(RuleView { rule, state, problem }))
}

/// A rule as it is stored, unless it was deleted.
fn latest(app: &App, id: &str) -> Result<Option<StoredRule>, ApiError> {
    let latest = app.store.rule_history(id)?.into_iter().next();
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
pub async fn delete(
    State(app): State<Arc<App>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<ApplyResponse>, ApiError> {
    if latest(&app, &id)?.is_none() {
        return Err(ApiError::not_found("rule", &id));
    }
    apply::delete_rule(&app, &id, principal.name()).await?;
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
pub async fn history(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<RuleDocument>>, ApiError> {
    let versions = app.store.rule_history(&id)?;
    if versions.is_empty() {
        return Err(ApiError::not_found("rule", &id));
    }
    Ok(Json(versions.into_iter().map(document).collect()))
}
