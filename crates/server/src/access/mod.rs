//! Access control: one layer in front of every route.
//!
//! ```text
//!  request ─▶ shows a token? ─ right ──────────────────────────▶ principal ─▶ scope of the route? ─▶ handler
//!                  │           └ wrong ─▶ 401, the later the more often
//!                  └ none ─ tokens wanted? ─ yes ─▶ 401
//!                                          └ no ──▶ sent by a page of others? ─ no ─▶ anonymous ─▶ handler
//!                                                                             └ yes ─▶ 403, 415
//! ```
//!
//! As soon as one token exists, `server.token` or one made with `lanner token`, every request needs one. Without any, the
//! server listens on loopback only, and everything on this machine is trusted, but not what web pages have a browser
//! send there: [`browser`]. Reading order: [`admit`], `principal`, `routes` (which route needs what), [`tokens`].

pub(crate) mod browser;
mod changes;
pub(crate) mod cors;
mod credentials;
pub(crate) mod handlers;
mod routes;
pub(crate) mod service;
pub(crate) mod slow_down;
pub mod tokens;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use self::browser::Asked;
use self::credentials::Shown;
use self::routes::Need;
use self::service::AccessService;
use crate::http::{ApiError, Principal, Scope};
use crate::metrics::METRICS;

/// Lets a request pass, with its [`Principal`] among its extensions, or answers why not.
pub(crate) async fn admit(
    State(service): State<Arc<AccessService>>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = Route::of(&request);
    let origin =
        cors::allowed(request.headers(), &service.live.get().cors).filter(|_| route.is_shared()).cloned();
    if let (Some(origin), true) = (&origin, route.is_question) {
        return cors::preflight(request.headers(), origin);
    }
    let address = address(&request);
    let mut response = match principal(&service, &request, &route, origin.is_some()) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(denied) => {
            METRICS.http_refused.inc();
            match denied {
                Denied::Because(why) => why.into_response(),
                Denied::NoToken => {
                    unauthorized("this server requires a token; send the header Authorization: Bearer TOKEN")
                }
                Denied::WrongToken => wrong_token(&service, address).await,
            }
        }
    };
    // What a browser was not told to be a script or a page is none.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(origin) = origin {
        cors::share(&mut response, &origin);
    }
    response
}

/// Where a request goes.
struct Route {
    /// The path as the router has it; empty where there is none.
    path: String,
    need: Need,
    /// Whether a browser only asks whether it may send the request.
    is_question: bool,
}

impl Route {
    fn of(request: &Request) -> Self {
        let path = request.extensions().get::<MatchedPath>().map_or("", |path| path.as_str()).to_owned();
        let asked = cors::asked_about(request.method(), request.headers());
        let method: &Method = asked.as_ref().unwrap_or_else(|| request.method());
        Self { need: routes::need(method, &path), is_question: asked.is_some(), path }
    }

    fn is_gate(&self) -> bool {
        self.path.starts_with("/gate")
    }

    /// Whether pages of other origins may ask here, if the configuration lists them.
    fn is_shared(&self) -> bool {
        self.need == Need::Scope(Scope::Evaluate) && !self.is_gate()
    }
}

/// Why a request does not come in.
enum Denied {
    NoToken,
    WrongToken,
    Because(ApiError),
}

impl From<ApiError> for Denied {
    fn from(why: ApiError) -> Self {
        Self::Because(why)
    }
}

/// Who sends a request, if that may come in.
fn principal(
    service: &AccessService,
    request: &Request,
    route: &Route,
    is_shared: bool,
) -> Result<Principal, Denied> {
    let are_wanted = service.tokens.are_wanted();
    let is_write = route.path == "/write" || route.path == "/api/v2/write";
    let query = request.uri().query().filter(|_| is_write);
    let shown = credentials::shown(request.headers(), query).filter(|_| are_wanted);
    let asked = Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        is_gate: route.is_gate(),
        takes_forms: routes::takes_forms(&route.path, route.need),
        is_shared,
    };
    let Some(Shown { token, is_automatic }) = shown else {
        if are_wanted && route.need != Need::Nothing {
            return Err(Denied::NoToken);
        }
        // Load balancers ask under any name.
        let is_probe = route.need == Need::Nothing && !browser::is_browser(request.headers());
        if !is_probe {
            browser::check(asked, &service.live.get().home)?;
        }
        return Ok(Principal::anonymous(request.headers()));
    };
    let principal = service.tokens.principal(&token, service.now_ms()).ok_or(Denied::WrongToken)?;
    if is_automatic {
        browser::check_page(asked, &service.live.get().home)?;
    }
    authorize(&principal, route)?;
    Ok(principal)
}

/// The scope that a token needs for a route, if it needs a token.
#[cfg(feature = "openapi")]
pub(crate) fn scope(method: &Method, path: &str) -> Option<&'static str> {
    match routes::need(method, path) {
        Need::Nothing => None,
        Need::Scope(scope) => Some(scope.name()),
    }
}

fn authorize(principal: &Principal, route: &Route) -> Result<(), ApiError> {
    let Need::Scope(scope) = route.need else { return Ok(()) };
    // What does not exist is told to everybody who comes in.
    if principal.may(scope) || route.path.is_empty() {
        return Ok(());
    }
    let message = format!("the token \"{}\" may not do this: it lacks the scope {scope}", principal.name());
    Err(ApiError::new(StatusCode::FORBIDDEN, message))
}

fn address(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())
}

/// The answer to a wrong token, after a while.
async fn wrong_token(service: &AccessService, address: IpAddr) -> Response {
    let Some(held) = service.slow_down.wrong(address, Instant::now()) else {
        let message = "too many wrong tokens from this address; wait, and check the token";
        return ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(5).into_response();
    };
    tokio::time::sleep(held.wait).await;
    unauthorized("the token is invalid: it is unknown to this server, or was revoked")
}

fn unauthorized(message: &str) -> Response {
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, message).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
