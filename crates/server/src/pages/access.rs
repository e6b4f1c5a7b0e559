//! Users and tokens: who there is, and every change of them. What was made is shown in the answer to the form that made it, this once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_page::access::{self as page, Access, Draft, Made, One};
use lanner_wire::api::{MadeToken, MadeUser, NewPassword, NewScopes, NewToken, NewUser};

use super::answer::{Done, Failed, Html, Shown, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::access::{handlers as tokens, user_handlers as users};
use crate::http::{ApiError, Json, Path};
use crate::services::Services;

/// Both lists; the address may fill in the name of a token to be made.
pub(super) async fn list(State(services): State<Services>, who: Who, fields: Fields) -> Html {
    let token = Draft { name: fields.get("token").to_owned(), scopes: fields.all("scope") };
    Html(page::page(&who.visitor, &Access { token, ..access(&services).await }))
}

async fn access(services: &Services) -> Access {
    let Json(users) = users::list(State(Arc::clone(&services.access))).await;
    let Json(tokens) = tokens::list(State(Arc::clone(&services.access))).await;
    Access { users, tokens, is_open: !services.access.is_closed(), ..Access::default() }
}

/// What was typed.
fn draft(fields: &Fields) -> Draft {
    Draft { name: fields.get("name").to_owned(), scopes: fields.all("scope") }
}

/// The lists again, with what went wrong above them.
fn failed(who: &Who, why: &ApiError, access: Access) -> Response {
    let problem = Some(why.reasons().join("; "));
    (why.status(), Html(page::page(&who.visitor, &Access { problem, ..access }))).into_response()
}

/// Adds a user.
pub(super) async fn add_user(State(services): State<Services>, form: Form) -> Done {
    let Form { who, fields } = form;
    let Draft { name, scopes } = draft(&fields);
    let password = Some(fields.whole("password").to_owned()).filter(|password| !password.is_empty());
    let new = NewUser { name, scopes, password };
    match users::add(State(Arc::clone(&services.access)), who.principal.clone(), Json(new)).await {
        Ok((status, Json(MadeUser { name, password, .. }))) => {
            let made = Some(Made::Password { name, password });
            let access = Access { made, ..access(&services).await };
            Ok((status, Html(page::page(&who.visitor, &access))).into_response())
        }
        Err(why) => Ok(failed(&who, &why, Access { user: draft(&fields), ..access(&services).await })),
    }
}

/// Makes a token.
pub(super) async fn make_token(State(services): State<Services>, form: Form) -> Done {
    let Form { who, fields } = form;
    let Draft { name, scopes } = draft(&fields);
    let new = NewToken { name, scopes };
    match tokens::make(State(Arc::clone(&services.access)), who.principal.clone(), Json(new)).await {
        Ok((status, Json(MadeToken { name, token, .. }))) => {
            let made = Some(Made::Token { name, token });
            let access = Access { made, ..access(&services).await };
            Ok((status, Html(page::page(&who.visitor, &access))).into_response())
        }
        Err(why) => Ok(failed(&who, &why, Access { token: draft(&fields), ..access(&services).await })),
    }
}

/// Revokes a token.
pub(super) async fn revoke_token(
    State(services): State<Services>,
    Path(name): Path<String>,
    form: Form,
) -> Done {
    let who = form.who;
    let service = State(Arc::clone(&services.access));
    match tokens::revoke(service, who.principal.clone(), Path(name)).await {
        Ok(_) => Ok(go("/access#tokens")),
        Err(why) => Ok(failed(&who, &why, access(&services).await)),
    }
}

/// One user.
pub(super) async fn user(
    State(services): State<Services>,
    Path(name): Path<String>,
    who: Who,
    fields: Fields,
) -> Shown {
    let changed = (fields.get("changed") == "scopes").then_some("What they may do was changed.");
    Ok(Html(page::one(&who.visitor, &One { changed, ..one(&services, &name).await? })))
}

async fn one(services: &Services, name: &str) -> Result<One, Failed> {
    let Json(all) = users::list(State(Arc::clone(&services.access))).await;
    let found = all.into_iter().find(|user| user.name == name);
    let user = found.ok_or_else(|| ApiError::not_found("user", name))?;
    Ok(One { user, made: None, changed: None, problem: None })
}

/// The user again, with what went wrong above.
async fn not_done(services: &Services, who: &Who, name: &str, why: &ApiError) -> Done {
    let problem = Some(why.reasons().join("; "));
    let page = page::one(&who.visitor, &One { problem, ..one(services, name).await? });
    Ok((why.status(), Html(page)).into_response())
}

/// Says what a user may do.
pub(super) async fn set_scopes(
    State(services): State<Services>,
    Path(name): Path<String>,
    form: Form,
) -> Done {
    let Form { who, fields } = form;
    let (service, new) = (State(Arc::clone(&services.access)), NewScopes { scopes: fields.all("scope") });
    match users::set_scopes(service, who.principal.clone(), Path(name.clone()), Json(new)).await {
        Ok(_) => Ok(go(&lanner_page::text::link(&["access", "users", &name], &[("changed", "scopes")]))),
        Err(why) => not_done(&services, &who, &name, &why).await,
    }
}

/// Gives a user another password.
pub(super) async fn set_password(
    State(services): State<Services>,
    Path(name): Path<String>,
    form: Form,
) -> Done {
    let Form { who, fields } = form;
    let password = Some(fields.whole("password").to_owned()).filter(|password| !password.is_empty());
    let (service, new) = (State(Arc::clone(&services.access)), NewPassword { password });
    match users::set_password(service, who.principal.clone(), Path(name.clone()), Json(new)).await {
        Ok(Json(MadeUser { password, .. })) => {
            let made = Some(Made::Password { name: name.clone(), password });
            Ok(Html(page::one(&who.visitor, &One { made, ..one(&services, &name).await? })).into_response())
        }
        Err(why) => not_done(&services, &who, &name, &why).await,
    }
}

/// Removes a user, once whoever asks said that they mean it.
pub(super) async fn remove_user(
    State(services): State<Services>,
    Path(name): Path<String>,
    form: Form,
) -> Done {
    let Form { who, fields } = form;
    if fields.get("sure") != "yes" {
        let message = "nothing was changed: say that you are sure";
        let why = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message);
        return not_done(&services, &who, &name, &why).await;
    }
    match users::remove(State(Arc::clone(&services.access)), who.principal.clone(), Path(name.clone())).await
    {
        Ok(_) => Ok(go("/access#users")),
        Err(why) => not_done(&services, &who, &name, &why).await,
    }
}
