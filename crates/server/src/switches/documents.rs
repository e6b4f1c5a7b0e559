//! The switches as documents: apply, show, put, delete, activate, deactivate, revert, history, audit.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::Node;
use lanner_wire::api::{
    AppliedView, ApplyResponse, ApplySwitches, AuditCheckView, AuditView, ChangeSwitch, ProblemView,
    SwitchVersion, SwitchView,
};
use serde::Deserialize;
use serde_json::Value;

use super::save::{self, By, Change};
use super::service::SwitchService;
use super::view::{find, for_ms, version};
use crate::documents::audit::audit_view;
use crate::documents::{Applied, ApplyOptions, Prune, SWITCH, Sections, applied_view};
use crate::http::{ApiError, Json, Limit, Path, Principal, Query, blocking};

fn response(applied: Applied, dry_run: bool) -> Json<ApplyResponse> {
    let AppliedView { created, changed, unchanged, deleted, kept } = applied_view(applied, dry_run);
    Json(ApplyResponse { created, changed, unchanged, deleted, kept, dry_run, ..ApplyResponse::default() })
}

/// Apply switches: all of them or, if one has a problem, none.
///
/// # Errors
/// 400, 409 when a switch has another version than `expect` says, 422 with every problem, 507.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches", tag = "switches", operation_id = "apply_switches", request_body = ApplySwitches,
    responses((status = 200, body = ApplyResponse))
))]
pub(crate) async fn apply(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Json(request): Json<ApplySwitches>,
) -> Result<Json<ApplyResponse>, ApiError> {
    let ApplySwitches { switches, prune, dry_run, message, force, expect } = request;
    let switches_only = Sections { switches: true, ..Sections::default() };
    let prune = if prune { Prune::All(switches_only) } else { Prune::Nothing };
    let message = message.unwrap_or_default();
    let options = ApplyOptions {
        actor: principal.name().to_owned(),
        message,
        prune,
        dry_run,
        force,
        expect,
        ..ApplyOptions::default()
    };
    Ok(response(save::apply(&service, switches, &options).await?, dry_run))
}

/// Show one switch, and what it does now.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/{id}", tag = "switches", operation_id = "show_switch",
    params(("id" = String, Path)),
    responses((status = 200, body = SwitchView))
))]
pub(crate) async fn show(
    State(service): State<Arc<SwitchService>>,
    Path(id): Path<String>,
) -> Result<Json<SwitchView>, ApiError> {
    find(&service, &id).map(Json)
}

/// Why something is changed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    message: Option<String>,
    #[serde(default)]
    force: bool,
    expect: Option<u32>,
}

/// Create or replace one switch. The document may leave its `id` out.
///
/// # Errors
/// 400, 409 when the switch has another version than `expect`, 422 with every problem, 507.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/v1/switches/{id}", tag = "switches", operation_id = "put_switch",
    request_body(content = Object, example = json!({"when": "bank == \"hsbc\"", "status": "inactive"})),
    params(
        ("id" = String, Path),
        ("message" = Option<String>, Query, description = "reason, recorded in the history"),
        ("force" = Option<bool>, Query, description = "do it even if it would block more than the guard allows"),
        ("expect" = Option<u32>, Query, format = "uint32", description = "the expected version; 409 if it is at another"),
    ),
    responses((status = 200, body = SwitchView))
))]
pub(crate) async fn put(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Query(why): Query<Why>,
    Json(mut document): Json<Value>,
) -> Result<Json<SwitchView>, ApiError> {
    if let Some(fields) = document.as_object_mut() {
        let named = fields.entry("id").or_insert_with(|| Value::from(id.as_str()));
        if Node::from_json(named).scalar_text().as_deref() != Some(&*id) {
            let problem = ProblemView::at("id", format!("differs from the name in the address, \"{id}\""));
            return Err(ApiError::problems(vec![problem]));
        }
    }
    let message = why.message.unwrap_or_default();
    let options = ApplyOptions {
        actor: principal.name().to_owned(),
        message,
        force: why.force,
        expect: why.expect.map(|version| (id.clone(), version)).into_iter().collect(),
        ..ApplyOptions::default()
    };
    save::apply(&service, vec![document], &options).await?;
    find(&service, &id).map(Json)
}

/// Delete one switch. It blocks nothing any more.
///
/// # Errors
/// 404, 409 when the switch has another version than `expect`, 507 when the change is in force but not recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/switches/{id}", tag = "switches", operation_id = "delete_switch",
    params(
        ("id" = String, Path),
        ("message" = Option<String>, Query, description = "reason, recorded in the history"),
        ("expect" = Option<u32>, Query, format = "uint32", description = "the expected version; 409 if it is at another"),
    ),
    responses((status = 204))
))]
pub(crate) async fn delete(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Query(why): Query<Why>,
) -> Result<StatusCode, ApiError> {
    let by = By {
        actor: principal.name().to_owned(),
        message: why.message.unwrap_or_default(),
        force: true,
        expect: why.expect,
    };
    save::change(&service, &id, Change::Delete, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn by(principal: &Principal, request: ChangeSwitch) -> By {
    let ChangeSwitch { message, force, expect, .. } = request;
    By { actor: principal.name().to_owned(), message: message.unwrap_or_default(), force, expect }
}

async fn changed(
    service: &Arc<SwitchService>,
    principal: &Principal,
    id: &str,
    change: Change,
    request: ChangeSwitch,
) -> Result<Json<SwitchView>, ApiError> {
    save::change(service, id, change, &by(principal, request)).await?;
    find(service, id).map(Json)
}

/// Activate one switch from now, for a while if `for` says so.
///
/// # Errors
/// 404, 409 when it would block more than the guard lets pass or has another version than `expect`, 422 when its validity is over and nothing says for how
/// long, 507 when the change is in force but not recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/activate", tag = "switches", operation_id = "activate_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses(
        (status = 200, body = SwitchView),
    )
))]
pub(crate) async fn activate(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<SwitchView>, ApiError> {
    let for_ms = for_ms(request.duration.as_deref())?;
    changed(&service, &principal, &id, Change::Activate(for_ms), request).await
}

/// Deactivate one switch.
///
/// # Errors
/// 404, 409 when the switch has another version than `expect`, 507 when the change is in force but not recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/deactivate", tag = "switches", operation_id = "deactivate_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses((status = 200, body = SwitchView))
))]
pub(crate) async fn deactivate(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<SwitchView>, ApiError> {
    changed(&service, &principal, &id, Change::Deactivate, request).await
}

/// Revert the last change of one switch. Doing it twice brings the change back; it also undoes a deletion.
///
/// # Errors
/// 404, 409 when the switch has another version than `expect`, 422 when it was never changed, 507 when the change is in
/// force but not recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/revert", tag = "switches", operation_id = "revert_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses(
        (status = 200, body = SwitchVersion),
    )
))]
pub(crate) async fn revert(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<SwitchVersion>, ApiError> {
    save::change(&service, &id, Change::Revert, &by(&principal, request)).await?;
    let latest = service.latest(SWITCH, &id)?;
    latest.map(|stored| Json(version(stored))).ok_or_else(|| ApiError::not_found("switch", &id))
}

/// List the versions of one switch, newest first. A deletion has no document.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/{id}/history", tag = "switches", operation_id = "switch_history",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<SwitchVersion>))
))]
pub(crate) async fn history(
    State(service): State<Arc<SwitchService>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<SwitchVersion>>, ApiError> {
    let versions = service.last_versions(SWITCH, &id, usize::MAX)?;
    if versions.is_empty() {
        return Err(ApiError::not_found("switch", &id));
    }
    Ok(Json(versions.into_iter().map(version).collect()))
}

/// How many entries are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    #[serde(default)]
    limit: Limit<100, 10_000>,
}

/// List changes of switches, newest first.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/audit", tag = "switches", operation_id = "switch_audit",
    params((
        "limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 100"
    )),
    responses((status = 200, body = Vec<AuditView>))
))]
pub(crate) async fn audit(
    State(service): State<Arc<SwitchService>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditView>>, ApiError> {
    let entries = service.state.audit_list(None, Some("switch"), query.limit.0)?;
    Ok(Json(entries.into_iter().map(audit_view).collect()))
}

/// Verify the audit log. Every entry must follow from the one before, and every document be what its entry says.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "operations", operation_id = "verify_audit",
    responses((status = 200, body = AuditCheckView))
))]
pub(crate) async fn verify_audit(
    State(service): State<Arc<SwitchService>>,
) -> Result<Json<AuditCheckView>, ApiError> {
    let store = Arc::clone(&service.state);
    let check = blocking(move || store.verify_audit()).await;
    let check = check??;
    Ok(Json(AuditCheckView {
        valid: check.problem.is_none(),
        entries: check.n_entries,
        last_hash: check.last_hash,
        problem: check.problem,
    }))
}
