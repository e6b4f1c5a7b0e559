//! Signing in through a provider of OpenID Connect.
//!
//! ```text
//!  /sign-in/openid ─▶ cookie with a secret, and the provider with what is derived of it ─▶ … the provider …
//!                                                                                             │
//!  /sign-in/openid/done ◀── code and state; state is derived of the cookie? ─▶ claims ─▶ name and scopes ─▶ session
//! ```
//!
//! Nothing is held between the two: state, nonce and verifier are derived of the cookie by a key of this process. So whoever comes back is
//! the browser that went, and nobody fills the memory by going and not coming back.

mod attempt;
mod mapping;

use axum::http::{HeaderMap, StatusCode};
use lanner_io::openid::{OpenIdError, Relying};
use lanner_io::remote::Problem;

use self::attempt::Attempts;
use self::mapping::Mapping;
use crate::http::{ApiError, Principal};
use crate::settings::openid::OpenId;

/// Where people are sent back to.
pub(crate) const DONE: &str = "/sign-in/openid/done";

/// A provider that people sign in through.
#[derive(Debug)]
pub(crate) struct Through {
    relying: Relying,
    mapping: Mapping,
    attempts: Attempts,
}

/// What a browser brings back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought<'a> {
    pub(crate) code: &'a str,
    pub(crate) state: &'a str,
    /// Who says that it sends this, if it says so.
    pub(crate) issuer: Option<&'a str>,
    /// What went wrong there; empty for nothing.
    pub(crate) error: &'a str,
}

impl Through {
    /// With what the configuration says.
    ///
    /// # Errors
    /// When the secret or the file of certificates cannot be read, or there are no random bytes.
    pub(super) fn new(settings: OpenId, is_secure: bool) -> Result<Self, Problem> {
        let attempts = Attempts::new(is_secure).map_err(|why| Problem::new("", why))?;
        let mapping = Mapping::from(&settings);
        Ok(Self { relying: Relying::new(settings.provider)?, mapping, attempts })
    }

    /// The provider, for people.
    pub(crate) fn host(&self) -> String {
        self.relying.host()
    }

    /// Whether anybody may manage this server who comes from there.
    pub(super) fn has_admin(&self) -> bool {
        self.mapping.has_admin()
    }

    /// Sends somebody to the provider: the address, and the header that sets the cookie.
    /// - `home`: where people reach this server
    /// - `next`: where they wanted to go, a path of this server
    ///
    /// # Errors
    /// 502 when the provider does not answer.
    pub(crate) async fn begin(
        &self,
        home: &str,
        next: &str,
        now_ms: i64,
    ) -> Result<(String, String), ApiError> {
        let begun = self.attempts.begin(next, now_ms).map_err(ApiError::internal)?;
        let redirect_uri = format!("{home}{DONE}");
        let address =
            self.relying.address(begun.derived.attempt(&redirect_uri), &begun.derived.challenge()).await;
        Ok((address.map_err(|error| told(&error))?, begun.cookie))
    }

    /// Who somebody is that comes back, and where they wanted to go.
    ///
    /// # Errors
    /// 401 for what is not believed, 403 for whoever may do nothing here, 502 when the provider does not answer.
    pub(crate) async fn finish(
        &self,
        headers: &HeaderMap,
        home: &str,
        brought: Brought<'_>,
        now_ms: i64,
    ) -> Result<(Principal, String), ApiError> {
        let Some(begun) = self.attempts.find(headers, brought.state, now_ms) else {
            let message =
                "this sign-in was begun in another browser, in another tab, or too long ago; sign in again";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, message));
        };
        if !brought.error.is_empty() || brought.code.is_empty() {
            let said: String = brought.error.chars().filter(|c| !c.is_control()).take(100).collect();
            let message = format!("{} did not sign you in: {said}", self.host());
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, message));
        }
        let redirect_uri = format!("{home}{DONE}");
        let attempt = begun.derived.attempt(&redirect_uri);
        let claims =
            self.relying.claims(brought.code, brought.issuer, attempt).await.map_err(|error| told(&error))?;
        let forbidden = |why| ApiError::new(StatusCode::FORBIDDEN, why);
        let principal = mapping::person(&self.mapping, &claims).map_err(forbidden)?;
        Ok((principal, begun.next))
    }

    /// The header that takes the cookie of a sign-in away.
    pub(crate) fn forget(&self) -> String {
        self.attempts.forget()
    }
}

/// What went wrong, as an answer.
fn told(error: &OpenIdError) -> ApiError {
    tracing::warn!("signing in through OpenID Connect: {error}");
    let status = match error {
        OpenIdError::Provider(_) => StatusCode::BAD_GATEWAY,
        OpenIdError::Refused(_) => StatusCode::UNAUTHORIZED,
    };
    ApiError::new(status, error.to_string())
}
