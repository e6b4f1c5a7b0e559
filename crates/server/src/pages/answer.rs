//! Answers to browsers: pages, errors as pages, and the headers that keep both to themselves.

use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use lanner_page::frame;
use lanner_wire::api::ErrorBody;

use crate::access::sign_in::see;
use crate::http::ApiError;

/// Nothing is loaded from elsewhere, nothing inline runs, and nobody frames a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// A page.
#[derive(Debug)]
pub(super) struct Html(pub(super) String);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], self.0).into_response()
    }
}

/// An error that is shown as a page, with the fields of the form that was sent in vain.
#[derive(Debug)]
pub(super) struct Failed(pub(super) ApiError, pub(super) Vec<(String, String)>);

impl<E: Into<ApiError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into(), Vec::new())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0.status(), Html(frame::failure(&self.0.lines(), &self.1))).into_response()
    }
}

/// What a page's handler comes to.
pub(super) type Shown = Result<Html, Failed>;

/// What a form's handler comes to: mostly, another page to go to.
pub(super) type Done = Result<Response, Failed>;

/// Sends a browser to a page of this server, so that a form is not sent again with the next reload.
pub(super) fn go(address: &str) -> Response {
    see(address, None)
}

/// Adds what protects every answer. What is refused before a page's handler is asked, such as a name that is no UTF-8, becomes a page.
pub(super) async fn protected(mut response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == "application/json") {
        let (status, body) = (response.status(), to_bytes(response.into_body(), MAX_REFUSAL_BYTES).await);
        let refusal: Option<ErrorBody> = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
        let why = refusal.map_or_else(|| "this cannot be read".to_owned(), |refusal| refusal.error);
        response = Failed::from(ApiError::new(status, why)).into_response();
    }
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: forms would be sent with the origin `null`.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
