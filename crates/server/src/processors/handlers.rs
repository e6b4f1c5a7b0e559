//! Processors as the API shows them: list, delete.

use std::sync::Arc;

use axum::extract::State;
use lanner_wire::api::{ApplyResponse, ProcessorView};

use super::service::ProcessorService;
use crate::http::{ApiError, Json, Path, Principal};

/// List processors in the order in which events pass them, and then those that are not in force.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/processors", tag = "processors", operation_id = "list_processors",
    responses((status = 200, body = Vec<ProcessorView>))
))]
pub(crate) async fn list(
    State(service): State<Arc<ProcessorService>>,
) -> Result<Json<Vec<ProcessorView>>, ApiError> {
    Ok(Json(service.all()?))
}

/// Delete one processor. Events that arrive from then on pass the others; what is stored stays as it is.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/processors/{id}", tag = "processors", operation_id = "delete_processor",
    params(("id" = String, Path)),
    responses((status = 200, body = ApplyResponse))
))]
pub(crate) async fn delete(
    State(service): State<Arc<ProcessorService>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<ApplyResponse>, ApiError> {
    if !service.delete(&id, principal.name()).await? {
        return Err(ApiError::not_found("processor", &id));
    }
    Ok(Json(ApplyResponse { deleted: vec![id], ..ApplyResponse::default() }))
}
