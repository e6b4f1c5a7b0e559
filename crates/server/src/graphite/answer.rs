//! Answers as Graphite gives them.

use crate::http;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A plain text.
pub(super) fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    answer(status, "text/plain; charset=utf-8", text)
}

/// What is wrong with a request, answered in the form that Graphite has for it.
#[derive(Debug)]
pub(super) struct Invalid(pub(super) String);

impl Invalid {
    pub(super) fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        text(StatusCode::BAD_REQUEST, format!("Invalid parameters ({})", self.0))
    }
}

/// An answer of this content type.
pub(super) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Runs `work`, which reads the store, where it may block.
pub(super) async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match http::blocking(work).await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!("a Graphite request panicked: {panic}");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the request was aborted; the server's log says more")
        }
    }
}
