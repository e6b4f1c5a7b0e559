//! Switches that wait for a second person: asked for by somebody, or by an alert, and approved or denied by somebody
//! else. Until then nothing is blocked.
//!
//! A request is a document of its own, so it survives a restart, and the audit has who asked and who approved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::Cause;
use lanner_core::time::format_duration;
use lanner_io::store::{Author, StoreError, StoredDocument};
use lanner_switch::{Document, Switch, change};
use lanner_wire::api::{ChangeSwitch, SwitchRequest, SwitchView, Time};
use serde_json::{Value, json};

use super::enact::{Otherwise, enact};
use super::guard;
use super::service::SwitchService;
use super::thrown::is_after;
use super::unwritten::{Change, RequestChange};
use super::view::{find, for_ms};
use crate::documents::{REQUEST, SWITCH, cause};
use crate::http::{ApiError, Json, Path, Principal};

/// What is asked for.
pub(super) struct Wanted {
    /// What the switch is to be.
    pub document: Value,
    /// For how long it is to be on, counted from the approval, milliseconds.
    pub for_ms: Option<i64>,
    /// The version of the switch that was looked at; 0 where there was none.
    pub version: u32,
    /// Why it is not turned on at once.
    pub because: String,
}

impl Wanted {
    /// The request as it is kept.
    pub(super) fn into_change(self, id: &str, author: Author) -> Change {
        let Self { document, for_ms, version, because } = self;
        let request = json!({"switch": document, "for_ms": for_ms, "version": version, "because": because});
        Change::of_request(author, id, Some(request))
    }
}

fn wanted(stored: &StoredDocument) -> Option<Wanted> {
    let request = stored.document.as_ref()?;
    Some(Wanted {
        document: request.get("switch")?.clone(),
        for_ms: request.get("for_ms").and_then(Value::as_i64),
        version: request.get("version").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())?,
        because: request.get("because").and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
}

fn view(stored: &StoredDocument) -> Option<SwitchRequest> {
    let Wanted { document, for_ms, because, .. } = wanted(stored)?;
    Some(SwitchRequest {
        id: stored.id.clone(),
        document,
        duration: for_ms.map(format_duration),
        actor: stored.actor.clone(),
        asked: Time(stored.changed_ms),
        message: stored.message.clone(),
        because,
    })
}

/// The request for a switch, if it waits.
pub(super) fn waiting(service: &SwitchService, id: &str) -> Result<Option<StoredDocument>, StoreError> {
    let latest = service.latest(REQUEST, id)?;
    Ok(latest.filter(|stored| stored.document.is_some()))
}

/// The requests that wait, in order of their switches.
pub(super) fn all(service: &SwitchService) -> Result<Vec<StoredDocument>, StoreError> {
    service.documents(REQUEST)
}

/// How many switches made after `model` wait.
pub(super) fn count(service: &SwitchService, model: &str) -> Result<usize, StoreError> {
    Ok(all(service)?.iter().filter(|stored| is_after(model, &stored.id)).count())
}

fn found(service: &SwitchService, id: &str) -> Result<StoredDocument, ApiError> {
    waiting(service, id)?.ok_or_else(|| ApiError::not_found("request for a switch", id))
}

/// The version of a switch that counts now; 0 where there never was one.
pub(super) fn version(service: &SwitchService, id: &str) -> Result<u32, StoreError> {
    Ok(service.latest(SWITCH, id)?.map_or(0, |stored| stored.version))
}

/// List switches that wait for a second person.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/requests", tag = "switches", operation_id = "switch_requests",
    responses((status = 200, body = Vec<SwitchRequest>))
))]
pub(crate) async fn list(
    State(service): State<Arc<SwitchService>>,
) -> Result<Json<Vec<SwitchRequest>>, ApiError> {
    Ok(Json(all(&service)?.iter().filter_map(view).collect()))
}

/// Request that one switch be activated once a second person approves.
///
/// # Errors
/// 404, 422 when its validity is over and nothing says for how long.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/request", tag = "switches", operation_id = "request_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses(
        (status = 202, body = SwitchRequest),
    )
))]
pub(crate) async fn request(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<(StatusCode, Json<SwitchRequest>), ApiError> {
    let for_ms = for_ms(request.duration.as_deref())?;
    let stored = find(&service, &id)?;
    let refused = |why: String| {
        let message = format!("the switch \"{id}\" cannot be activated: {why}");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    };
    let document = change::activate(&stored.switch.document, service.now_ms(), for_ms).map_err(refused)?;
    let because = guard::objection(&service, Some(&stored.switch.document), &document).await?;
    let because = because.unwrap_or_else(|| "a second person was asked for".to_owned());
    // Of the version that was looked at: who approves it is told if there is a later one.
    let wanted = Wanted { document, for_ms, version: stored.switch.version, because };
    let author = person(&service, principal.name().to_owned(), request.message);
    let change = wanted.into_change(&id, author);
    let (lock, recording) =
        enact(&service, service.lock_in_time().await?, None, change, Otherwise::Kept).await?;
    // As it is now: somebody may decide before it is recorded.
    let view = found(&service, &id).map(|kept| view(&kept));
    drop(lock);
    recording.done().await?;
    let view = view?.ok_or_else(|| ApiError::internal("the request was kept and cannot be read"))?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// Approve what somebody else, or an alert, requested.
///
/// # Errors
/// 403 for who asked, 404, 409 when the switch has changed since, 422 when it cannot be activated any more.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/approve", tag = "switches", operation_id = "approve_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses(
        (status = 200, body = SwitchView),
    )
))]
pub(crate) async fn approve(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<SwitchView>, ApiError> {
    let lock = service.lock_in_time().await?;
    let (stored, actor) = (found(&service, &id)?, principal.name().to_owned());
    if let Some(why) = principal.no_second_to(&stored.actor) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, format!("\"{id}\": {why}")));
    }
    let unreadable = || ApiError::internal(format!("the request for \"{id}\" cannot be read"));
    let Wanted { document, for_ms, version: seen, .. } = wanted(&stored).ok_or_else(unreadable)?;
    if version(&service, &id)? != seen {
        let message =
            format!("the switch \"{id}\" has changed since the request; deny it and request it again");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let now_ms = service.now_ms();
    let refused = |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let document = change::activate(&document, now_ms, for_ms).map_err(refused)?;
    Switch::from_json(&document)?;
    let why = request.message.map(|why| format!(": {why}")).unwrap_or_default();
    let message = format!("approved, asked for by {}{why}", stored.actor);
    let cause = Cause::Approved { by: actor.clone(), cause: Box::new(cause::of(&stored)) };
    let author = Author { actor, message, cause, now_ms };
    let request = RequestChange { id: id.clone(), document: None, message: "approved".to_owned() };
    let switches = vec![(id.clone(), Some(Document::new(document)))];
    let change = Change { request: Some(request), ..Change::of(author, switches) };
    let (lock, recording) = enact(&service, lock, None, change, Otherwise::Kept).await?;
    service.lately.accept();
    drop(lock);
    recording.done().await?;
    find(&service, &id).map(Json)
}

fn person(service: &SwitchService, actor: String, message: Option<String>) -> Author {
    let message = message.unwrap_or_default();
    Author { actor, message, cause: Cause::Person, now_ms: service.now_ms() }
}

/// Deny a request; whoever made it may do so too.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/deny", tag = "switches", operation_id = "deny_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)),
    responses((status = 200, body = SwitchRequest))
))]
pub(crate) async fn deny(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<SwitchRequest>, ApiError> {
    let lock = service.lock_in_time().await?;
    let denied = view(&found(&service, &id)?);
    let author = person(&service, principal.name().to_owned(), request.message);
    let change = Change::of_request(author, &id, None);
    let (lock, recording) = enact(&service, lock, None, change, Otherwise::Kept).await?;
    drop(lock);
    recording.done().await?;
    denied.map(Json).ok_or_else(|| ApiError::internal("what was denied cannot be read"))
}
