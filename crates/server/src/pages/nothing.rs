//! Where nothing is: a page for who looks with a browser, JSON for programs.

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::answer::{Failed, protected};
use crate::access::browser::wants_page;
use crate::http::{self, ApiError};

pub(crate) async fn not_found(headers: HeaderMap, uri: Uri) -> Response {
    if !wants_page(&headers) {
        return http::not_found(uri).await.into_response();
    }
    let path: String = uri.path().chars().take(200).collect();
    page(StatusCode::NOT_FOUND, format!("There is no page at {path}.")).await
}

pub(crate) async fn method_not_allowed(headers: HeaderMap, method: Method, uri: Uri) -> Response {
    if !wants_page(&headers) {
        return http::method_not_allowed(method, uri).await.into_response();
    }
    let path: String = uri.path().chars().take(200).collect();
    page(StatusCode::METHOD_NOT_ALLOWED, format!("{path} is not a page: forms are sent there.")).await
}

async fn page(status: StatusCode, why: String) -> Response {
    protected(Failed::from(ApiError::new(status, why)).into_response()).await
}
