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
//! As soon as one token or user exists, `server.token` or one made with `lanner token` or `lanner user`, every request needs a token
//! or a session. Without any, the server listens on loopback only, and everything on this machine is trusted, but not what web pages
//! have a browser send there: [`browser`]. People sign in on the page with a token, or with a name and a password, and their browser
//! shows a cookie from then on ([`sessions`]); or a provider says who they are ([`openid`]). Reading order: [`admit`], `principal`,
//! `routes` (which route needs what), [`tokens`], [`users`].

mod address;
pub(crate) mod browser;
mod changes;
pub(crate) mod cors;
mod credentials;
pub(crate) mod following;
pub(crate) mod handlers;
pub(crate) mod openid;
mod passwords;
mod routes;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod slow_down;
pub mod tokens;
mod user_changes;
pub(crate) mod user_handlers;
mod users;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use self::browser::Asked;
use self::credentials::Shown;
use self::routes::Need;
use self::service::AccessService;
use self::sessions::Session;
use crate::http::{ApiError, Principal, Scope};
use crate::metrics::METRICS;

/// Says that a request comes from a server that others can reach, and that hands it on.
pub(crate) const FROM_OUTSIDE: HeaderName = HeaderName::from_static("x-lanner-from-outside");

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
    let address = address::peer(request.extensions());
    let is_page = route.is_page() || route.is_nowhere() && browser::wants_page(request.headers());
    let mut response = match principal(&service, &request, &route, origin.is_some()) {
        Ok(Caller { principal, session }) => {
            request.extensions_mut().insert(principal);
            session.map(|session| request.extensions_mut().insert(session));
            next.run(request).await
        }
        Err(denied) => {
            METRICS.http_refused.inc();
            match denied {
                Denied::Because(why) if is_page => why.into_text(),
                Denied::Because(why) => why.into_response(),
                Denied::NoToken if is_page => {
                    sign_in::redirect(request.method(), request.uri(), request.headers())
                }
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

    /// Whether this is a page for people, who show cookies and send forms.
    fn is_page(&self) -> bool {
        routes::is_page(&self.path)
    }

    /// Whether no route is at the path.
    fn is_nowhere(&self) -> bool {
        self.path.is_empty()
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

/// Who sends a request, and the session that said so.
struct Caller {
    principal: Principal,
    session: Option<Session>,
}

/// Who sends a request, if that may come in.
fn principal(
    service: &AccessService,
    request: &Request,
    route: &Route,
    is_shared: bool,
) -> Result<Caller, Denied> {
    let are_wanted = service.is_closed();
    if !are_wanted && route.need != Need::Nothing && request.headers().contains_key(FROM_OUTSIDE) {
        let why = "the request was handed on by a server that other machines can reach, and this one asks nobody for a token; give \
                   both the same server.token, or make one with `lanner token create NAME --scope admin`";
        return Err(ApiError::new(StatusCode::FORBIDDEN, why).into());
    }
    let is_write = route.path == "/write" || route.path == "/api/v2/write";
    let query = request.uri().query().filter(|_| is_write);
    let shown = credentials::shown(request.headers(), query).filter(|_| are_wanted);
    let asked = Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        is_gate: route.is_gate(),
        takes_forms: routes::takes_forms(&route.path, route.need),
        is_page: route.is_page(),
        is_shared,
    };
    let Some(Shown { token, is_automatic }) = shown else {
        if let Some(caller) = signed_in(service, request, route).filter(|_| are_wanted) {
            browser::check_page(asked, &service.live.get().home)?;
            authorize(&caller.principal, route)?;
            return Ok(caller);
        }
        if are_wanted && route.need != Need::Nothing {
            return Err(Denied::NoToken);
        }
        // Load balancers ask under any name.
        let is_probe = route.need == Need::Nothing && !browser::is_browser(request.headers());
        if !is_probe {
            browser::check(asked, &service.live.get().home)?;
        }
        return Ok(Caller { principal: Principal::anonymous(request.headers()), session: None });
    };
    let principal = service.tokens.principal(&token, service.now_ms()).ok_or(Denied::WrongToken)?;
    if is_automatic {
        browser::check_page(asked, &service.live.get().home)?;
    }
    authorize(&principal, route)?;
    Ok(Caller { principal, session: None })
}

/// Whether a request to a route comes in, as far as can be said before anything of its body is read.
#[cfg(feature = "grpc")]
pub(crate) fn comes_in(service: &AccessService, request: &Request, path: &str) -> bool {
    let need = routes::need(request.method(), path);
    principal(service, request, &Route { path: path.to_owned(), need, is_question: false }, false).is_ok()
}

/// Whoever signed in on the page, while the token or the password that they showed is in force.
fn signed_in(service: &AccessService, request: &Request, route: &Route) -> Option<Caller> {
    let session = service.sessions.find(request.headers(), Instant::now()).filter(|_| route.is_page())?;
    let principal = service.principal_of(session)?;
    Some(Caller { principal, session: Some(session) })
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
    let message = format!("\"{}\" may not do this, as it lacks the scope {scope}", principal.name());
    Err(ApiError::new(StatusCode::FORBIDDEN, message))
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
