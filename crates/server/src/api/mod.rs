//! The HTTP API: one [list of routes](mod@routes), a file for each group of them.
//!
//! Types are `lanner-wire`'s; what they mean is documented there and in the OpenAPI document, which is made
//! from the same list.

pub mod alerts;
pub mod data;
#[cfg(feature = "openapi")]
mod describe;
pub mod messages;
pub mod operations;
pub mod replay;
mod review;
pub mod routes;
mod unnamed;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::access;
use crate::app::App;
use crate::graphite;
use crate::http::{method_not_allowed, not_found};
use crate::intake;
use crate::seyren;

/// Every route, behind the one layer that says who comes in.
pub fn router(app: &Arc<App>) -> Router {
    routes()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(app), access::admit))
        .with_state(Arc::clone(app))
}

/// The routes alone.
pub(crate) fn routes() -> Router<Arc<App>> {
    routes::described()
        .merge(unnamed::routes())
        .merge(crate::switches::gates())
        .route("/write", post(intake::lines::write))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/", get(operations::front))
        .merge(graphite::routes())
        .merge(seyren::routes())
        .route("/api/openapi.json", get(describe))
}

async fn describe() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], routes::DOCUMENT)
}
