//! What has no page of its own.

use std::sync::Arc;

use axum::extract::State;
use lanner_page::more::{self as page, More};

use super::answer::{Html, Shown};
use super::visitor::Who;
use crate::api::{messages, operations};
use crate::http::{Json, Query};
use crate::services::Services;

/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who) -> Shown {
    let Json(receivers) = messages::receivers(State(Arc::clone(&services.rules))).await?;
    let Json(dead) =
        messages::outbox(State(Arc::clone(&services.rules)), Query(messages::OutboxQuery::dead())).await?;
    let Json(audit) =
        operations::audit(State(Arc::clone(&services.health)), Query(operations::AuditQuery::default()))
            .await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Html(page::page(&who.visitor, &More { receivers, dead, audit, version })))
}
