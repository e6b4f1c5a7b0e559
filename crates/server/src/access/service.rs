//! The service that says who comes in.

use std::sync::Arc;
use std::time::Instant;

use lanner_io::state::{StateStore, StoreError};

use super::sessions::{Session, Sessions};
use super::slow_down::SlowDown;
use super::tokens::Tokens;
use crate::base::Base;
use crate::clock::Clock;
use crate::settings::live::InForce;

/// Knows who comes in: the tokens, and who showed wrong ones.
#[derive(Debug)]
pub struct AccessService {
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) live: Arc<InForce>,
    /// Whether only this machine can reach the server.
    pub(crate) is_local: bool,
    /// The tokens in force.
    pub(crate) tokens: Tokens,
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
            state: Arc::clone(&base.state),
            clock: base.clock(),
            live: Arc::clone(&base.live),
            is_local: base.settings.is_local(),
            slow_down: SlowDown::default(),
        })
    }

    /// Whether whoever signed in may still look: the session lasts, and so does the token behind it.
    pub(crate) fn still_knows(&self, session: Session) -> bool {
        self.sessions.lasts(session, Instant::now()) && self.tokens.has(session.token)
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
