//! The service that puts rules in force.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use lanner_io::data::DataStore;
use lanner_io::state::StateStore;

use crate::base::Base;
use crate::clock::Clock;
use crate::documents::SetAside;
use crate::evaluate::service::EvaluationService;
use crate::intake::service::IntakeService;
use crate::notify::workers::DeliveryService;
use crate::shutdown::Shutdown;

/// How far the prefill of a rule is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Prefill {
    /// Windows measured.
    pub done: u64,
    /// Windows to measure.
    pub total: u64,
    /// Whether it is over.
    pub finished: bool,
}

/// Keeps rules, receivers and inhibitions, and puts them in force: the engine is told, measures are registered, workers
/// are made.
#[derive(Debug)]
pub struct RuleService {
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) set_aside: Arc<SetAside>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// One change of rules at a time; held while one is checked, written and put in force, and never while a past is
    /// counted.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Whether a change was stored that is not in force: reading it back failed.
    pub(crate) is_behind: AtomicBool,
    /// How far the prefill of new rules is, by rule.
    pub(crate) prefills: Mutex<BTreeMap<Arc<str>, Prefill>>,
    /// Who evaluates them.
    pub(crate) evaluation: Arc<EvaluationService>,
    /// What is counted as events arrive.
    pub(crate) intake: Arc<IntakeService>,
    /// Who sends to receivers.
    pub(crate) delivery: Arc<DeliveryService>,
}

impl RuleService {
    /// No rules in force yet.
    #[must_use]
    pub fn new(
        base: &Base,
        evaluation: Arc<EvaluationService>,
        intake: Arc<IntakeService>,
        delivery: Arc<DeliveryService>,
    ) -> Self {
        Self {
            data: Arc::clone(&base.data),
            state: Arc::clone(&base.state),
            clock: base.clock(),
            set_aside: Arc::clone(&base.set_aside),
            shutdown: Arc::clone(&base.shutdown),
            changing: tokio::sync::Mutex::default(),
            is_behind: AtomicBool::default(),
            prefills: Mutex::default(),
            evaluation,
            intake,
            delivery,
        }
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
