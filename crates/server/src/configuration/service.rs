//! The service that applies configurations.

use std::sync::Arc;

use lanner_io::state::StateStore;

use super::asked::Reloads;
use crate::base::Base;
use crate::clock::Clock;
use crate::processors::service::ProcessorService;
use crate::rules::service::RuleService;
use crate::settings::Settings;
use crate::settings::live::InForce;
use crate::silences::service::SilenceService;
use crate::sources::Sources;
use crate::switches::service::SwitchService;

/// Applies configurations as a whole: rules, processors, receivers, inhibitions, silences and switches at
/// once.
#[derive(Debug)]
pub struct ConfigurationService {
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) settings: Arc<Settings>,
    pub(crate) live: Arc<InForce>,
    pub(crate) sources: Arc<Sources>,
    /// Who reads the configuration file again.
    pub reloads: Reloads,
    pub(crate) rules: Arc<RuleService>,
    pub(crate) processors: Arc<ProcessorService>,
    pub(crate) silences: Arc<SilenceService>,
    pub(crate) switches: Arc<SwitchService>,
}

impl ConfigurationService {
    /// Over these services.
    #[must_use]
    pub fn new(
        base: &Base,
        rules: Arc<RuleService>,
        processors: Arc<ProcessorService>,
        silences: Arc<SilenceService>,
        switches: Arc<SwitchService>,
    ) -> Self {
        Self {
            state: Arc::clone(&base.state),
            clock: base.clock(),
            settings: Arc::clone(&base.settings),
            live: Arc::clone(&base.live),
            sources: Arc::clone(&base.sources),
            reloads: Reloads::default(),
            rules,
            processors,
            silences,
            switches,
        }
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
