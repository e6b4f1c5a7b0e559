//! Who may call: on loopback anybody on this machine, elsewhere whoever shows the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::ApiError;
use crate::app::App;
use crate::metrics::METRICS;

/// Paths that tell nothing worth protecting, for load balancers.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Lets a request pass when it shows the token as `Authorization: Bearer ...` (or
/// `Token ...`, as InfluxDB's clients write it), or as `X-API-Key`, as OpenFeature's do.
pub async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(token) = &app.token else { return next.run(request).await };
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let shown = shown.strip_prefix("Bearer ").or_else(|| shown.strip_prefix("Token "));
    let key = || request.headers().get("x-api-key").and_then(|value| value.to_str().ok());
    let shown = shown.or_else(key).unwrap_or_default();
    if OPEN.contains(&request.uri().path()) || same(shown.as_bytes(), token.as_bytes()) {
        return next.run(request).await;
    }
    METRICS.http_refused.inc();
    let message = "this server wants a token; send the header Authorization: Bearer TOKEN";
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, message).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

/// Compares in time that depends on the length of what was shown only.
fn same(shown: &[u8], token: &[u8]) -> bool {
    let mut difference = u8::from(shown.len() != token.len());
    for (at, byte) in shown.iter().enumerate() {
        difference |= byte ^ token[at % token.len().max(1)];
    }
    difference == 0 && !token.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_compare_whole() {
        assert!(same(b"secret", b"secret"));
        for shown in [&b""[..], b"secre", b"secrets", b"Secret"] {
            assert!(!same(shown, b"secret"));
        }
    }
}
