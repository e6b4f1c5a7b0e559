//! Tokens: create, list, revoke.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_wire::api::{MadeToken, NewToken, ProblemView, Time, TokenView};

use super::service::AccessService;
use super::{changes, tokens};
use crate::http::{ApiError, Json, Path, Principal, Scope};

pub(super) fn names(scopes: &BTreeSet<Scope>) -> Vec<String> {
    scopes.iter().map(|scope| scope.name().to_owned()).collect()
}

/// The scopes of these names.
pub(super) fn parsed(names: &[String]) -> Result<BTreeSet<Scope>, ApiError> {
    let (mut known, mut problems) = (BTreeSet::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        match Scope::parse(name) {
            Ok(scope) => drop(known.insert(scope)),
            Err(why) => problems.push(ProblemView::at(format!("scopes[{at}]"), why)),
        }
    }
    if problems.is_empty() { Ok(known) } else { Err(ApiError::problems(problems)) }
}

/// List tokens by name, never the tokens themselves.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, body = Vec<TokenView>))
))]
pub(crate) async fn list(State(service): State<Arc<AccessService>>) -> Json<Vec<TokenView>> {
    let view = |token: &tokens::Token| TokenView {
        name: token.principal.name().to_owned(),
        scopes: names(&token.scopes),
        created: Time(token.made_ms),
        created_by: token.made_by.clone(),
        last_used: token.used_ms().map(Time),
    };
    Json(service.tokens.all().iter().map(|token| view(token)).collect())
}

/// Create a token. It is shown this once; as soon as there is one, every request needs one.
///
/// # Errors
/// 409 when there is one of that name, 422 for a name or a scope that makes no sense.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "make_token", request_body = NewToken,
    responses(
        (status = 201, body = MadeToken),
    )
))]
pub(crate) async fn make(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Json(request): Json<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    let scopes = parsed(&request.scopes)?;
    let token = changes::make(&service, &principal, &request.name, &scopes).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { name: request.name, scopes: names(&scopes), token })))
}

/// Revoke a token. Requests that show it are refused from now on.
///
/// # Errors
/// 404, 409 for the last token that can manage the others.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/tokens/{name}", tag = "tokens", operation_id = "revoke_token",
    params(("name" = String, Path)),
    responses(
        (status = 204),
    )
))]
pub(crate) async fn revoke(
    State(service): State<Arc<AccessService>>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    changes::revoke(&service, &principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
