//! Bodies and query strings of requests that write.

use std::collections::HashMap;
use std::io::Read as _;

use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;

use crate::http::{ApiError, too_large};

/// The body, decompressed when it says that it is gzip; at most `limit` bytes either way.
///
/// # Errors
/// 413 when it is too large, 400 when it is not gzip, 415 for another encoding.
pub(super) fn decoded(limit: usize, headers: &HeaderMap, body: Bytes) -> Result<Bytes, ApiError> {
    let encoding =
        headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    match encoding {
        "identity" | "" => Ok(body),
        "gzip" => {
            let mut plain = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(&body[..]).take(limit as u64 + 1);
            reader.read_to_end(&mut plain).map_err(|error| {
                ApiError::new(StatusCode::BAD_REQUEST, format!("the body is not gzip: {error}"))
            })?;
            if plain.len() > limit { Err(too_large(limit)) } else { Ok(plain.into()) }
        }
        other => {
            let message = format!("the content encoding \"{other}\" is not supported; send gzip or none");
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// Parameters of a query string, the last of each name.
#[must_use]
pub(super) fn parameters(query: Option<&str>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}
