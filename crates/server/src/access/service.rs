//! The service that says who comes in.

use std::sync::Arc;

use lanner_io::state::{StateStore, StoreError};

use super::sessions::Sessions;
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
        let is_secure = base.settings.tls.is_some();
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

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
