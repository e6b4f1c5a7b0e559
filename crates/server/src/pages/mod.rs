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

macro_rules! pages {
    ($($method:ident $path:literal $module:ident :: $handler:ident)*) => {
        /// The method and the address of each page, form and file: the table from which the router is made.
        pub const PAGES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn all() -> Router<Services> {
            Router::new()$(.route($path, $method($module::$handler)))*
        }
    };
}

pages! {
    get  "/"                                 now::show
    get  "/live"                             live::stream
    get  "/alerts/{fingerprint}"             alerts::show
    post "/alerts/{fingerprint}/acknowledge" alerts::acknowledge
    post "/alerts/{fingerprint}/block"       alerts::block
    get  "/rules"                            rules::list
    get  "/rules/{id}"                       rules::show
    get  "/edit"                             editor::show
    post "/edit"                             editor::edit
    get  "/switches"                         switches::list
    get  "/switches/test"                    switches::test
    get  "/switches/{id}"                    switches::show
    post "/switches/{id}/activate"           switches::activate
    post "/switches/{id}/deactivate"         switches::deactivate
    post "/switches/{id}/decide"             switches::decide
    get  "/silences"                         silences::list
    get  "/silences/new"                     silences::draft
    post "/silences/new"                     silences::make
    post "/silences/{id}/end"                silences::end
    get  "/explore"                          explore::show
    get  "/explore/unlike"                   unlike::show
    get  "/sessions"                         sessions::show
    get  "/sessions/{id}"                    session::show
    post "/sessions/{id}/label"              session::label
    post "/models/rollback"                  models::roll_back
    post "/models/{id}/promote"              models::promote
    get  "/detectors"                        detectors::list
    get  "/detectors/{name}"                 detectors::show
    get  "/vulnerabilities"                  vulnerabilities::list
    get  "/vulnerabilities/{key}"            vulnerabilities::show
    get  "/profiles"                         profiles::list
    get  "/profiles/{id}"                    profiles::show
    get  "/more"                             more::show
    get  "/sign-in"                          sign_in::form
    post "/sign-in"                          sign_in::sign_in
    get  "/sign-in/openid"                   openid::begin
    get  "/sign-in/openid/done"              openid::finish
    post "/sign-out"                         sign_in::sign_out
    get  "/account"                          account::show
    post "/account/password"                 account::change_password
    get  "/access"                           access::list
    post "/access/users"                     access::add_user
    get  "/access/users/{name}"              access::user
    post "/access/users/{name}/scopes"       access::set_scopes
    post "/access/users/{name}/password"     access::set_password
    post "/access/users/{name}/remove"       access::remove_user
    post "/access/tokens"                    access::make_token
    post "/access/tokens/{name}/revoke"      access::revoke_token
    get  "/assets/{file}"                    assets::serve
}

/// The pages, over the one look that they share.
pub(crate) fn routes(looks: Option<Arc<Looks>>) -> Router<Services> {
    all().layer(middleware::map_response(answer::protected)).layer(Extension(looks))
}
