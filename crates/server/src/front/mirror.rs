//! What a server with the role api knows: the switches, and where requests are to be handed on to.
//!
//! It asks the state again and again. What it read last stays in force while the state is away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lanner_io::http::Forward;
use lanner_io::postgresql::PostgreSqlState;
use lanner_io::state::StoreError;

use crate::http::blocking;
use crate::shutdown::Shutdown;
use crate::switches::service::SwitchService;
use crate::sync::locked;

/// How often it is looked whether something has changed.
const EVERY: Duration = Duration::from_millis(250);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Mirror {
    state: Arc<PostgreSqlState>,
    pub(super) switches: Arc<SwitchService>,
    pub(super) forward: Forward,
    known: Mutex<Known>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Known {
    /// Where the server is that notifies, if one has said so.
    place: Option<String>,
    /// Why nothing later could be read.
    problem: Option<String>,
}

impl Mirror {
    pub(super) fn new(state: Arc<PostgreSqlState>, switches: Arc<SwitchService>, forward: Forward) -> Self {
        Self { state, switches, forward, known: Mutex::default() }
    }

    /// Where the server is that notifies, if one has said so.
    pub(super) fn place(&self) -> Option<String> {
        locked(&self.known).place.clone()
    }

    /// Why it does not know what is in force now.
    pub(super) fn problem(&self) -> Option<String> {
        locked(&self.known).problem.clone().or_else(|| self.switches.problem())
    }

    /// Reads what has changed.
    fn look(&self) -> Result<(), StoreError> {
        self.switches.catch_up()?;
        let place = self.state.noted_place()?;
        *locked(&self.known) = Known { place, problem: None };
        Ok(())
    }
}

/// Follows what others change, until the server stops.
pub(super) async fn follow(mirror: Arc<Mirror>, shutdown: Arc<Shutdown>) {
    while !shutdown.has_begun() {
        let shared = Arc::clone(&mirror);
        match blocking(move || shared.look()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let why = format!("switches and the server that notifies are not known for now: {error}");
                if locked(&mirror.known).problem.replace(why.clone()).is_none() {
                    tracing::warn!("{why}");
                }
            }
            Err(panic) => tracing::error!("following switches broke off: {panic}"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.begun() => {}
        }
    }
}
