//! Users over the API: add, list, remove, give another password. They sign in on the page alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_wire::api::{MadeUser, NewPassword, NewUser, ProblemView, Time, UserView};

use super::handlers::names;
use super::service::AccessService;
use super::user_changes;
use super::users::User;
use crate::http::{ApiError, Json, Path, Principal, Scope};

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
    let (mut known, mut problems) = (BTreeSet::new(), Vec::new());
    for (at, scope) in scopes.iter().enumerate() {
        match Scope::parse(scope) {
            Ok(scope) => drop(known.insert(scope)),
            Err(why) => problems.push(ProblemView::at(format!("scopes[{at}]"), why)),
        }
    }
    if !problems.is_empty() {
        return Err(ApiError::problems(problems));
    }
    let password = user_changes::add(&service, &principal, &name, password, &known).await?;
    Ok((StatusCode::CREATED, Json(MadeUser { name, scopes: names(&known), password })))
}

/// Remove a user. Their sessions end at once.
///
/// # Errors
/// 404.
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
