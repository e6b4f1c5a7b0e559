//! In whose name evaluation writes: of everything, of what is not shared out, or of shards.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use lanner_core::{Alert, Changes};
use lanner_engine::engine::Part;
use lanner_engine::{Engine, Rule};
use lanner_io::postgresql::PostgreSqlState;
use lanner_io::postgresql::sharing::{Unshared, Work};
use lanner_io::receiver::host_name;
use lanner_io::state::{Claim, LoadedState, Receipt, Shards, StateStore, StoreError};

use super::held::HeldShards;
use crate::base::Base;
use crate::settings::Roles;
use crate::sync::locked;

/// The kind of documents that rules are.
const RULE: &str = "rule";

/// What this server owns, and writes.
#[derive(Debug)]
pub(crate) enum Owner {
    /// Nothing: in the folder nothing may change.
    Nothing,
    /// Every rule, once that could be written.
    Everything(Mutex<Option<Claim>>),
    /// What is not shared out.
    Unshared(Center),
    /// Shards.
    Shards(HeldShards),
}

/// What is not shared out, and what is known of the rest.
#[derive(Debug)]
pub(crate) struct Center {
    pub(crate) state: Arc<PostgreSqlState>,
    claim: Unshared,
    /// Who shares the work, as it was seen last; nobody before that.
    pub(crate) work: Mutex<Work>,
}

impl Owner {
    /// Takes over what this server is to own, and the engine for it with what the state holds.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn open(base: &Base) -> Result<(Self, Engine), StoreError> {
        let elsewhere = base.elsewhere.as_ref().map(|elsewhere| Arc::clone(&elsewhere.state));
        match (base.settings.roles, elsewhere) {
            (Roles::Worker, Some(state)) => {
                Ok((Self::Shards(HeldShards::new(state)), Engine::of(Part::Worker)))
            }
            (Roles::ApiNotify, Some(state)) => share_out(base, state),
            _ => everything(base),
        }
    }

    /// Writes what the engine changed and drops the news that it took, without waiting.
    ///
    /// # Errors
    /// As [`StateStore::apply_claimed`].
    pub(super) fn submit(
        &self,
        state: &dyn StateStore,
        changes: Arc<Changes>,
        taken: &Arc<[i64]>,
    ) -> Result<Receipt, StoreError> {
        match self {
            // Refused, with the reason; a worker writes shard by shard.
            Self::Nothing | Self::Shards(_) => state.apply(changes),
            Self::Unshared(center) => center.state.apply_unshared(center.claim, changes, Arc::clone(taken)),
            Self::Everything(held) => {
                let known = *locked(held);
                let claim = match known {
                    Some(claim) => claim,
                    None => *locked(held).insert(claim(state)?),
                };
                state.apply_claimed(claim, changes)
            }
        }
    }
}

fn everything(base: &Base) -> Result<(Owner, Engine), StoreError> {
    let state = &*base.state;
    let owner = if base.settings.read_only {
        Owner::Nothing
    } else {
        match claim(state) {
            // Written before anything else is.
            Err(StoreError::DiskFull) => Owner::Everything(Mutex::new(None)),
            claimed => Owner::Everything(Mutex::new(Some(claimed?))),
        }
    };
    let mut engine = Engine::new();
    let LoadedState { alerts, cursors } = state.load(Shards::All)?;
    engine.restore(alerts, cursors, state.load_notification_log()?);
    Ok((owner, engine))
}

fn share_out(base: &Base, state: Arc<PostgreSqlState>) -> Result<(Owner, Engine), StoreError> {
    let read = |found: &lanner_io::state::StoredDocument| {
        Rule::from_json(found.document.as_ref()?, found.version).ok()?.located(base.sources.streams()).ok()
    };
    let rules = state.documents(RULE)?;
    let shared = rules.iter().filter_map(read).filter(Rule::is_shared).map(|rule| rule.id.to_string());
    let claim = state.share_out(&whoever_this_is(), shared.collect(), &base.sources.all_names())?;
    let mut engine = Engine::of(Part::Notifier);
    let LoadedState { alerts, cursors } = state.load_unshared()?;
    let own: HashSet<&Arc<str>> = alerts.iter().map(|alert| &alert.rule).collect();
    let all = state.load(Shards::All)?.alerts;
    let of_others: Vec<Alert> = all.into_iter().filter(|alert| !own.contains(&alert.rule)).collect();
    engine.restore_shared(&of_others);
    engine.restore(alerts, cursors, state.load_notification_log()?);
    Ok((Owner::Unshared(Center { state, claim, work: Mutex::default() }), engine))
}

fn claim(state: &dyn StateStore) -> Result<Claim, StoreError> {
    state.claim(Shards::All, &whoever_this_is())?.wait()
}

/// This server, for people.
pub(crate) fn whoever_this_is() -> String {
    let host = host_name().map_or_else(String::new, |host| format!(" on {host}"));
    format!("process {}{host}", std::process::id())
}
