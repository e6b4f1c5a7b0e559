//! What everything shares: the store, the engine, the measures, and who is woken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, MutexGuard};

use lanner_engine::Engine;
use lanner_io::store::{Retention, Store};

use crate::access::{SlowDown, Tokens};
use crate::configuration::reload::{InForce, Reloads};
use crate::documents::SetAside;
use crate::evaluate::limits::Limits;
use crate::evaluate::watch::Watch;
use crate::expressions::PathsCache;
use crate::intake::Ingested;
use crate::intake::history::History;
use crate::intake::late_samples::LateSamples;
use crate::intake::lateness::Latenesses;
use crate::intake::measures::Counting;
use crate::notify::outgoing::Outgoing;
use crate::notify::workers::Deliveries;
use crate::rules::Prefill;
use crate::settings::Settings;
use crate::switches::Switches;
use crate::sync::locked;
use crate::wakeup::Alarm;

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
