//! Receivers that act: what they are given goes into the queue of actions, and what came of it comes back.
//!
//! Each alert is a row of the outbox of its own, so it is tried again, given up and listed like a message.

use lanner_core::{Notification, NotifiedAlert, SwitchAction};
use lanner_io::receiver::{ActionPlan, SendError, SendErrorKind, Sending, Transport};
use tokio::sync::{mpsc, oneshot};

/// Actions that may wait to be begun; then receivers wait.
const MAX_WAITING: usize = 64;

/// An action that is to be done, and where its result goes. Nobody waits for the result any more when that is closed.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) action: SwitchAction,
    pub(crate) result: oneshot::Sender<Result<(), SendError>>,
}

/// Where actions are put.
pub(crate) type Orders = mpsc::Sender<Order>;

/// The queue of actions: where they are put, and where they are taken from.
pub(crate) fn queue() -> (Orders, mpsc::Receiver<Order>) {
    mpsc::channel(MAX_WAITING)
}

/// Has done what a plan says about each alert.
pub(super) struct Acting {
    pub(super) plan: ActionPlan,
    pub(super) orders: Orders,
}

impl Acting {
    async fn act(&self, alert: &NotifiedAlert) -> Result<(), SendError> {
        let action = self.plan.action(alert)?;
        let (result, done) = oneshot::channel();
        let stops = || SendError::retry("the server stops");
        self.orders.send(Order { action, result }).await.map_err(|_| stops())?;
        done.await.unwrap_or_else(|_| Err(stops()))
    }
}

impl Transport for Acting {
    /// A message is about one alert; where there are several they are episodes of it, or an earlier release wrote it.
    /// They are acted on as they began, so that the last one counts, and none keeps another from being acted on. What is
    /// done already is not done twice.
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        Box::pin(async move {
            let mut alerts: Vec<&NotifiedAlert> = notification.alerts.iter().collect();
            alerts.sort_by_key(|alert| (alert.started_ms, !alert.is_resolved()));
            let mut result = Ok(());
            for alert in alerts {
                result = graver(result, self.act(alert).await);
            }
            result
        })
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

/// The one of two results that more needs to be done about; the later one of two alike.
fn graver(earlier: Result<(), SendError>, later: Result<(), SendError>) -> Result<(), SendError> {
    let grade = |result: &Result<(), SendError>| match result.as_ref().map_err(|error| error.kind) {
        Err(SendErrorKind::Retry) => 2,
        Err(SendErrorKind::Permanent | SendErrorKind::Partly) => 1,
        Ok(()) | Err(SendErrorKind::Noted) => 0,
    };
    if grade(&earlier) > grade(&later) { earlier } else { later }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_work_later_is_tried_again() {
        #[track_caller]
        fn check(results: &[Result<(), SendError>], expected: &str) {
            let result = results.iter().cloned().reduce(graver).unwrap();
            assert_eq!(result.err().map_or(String::new(), |error| error.message), expected);
        }
        let [busy, no_label, waits] =
            [SendError::retry("busy"), SendError::permanent("no label"), SendError::noted("waits")].map(Err);
        check(&[Ok(()), Ok(())], "");
        check(&[waits.clone(), Ok(())], "");
        check(&[Ok(()), waits.clone()], "waits");
        check(&[no_label.clone(), waits.clone(), Ok(())], "no label");
        check(&[no_label, busy, waits], "busy");
    }
}
