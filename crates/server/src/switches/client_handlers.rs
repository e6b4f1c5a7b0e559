//! Clients tell what they hold and what switches did there; a server that was set back is set forward again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_wire::api::{BumpSwitches, BumpedSwitches, ReportClient, SwitchClient, TellSwitches};

use super::service::SwitchService;
use crate::documents::SWITCH;
use crate::http::{ApiError, Json, Principal, blocking};

/// A client sends so many contexts at once.
const MAX_CONTEXTS: usize = 100;
/// A revision cannot be raised by more than this: who would follow after a mistake?
const MAX_RAISE: u64 = 1_000_000;

/// List clients that hold the switches, and which revision each holds. One is `current`, `behind`, or `refuses` this
/// server's because its own is later. Clients not heard of for two minutes are left out.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/clients", tag = "switches", operation_id = "switch_clients",
    responses((status = 200, body = Vec<SwitchClient>))
))]
pub(crate) async fn list(State(service): State<Arc<SwitchService>>) -> Json<Vec<SwitchClient>> {
    Json(service.clients.views(&service.current(), service.now_ms()))
}

/// Report what a client holds, and a few of the contexts that it was asked about.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/clients", tag = "switches", operation_id = "report_switch_client",
    request_body = ReportClient, responses((status = 204))
))]
pub(crate) async fn report(
    State(service): State<Arc<SwitchService>>,
    Json(report): Json<ReportClient>,
) -> Result<StatusCode, ApiError> {
    let now_ms = service.now_ms();
    let ReportClient { client, revision, tag, problem, file_problem, contexts } = report;
    let tag = tag.unwrap_or_else(|| revision.to_string());
    service.clients.note(&client, &tag, Some([problem, file_problem]), now_ms);
    for context in contexts.iter().take(MAX_CONTEXTS) {
        service.recent.note(context, now_ms);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Raise the revision of the switches. Clients that hold a later one than this server, as after a restored backup,
/// follow it again. Without a revision, above the latest that a client holds.
///
/// # Errors
/// 422 when it is no higher than it is, or much higher than any client's.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/bump", tag = "switches", operation_id = "bump_switches",
    request_body = BumpSwitches, responses(
        (status = 200, body = BumpedSwitches),
    )
))]
pub(crate) async fn bump(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Json(request): Json<BumpSwitches>,
) -> Result<Json<BumpedSwitches>, ApiError> {
    let now_ms = service.now_ms();
    let current = service.current();
    let own = current.set.revision();
    let held = service.clients.views(&current, now_ms).iter().map(|view| view.revision).max();
    let to = request.revision.unwrap_or_else(|| held.unwrap_or(own).max(own).saturating_add(1));
    if to <= own || to - own > MAX_RAISE {
        let message = format!(
            "the revision is {own} and cannot be raised to {to}; choose one from {} to {}",
            own + 1,
            own.saturating_add(MAX_RAISE)
        );
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let revision = service.state.raise_revision(SWITCH, to, principal.name(), now_ms)?.await?;
    let shared = Arc::clone(&service);
    let lock = service.lock().await;
    let raised = blocking(move || shared.raise(revision, now_ms).map(|_| lock)).await;
    drop(raised??);
    Ok(Json(BumpedSwitches { from: own, revision }))
}

/// Report what switches did in a client since it last reported.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/counts", tag = "switches", operation_id = "tell_switches",
    request_body = TellSwitches, responses((status = 204))
))]
pub(crate) async fn tell(
    State(service): State<Arc<SwitchService>>,
    Json(told): Json<TellSwitches>,
) -> Result<StatusCode, ApiError> {
    let current = service.current();
    for (id, count) in &told.counts {
        if let Some(switch) = current.set.get(id) {
            service.counts.add(&switch.id, *count);
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
