//! The other requests of Seyren clients, besides checks and alerts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_graphite::{Request, parse_as_graphite};
use serde_json::{Value, json};

use crate::configuration::service::ConfigurationService;
use crate::expressions::Expressions;
use crate::http::{ApiError, Json, Path, blocking};

/// What a client should know.
pub(super) async fn config(State(service): State<Arc<ConfigurationService>>) -> Json<Value> {
    let url = service
        .live
        .get()
        .external_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", service.settings.listen));
    Json(json!({ "baseUrl": url, "graphsEnabled": false }))
}

/// How many series an expression gives.
pub(super) async fn total(
    State(service): State<Arc<Expressions>>,
    Path(target): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let done = blocking(move || {
        let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST, message);
        let all = |problems: Vec<lanner_graphite::Problem>| {
            wrong(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        let expr = parse_as_graphite(&target).map_err(all)?;
        let source = service.source()?;
        let now_s = service.now_ms() / 1000;
        let request = Request::new(&source, now_s, service.zone.clone());
        let series =
            request.evaluate(&expr, now_s - 660, now_s - 60).map_err(|problem| wrong(problem.to_string()))?;
        Ok(Json(Value::Object([(target, series.len().into())].into_iter().collect())))
    });
    done.await?
}

/// Pictures are not drawn here.
pub(super) async fn no_pictures() -> ApiError {
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "pictures are not drawn here; ask /render for the numbers")
}
