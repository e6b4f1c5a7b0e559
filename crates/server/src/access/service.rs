//! The service that says who comes in.

use std::sync::Arc;
use std::time::Instant;

use lanner_io::state::{StateStore, StoreError};
use tokio::sync::Semaphore;

use super::sessions::{Session, Sessions};
use super::slow_down::SlowDown;
use super::tokens::Tokens;
use super::users::Users;
use crate::base::Base;
use crate::clock::Clock;
use crate::http::Principal;
use crate::settings::live::InForce;

/// Passwords that are tried at a time.
const MAX_HASHING: usize = 2;

/// Knows who comes in: tokens and users, and who showed wrong ones.
#[derive(Debug)]
pub struct AccessService {
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) live: Arc<InForce>,
    /// Whether only this machine can reach the server.
    pub(crate) is_local: bool,
    /// The tokens in force.
    pub(crate) tokens: Tokens,
    /// People with a name and a password.
    pub(super) users: Users,
    /// Each password that is tried takes memory, so few are at a time.
    pub(super) hashing: Semaphore,
    /// Addresses that showed wrong tokens.
    pub(crate) slow_down: SlowDown,
    /// People who signed in on the page.
    pub(crate) sessions: Sessions,
}

impl AccessService {
    /// With the token of the configuration, if there is one, and those that are stored.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(base: &Base, configured: Option<&str>) -> Result<Self, StoreError> {
        let is_outside_secure =
            base.settings.external_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        let is_secure = base.settings.tls.is_some() || is_outside_secure;
        Ok(Self {
            sessions: Sessions::new(is_secure).map_err(|detail| StoreError::Database { detail })?,
            tokens: Tokens::open(&*base.state, configured, &base.settings.token_name)?,
            users: Users::open(&*base.state)?,
            hashing: Semaphore::new(MAX_HASHING),
            state: Arc::clone(&base.state),
            clock: base.clock(),
            live: Arc::clone(&base.live),
            is_local: base.settings.is_local(),
            slow_down: SlowDown::default(),
        })
    }

    /// Whether whoever signed in may still look: the session lasts, and so does the token behind it.
    pub(crate) fn still_knows(&self, session: Session) -> bool {
        let stands = self.tokens.has(session.stands_for) || self.users.of(session.stands_for).is_some();
        self.sessions.lasts(session, Instant::now()) && stands
    }

    /// Who signed in, while what they showed is in force.
    pub(super) fn principal_of(&self, session: Session) -> Option<Principal> {
        let by_token = self.tokens.principal_of(session.stands_for, self.now_ms());
        by_token.or_else(|| Some(self.users.of(session.stands_for)?.principal.clone()))
    }

    /// Whether callers have to say who they are: as soon as there is a token or a user.
    #[must_use]
    pub(crate) fn is_closed(&self) -> bool {
        self.tokens.are_wanted() || self.users.is_any()
    }

    /// Whether people sign in with names and passwords.
    #[must_use]
    pub(crate) fn has_users(&self) -> bool {
        self.users.is_any()
    }

    /// Whether a session is of somebody who has a password.
    #[must_use]
    pub(crate) fn has_password(&self, session: Option<Session>) -> bool {
        session.is_some_and(|session| self.users.of(session.stands_for).is_some())
    }

    /// Whether somebody can manage this server.
    #[must_use]
    pub(crate) fn has_admin(&self) -> bool {
        self.tokens.has_admin() || self.users.has_admin()
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
