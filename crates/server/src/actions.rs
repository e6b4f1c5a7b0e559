//! Alerts act on switches: the one place where alerts and switches meet.

use std::sync::Arc;

use lanner_core::{Alert, SwitchAction};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::evaluate::service::EvaluationService;
use crate::notify::acting::Order;
use crate::switches::service::SwitchService;
use crate::switches::throw::act;

/// Does what alerts order, side by side, as long as somebody may order something. Ending it ends what is under way;
/// the outbox still has it, so it is done when the server runs again.
pub(crate) async fn run(
    mut orders: mpsc::Receiver<Order>,
    switches: Arc<SwitchService>,
    evaluation: Arc<EvaluationService>,
) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => drop(under_way.spawn(carry_out(order, switches.clone(), evaluation.clone()))),
                None => break,
            },
            Some(_) = under_way.join_next() => {} // whoever ordered it knows the result
        }
    }
    under_way.join_all().await;
}

async fn carry_out(order: Order, switches: Arc<SwitchService>, evaluation: Arc<EvaluationService>) {
    let Order { action, mut result } = order;
    let wants = |action: &SwitchAction| wants_another(&evaluation, action);
    let done = tokio::select! {
        done = act(&switches, &action, &wants) => done,
        () = result.closed() => return, // took too long, and will be ordered again
    };
    // Whoever has left meanwhile orders it again, and it is not done twice.
    let _ = result.send(done);
}

/// Whether another alert of the rule lasts that wants the same switch. Cost: a look at the rule's alerts up to the first.
fn wants_another(service: &EvaluationService, action: &SwitchAction) -> bool {
    let engine = service.engine();
    let wants = |alert: &Alert| {
        let group = alert.group.labels();
        let value = |label: &str| group.get(label).or_else(|| alert.labels.get(label));
        let mut named = action.labels.iter().zip(&action.with);
        alert.active
            && *group != action.group
            && named.all(|(label, (_, wanted))| value(label) == Some(wanted))
    };
    engine.alerts_of(&action.rule).any(wants)
}
