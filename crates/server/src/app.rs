//! What everything shares: the store, the engine, the measures, and who is woken.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use lanner_engine::Engine;
use lanner_engine::stream::Measures;
use lanner_io::store::{Retention, Store};

use crate::access::{SlowDown, Tokens};
use crate::deliver::Deliveries;
use crate::graphite::PathsCache;
use crate::history::History;
use crate::late_samples::LateSamples;
use crate::lateness::Latenesses;
use crate::limits::Limits;
use crate::outgoing::Outgoing;
use crate::reload::{InForce, Reloads};
use crate::settings::Settings;
use crate::stored::SetAside;
use crate::switches::Switches;
use crate::watch::Watch;

/// A lock that stays usable after a panic elsewhere: what it guards is valid between any two steps.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What everything shares.
pub struct App {
    /// What can be set.
    pub settings: Settings,
    /// The store.
    pub store: Store,
    /// What it keeps.
    pub retention: Arc<Retention>,
    /// Held from the moment the engine moves until what it changed is written, so that changes are written in
    /// the order in which they were made.
    pub turns: Mutex<()>,
    /// The engine.
    pub engine: Mutex<Engine>,
    /// What is counted as events arrive.
    pub counting: Counting,
    /// What may be kept of what was measured.
    pub history: History,
    /// Samples that came after they should have been learned.
    pub late_samples: LateSamples,
    /// How late events come.
    pub lateness: Latenesses,
    /// When the server was there to receive.
    pub watch: Watch,
    /// The kill switches in force.
    pub switches: Switches,
    /// The workers that send messages.
    pub deliveries: Deliveries,
    /// The messages that they send.
    pub outgoing: Arc<Outgoing>,
    /// Wakes the loop.
    pub alarm: Arc<Alarm>,
    /// Rules with more groups than they may have.
    pub limits: Limits,
    /// How far the prefill of new rules is, by rule.
    pub prefills: Mutex<BTreeMap<Arc<str>, Prefill>>,
    /// One change of rules at a time; held while one is checked, written and put in force, and never while a past is
    /// counted. Switches have a lock of their own.
    pub changing_rules: tokio::sync::Mutex<()>,
    /// Whether a change was stored that is not in force: reading it back failed.
    pub is_behind: AtomicBool,
    /// Settings that change while the server runs.
    pub live: InForce,
    /// Who reads the configuration file again.
    pub reloads: Reloads,
    /// Stored documents that are not in force.
    pub set_aside: SetAside,
    /// Requests that write.
    pub writers: Arc<tokio::sync::Semaphore>,
    /// The names of all series, as Graphite sees them.
    pub paths: PathsCache,
    /// When the loop last finished a turn, milliseconds since the Unix epoch.
    pub last_turn_ms: AtomicI64,
    /// Why the loop is stuck, if it is.
    pub stuck: Mutex<Option<String>>,
    /// Why the store's upkeep fails, if it does.
    pub upkeep_failed: Mutex<Option<String>>,
    /// Why the last heartbeat was not taken, if so.
    pub heartbeat_failed: Mutex<Option<String>>,
    /// What was done since the start.
    pub ingested: Ingested,
    /// When the server started, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// The tokens in force.
    pub tokens: Tokens,
    /// Addresses that showed wrong tokens.
    pub slow_down: SlowDown,
}

impl App {
    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.settings.clock.now_ms()
    }

    /// The engine, locked.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        locked(&self.engine)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Measures, and the gate that lets registration see no event between store and measures.
#[derive(Debug)]
pub struct Counting {
    gate: RwLock<()>,
    measures: Mutex<Measures>,
    first_ms: Mutex<HashMap<Arc<str>, i64>>,
}

impl Counting {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(seed: u64, first_ms: HashMap<Arc<str>, i64>) -> Self {
        Self {
            gate: RwLock::default(),
            measures: Mutex::new(Measures::new(seed)),
            first_ms: Mutex::new(first_ms),
        }
    }

    /// Held while events go from the store's acknowledgement to the measures.
    pub fn passing(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while measures are registered and the snapshot of stored events is taken.
    pub fn closed(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The measures, locked.
    pub fn measures(&self) -> MutexGuard<'_, Measures> {
        locked(&self.measures)
    }

    /// Notes the earliest event of a batch.
    pub fn note_first(&self, stream: &Arc<str>, time_ms: i64) {
        let mut first = locked(&self.first_ms);
        match first.get_mut(stream) {
            Some(first_ms) => *first_ms = time_ms.min(*first_ms),
            None => {
                first.insert(stream.clone(), time_ms);
            }
        }
    }

    /// The names of the streams that have events.
    #[must_use]
    pub fn streams(&self) -> Vec<Arc<str>> {
        locked(&self.first_ms).keys().cloned().collect()
    }

    /// The time of a stream's first event, milliseconds since the Unix epoch.
    #[must_use]
    pub fn first_ms(&self, stream: &str) -> Option<i64> {
        locked(&self.first_ms).get(stream).copied()
    }
}

/// What was done since the start, for `/api/v1/status`.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Samples taken.
    pub samples: AtomicU64,
    /// Events taken.
    pub events: AtomicU64,
    /// Lines refused.
    pub rejected: AtomicU64,
    /// Evaluations made.
    pub evaluations: AtomicU64,
}

/// How far the prefill of a rule is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prefill {
    /// Windows measured.
    pub done: u64,
    /// Windows to measure.
    pub total: u64,
    /// Whether it is over.
    pub finished: bool,
}

/// Wakes the loop: early when there is news, for good when the server stops.
#[derive(Debug, Default)]
pub struct Alarm {
    rung: Mutex<bool>,
    changed: Condvar,
    settled_ms: Mutex<i64>,
    settled: Condvar,
    stopping: tokio::sync::watch::Sender<bool>,
}

impl Alarm {
    /// Wakes the loop.
    pub fn ring(&self) {
        *locked(&self.rung) = true;
        self.changed.notify_all();
    }

    /// Ends the loop after its current turn.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
        self.ring();
    }

    /// Whether the loop is to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Comes when the loop, and everything beside it, is to end.
    pub async fn stopped(&self) {
        // Fails only when the alarm is gone, and then it is over as well.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Notes that all that was due by `time_ms`, milliseconds since the Unix epoch, is evaluated and written.
    pub(crate) fn settle(&self, time_ms: i64) {
        *locked(&self.settled_ms) = time_ms;
        self.settled.notify_all();
    }

    /// Waits until all that was due by `time_ms` is evaluated and written, or for `at_most`; says which.
    pub(crate) fn wait_settled(&self, time_ms: i64, at_most: Duration) -> bool {
        let settled_ms = locked(&self.settled_ms);
        let waited = self.settled.wait_timeout_while(settled_ms, at_most, |settled_ms| *settled_ms < time_ms);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until woken, or for `at_most`.
    pub fn wait(&self, at_most: Duration) {
        let rung = locked(&self.rung);
        let waited = self.changed.wait_timeout_while(rung, at_most, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}
