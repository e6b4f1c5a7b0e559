//! Documents stored under the empty id, which an older release could leave behind: shown and deleted under the address
//! of their list with a slash at its end. They are never in force.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::routing::{delete, get};

use super::{messages, rules};
use crate::app::App;
use crate::switches::documents::{self, Why};

/// Their routes.
pub(super) fn routes() -> Router<Arc<App>> {
    let name = || Path(String::new());
    Router::new()
        .route(
            "/api/v1/rules/",
            get(move |app: State<Arc<App>>| rules::show(app, name()))
                .delete(move |app: State<Arc<App>>, headers: HeaderMap| rules::delete(app, headers, name())),
        )
        .route(
            "/api/v1/receivers/",
            delete(move |app: State<Arc<App>>, headers: HeaderMap| {
                messages::delete_receiver(app, headers, name())
            }),
        )
        .route(
            "/api/v1/switches/",
            get(move |app: State<Arc<App>>| documents::show(app, name())).delete(
                move |app: State<Arc<App>>, headers: HeaderMap, why: Query<Why>| {
                    documents::delete(app, headers, name(), why)
                },
            ),
        )
}
