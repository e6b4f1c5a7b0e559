//! Alerts act on switches: the one place where alerts and switches meet.

use std::sync::Weak;

use lanner_core::Alert;
use lanner_io::receiver::{SendError, Sending, SwitchHand, SwitchOrder};

use crate::evaluate::service::EvaluationService;
use crate::switches::service::SwitchService;
use crate::switches::throw::obey;

/// Turns switches on and off as alerts order. Held by the workers that the services hold, so it holds them weakly.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) switches: Weak<SwitchService>,
    pub(crate) evaluation: Weak<EvaluationService>,
}

impl SwitchHand for Hand {
    fn obey(&self, order: SwitchOrder) -> Sending<'_> {
        let services = self.switches.upgrade().zip(self.evaluation.upgrade());
        Box::pin(async move {
            let (switches, evaluation) = services.ok_or_else(|| SendError::retry("the server stops"))?;
            obey(&switches, &order, &|order| wants_another(&evaluation, order)).await
        })
    }
}

/// Whether another alert of the rule lasts that wants the same switch. Cost: a look at the rule's alerts up to the first.
fn wants_another(service: &EvaluationService, order: &SwitchOrder) -> bool {
    let engine = service.engine();
    let wants = |alert: &Alert| {
        let group = alert.group.labels();
        let value = |label: &str| group.get(label).or_else(|| alert.labels.get(label));
        let mut named = order.labels.iter().zip(&order.with);
        alert.active
            && *group != order.group
            && named.all(|(label, (_, wanted))| value(label) == Some(wanted))
    };
    engine.alerts_of(&order.rule).any(wants)
}
