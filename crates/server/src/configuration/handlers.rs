//! A configuration over the API: applied, or only checked.

use std::sync::Arc;

use axum::extract::State;
use lanner_core::Node;
use lanner_engine::Config;
use lanner_wire::api::{ApplyRequest, ApplyResponse, CheckRequest, CheckResponse, Prunable, ReloadView};
use serde_json::json;

use super::apply;
use super::service::ConfigurationService;
use crate::documents::{ApplyOptions, Outcome, Prune, Sections, applied_view};
use crate::http::{ApiError, Json, Principal, problem_view};
use crate::notify::receivers;
use crate::rules::{document, unheard};

/// Apply rules, processors, receivers, inhibitions, switches and silences: all of them or, if one has a problem, none.
///
/// # Errors
/// 400, 422 with every problem, 507.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/apply", tag = "rules", operation_id = "apply", request_body = ApplyRequest,
    responses((status = 200, body = ApplyResponse))
))]
pub async fn apply(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Json(request): Json<ApplyRequest>,
) -> Result<Json<ApplyResponse>, ApiError> {
    let sections = Sections {
        rules: request.prune,
        processors: request.prune_also.contains(&Prunable::Processors),
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
    let warnings = unheard::of_documents(&service.rules, &request.rules);
    let (has_rules, has_receivers) = (!request.rules.is_empty(), !request.receivers.is_empty());
    let intervals = Some(request.time_intervals).filter(|items| !items.is_empty());
    let mut document = document::document(request.rules, request.receivers, request.inhibit);
    // What is neither sent nor pruned is not looked at.
    if let Some(document) = document.as_object_mut() {
        document.retain(|name, _| match name.as_str() {
            "rules" => has_rules || sections.rules,
            "receivers" => has_receivers || sections.receivers,
            _ => true,
        });
    }
    let others = [
        ("processors", request.processors),
        ("switches", request.switches),
        ("silences", request.silences),
        ("time_intervals", intervals),
    ];
    for (name, items) in others {
        if let (Some(items), Some(document)) = (items, document.as_object_mut()) {
            document.insert(name.to_owned(), items.into());
        }
    }
    let outcome = apply::apply(&service, &document, &options).await?;
    Ok(Json(ApplyResponse { warnings, ..response(outcome, request.dry_run) }))
}

/// What was applied, as the API says it.
pub fn response(outcome: Outcome, dry_run: bool) -> ApplyResponse {
    let Outcome { rules, processors, receivers, inhibitions, switches, silences } = outcome;
    let view = |applied| applied_view(applied, dry_run);
    let lanner_wire::api::AppliedView { created, changed, unchanged, deleted, kept } = view(rules);
    ApplyResponse {
        created,
        changed,
        unchanged,
        deleted,
        kept,
        dry_run,
        processors: view(processors),
        receivers: view(receivers),
        inhibit: view(inhibitions),
        switches: view(switches),
        silences: view(silences),
        warnings: Vec::new(),
    }
}

/// Check rules, processors, receivers and inhibitions without storing them.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/check", tag = "rules", operation_id = "check", request_body = CheckRequest,
    responses((status = 200, body = CheckResponse))
))]
pub async fn check(
    State(service): State<Arc<ConfigurationService>>,
    Json(request): Json<CheckRequest>,
) -> Result<Json<CheckResponse>, ApiError> {
    let warnings = unheard::of_documents(&service.rules, &request.rules);
    let document = json!({
        "rules": request.rules, "processors": request.processors, "receivers": request.receivers, "inhibit": request.inhibit,
        "time_intervals": request.time_intervals,
    });
    let mut config = Config::default();
    let mut problems = config.read(&Node::from_json(&document));
    problems.extend(receivers::check_receivers(&config.receivers));
    problems.extend(config.cross_check());
    let problems = problems.into_iter().map(problem_view).collect();
    Ok(Json(CheckResponse { warnings, ..CheckResponse::new(problems) }))
}

/// Reload the configuration file. All of it takes effect or, if something is wrong, nothing.
///
/// # Errors
/// 409 without a configuration file, 422 with every problem.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/reload", tag = "operations", operation_id = "reload_configuration",
    responses(
        (status = 200, body = ReloadView),
    )
))]
pub async fn reload(State(service): State<Arc<ConfigurationService>>) -> Result<Json<ReloadView>, ApiError> {
    Ok(Json(service.reloads.ask().await?))
}
