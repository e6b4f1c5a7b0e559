//! Signing in through a provider: going there, and coming back.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_page::sign_in as page;

use super::answer::{Done, Html};
use super::fields::Fields;
use super::sign_in::{asked, next};
use crate::access::openid::{Brought, Through};
use crate::access::sign_in::{begin_through, see};
use crate::http::ApiError;
use crate::services::Services;

/// Sends somebody to the provider.
pub(super) async fn begin(State(services): State<Services>, headers: HeaderMap, fields: Fields) -> Done {
    let through = through(&services)?;
    let home = home(&services, &headers);
    match through.begin(&home, next(&fields), services.access.now_ms()).await {
        Ok((address, cookie)) => Ok(see(&address, Some((header::SET_COOKIE, &cookie)))),
        Err(why) => Ok(failed(&services, &fields, &why)),
    }
}

/// Takes what they bring back.
pub(super) async fn finish(State(services): State<Services>, headers: HeaderMap, fields: Fields) -> Done {
    let through = through(&services)?;
    let issuer = fields.some("iss");
    let brought = Brought {
        code: fields.get("code"),
        state: fields.get("state"),
        issuer: issuer.as_deref(),
        error: fields.get("error"),
    };
    let home = home(&services, &headers);
    let (mut response, cookie) =
        match begin_through(&services.access, through, &headers, &home, brought).await {
            Ok((next, cookie)) => (Html(page::done(&next)).into_response(), Some(cookie)),
            Err(why) => (failed(&services, &fields, &why), None),
        };
    // One sign-in, one try.
    for cookie in cookie.into_iter().chain([through.forget()]) {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

fn through(services: &Services) -> Result<&Through, ApiError> {
    services.access.through.as_ref().ok_or_else(|| {
        let message = "nobody signs in through a provider here; the configuration has no server.openid";
        ApiError::new(StatusCode::NOT_FOUND, message)
    })
}

fn home(services: &Services, headers: &HeaderMap) -> String {
    services.access.home(headers.get(header::HOST).and_then(|host| host.to_str().ok()))
}

/// The form for signing in, with what went wrong above it.
fn failed(services: &Services, fields: &Fields, why: &ApiError) -> Response {
    let problem = why.lines().into_iter().next();
    (why.status(), Html(page::form(&asked(services, fields, problem)))).into_response()
}
