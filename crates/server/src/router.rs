//! All routes of HTTP, behind the one layer that says who comes in.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};

use crate::api::{operations, routes, unnamed};
use crate::services::Services;
use crate::switches::gate;
use crate::{access, alertmanager, export, graphite, intake, pages, seyren};

/// Every route, behind the one layer that says who comes in.
pub(crate) fn router(services: Services) -> Router {
    let looks = Arc::new(pages::Looks::new(services.clone()));
    all(Some(looks))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&services.access), access::admit))
        .with_state(services)
}

/// The routes alone.
/// - `looks`: what open pages share; `None` where nobody is served
pub(crate) fn all(looks: Option<Arc<pages::Looks>>) -> Router<Services> {
    routes::described()
        .merge(unnamed::routes())
        .route("/gate", any(gate::gate))
        .route("/gate/", any(gate::gate_ok))
        .route("/gate/{*path}", any(gate::gate_ok))
        .route("/write", post(intake::handlers::write_samples))
        .route("/api/v1/write", post(intake::remote_write::write))
        .route("/v1/metrics", post(intake::otlp::write_metrics))
        .route("/v1/logs", post(intake::otlp::write_logs))
        .route("/v1/traces", post(intake::otlp::write_spans))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/metrics/alerts", get(export::shown::alerts))
        .merge(pages::routes(looks))
        .merge(graphite::routes())
        .merge(seyren::routes())
        .merge(alertmanager::routes())
        .route("/api/openapi.json", get(describe))
}

async fn describe() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], routes::DOCUMENT)
}
