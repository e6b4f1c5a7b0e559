//! Graphite's HTTP API over the store, so that Grafana and other Graphite clients can query Lanner.
//!
//! Reading order: `paths` (the tree of names and the tags), `source` (series as the expression language wants
//! them), then one file a group of routes. Answers are Graphite's, down to its error texts' form: plain text, so
//! that Grafana shows what is wrong.

mod answer;
mod events;
mod find;
mod parameters;
mod picture;
mod render;
mod tags;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use lanner_graphite::catalogue;

use self::answer::text;
use self::parameters::Parameters;
use crate::http::Path;
use crate::services::Services;

/// What Grafana keys its features on.
const VERSION: &str = "1.1.10\n";

/// The routes. Graphite answers each with and without a slash at its end.
pub(crate) fn routes() -> Router<Services> {
    let both = |router: Router<Services>, path: &str, method: axum::routing::MethodRouter<Services>| {
        router.route(path, method.clone()).route(&format!("{path}/"), method)
    };
    let mut router = Router::new();
    for (path, method) in [
        ("/render", get(render::render).post(render::render)),
        ("/metrics/find", get(find::find).post(find::find)),
        ("/metrics/expand", get(find::expand).post(find::expand)),
        ("/metrics/index.json", get(find::index)),
        ("/functions", get(functions)),
        ("/functions/{name}", get(function)),
        ("/version", get(async || text(StatusCode::OK, VERSION))),
        ("/tags", get(tags::tags)),
        ("/tags/findSeries", get(tags::find_series).post(tags::find_series)),
        ("/tags/autoComplete/tags", get(tags::complete_tags).post(tags::complete_tags)),
        ("/tags/autoComplete/values", get(tags::complete_values).post(tags::complete_values)),
        ("/tags/tagSeries", post(tags::tag_series)),
        ("/tags/tagMultiSeries", post(tags::tag_multi_series)),
        ("/tags/delSeries", post(tags::delete_series)),
        ("/tags/{tag}", get(tags::tag)),
        ("/events", post(events::add)),
        ("/events/get_data", get(events::list)),
    ] {
        router = both(router, path, method);
    }
    router
}

/// `/functions`: what can be asked, as the editor of queries wants it.
async fn functions(parameters: Parameters) -> Response {
    let by_group = parameters.is_set("grouped");
    parameters.json(catalogue::functions(by_group, parameters.last("group")))
}

/// `/functions/{name}`: one of them.
async fn function(Path(name): Path<String>, parameters: Parameters) -> Response {
    match catalogue::function(&name) {
        Some(function) => parameters.json(function),
        None => text(StatusCode::NOT_FOUND, format!("Function not found: {name}")),
    }
}
