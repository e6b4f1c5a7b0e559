//! Delivery: the workers that send what the outbox holds, restarted when receivers change.

use std::sync::Arc;
use std::time::Duration;

use lanner_engine::config::ReceiverDocument;
use lanner_io::receiver::{BuildContext, Delivery, DeliveryOptions, Receiver, ReceiverConfig};

use crate::app::{App, locked};

/// How long attempts under way may take when workers are replaced or the server stops.
const GRACE: Duration = Duration::from_secs(3);

/// The workers, and what their receivers share.
#[derive(Debug, Default)]
pub struct Deliveries {
    running: std::sync::Mutex<Option<Delivery>>,
    context: BuildContext,
}

impl Deliveries {
    /// No workers yet.
    #[must_use]
    pub fn new(external_url: Option<String>) -> Self {
        Self { running: std::sync::Mutex::default(), context: BuildContext::new(external_url) }
    }

    /// Says who throws kill switches.
    pub fn set_hand(&self, hand: Arc<dyn lanner_io::receiver::SwitchHand>) {
        self.context.set_hand(hand);
    }

    /// Says that new messages were written.
    pub fn wake(&self) {
        if let Some(delivery) = &*locked(&self.running) {
            delivery.wake();
        }
    }

    /// Makes a receiver from its document.
    ///
    /// # Errors
    /// Every problem with it, one a line.
    pub fn build(&self, document: &ReceiverDocument) -> Result<Receiver, String> {
        let all = |problems: Vec<lanner_io::receiver::Problem>| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        ReceiverConfig::from_value(&document.config).map_err(all)?.build(&self.context).map_err(all)
    }

    /// Replaces the workers. A receiver that cannot be made is reported and has no worker; its messages wait.
    pub async fn restart(&self, app: &Arc<App>, documents: &[ReceiverDocument]) {
        self.stop().await;
        let mut receivers: Vec<(Arc<str>, Arc<Receiver>)> = Vec::new();
        for document in documents {
            match self.build(document) {
                Ok(receiver) => receivers.push((document.name.clone(), Arc::new(receiver))),
                Err(problems) => {
                    tracing::error!(
                        receiver = &*document.name,
                        "messages wait, the receiver is not usable: {problems}"
                    );
                }
            }
        }
        let outbox = Arc::new(app.store.clone());
        let clock = Arc::new(app.settings.clock.clone());
        let delivery = Delivery::start(receivers, &outbox, &clock, DeliveryOptions::default());
        *locked(&self.running) = Some(delivery);
    }

    /// Ends the workers; what was not sent stays in the outbox.
    pub async fn stop(&self) {
        let running = locked(&self.running).take();
        if let Some(delivery) = running {
            delivery.stop(GRACE).await;
        }
    }
}
