//! Documents stored under the empty id, which an older release could leave behind: shown and deleted under the address
//! of their list with a slash at its end. They are never in force.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get};

use super::messages;
use crate::http::{Path, Principal, Query};
use crate::rules::handlers as rules;
use crate::rules::service::RuleService;
use crate::services::Services;
use crate::switches::documents::{self, Why};
use crate::switches::service::SwitchService;

/// Their routes.
pub(crate) fn routes() -> Router<Services> {
    let name = || Path(String::new());
    Router::new()
        .route(
            "/api/v1/rules/",
            get(move |service: State<Arc<RuleService>>| rules::show(service, name())).delete(
                move |service: State<Arc<RuleService>>, principal: Principal| {
                    rules::delete(service, principal, name())
                },
            ),
        )
        .route(
            "/api/v1/receivers/",
            delete(move |service: State<Arc<RuleService>>, principal: Principal| {
                messages::delete_receiver(service, principal, name())
            }),
        )
        .route(
            "/api/v1/switches/",
            get(move |service: State<Arc<SwitchService>>| documents::show(service, name())).delete(
                move |service: State<Arc<SwitchService>>, principal: Principal, why: Query<Why>| {
                    documents::delete(service, principal, name(), why)
                },
            ),
        )
}
