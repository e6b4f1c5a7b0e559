//! Seyren's HTTP API: its clients and provisioning scripts work unchanged.
//!
//! A check is a stored rule with an expression and the limits `warn` and `error`; rules of that form that were
//! written otherwise are listed as well. What only Seyren knows lies in the rule's annotations, so that its
//! history, comparison and export are those of any rule. Subscriptions become receivers where there is a kind
//! for them; others are kept and shown, with a note that nothing is delivered.
//!
//! Reading order: `check` (a check and its rule), `subscription` (a subscription and its receiver),
//! `form` (what Seyren's answers share), then a file for each group of routes.

mod alerts;
mod check;
mod checks;
mod form;
mod others;
mod subscription;
mod subscriptions;
mod truths;

use axum::Router;
use axum::routing::{get, post, put};

use crate::services::Services;

/// The routes.
pub(crate) fn routes() -> Router<Services> {
    Router::new()
        .route("/api/checks", get(checks::list).post(checks::create))
        .route("/api/checks/{id}", get(checks::show).put(checks::replace).delete(checks::delete))
        .route("/api/checks/{id}/alerts", get(alerts::of_check).delete(alerts::forget))
        .route("/api/checks/{id}/image", get(others::no_pictures))
        .route("/api/checks/{id}/subscriptions", post(subscriptions::create))
        .route(
            "/api/checks/{id}/subscriptions/{sid}",
            put(subscriptions::replace).delete(subscriptions::delete),
        )
        .route("/api/checks/{id}/subscriptions/{sid}/test", put(subscriptions::test))
        .route("/api/alerts", get(alerts::list))
        .route("/api/chart/{target}", get(others::no_pictures))
        .route("/api/config", get(others::config))
        .route("/api/metrics/{target}/total", get(others::total))
}
