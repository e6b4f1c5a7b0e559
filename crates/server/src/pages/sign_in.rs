//! Signing in with a token, and out.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use lanner_page::sign_in as page;

use super::answer::{Done, Html, go};
use super::fields::{Fields, Form, sent};
use crate::access::sign_in::{begin, is_local, see};
use crate::services::Services;

/// Where to go afterwards: a page of this server.
fn next(fields: &Fields) -> &str {
    Some(fields.get("next")).filter(|next| is_local(next)).unwrap_or("/")
}

/// The form; where nobody has to sign in, what it leads to.
pub(super) async fn form(State(services): State<Services>, fields: Fields) -> Response {
    if services.access.tokens.are_wanted() {
        Html(page::form(next(&fields), None)).into_response()
    } else {
        go(next(&fields))
    }
}

/// Begins a session.
pub(super) async fn sign_in(State(services): State<Services>, request: Request) -> Done {
    let (parts, body) = request.into_parts();
    let fields = sent(body).await?;
    match begin(&services.access, &parts.extensions, fields.get("token")).await {
        Ok(cookie) => Ok(see(next(&fields), Some((header::SET_COOKIE, &cookie)))),
        Err(why) => {
            Ok((why.status(), Html(page::form(next(&fields), why.lines().first().map(String::as_str))))
                .into_response())
        }
    }
}

/// Ends it.
pub(super) async fn sign_out(State(services): State<Services>, form: Form) -> Response {
    see("/sign-in", Some((header::SET_COOKIE, &services.access.sessions.end(form.who.session))))
}
