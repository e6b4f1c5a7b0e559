//! Users are added and removed, and their passwords changed.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use lanner_core::Cause;
use lanner_io::state::{Author, DocumentChange};
use lanner_wire::api::ProblemView;
use serde_json::json;

use super::passwords::{self, Hashed};
use super::service::AccessService;
use super::tokens::check_name;
use super::users::{USER, Written};
use crate::http::{ApiError, Principal, Scope, blocking};

/// Users that are kept at most.
const MAX_USERS: usize = 10_000;

/// Adds a user, whose password is made if none is given; returns the made one, which nobody sees again.
///
/// # Errors
/// 409 for a name that is taken, 422 for a name, password or scopes that make no sense, failures of the store.
pub(super) async fn add(
    service: &AccessService,
    by: &Principal,
    name: &str,
    password: Option<String>,
    scopes: &BTreeSet<Scope>,
) -> Result<Option<String>, ApiError> {
    let mut problems = Vec::new();
    if let Err(why) = check_name(name) {
        problems.push(ProblemView::at("name", why));
    }
    if scopes.is_empty() {
        problems.push(ProblemView::at("scopes", NO_SCOPE));
    }
    if let Some(Err(why)) = password.as_ref().map(|password| passwords::check(password, name)) {
        problems.push(ProblemView::at("password", why));
    }
    if !problems.is_empty() {
        return Err(ApiError::problems(problems));
    }
    let _one_at_a_time = service.tokens.saving.lock().await;
    if service.users.get(name).is_some() {
        let message =
            format!("there is a user \"{name}\" already; choose another name, or set a new password");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    if service.users.all().len() >= MAX_USERS {
        let message = format!("there are {MAX_USERS} users; remove one first");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    if !service.has_admin() && !scopes.contains(&Scope::Admin) {
        let message = "the first user needs the scope admin, or make a token with it first: from the first one on everybody has \
                       to say who they are, and nobody else could add or remove any";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let made = if password.is_none() { Some(passwords::made().map_err(ApiError::internal)?) } else { None };
    let hashed = hashed(service, password.or_else(|| made.clone()).unwrap_or_default()).await?;
    let scopes = scopes.iter().map(|scope| scope.name().to_owned()).collect();
    save(service, by, name, Some(Written { scopes, password: hashed }), "added").await?;
    Ok(made)
}

/// Removes a user, who is out at once.
///
/// # Errors
/// 404, 409 for the last one who can manage the others, failures of the store.
pub(super) async fn remove(service: &AccessService, by: &Principal, name: &str) -> Result<(), ApiError> {
    let _one_at_a_time = service.tokens.saving.lock().await;
    if !service.state.documents(USER)?.iter().any(|stored| stored.id == name) {
        return Err(ApiError::not_found("user", name));
    }
    // Without anybody, this machine is trusted again; whoever has no way in from elsewhere has none then either.
    let others = service.users.all().iter().filter(|user| user.principal.name() != name).count();
    let leaves_some =
        service.tokens.are_wanted() || others > 0 || service.through.is_some() || !service.is_local;
    if leaves_some && !service.has_admin_beside(name) {
        return Err(last_admin(name));
    }
    save(service, by, name, None, "removed").await
}

/// Says what a user may do from now on; what they have open notices it at once.
///
/// # Errors
/// 404, 409 for the last one who can manage the others, 422 without any scope, failures of the store.
pub(super) async fn set_scopes(
    service: &AccessService,
    by: &Principal,
    name: &str,
    scopes: &BTreeSet<Scope>,
) -> Result<(), ApiError> {
    if scopes.is_empty() {
        return Err(ApiError::problems(vec![ProblemView::at("scopes", NO_SCOPE)]));
    }
    let _one_at_a_time = service.tokens.saving.lock().await;
    let user = service.users.get(name).ok_or_else(|| ApiError::not_found("user", name))?;
    if !scopes.contains(&Scope::Admin) && !service.has_admin_beside(name) {
        return Err(last_admin(name));
    }
    let names: Vec<String> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let message = format!("may {}", names.join(", "));
    let written = Written { scopes: names, password: user.password.clone() };
    save(service, by, name, Some(written), &message).await
}

const NO_SCOPE: &str = "is empty; write for example read";

fn last_admin(name: &str) -> ApiError {
    let message = format!(
        "\"{name}\" is the last one who may manage users and tokens; give somebody else the scope admin first"
    );
    ApiError::new(StatusCode::CONFLICT, message)
}

/// Gives a user another password, which ends their sessions; a made one if none is given, which is returned.
///
/// # Errors
/// 404, 422 for a password that is too easy, failures of the store.
pub(super) async fn set_password(
    service: &AccessService,
    by: &Principal,
    name: &str,
    password: Option<String>,
) -> Result<Option<String>, ApiError> {
    if let Some(Err(why)) = password.as_ref().map(|password| passwords::check(password, name)) {
        return Err(ApiError::problems(vec![ProblemView::at("password", why)]));
    }
    let made = if password.is_none() { Some(passwords::made().map_err(ApiError::internal)?) } else { None };
    let password = hashed(service, password.or_else(|| made.clone()).unwrap_or_default()).await?;
    let _one_at_a_time = service.tokens.saving.lock().await;
    let user = service.users.get(name).ok_or_else(|| ApiError::not_found("user", name))?;
    let scopes = user.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    save(service, by, name, Some(Written { scopes, password }), "another password").await?;
    Ok(made)
}

/// Hashes one password, when it is its turn: each takes memory.
async fn hashed(service: &AccessService, password: String) -> Result<Hashed, ApiError> {
    let _turn = service.hashing.acquire().await;
    blocking(move || Hashed::new(&password)).await?.map_err(ApiError::internal)
}

async fn save(
    service: &AccessService,
    by: &Principal,
    name: &str,
    user: Option<Written>,
    message: &str,
) -> Result<(), ApiError> {
    let document = user.map(|user| json!(user));
    let changes = vec![DocumentChange { id: name.to_owned(), document }];
    let (actor, message) = (by.name().to_owned(), message.to_owned());
    let author = Author { actor, message, cause: Cause::Person, now_ms: service.now_ms() };
    service.state.save_documents_by(USER, author, changes)?.await?;
    service.users.reload(&*service.state)?;
    Ok(())
}
