//! The web page: what the API knows, shown to people.
//!
//! ```text
//!  request ─▶ access (who) ─▶ a file for each page ─▶ what the API's handlers answer ─▶ `lanner-page` ─▶ HTML
//!                                                                       └─▶ `look`: once for all open pages ─▶ events
//! ```
//!
//! A page shows what the API answers, and a form does what the API does; nothing is decided here. Reading order: `visitor` (who
//! looks), `fields` (queries and forms), `answer` (headers and errors), `look` and `live` (the first page), then a file for each page.

mod access;
mod account;
mod alerts;
mod answer;
mod assets;
mod block;
mod detectors;
mod editor;
mod explore;
mod fields;
mod live;
mod look;
mod models;
mod more;
mod nothing;
mod now;
mod openid;
mod profiles;
mod rules;
mod session;
mod sessions;
mod sign_in;
mod silences;
mod switches;
mod trainings;
mod unlike;
mod visitor;
mod vulnerabilities;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router, middleware};

use crate::services::Services;

pub(crate) use self::look::Looks;
pub(crate) use self::nothing::{method_not_allowed, not_found};

/// The pages, over the one look that they share.
pub(crate) fn routes(looks: Option<Arc<Looks>>) -> Router<Services> {
    Router::new()
        .route("/", get(now::show))
        .route("/live", get(live::stream))
        .route("/alerts/{fingerprint}", get(alerts::show))
        .route("/alerts/{fingerprint}/acknowledge", post(alerts::acknowledge))
        .route("/alerts/{fingerprint}/block", post(alerts::block))
        .route("/rules", get(rules::list))
        .route("/rules/{id}", get(rules::show))
        .route("/edit", get(editor::show).post(editor::edit))
        .route("/switches", get(switches::list))
        .route("/switches/test", get(switches::test))
        .route("/switches/{id}", get(switches::show))
        .route("/switches/{id}/activate", post(switches::activate))
        .route("/switches/{id}/deactivate", post(switches::deactivate))
        .route("/switches/{id}/decide", post(switches::decide))
        .route("/silences", get(silences::list))
        .route("/silences/new", get(silences::draft).post(silences::make))
        .route("/silences/{id}/end", post(silences::end))
        .route("/explore", get(explore::show))
        .route("/explore/unlike", get(unlike::show))
        .route("/sessions", get(sessions::show))
        .route("/sessions/{id}", get(session::show))
        .route("/sessions/{id}/label", post(session::label))
        .route("/models/rollback", post(models::roll_back))
        .route("/models/{id}/promote", post(models::promote))
        .route("/detectors", get(detectors::list))
        .route("/detectors/{name}", get(detectors::show))
        .route("/vulnerabilities", get(vulnerabilities::list))
        .route("/vulnerabilities/{key}", get(vulnerabilities::show))
        .route("/profiles", get(profiles::list))
        .route("/profiles/{id}", get(profiles::show))
        .route("/more", get(more::show))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-in/openid", get(openid::begin))
        .route("/sign-in/openid/done", get(openid::finish))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/access", get(access::list))
        .route("/access/users", post(access::add_user))
        .route("/access/users/{name}", get(access::user))
        .route("/access/users/{name}/scopes", post(access::set_scopes))
        .route("/access/users/{name}/password", post(access::set_password))
        .route("/access/users/{name}/remove", post(access::remove_user))
        .route("/access/tokens", post(access::make_token))
        .route("/access/tokens/{name}/revoke", post(access::revoke_token))
        .route("/assets/{file}", get(assets::serve))
        .layer(middleware::map_response(answer::protected))
        .layer(Extension(looks))
}
