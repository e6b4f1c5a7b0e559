//! The outbox as the workers see it: the store's, and what the store cannot write at the moment.
//!
//! On a full disk, or when the database of the state is away, people are notified all the same. Messages that were decided and cannot be written are held here and
//! sent; what became of messages, and cannot be written either, is kept until it can. Should the server be killed
//! meanwhile, it works the same messages out again, with the same keys, so that each comes at most once more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use lanner_core::time::format_time;
use lanner_core::{DeliveryOutcome, Notification};
use lanner_engine::notify::Route;
use lanner_io::receiver::{Due, Next, Outbox, OutboxError};
use lanner_io::state::{Receipt, StateStore, StoreError};

use crate::sync::locked;
use crate::wakeup::Wakeup;

/// Messages on their way out.
pub(crate) struct Outgoing {
    store: Arc<dyn StateStore>,
    wakeup: Arc<Wakeup>,
    state: Mutex<State>,
    /// The receivers that are muted at times, and when.
    muted: Mutex<HashMap<Arc<str>, Route>>,
}

#[derive(Debug, Default)]
struct State {
    /// Messages that are not written yet, by key.
    unwritten: BTreeMap<String, Notification>,
    /// What became of messages and is not written yet, by key.
    fates: BTreeMap<String, Fate>,
    /// What became of messages, for the engine.
    outcomes: Vec<(String, DeliveryOutcome)>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("state", &self.state).finish_non_exhaustive()
    }
}

/// What became of a message and is not written yet.
#[derive(Debug, Clone)]
enum Fate {
    Sent { at_ms: i64, remark: Option<String> },
    Failed { at_ms: i64, error: String, next: Next, n_failed: u32 },
}

impl Outgoing {
    /// The messages of `store`. `wakeup` is rung when the engine has something to learn.
    #[must_use]
    pub(crate) fn new(store: Arc<dyn StateStore>, wakeup: Arc<Wakeup>) -> Self {
        Self { store, wakeup, state: Mutex::default(), muted: Mutex::default() }
    }

    /// Notes when receivers are muted.
    pub(crate) fn set_routes(&self, routes: &[Route]) {
        let is_ever = |route: &&Route| !route.mute.is_empty() || !route.active.is_empty();
        let muted = routes.iter().filter(is_ever).map(|route| (Arc::clone(&route.receiver), route.clone()));
        *locked(&self.muted) = muted.collect();
    }

    /// Until when a receiver is muted, if it is.
    fn muted_until_ms(&self, receiver: &str, now_ms: i64) -> Option<i64> {
        let phase = locked(&self.muted).get(receiver)?.mute_phase(now_ms);
        phase.holds.then_some(phase.time.end_ms)
    }

    /// Takes a message back that nobody took before its receiver was muted: what is still true is said when that is over.
    async fn take_back(&self, message: &Due, now_ms: i64, until_ms: i64) -> Result<(), OutboxError> {
        let key = &message.notification.key;
        let why =
            format!("the receiver is muted until {}; what still holds is sent then", format_time(until_ms));
        tracing::info!(receiver = &*message.notification.receiver, key, "not tried again: {why}");
        self.failed(key, now_ms, &why, Next::Refused).await
    }

    /// Has messages sent that cannot be written.
    pub(crate) fn hold(&self, messages: &[Notification]) {
        let mut state = locked(&self.state);
        for message in messages {
            state.unwritten.entry(message.key.clone()).or_insert_with(|| message.clone());
        }
    }

    /// Notes that messages are written.
    pub(crate) fn written(&self, messages: &[Notification]) {
        let mut state = locked(&self.state);
        if !state.unwritten.is_empty() {
            messages.iter().for_each(|message| drop(state.unwritten.remove(&message.key)));
        }
    }

    /// What became of messages since the last call.
    #[must_use]
    pub(crate) fn take_outcomes(&self) -> Vec<(String, DeliveryOutcome)> {
        std::mem::take(&mut locked(&self.state).outcomes)
    }

    fn came_to(&self, key: &str, outcome: DeliveryOutcome) {
        locked(&self.state).outcomes.push((key.to_owned(), outcome));
        self.wakeup.ring();
    }

    /// Writes what became of a message, or keeps it until it can be written.
    async fn record(&self, key: &str, fate: Fate) -> Result<(), OutboxError> {
        let is_written = !locked(&self.state).unwritten.contains_key(key);
        let noted = if is_written { self.write(key, &fate).await } else { Err(StoreError::DiskFull) };
        match noted {
            // Nobody waits for a message that is gone.
            Ok(()) | Err(StoreError::NotFound { .. }) => {
                locked(&self.state).fates.remove(key);
                Ok(())
            }
            Err(StoreError::Closed) => Err(StoreError::Closed.into()),
            Err(_) => {
                locked(&self.state).fates.insert(key.to_owned(), fate);
                Ok(())
            }
        }
    }

    async fn write(&self, key: &str, fate: &Fate) -> Result<(), StoreError> {
        let receipt: Receipt = match fate {
            Fate::Sent { at_ms, remark } => self.store.outbox_sent(key, *at_ms, remark.as_deref())?,
            Fate::Failed { at_ms, error, next, .. } => self.store.outbox_failed(key, *at_ms, error, *next)?,
        };
        receipt.await
    }

    /// Writes what could not be written before, as far as it can be now.
    async fn catch_up(&self) {
        let ready: Vec<(String, Fate)> = {
            let state = locked(&self.state);
            let written = state.fates.iter().filter(|(key, _)| !state.unwritten.contains_key(*key));
            written.map(|(key, fate)| (key.clone(), fate.clone())).collect()
        };
        for (key, fate) in ready {
            match self.write(&key, &fate).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => drop(locked(&self.state).fates.remove(&key)),
                Err(_) => return,
            }
        }
    }
}

impl State {
    /// What of a message is to be sent at `now_ms`, as far as it is known here.
    fn due(&self, message: Due, now_ms: i64) -> Option<Due> {
        match self.fates.get(&message.notification.key) {
            None => Some(message),
            Some(Fate::Failed { next: Next::TryAgain { at_ms }, n_failed, .. }) if *at_ms <= now_ms => {
                Some(Due { n_failed: *n_failed, ..message })
            }
            Some(_) => None,
        }
    }
}

impl Outbox for Outgoing {
    async fn due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<Due>, OutboxError> {
        self.catch_up().await;
        let n_fates = locked(&self.state).fates.len();
        let stored = match self.store.outbox_due(receiver, now_ms, limit.saturating_add(n_fates)) {
            // What was decided here is sent all the same.
            Err(error) if error.passes() && !locked(&self.state).unwritten.is_empty() => Vec::new(),
            stored => stored?,
        };
        let stored =
            stored.into_iter().map(|it| Due { notification: it.notification, n_failed: it.attempts });
        let due: Vec<Due> = {
            let state = locked(&self.state);
            let held = state.unwritten.values().filter(|message| &*message.receiver == receiver);
            let held = held.map(|message| Due { notification: message.clone(), n_failed: 0 });
            stored.chain(held).filter_map(|message| state.due(message, now_ms)).take(limit).collect()
        };
        let Some(until_ms) = self.muted_until_ms(receiver, now_ms) else { return Ok(due) };
        // What was decided just before is on its way.
        let (again, first): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|due| due.n_failed > 0);
        for message in &again {
            self.take_back(message, now_ms, until_ms).await?;
        }
        Ok(first)
    }

    async fn sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<(), OutboxError> {
        self.record(key, Fate::Sent { at_ms: now_ms, remark: remark.map(str::to_owned) }).await?;
        self.came_to(key, DeliveryOutcome::Delivered);
        Ok(())
    }

    async fn failed(&self, key: &str, now_ms: i64, error: &str, next: Next) -> Result<(), OutboxError> {
        let n_failed = match locked(&self.state).fates.get(key) {
            Some(Fate::Failed { n_failed, .. }) => n_failed.saturating_add(1),
            _ => 1,
        };
        self.record(key, Fate::Failed { at_ms: now_ms, error: error.to_owned(), next, n_failed }).await?;
        match next {
            Next::TryAgain { .. } => {}
            Next::Refused => self.came_to(key, DeliveryOutcome::Refused),
            Next::GiveUp => self.came_to(key, DeliveryOutcome::GivenUp),
        }
        Ok(())
    }
}
