//! Tokens are made and revoked.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use lanner_core::{Cause, content};
use lanner_io::state::{Author, DocumentChange, StoredDocument};
use serde_json::{Value, json};

use super::service::AccessService;
use super::tokens::{TOKEN, check_name, random, read};
use crate::http::{ApiError, Principal, Scope};

/// Makes a token and returns it: the only time that anybody sees it.
///
/// # Errors
/// 409 for a name that is taken, 422 for a name or scopes that make no sense, failures of the store.
pub(super) async fn make(
    service: &AccessService,
    by: &Principal,
    name: &str,
    scopes: &BTreeSet<Scope>,
) -> Result<String, ApiError> {
    let _one_at_a_time = service.tokens.saving.lock().await;
    let refused = |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    check_name(name).map_err(refused)?;
    if scopes.is_empty() {
        return Err(refused(format!("the token \"{name}\" needs a scope; write for example read")));
    }
    if service.state.documents(TOKEN)?.iter().any(|stored| stored.id == name) {
        let message = format!("there is a token \"{name}\" already; revoke it first, or choose another name");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    if !service.tokens.has_admin() && !scopes.contains(&Scope::Admin) {
        let message = "the first token needs the scope admin: with one token every request needs one, and \
                       nobody else could make or revoke any";
        return Err(refused(message.to_owned()));
    }
    let token = random().map_err(ApiError::internal)?;
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let document = json!({ "scopes": names, "sha256": content::sha256(token.as_bytes()) });
    save(service, by, name, Some(document)).await?;
    Ok(token)
}

/// Ends a token.
///
/// # Errors
/// 404, 409 for the last one that can manage the others, failures of the store.
pub(super) async fn revoke(service: &AccessService, by: &Principal, name: &str) -> Result<(), ApiError> {
    let _one_at_a_time = service.tokens.saving.lock().await;
    let stored = service.state.documents(TOKEN)?;
    let others = stored.iter().filter(|stored| stored.id != name);
    if others.clone().count() == stored.len() {
        return Err(ApiError::not_found("token", name));
    }
    let is_admin =
        |stored: &StoredDocument| read(stored).is_some_and(|(_, token)| token.scopes.contains(&Scope::Admin));
    let leaves_some = others.clone().count() > 0
        || service.users.is_any()
        || service.through.is_some()
        || !service.is_local;
    let leaves_admin =
        others.clone().any(is_admin) || service.users.has_admin() || service.provider_has_admin();
    if service.tokens.configured.is_none() && leaves_some && !leaves_admin {
        let message = format!(
            "\"{name}\" is the last token with the scope admin; make another one first, or set server.token"
        );
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    save(service, by, name, None).await
}

async fn save(
    service: &AccessService,
    by: &Principal,
    name: &str,
    document: Option<Value>,
) -> Result<(), ApiError> {
    let changes = vec![DocumentChange { id: name.to_owned(), document }];
    let (actor, message) = (by.name().to_owned(), String::new());
    let author = Author { actor, message, cause: Cause::Person, now_ms: service.now_ms() };
    service.state.save_documents_by(TOKEN, author, changes)?.await?;
    service.tokens.reload(&*service.state)?;
    Ok(())
}
