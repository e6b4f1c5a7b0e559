//! Alertmanager's API, version 2: Grafana, karma and amtool show what fires here, and silence it; Prometheus and others send
//! alerts of their own, which become events.
//!
//! Reading order: `form` (matchers and errors as Alertmanager writes them), then a file for each group of routes.

mod alerts;
mod form;
mod posted;
mod silences;
mod status;

use axum::Router;
use axum::routing::get;

use crate::services::Services;

/// The routes.
pub(crate) fn routes() -> Router<Services> {
    Router::new()
        .route("/api/v2/status", get(status::status))
        .route("/api/v2/receivers", get(status::receivers))
        .route("/api/v2/alerts", get(alerts::list).post(posted::take))
        .route("/api/v2/alerts/groups", get(alerts::groups))
        .route("/api/v2/silences", get(silences::list).post(silences::add))
        .route("/api/v2/silence/{id}", get(silences::show).delete(silences::expire))
}
