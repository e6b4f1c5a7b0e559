//! The service that knows how Lanner is.

use std::sync::{Arc, Mutex};

use lanner_engine::vitals::SwitchVitals;
use lanner_io::data::DataStore;
use lanner_io::state::StateStore;
use lanner_io::store::{Retention, Store};

use crate::base::Base;
use crate::clock::Clock;
use crate::documents::SetAside;
use crate::evaluate::service::EvaluationService;
use crate::intake::service::IntakeService;
use crate::notify::workers::DeliveryService;
use crate::processors::service::ProcessorService;
use crate::settings::Settings;
use crate::settings::live::InForce;
use crate::shutdown::Shutdown;
use crate::sources::Sources;
use crate::stores::Elsewhere;
use crate::switches::service::SwitchService;
use crate::sync::locked;

/// Knows how Lanner is: looks at all other services, and changes none.
#[derive(Debug)]
pub struct HealthService {
    pub(crate) store: Store,
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) state: Arc<dyn StateStore>,
    /// Where state is kept, if not in the store; for people.
    pub(crate) state_place: Option<String>,
    clock: Clock,
    pub(crate) settings: Arc<Settings>,
    pub(crate) live: Arc<InForce>,
    pub(crate) set_aside: Arc<SetAside>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// What the store keeps.
    pub(crate) retention: Arc<Retention>,
    /// When the server started, milliseconds since the Unix epoch.
    pub(crate) started_ms: i64,
    /// Why the store's upkeep fails, if it does.
    pub(crate) upkeep_failed: Mutex<Option<String>>,
    /// Why the last heartbeat was not taken, if so.
    pub(crate) heartbeat_failed: Mutex<Option<String>>,
    /// What people were last notified of about switches.
    pub(crate) told_of: Mutex<SwitchVitals>,
    pub(crate) evaluation: Arc<EvaluationService>,
    pub(crate) intake: Arc<IntakeService>,
    pub(crate) delivery: Arc<DeliveryService>,
    pub(crate) processors: Arc<ProcessorService>,
    pub(crate) switches: Arc<SwitchService>,
}

impl HealthService {
    /// Over these services, from now on.
    #[must_use]
    pub fn new(
        base: &Base,
        retention: Arc<Retention>,
        evaluation: Arc<EvaluationService>,
        processors: Arc<ProcessorService>,
        switches: Arc<SwitchService>,
    ) -> Self {
        let clock = base.clock();
        Self {
            store: base.store.clone(),
            data: Arc::clone(&base.data),
            state: Arc::clone(&base.state),
            state_place: base.elsewhere.as_ref().map(Elsewhere::place),
            settings: Arc::clone(&base.settings),
            live: Arc::clone(&base.live),
            set_aside: Arc::clone(&base.set_aside),
            sources: Arc::clone(&base.sources),
            shutdown: Arc::clone(&base.shutdown),
            retention,
            started_ms: clock.now_ms(),
            clock,
            upkeep_failed: Mutex::default(),
            heartbeat_failed: Mutex::default(),
            told_of: Mutex::default(),
            intake: Arc::clone(&evaluation.intake),
            delivery: Arc::clone(&evaluation.delivery),
            evaluation,
            processors,
            switches,
        }
    }

    /// Whether state is in a database that is known to be away: asking it would only take time.
    pub(crate) fn is_state_away(&self) -> bool {
        self.state_place.is_some() && locked(&self.evaluation.stuck).is_some()
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
