//! One's own account: what one may do, and another password.

use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use lanner_page::account::{self as page, Account};

use super::answer::{Done, Html};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::access::sign_in::{change_password as change, see};
use crate::http::Scope;
use crate::services::Services;

/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Html {
    let is_changed = fields.get("changed") == "1";
    Html(page::page(&who.visitor, &Account { is_changed, ..account(&services, &who, None) }))
}

fn account(services: &Services, who: &Who, problem: Option<String>) -> Account {
    let may = Scope::ALL.into_iter().filter(|scope| who.principal.may(*scope));
    Account {
        scopes: may.map(|scope| scope.name().to_owned()).collect(),
        has_password: services.access.has_password(who.session),
        provider: services.access.provider_of(who.session),
        is_changed: false,
        problem,
    }
}

/// Takes another password, and begins a new session with it: all others of this person end.
pub(super) async fn change_password(State(services): State<Services>, request: Request) -> Done {
    let extensions = request.extensions().clone();
    let Form { who, fields } = Form::from_request(request, &services).await?;
    let differ = fields.whole("new") != fields.whole("again");
    let changed = if !services.access.has_password(who.session) {
        Err((StatusCode::CONFLICT, "you signed in without a password".to_owned()))
    } else if differ {
        Err((StatusCode::UNPROCESSABLE_ENTITY, "the two new passwords are not the same".to_owned()))
    } else {
        let passwords = (fields.whole("old"), fields.whole("new").to_owned());
        let changed = change(&services.access, &extensions, &who.principal, passwords).await;
        changed.map_err(|why| (why.status(), why.reasons().join("; ")))
    };
    match changed {
        Ok(cookie) => Ok(see("/account?changed=1", Some((header::SET_COOKIE, &cookie)))),
        Err((status, problem)) => {
            let page = Html(page::page(&who.visitor, &account(&services, &who, Some(problem))));
            Ok((status, page).into_response())
        }
    }
}
