//! The service that evaluates rules.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};

use lanner_core::{Alert, AlertState, Changes, Group};
use lanner_engine::Engine;
use lanner_engine::engine::Part;
use lanner_io::data::DataStore;
use lanner_io::postgresql::sharing::Work;
use lanner_io::state::{Receipt, StateStore, StoreError};

use super::limits::Limits;
use super::owner::Owner;
use super::pulse::{self, Pulse};
use super::watch::Watch;
use super::written::Publisher;
use crate::base::Base;
use crate::clock::Clock;
use crate::expressions::Expressions;
use crate::intake::service::IntakeService;
use crate::models::service::ModelService;
use crate::notify::workers::DeliveryService;
use crate::replaced::Replaced;
use crate::shutdown::Shutdown;
use crate::sources::Sources;
use crate::sync::locked;
use crate::wakeup::Wakeup;

/// Evaluates rules: holds the engine, and what the loop around it knows.
#[derive(Debug)]
pub struct EvaluationService {
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) state: Arc<dyn StateStore>,
    /// In whose name it writes.
    pub(crate) owner: Owner,
    clock: Clock,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Whether another server has taken over.
    pub(crate) replaced: Arc<Replaced>,
    /// Wakes the loop.
    pub wakeup: Arc<Wakeup>,
    /// Held from the moment the engine moves until what it changed is written, so that changes are written in
    /// the order in which they were made.
    pub(crate) turns: Mutex<()>,
    engine: Mutex<Engine>,
    /// Rules with more groups than they may have.
    pub(crate) limits: Limits,
    /// When the server was there to receive.
    pub(crate) watch: Watch,
    pulse: Arc<Pulse>,
    /// Tells of what was written.
    pub(crate) written: Publisher,
    /// When the loop last came round, milliseconds since the Unix epoch.
    pub(crate) last_turn_ms: AtomicI64,
    /// Whether data is received while the loop is stuck: where state is kept elsewhere.
    pub(super) receives_while_stuck: bool,
    /// Why the loop is stuck, if it is.
    pub stuck: Mutex<Option<String>>,
    /// Evaluations made since the start.
    pub(crate) n_evaluations: AtomicU64,
    /// What is counted as events arrive.
    pub(crate) intake: Arc<IntakeService>,
    /// The store as expressions read it.
    pub(crate) expressions: Arc<Expressions>,
    /// Servers elsewhere that queries ask.
    pub(crate) sources: Arc<Sources>,
    /// Trained detectors that queries ask.
    pub(crate) models: Arc<ModelService>,
    /// Who sends what was decided.
    pub(crate) delivery: Arc<DeliveryService>,
}

impl EvaluationService {
    /// Takes up alerts, cursors and messages where the store left them; rules come later.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(
        base: &Base,
        wakeup: Arc<Wakeup>,
        intake: Arc<IntakeService>,
        expressions: Arc<Expressions>,
        models: Arc<ModelService>,
        delivery: Arc<DeliveryService>,
    ) -> Result<Self, StoreError> {
        let (state, clock) = (Arc::clone(&base.state), base.clock());
        let now_ms = clock.now_ms();
        let watch = Watch::load(&*state)?;
        let (owner, mut engine) = Owner::open(base)?;
        if engine.part() != Part::Worker {
            // What a source elsewhere holds is there, whoever was away.
            engine.set_gaps(watch.gaps());
        }
        engine.set_silences(&state.silences()?, now_ms);
        for key in engine.under_way().map(str::to_owned).collect::<Vec<_>>() {
            // The server stopped between the two writes.
            if let Some(outcome) = state.outbox_outcome(&key)? {
                engine.settle(now_ms, &key, outcome);
            }
        }
        Ok(Self {
            data: Arc::clone(&base.data),
            state,
            owner,
            clock,
            shutdown: Arc::clone(&base.shutdown),
            replaced: Arc::clone(&base.replaced),
            wakeup,
            turns: Mutex::default(),
            engine: Mutex::new(engine),
            limits: Limits::default(),
            watch,
            pulse: Arc::default(),
            written: Publisher::default(),
            last_turn_ms: AtomicI64::new(now_ms),
            receives_while_stuck: base.elsewhere.is_some(),
            stuck: Mutex::default(),
            n_evaluations: AtomicU64::default(),
            intake,
            expressions,
            sources: Arc::clone(&base.sources),
            models,
            delivery,
        })
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Writes what the engine changed, and waits until it is durable.
    ///
    /// # Errors
    /// As [`StateStore::apply_claimed`].
    pub fn apply(&self, changes: Arc<Changes>) -> Result<(), StoreError> {
        self.submit(changes, &Arc::default())?.wait()
    }

    /// As [`Self::apply`], without waiting. Drops the news with these numbers, which the engine took.
    ///
    /// # Errors
    /// As [`StateStore::apply_claimed`].
    pub(super) fn submit(&self, changes: Arc<Changes>, taken: &Arc<[i64]>) -> Result<Receipt, StoreError> {
        self.owner.submit(&*self.state, changes, taken)
    }

    /// Who shares the work, as it was seen last, where this server shares it out.
    pub(crate) fn work(&self) -> Option<Work> {
        match &self.owner {
            Owner::Unshared(center) => Some(locked(&center.work).clone()),
            _ => None,
        }
    }

    /// The engine, locked.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        locked(&self.engine)
    }

    /// The rules that fire among those that are asked for, each with the group of an alert.
    pub(crate) fn firing(&self, is_wanted: &dyn Fn(&Arc<str>) -> bool) -> Vec<(Arc<str>, Group)> {
        let fires = |alert: &&Alert| {
            alert.active
                && !matches!(alert.state, AlertState::NoData | AlertState::Error)
                && is_wanted(&alert.rule)
        };
        let engine = self.engine();
        engine.alerts().filter(fires).map(|alert| (alert.rule.clone(), alert.group.clone())).collect()
    }

    /// Whether a pattern of Graphite's matches a stored series. Where the store does not say, it may.
    pub(crate) fn has_series(&self, pattern: &str) -> bool {
        self.expressions.paths().map_or(true, |paths| paths.has(pattern))
    }

    /// From now on the server is there to receive.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        let begun = self.watch.begin(&*self.state, self.now_ms());
        self.engine().set_gaps(self.watch.gaps());
        begun
    }

    /// As [`Self::begin`], as the server starts. Where the disk is full it is there all the same, and can write nothing.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn begin_first(&self) -> Result<(), StoreError> {
        match self.begin() {
            Err(error) if error.passes() => {
                tracing::error!("evaluation waits until results can be written: {error}");
                *locked(&self.stuck) = Some(error.to_string());
                Ok(())
            }
            begun => begun,
        }
    }

    /// Has it noticed when the whole process stands still.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn feel_pulse(&self) -> std::io::Result<()> {
        pulse::start(&self.pulse, &self.clock, &self.shutdown)
    }

    /// Notes that nothing could be received while the process stood still, if it did: before any window of that time is
    /// judged.
    pub(super) fn note_standstill(&self, now_ms: i64) {
        if self.clock.is_stepped() || matches!(self.owner, Owner::Shards(_)) {
            return;
        }
        let Some(gap) = self.pulse.stood_still(now_ms) else { return };
        if let Err(error) = self.watch.missed(&*self.state, gap) {
            tracing::warn!("cannot store that nothing was received for a while: {error}");
        }
        self.engine().set_gaps(self.watch.gaps());
    }

    /// Notes that nothing could be received for a while, as where the disk was full, if it was a while.
    pub(crate) fn go_on(&self) {
        if !self.receives_while_stuck
            && self.watch.is_due(self.now_ms())
            && let Err(error) = self.begin()
        {
            tracing::warn!("cannot store that nothing was received for a while: {error}");
        }
    }
}
