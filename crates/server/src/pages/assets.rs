//! Scripts and styles, which browsers keep for good: their addresses change when they do.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_page::assets;

use crate::http::{ApiError, Path};

/// Serves one of them.
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let Some(asset) = assets::all().into_iter().find(|asset| asset.file_name() == file) else {
        return ApiError::new(StatusCode::NOT_FOUND, "there is no such file; reload the page").into_text();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.text).into_response()
}
