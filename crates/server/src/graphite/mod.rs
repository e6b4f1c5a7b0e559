//! Graphite's HTTP API over the store, so that Grafana and other Graphite clients can query Lanner.
//!
//! Reading order: `paths` (the tree of names and the tags), `source` (series as the expression language wants
//! them), then one file a group of routes. Answers are Graphite's, down to its error texts' form: plain text, so
//! that Grafana shows what is wrong.

mod events;
mod find;
mod parameters;
mod picture;
mod render;
mod tags;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lanner_graphite::catalogue;
use lanner_wire::render::json::is_callback;

use crate::app::App;
use crate::http;
use crate::http::Path;
use parameters::Parameters;

/// What Grafana keys its features on.
const VERSION: &str = "1.1.10\n";

/// The routes. Graphite answers each with and without a slash at its end.
pub fn routes() -> Router<Arc<App>> {
    let both = |router: Router<Arc<App>>, path: &str, method: axum::routing::MethodRouter<Arc<App>>| {
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
    json(&parameters, catalogue::functions(by_group, parameters.last("group")))
}

/// `/functions/{name}`: one of them.
async fn function(Path(name): Path<String>, parameters: Parameters) -> Response {
    match catalogue::function(&name) {
        Some(function) => json(&parameters, function),
        None => text(StatusCode::NOT_FOUND, format!("Function not found: {name}")),
    }
}

/// A plain text.
fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    answer(status, "text/plain; charset=utf-8", text)
}

/// What is wrong with a request, answered in the form that Graphite has for it.
#[derive(Debug)]
struct Invalid(String);

impl Invalid {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        text(StatusCode::BAD_REQUEST, format!("Invalid parameters ({})", self.0))
    }
}

/// JSON; a call of a function where `jsonp` names one.
fn json(parameters: &Parameters, json: impl Into<String>) -> Response {
    let json = json.into();
    match parameters.last("jsonp").filter(|name| is_callback(name)) {
        Some(name) => answer(StatusCode::OK, "text/javascript", format!("{name}({json})")),
        None => answer(StatusCode::OK, "application/json", json),
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Runs `work`, which reads the store, where it may block.
async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match http::blocking(work).await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!("a Graphite request panicked: {panic}");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the request was aborted; the server's log says more")
        }
    }
}
