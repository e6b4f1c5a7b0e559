//! The HTTP API: one [list of routes](routes), a file for each group of them.
//!
//! Types are `lanner-wire`'s; what they mean is documented there and in the OpenAPI document, which is made
//! from the same list.

pub mod alerts;
pub mod data;
pub mod messages;
pub mod operations;
pub mod replay;
mod review;
pub mod routes;
pub mod rules;
pub mod silences;

mod error;
mod unnamed;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};

pub use error::{ApiError, Json, Received, problem_view};

use crate::app::App;
use crate::auth;
use crate::graphite;
use crate::ingest;
use crate::seyren;

/// Every route.
pub fn router(app: &Arc<App>) -> Router {
    let router = routes::described()
        .merge(unnamed::routes())
        .merge(crate::switches::gates())
        .route("/write", post(ingest::influx::write))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/", get(operations::front))
        .merge(graphite::routes())
        .merge(seyren::routes())
        .route("/api/openapi.json", get(describe))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed);
    let router = match &app.token {
        Some(_) => router.layer(middleware::from_fn_with_state(Arc::clone(app), auth::require_token)),
        None => router,
    };
    router.with_state(Arc::clone(app))
}

async fn describe() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], routes::DOCUMENT)
}
