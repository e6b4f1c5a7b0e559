//! Silences: create, list, expire.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_core::{Cause, Silence};
use lanner_engine::matcher::Matchers;
use lanner_wire::api::{NewSilence, ProblemView, SilenceView};

use super::service::SilenceService;
use crate::http::{ApiError, Json, Path, Principal};

/// List silences, those that end last first.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/silences", tag = "silences", operation_id = "list_silences",
    responses((status = 200, body = Vec<SilenceView>))
))]
pub(crate) async fn list(
    State(service): State<Arc<SilenceService>>,
) -> Result<Json<Vec<SilenceView>>, ApiError> {
    let now_ms = service.now_ms();
    let mut silences = service.state.silences()?;
    silences.sort_by_key(|silence| std::cmp::Reverse(silence.end_ms));
    Ok(Json(silences.iter().map(|silence| SilenceView::new(silence, now_ms)).collect()))
}

/// Create a silence: mute alerts whose labels match, for a time, with a reason.
///
/// # Errors
/// 422 with every problem.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/silences", tag = "silences", operation_id = "add_silence", request_body = NewSilence,
    responses((status = 201, body = SilenceView))
))]
pub(crate) async fn add(
    State(service): State<Arc<SilenceService>>,
    principal: Principal,
    Json(request): Json<NewSilence>,
) -> Result<Response, ApiError> {
    let silence = make(&service, &principal, &request).await?;
    Ok((StatusCode::CREATED, Json(SilenceView::new(&silence, service.now_ms()))).into_response())
}

/// Makes a silence and puts it in force.
///
/// # Errors
/// Every problem of it; failures of the store.
pub(crate) async fn make(
    service: &SilenceService,
    principal: &Principal,
    request: &NewSilence,
) -> Result<Silence, ApiError> {
    let now_ms = service.now_ms();
    let actor = principal.name();
    let identity = format!("{:x}/{now_ms}/{actor}/{}", service.state.secret(), request.comment);
    let id = lanner_core::alert::fingerprint(&identity, &lanner_core::Labels::default());
    let silence = request.check(id, actor, now_ms).map_err(ApiError::problems)?;
    Matchers::of_silence(&silence.matchers)
        .map_err(|why| ApiError::problems(vec![ProblemView::at("matchers", why)]))?;
    let silences = vec![silence.clone()];
    service.state.save_batches(actor, &Cause::default(), now_ms, Vec::new(), silences)?.await?;
    service.put_in_force()?;
    Ok(silence)
}

/// End a silence now.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/silences/{id}", tag = "silences", operation_id = "expire_silence", params(("id" = String, Path)),
    responses((status = 204))
))]
pub(crate) async fn expire(
    State(service): State<Arc<SilenceService>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    end(&service, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a silence now.
///
/// # Errors
/// There is no such silence; failures of the store.
pub(crate) async fn end(service: &SilenceService, principal: &Principal, id: &str) -> Result<(), ApiError> {
    let now_ms = service.now_ms();
    service.state.expire_silence(id, now_ms)?.await?;
    service.state.audit(now_ms, principal.name(), "expire silence", id, serde_json::Value::Null)?.await?;
    service.put_in_force()?;
    Ok(())
}
