//! The services of a server, and which of them each handler is given.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::access::service::AccessService;
use crate::base::Base;
use crate::configuration::service::ConfigurationService;
use crate::evaluate::service::EvaluationService;
use crate::expressions::Expressions;
use crate::findings::service::FindingService;
use crate::health::service::HealthService;
use crate::intake::service::IntakeService;
use crate::models::service::ModelService;
use crate::notify::workers::DeliveryService;
use crate::processors::service::ProcessorService;
use crate::rules::service::RuleService;
use crate::settings::live::InForce;
use crate::silences::service::SilenceService;
use crate::switches::service::SwitchService;

/// A handle to each service. Handlers name the one that they need, and get no other.
#[derive(Debug, Clone)]
pub struct Services {
    /// What all of them stand on.
    pub base: Base,
    /// Who comes in.
    pub(crate) access: Arc<AccessService>,
    /// Takes samples and events.
    pub(crate) intake: Arc<IntakeService>,
    /// The store as expressions read it.
    pub(crate) expressions: Arc<Expressions>,
    /// Sends messages.
    pub(crate) delivery: Arc<DeliveryService>,
    /// Evaluates rules.
    pub evaluation: Arc<EvaluationService>,
    /// Puts rules in force.
    pub(crate) rules: Arc<RuleService>,
    /// Keeps processors.
    pub(crate) processors: Arc<ProcessorService>,
    /// Keeps silences.
    pub(crate) silences: Arc<SilenceService>,
    /// Keeps findings of vulnerability scanners.
    pub(crate) findings: Arc<FindingService>,
    /// Keeps trained models.
    pub(crate) models: Arc<ModelService>,
    /// Keeps kill switches.
    pub switches: Arc<SwitchService>,
    /// Applies configurations.
    pub configuration: Arc<ConfigurationService>,
    /// Knows how Lanner is.
    pub(crate) health: Arc<HealthService>,
}

impl FromRef<Services> for Arc<InForce> {
    fn from_ref(services: &Services) -> Self {
        Arc::clone(&services.base.live)
    }
}

macro_rules! handles {
    ($($field:ident: $service:ty),* $(,)?) => {
        $(impl FromRef<Services> for Arc<$service> {
            fn from_ref(services: &Services) -> Self {
                Arc::clone(&services.$field)
            }
        })*
    };
}

handles! {
    access: AccessService,
    intake: IntakeService,
    expressions: Expressions,
    evaluation: EvaluationService,
    rules: RuleService,
    processors: ProcessorService,
    silences: SilenceService,
    findings: FindingService,
    models: ModelService,
    switches: SwitchService,
    configuration: ConfigurationService,
    health: HealthService,
}
