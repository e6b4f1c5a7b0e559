//! Users over the API: add, list, remove, give another password. They sign in on the page alone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_wire::api::{MadeUser, NewPassword, NewScopes, NewUser, Time, UserView};

use super::handlers::{names, parsed};
use super::service::AccessService;
use super::user_changes;
use super::users::User;
use crate::http::{ApiError, Json, Path, Principal};

/// List users by name.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/users", tag = "users", operation_id = "list_users",
    responses((status = 200, body = Vec<UserView>))
))]
pub(crate) async fn list(State(service): State<Arc<AccessService>>) -> Json<Vec<UserView>> {
    let view = |user: &User| UserView {
        name: user.principal.name().to_owned(),
        scopes: names(&user.scopes),
        changed: Time(user.changed_ms),
        changed_by: user.changed_by.clone(),
        last_signed_in: user.signed_in_ms().map(Time),
    };
    Json(service.users.all().iter().map(|user| view(user)).collect())
}

/// Add somebody who signs in on the page with a name and a password. As soon as there is one, everybody has to say who they are.
///
/// # Errors
/// 409 when there is one of that name, 422 with every problem.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/users", tag = "users", operation_id = "add_user", request_body = NewUser,
    responses((status = 201, body = MadeUser))
))]
pub(crate) async fn add(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Json(NewUser { name, scopes, password }): Json<NewUser>,
) -> Result<(StatusCode, Json<MadeUser>), ApiError> {
    let known = parsed(&scopes)?;
    let password = user_changes::add(&service, &principal, &name, password, &known).await?;
    Ok((StatusCode::CREATED, Json(MadeUser { name, scopes: names(&known), password })))
}

/// Remove a user. Their sessions end at once.
///
/// # Errors
/// 404, 409 for the last one who can manage the others.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/users/{name}", tag = "users", operation_id = "remove_user",
    params(("name" = String, Path)), responses((status = 204))
))]
pub(crate) async fn remove(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    user_changes::remove(&service, &principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a user another password. Their sessions end at once.
///
/// # Errors
/// 404, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/users/{name}/password", tag = "users", operation_id = "set_user_password", request_body = NewPassword,
    params(("name" = String, Path)), responses((status = 200, body = MadeUser))
))]
pub(crate) async fn set_password(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Path(name): Path<String>,
    Json(NewPassword { password }): Json<NewPassword>,
) -> Result<Json<MadeUser>, ApiError> {
    let password = user_changes::set_password(&service, &principal, &name, password).await?;
    let scopes = service.users.get(&name).map(|user| names(&user.scopes)).unwrap_or_default();
    Ok(Json(MadeUser { name, scopes, password }))
}

/// Say what a user may do from now on. Their sessions go on.
///
/// # Errors
/// 404, 409 for the last one who can manage the others, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/users/{name}/scopes", tag = "users", operation_id = "set_user_scopes", request_body = NewScopes,
    params(("name" = String, Path)), responses((status = 200, body = MadeUser))
))]
pub(crate) async fn set_scopes(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Path(name): Path<String>,
    Json(NewScopes { scopes }): Json<NewScopes>,
) -> Result<Json<MadeUser>, ApiError> {
    let known = parsed(&scopes)?;
    user_changes::set_scopes(&service, &principal, &name, &known).await?;
    Ok(Json(MadeUser { name, scopes: names(&known), password: None }))
}
