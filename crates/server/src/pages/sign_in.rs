//! Signing in with a name and a password or with a token, and out.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_page::sign_in as page;

use super::answer::{Done, Html, go};
use super::fields::{Fields, Form, sent};
use crate::access::openid::Through;
use crate::access::sign_in::{Shown, UNSENT, begin, is_local, see};
use crate::services::Services;

/// Where to go afterwards: a page of this server.
pub(super) fn next(fields: &Fields) -> &str {
    Some(fields.get("next")).filter(|next| is_local(next)).unwrap_or("/")
}

/// The form; where nobody has to sign in, what it leads to.
pub(super) async fn form(State(services): State<Services>, fields: Fields) -> Response {
    if services.access.is_closed() {
        Html(page::form(&asked(&services, &fields, None))).into_response()
    } else {
        go(next(&fields))
    }
}

/// Begins a session.
pub(super) async fn sign_in(State(services): State<Services>, request: Request) -> Done {
    let (parts, body) = request.into_parts();
    let fields = sent(body).await?;
    if parts.uri.query().is_some_and(|query| query.contains(UNSENT)) {
        return Ok(unsent(&services, &parts, fields));
    }
    // A name without a token is a name; with one it is what a browser filled in.
    let shown = match (fields.get("token"), fields.get("name")) {
        ("", name) if !name.is_empty() => Shown::Password { name, password: fields.whole("password") },
        (token, _) => Shown::Token(token),
    };
    match begin(&services.access, (&parts.headers, &parts.extensions), shown).await {
        Ok(cookie) => Ok(see(next(&fields), Some((header::SET_COOKIE, &cookie)))),
        Err(why) => {
            let problem = why.lines().into_iter().next();
            Ok((why.status(), Html(page::form(&asked(&services, &fields, problem)))).into_response())
        }
    }
}

/// What comes of a form of somebody who is not signed in any more: it is shown, so that nothing is lost.
fn unsent(services: &Services, parts: &Parts, fields: Fields) -> Response {
    let next = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
    let problem = "you are not signed in any more; nothing was changed".to_owned();
    let asked = page::Asked { unsent: fields.0, ..asked(services, &next, Some(problem)) };
    (StatusCode::UNAUTHORIZED, Html(page::form(&asked))).into_response()
}

/// What is asked of whoever signs in.
pub(super) fn asked(services: &Services, fields: &Fields, problem: Option<String>) -> page::Asked {
    page::Asked {
        next: next(fields).to_owned(),
        has_users: services.access.has_users(),
        provider: services.access.through.as_ref().map(Through::host),
        name: fields.get("name").to_owned(),
        problem,
        unsent: Vec::new(),
    }
}

/// Ends it.
pub(super) async fn sign_out(State(services): State<Services>, form: Form) -> Response {
    see("/sign-in", Some((header::SET_COOKIE, &services.access.sessions.end(form.who.session))))
}
