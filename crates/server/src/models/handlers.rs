//! Models over the API: taken, listed, promoted, deleted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use lanner_io::state::{ModelInfo, StoreError};
use lanner_wire::api::{DetectorView, ModelView, ProblemView, PromoteModel, RollBackModel, Time};

use super::kinds::{self, Loaded};
use super::service::{InUse, ModelService};
use crate::http::{ApiError, Json, Path, Principal, Received, blocking};

type Service = State<Arc<ModelService>>;

/// List the models that are kept.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/models", tag = "models", operation_id = "list_models",
    responses((status = 200, body = Vec<ModelView>))
))]
pub(crate) async fn list(State(service): Service) -> Result<Json<Vec<ModelView>>, ApiError> {
    let infos = service.all()?;
    Ok(Json(infos.into_iter().map(|info| view(&service, info)).collect::<Result<_, _>>()?))
}

/// Keep a model: the file that `lanner api learn` or `lanner detector train` writes, or boosted trees. Keeping one that is kept already changes nothing.
///
/// # Errors
/// 413, 422 for what is damaged, or was made for other features; the difference is named.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/models", tag = "models", operation_id = "keep_model",
    request_body(content = String, content_type = "application/json", example = "{\"format\":\"lanner-boost/1\",\"base_score\":0.5,\"feature_names\":[\"requests\"],\"trees\":[]}"),
    responses((status = 200, body = ModelView))
))]
pub(crate) async fn put(
    State(service): Service,
    Received(body): Received,
) -> Result<Json<ModelView>, ApiError> {
    let reader = Arc::clone(&service);
    let model = blocking(move || reader.checked(body.to_vec())).await?;
    let model = model.map_err(|why| {
        ApiError::problems(vec![ProblemView { message: format!("the file {why}"), ..ProblemView::default() }])
    })?;
    let id = service.state.put_model(model)?.await?;
    show_one(&service, &id).map(Json)
}

/// Show one model.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/models/{id}", tag = "models", operation_id = "show_model",
    params(("id" = String, Path)), responses((status = 200, body = ModelView))
))]
pub(crate) async fn show(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<Json<ModelView>, ApiError> {
    show_one(&service, &id).map(Json)
}

/// Get the file of a model, as it was sent.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/models/{id}/file", tag = "models", operation_id = "get_model_file",
    params(("id" = String, Path)), responses((status = 200, body = String, content_type = "application/json"))
))]
pub(crate) async fn file(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let model = service.state.model(&id)?.ok_or_else(|| unknown(&id))?;
    let kind =
        if lanner_deep::is_detector(&model.body) { "application/octet-stream" } else { "application/json" };
    Ok(([(header::CONTENT_TYPE, kind)], model.body))
}

/// Show what a trained detector looks at, what it was trained on, and how often it would find something.
///
/// # Errors
/// 404, also for a model that is no detector.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/models/{id}/detector", tag = "models", operation_id = "show_detector",
    params(("id" = String, Path)), responses((status = 200, body = DetectorView))
))]
pub(crate) async fn detector(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<Json<DetectorView>, ApiError> {
    // Counting alarms goes through all held-out rows.
    let view = blocking(move || match service.loaded(&id)? {
        Some((_, Loaded::Detector(trained))) => Ok(trained.view(&id)),
        Some(_) => Err(ApiError::new(StatusCode::NOT_FOUND, format!("the model {id} is no detector"))),
        None => Err(unknown(&id)),
    });
    view.await?.map(Json)
}

/// Delete a model. One that is in use is kept.
///
/// # Errors
/// 404, 409 for one that is champion or challenger.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/models/{id}", tag = "models", operation_id = "delete_model",
    params(("id" = String, Path)), responses((status = 204))
))]
pub(crate) async fn delete(State(service): Service, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let _one_at_a_time = service.changing.lock().await;
    let view = show_one(&service, &id)?;
    if let Some(role) = view.role {
        let message = format!("the model is the {role} of its kind; promote another one first");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    service.state.delete_model(&id)?.await?;
    service.forget(&id);
    Ok(StatusCode::NO_CONTENT)
}

/// Make a model the champion of its kind, which decides, or the challenger, which is asked as well.
///
/// # Errors
/// 404, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/models/{id}/promote", tag = "models", operation_id = "promote_model", request_body = PromoteModel,
    params(("id" = String, Path)), responses((status = 200, body = ModelView))
))]
pub(crate) async fn promote(
    State(service): Service,
    principal: Principal,
    Path(id): Path<String>,
    Json(wanted): Json<PromoteModel>,
) -> Result<Json<ModelView>, ApiError> {
    let _one_at_a_time = service.changing.lock().await;
    let view = show_one(&service, &id)?;
    let mut in_use = service.in_use(&view.kind)?;
    match wanted.to.as_str() {
        "champion" => {
            in_use.challenger = in_use.challenger.filter(|challenger| *challenger != id);
            in_use.champion = Some(id.clone());
            in_use.back_to = None;
        }
        "challenger" if in_use.champion.as_ref() == Some(&id) => {
            let message =
                "is the champion, which cannot challenge itself; promote another one to champion first";
            return Err(ApiError::problems(vec![ProblemView::at("to", message)]));
        }
        "challenger" => in_use.challenger = Some(id.clone()),
        other => {
            let message = format!("should be champion or challenger, found \"{other}\"");
            return Err(ApiError::problems(vec![ProblemView::at("to", message)]));
        }
    }
    service.use_from_now_on(&view.kind, &in_use, (principal.name(), &wanted.message)).await?;
    show_one(&service, &id).map(Json)
}

/// Go back to the champion before the present one.
///
/// # Errors
/// 409 if there was none that is still kept, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/models/rollback", tag = "models", operation_id = "roll_back_model", request_body = RollBackModel,
    responses((status = 200, body = ModelView))
))]
pub(crate) async fn roll_back(
    State(service): Service,
    principal: Principal,
    Json(wanted): Json<RollBackModel>,
) -> Result<Json<ModelView>, ApiError> {
    let _one_at_a_time = service.changing.lock().await;
    if !kinds::is_kind(&wanted.kind) {
        let message = format!("\"{}\" is no kind of models", wanted.kind);
        return Err(ApiError::problems(vec![ProblemView::at("kind", message)]));
    }
    let Some((id, back_to)) = service.champion_before(&wanted.kind)? else {
        let message = format!("no earlier champion of the kind {} is kept", wanted.kind);
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    };
    let InUse { challenger, .. } = service.in_use(&wanted.kind)?;
    let challenger = challenger.filter(|challenger| *challenger != id);
    let in_use = InUse { champion: Some(id.clone()), challenger, back_to: Some(back_to) };
    service.use_from_now_on(&wanted.kind, &in_use, (principal.name(), &wanted.message)).await?;
    show_one(&service, &id).map(Json)
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found("model", id)
}

fn show_one(service: &ModelService, id: &str) -> Result<ModelView, ApiError> {
    let info = service.all()?.into_iter().find(|info| info.id == id).ok_or_else(|| unknown(id))?;
    Ok(view(service, info)?)
}

fn view(service: &ModelService, info: ModelInfo) -> Result<ModelView, StoreError> {
    let in_use = service.in_use(&info.kind)?;
    let roles = [("champion", &in_use.champion), ("challenger", &in_use.challenger)];
    let role = roles.iter().find(|(_, id)| id.as_ref() == Some(&info.id)).map(|(role, _)| (*role).to_owned());
    Ok(ModelView {
        role,
        id: info.id,
        kind: info.kind,
        threshold: info.threshold,
        data: Some(info.data).filter(|data| !data.is_empty()),
        metrics: info.metrics,
        created: Time(info.created_ms),
    })
}
