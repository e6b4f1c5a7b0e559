//! The service that says who comes in.

use std::sync::Arc;
use std::time::Instant;

use lanner_io::remote::Problem;
use lanner_io::state::{StateStore, StoreError};
use tokio::sync::Semaphore;

use super::openid::Through;
use super::sessions::{Session, Sessions};
use super::slow_down::SlowDown;
use super::tokens::Tokens;
use super::users::{User, Users};
use crate::base::Base;
use crate::clock::Clock;
use crate::http::{Principal, Scope};
use crate::settings::Settings;
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
    /// The provider that people sign in through.
    pub(crate) through: Option<Through>,
    /// Whether people reach the server by HTTPS.
    is_secure: bool,
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
            through: None,
            is_secure,
        })
    }

    /// Lets people sign in through the provider of the configuration, if there is one.
    ///
    /// # Errors
    /// When its secret or its file of certificates cannot be read.
    pub(crate) fn with_provider(mut self, settings: &Settings) -> Result<Self, Problem> {
        let openid = settings.openid.clone();
        self.through = openid.map(|openid| Through::new(openid, self.is_secure)).transpose()?;
        Ok(self)
    }

    /// Where people reach this server, as the one who asks does if the configuration does not say.
    #[must_use]
    pub(crate) fn home(&self, host: Option<&str>) -> String {
        let external = self.live.get().external_url.clone();
        let scheme = if self.is_secure { "https" } else { "http" };
        let here = || format!("{scheme}://{}", host.unwrap_or("127.0.0.1"));
        external.map_or_else(here, |url| url.trim_end_matches('/').to_owned())
    }

    /// Whether whoever signed in may still look: the session lasts, and so does the token behind it.
    pub(crate) fn still_knows(&self, session: Session) -> bool {
        // What a token may do stays as it is; of users it can be changed.
        let may_look = |user: Arc<User>| user.principal.may(Scope::Read);
        let stands = self.tokens.has(session.stands_for)
            || self.users.of(session.stands_for).is_some_and(may_look)
            || self.sessions.person(session).is_some();
        self.sessions.lasts(session, Instant::now()) && stands
    }

    /// Who signed in, while what they showed is in force.
    pub(super) fn principal_of(&self, session: Session) -> Option<Principal> {
        let by_token = self.tokens.principal_of(session.stands_for, self.now_ms());
        let by_password = || Some(self.users.of(session.stands_for)?.principal.clone());
        by_token.or_else(by_password).or_else(|| self.sessions.person(session))
    }

    /// Whether callers have to say who they are: as soon as there is a token, a user or a provider.
    #[must_use]
    pub(crate) fn is_closed(&self) -> bool {
        self.tokens.are_wanted() || self.users.is_any() || self.through.is_some()
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

    /// The provider's host, where it said who began a session.
    #[must_use]
    pub(crate) fn provider_of(&self, session: Option<Session>) -> Option<String> {
        let _ = self.sessions.person(session?)?;
        Some(self.through.as_ref()?.host())
    }

    /// Whether somebody can manage this server.
    #[must_use]
    pub(crate) fn has_admin(&self) -> bool {
        self.tokens.has_admin() || self.users.has_admin() || self.provider_has_admin()
    }

    /// Whether anybody may manage this server who signs in through the provider.
    pub(super) fn provider_has_admin(&self) -> bool {
        self.through.as_ref().is_some_and(Through::has_admin)
    }

    /// As [`Self::has_admin`], without the user of this name.
    #[must_use]
    pub(super) fn has_admin_beside(&self, user: &str) -> bool {
        let is_other = |it: &User| it.principal.name() != user && it.scopes.contains(&Scope::Admin);
        self.tokens.has_admin()
            || self.provider_has_admin()
            || self.users.all().iter().any(|user| is_other(user))
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
