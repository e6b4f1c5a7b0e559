//! The HTTP API: one list of routes, a file for each group of them.
//!
//! Types are `lanner-wire`'s; what they mean is documented there and in the OpenAPI document, which is made
//! from the same list.

pub mod alerts;
pub mod data;
pub mod messages;
pub mod operations;
pub mod replay;
mod review;
pub mod rules;
pub mod silences;

mod error;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use error::{ApiError, Json, Received};

use crate::app::App;
use crate::auth;
use crate::graphite;
use crate::ingest;
use crate::seyren;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Lanner",
    description = "Finds what is unusual in metrics and events, and tells people.",
    license(name = "Apache-2.0")
))]
struct Document;

/// Every route.
pub fn router(app: &Arc<App>) -> Router {
    let api = OpenApiRouter::with_openapi(Document::openapi());
    let (router, document) = api
        .merge(data_routes())
        .merge(rule_routes())
        .merge(people_routes())
        .merge(crate::switches::routes())
        .split_for_parts();
    let document = Arc::new(document);
    let router = router
        .route("/write", post(ingest::influx::write))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/", get(operations::front))
        .merge(graphite::routes())
        .merge(seyren::routes())
        .route("/api/openapi.json", get(async move || Json(document)))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed);
    let router = match &app.token {
        Some(_) => router.layer(middleware::from_fn_with_state(Arc::clone(app), auth::require_token)),
        None => router,
    };
    router.with_state(Arc::clone(app))
}

fn data_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(ingest::influx::write))
        .routes(routes!(ingest::events::write))
        .routes(routes!(data::streams))
        .routes(routes!(data::series))
        .routes(routes!(data::query))
        .routes(routes!(data::export))
        .routes(routes!(data::export_events))
        .routes(routes!(operations::backup))
        .routes(routes!(operations::audit))
        .routes(routes!(operations::status))
}

fn rule_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(rules::apply))
        .routes(routes!(rules::check))
        .routes(routes!(rules::list))
        .routes(routes!(rules::show, rules::delete))
        .routes(routes!(rules::history))
        .routes(routes!(replay::replay))
}

fn people_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::evaluations))
        .routes(routes!(silences::list, silences::add))
        .routes(routes!(silences::expire))
        .routes(routes!(messages::receivers))
        .routes(routes!(messages::test))
        .routes(routes!(messages::outbox))
        .routes(routes!(messages::retry))
}
