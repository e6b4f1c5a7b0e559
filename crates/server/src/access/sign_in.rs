//! Signing in and out, apart from how that looks.

use std::time::Instant;

use axum::http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::address::peer;
use super::service::AccessService;
use crate::http::{ApiError, Principal, Scope};

/// Whether an address is a path of this server, and so may be gone to after somebody signed in.
#[must_use]
pub(crate) fn is_local(next: &str) -> bool {
    let is_plain = next.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    next.starts_with('/') && !next.starts_with("//") && is_plain
}

/// Sends somebody who is not known to where people sign in, and back afterwards.
pub(super) fn redirect(method: &Method, uri: &Uri) -> Response {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    let next = if *method == Method::GET && is_local(next) { next } else { "/" };
    let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    see(&format!("/sign-in?next={encoded}"), None)
}

/// Sends a browser elsewhere, with another header if there is one.
#[must_use]
pub(crate) fn see(address: &str, with: Option<(HeaderName, &str)>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let location = HeaderValue::from_str(address).unwrap_or_else(|_| HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    let with = with.and_then(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)));
    with.map(|(name, value)| response.headers_mut().insert(name, value));
    response
}

/// Begins a session of whoever shows a token; returns the header that sets the cookie. A wrong token is answered after a
/// while.
///
/// # Errors
/// 401 for a wrong token, 403 for one that may not read, 429 for too many of them from one address.
pub(crate) async fn begin(
    service: &AccessService,
    extensions: &Extensions,
    token: &str,
) -> Result<String, ApiError> {
    let digest = lanner_core::content::digest(token.as_bytes());
    if let Some(principal) = service.tokens.principal_of(digest, service.now_ms()) {
        if !principal.may(Scope::Read) {
            return Err(cannot_read(&principal));
        }
        return service.sessions.begin(digest, Instant::now()).map_err(ApiError::internal);
    }
    let Some(held) = service.slow_down.wrong(peer(extensions), Instant::now()) else {
        let message = "too many wrong tokens from this address; wait, and check the token";
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, message));
    };
    tokio::time::sleep(held.wait).await;
    Err(ApiError::new(
        StatusCode::UNAUTHORIZED,
        "the token is invalid: it is unknown to this server, or was revoked",
    ))
}

/// Every page needs this scope; without it nobody could even sign out.
fn cannot_read(principal: &Principal) -> ApiError {
    let message = format!(
        "the token \"{}\" lacks the scope read, which the page needs; `lanner token create NAME --scope read` makes one that has it",
        principal.name()
    );
    ApiError::new(StatusCode::FORBIDDEN, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_to() {
        for next in ["/", "/rules/a%20b?group=x%3D1", "/switches"] {
            assert!(is_local(next), "{next}");
        }
        for next in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "rules",
            "/a\nb",
            "/\tevil",
            "javascript:alert(1)",
            "/ä",
        ] {
            assert!(!is_local(next), "{next}");
        }
    }

    #[test]
    fn who_is_not_known_comes_back() {
        #[track_caller]
        fn check(method: &Method, uri: &str, expected: &str) {
            let response = redirect(method, &uri.parse().unwrap());
            assert_eq!(response.headers()[header::LOCATION], expected, "{uri}");
        }
        check(&Method::GET, "/rules/x?group=a", "/sign-in?next=%2Frules%2Fx%3Fgroup%3Da");
        check(&Method::POST, "/silences/new", "/sign-in?next=%2F");
        check(&Method::GET, "//evil.example/x", "/sign-in?next=%2F");
    }
}
