//! Bodies of requests: bounded, and JSON with messages for people.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use lanner_wire::api::ProblemView;
use serde::de::DeserializeOwned;

use super::{ApiError, Json, too_large};
use crate::settings::live::InForce;

/// A body of bounded length, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Received
where
    Arc<InForce>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(mut request: Request<Body>, state: &S) -> Result<Self, ApiError> {
        // Here and not as a layer, which would cost every request.
        let max_body_bytes = Arc::<InForce>::from_ref(state).get().max_body_bytes;
        DefaultBodyLimit::max(max_body_bytes).apply(&mut request);
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(max_body_bytes),
            status => ApiError::new(status, "the body could not be read"),
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T>
where
    Arc<InForce>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, ApiError> {
        let Received(bytes) = Received::from_request(request, state).await?;
        // serde would take a list for the fields in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let message = "the body is a JSON list; this endpoint expects an object";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let problem = ProblemView {
        line: Some(error.line() as u64),
        column: Some(error.column() as u64),
        message,
        ..ProblemView::default()
    };
    ApiError::unreadable_body(problem)
}
