//! Signing in and out, apart from how that looks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::address::peer;
use super::openid::{Brought, Through};
use super::service::AccessService;
use super::user_changes;
use super::users::User;
use crate::http::{ApiError, Principal, Scope, blocking};

/// Whether an address is a path of this server, and so may be gone to after somebody signed in.
#[must_use]
pub(crate) fn is_local(next: &str) -> bool {
    let is_plain = next.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    next.starts_with('/') && !next.starts_with("//") && is_plain
}

/// In the query of the page for signing in: what is sent there was meant for another one.
pub(crate) const UNSENT: &str = "unsent=1";

/// Sends somebody who is not known to where people sign in, and back afterwards. A form goes there with what is in it, so that
/// it can be shown: who wrote for an hour is not signed in any more.
pub(super) fn redirect(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let is_form = *method == Method::POST;
    // A form comes from the page that it is on.
    let page = headers.get(header::REFERER).and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
    let page = if is_form { page } else { Some(uri.clone()) };
    let next = page.as_ref().and_then(Uri::path_and_query).map_or("/", |path| path.as_str());
    let next = if is_local(next) { next } else { "/" };
    let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    if !is_form {
        return see(&format!("/sign-in?next={encoded}"), None);
    }
    let mut response = see(&format!("/sign-in?{UNSENT}&next={encoded}"), None);
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response
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

/// What somebody signs in with.
pub(crate) enum Shown<'a> {
    /// A token.
    Token(&'a str),
    /// A name and a password.
    Password {
        /// The name.
        name: &'a str,
        /// The password, as it was typed.
        password: &'a str,
    },
}

/// Begins a session of whoever shows something right; returns the header that sets the cookie. What the browser showed before ends. A
/// wrong answer comes after a while, and does not say which part was wrong.
///
/// # Errors
/// 401 for what is wrong, 403 for whoever may not read, 429 for too many tries from one address.
pub(crate) async fn begin(
    service: &AccessService,
    (headers, extensions): (&HeaderMap, &Extensions),
    shown: Shown<'_>,
) -> Result<String, ApiError> {
    let address = peer(extensions);
    let (principal, stands_for) = match shown {
        Shown::Token(token) => {
            let digest = lanner_core::content::digest(token.as_bytes());
            let Some(principal) = service.tokens.principal_of(digest, service.now_ms()) else {
                return Err(wrong(service, address, WRONG_TOKEN).await);
            };
            (principal, digest)
        }
        Shown::Password { name, password } => {
            let user = right(service, address, name, password).await?;
            user.note_sign_in(service.now_ms());
            (user.principal.clone(), user.stamp)
        }
    };
    if !principal.may(Scope::Read) {
        return Err(cannot_read(&principal));
    }
    let _ = service.sessions.end(service.sessions.find(headers, Instant::now()));
    service.sessions.begin(stands_for, Instant::now()).map_err(ApiError::internal)
}

/// Begins a session of whoever comes back from the provider; returns where they wanted to go, and the header that sets the cookie.
///
/// # Errors
/// 401, 403 and 502, see [`Through::finish`].
pub(crate) async fn begin_through(
    service: &AccessService,
    through: &Through,
    headers: &HeaderMap,
    home: &str,
    brought: Brought<'_>,
) -> Result<(String, String), ApiError> {
    let (principal, next) = through.finish(headers, home, brought, service.now_ms()).await?;
    let _ = service.sessions.end(service.sessions.find(headers, Instant::now()));
    tracing::info!("\"{}\" signed in through {}", principal.name(), through.host());
    let cookie = service.sessions.begin_as(principal, Instant::now()).map_err(ApiError::internal)?;
    Ok((next, cookie))
}

const WRONG_TOKEN: &str = "the token is invalid: it is unknown to this server, or was revoked";
const WRONG_PASSWORD: &str = "the name or the password is wrong";

/// The user of this name, if the password is theirs. A name that nobody has takes the same work.
async fn right(
    service: &AccessService,
    address: IpAddr,
    name: &str,
    password: &str,
) -> Result<Arc<User>, ApiError> {
    let Some(work) = service.slow_down.work(address, Instant::now()) else { return Err(too_many()) };
    let user = service.users.get(name);
    let hashed = user.as_ref().map_or_else(|| service.users.nobody.clone(), |user| user.password.clone());
    let tried = password.to_owned();
    let turn = service.hashing.acquire().await;
    let is_right = blocking(move || hashed.is(&tried)).await?;
    drop((turn, work));
    match user.filter(|_| is_right) {
        Some(user) => Ok(user),
        None => Err(wrong(service, address, WRONG_PASSWORD).await),
    }
}

/// Gives whoever signed in with a password another one. All their sessions end; returns the header that begins a new one.
///
/// # Errors
/// 401 for a wrong password, 409 for whoever has none, 422 for one that is too easy, 429.
pub(crate) async fn change_password(
    service: &AccessService,
    extensions: &Extensions,
    principal: &Principal,
    (old, new): (&str, String),
) -> Result<String, ApiError> {
    let name = principal.name();
    right(service, peer(extensions), name, old).await.map_err(|why| match why.status() {
        StatusCode::UNAUTHORIZED => ApiError::new(StatusCode::UNAUTHORIZED, "the present password is wrong"),
        _ => why,
    })?;
    user_changes::set_password(service, principal, name, Some(new)).await?;
    let user = service.users.get(name).ok_or_else(|| ApiError::not_found("user", name))?;
    service.sessions.begin(user.stamp, Instant::now()).map_err(ApiError::internal)
}

/// Why nobody is signed in, after a while.
async fn wrong(service: &AccessService, address: IpAddr, message: &str) -> ApiError {
    let Some(held) = service.slow_down.wrong(address, Instant::now()) else { return too_many() };
    tokio::time::sleep(held.wait).await;
    ApiError::new(StatusCode::UNAUTHORIZED, message)
}

fn too_many() -> ApiError {
    let message = "too many wrong tries from this address; wait, and check what you typed";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, message)
}

/// Every page needs this scope; without it nobody could even sign out.
fn cannot_read(principal: &Principal) -> ApiError {
    let message = format!(
        "\"{}\" lacks the scope read, which the page needs; an administrator gives it with `lanner token create NAME --scope read` or \
         `lanner user add NAME --scope read`",
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
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, HeaderValue::from_static("http://127.0.0.1:9797/edit?rule=a"));
            let response = redirect(method, &uri.parse().unwrap(), &headers);
            assert_eq!(response.headers()[header::LOCATION], expected, "{uri}");
            let keeps_the_form = response.status() == StatusCode::TEMPORARY_REDIRECT;
            assert_eq!(keeps_the_form, *method == Method::POST, "{uri}");
        }
        check(&Method::GET, "/rules/x?group=a", "/sign-in?next=%2Frules%2Fx%3Fgroup%3Da");
        check(&Method::POST, "/edit", "/sign-in?unsent=1&next=%2Fedit%3Frule%3Da");
        check(&Method::GET, "//evil.example/x", "/sign-in?next=%2F");
    }
}
