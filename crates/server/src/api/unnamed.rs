//! Documents stored under the empty id, which an older release could leave behind: shown and deleted under the address
//! of their list with a slash at its end. They are never in force.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get};

use super::messages;
use crate::app::App;
use crate::http::{Path, Principal, Query};
use crate::rules::handlers as rules;
use crate::switches::documents::{self, Why};

/// Their routes.
pub(super) fn routes() -> Router<Arc<App>> {
    let name = || Path(String::new());
    Router::new()
        .route(
            "/api/v1/rules/",
            get(move |app: State<Arc<App>>| rules::show(app, name())).delete(
                move |app: State<Arc<App>>, principal: Principal| rules::delete(app, principal, name()),
            ),
        )
        .route(
            "/api/v1/receivers/",
            delete(move |app: State<Arc<App>>, principal: Principal| {
                messages::delete_receiver(app, principal, name())
            }),
        )
        .route(
            "/api/v1/switches/",
            get(move |app: State<Arc<App>>| documents::show(app, name())).delete(
                move |app: State<Arc<App>>, principal: Principal, why: Query<Why>| {
                    documents::delete(app, principal, name(), why)
                },
            ),
        )
}
