//! Delivery: the workers that send what the outbox holds, each as long as its receiver stays what it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::Node;
use lanner_engine::config::ReceiverDocument;
use lanner_io::receiver::{BuildContext, Delivery, DeliveryOptions, Health, Links, Receiver, ReceiverConfig};

use super::acting::{Acting, Orders};
use super::outgoing::Outgoing;
use super::powers::{Origins, Powers};
use crate::base::Base;
use crate::clock::Clock;
use crate::sync::locked;
use crate::wakeup::Wakeup;

/// How long an attempt under way may take when its worker is replaced or the server stops.
const GRACE: Duration = Duration::from_millis(2_500);

/// Sends messages: the workers, and what their receivers share.
#[derive(Debug)]
pub struct DeliveryService {
    /// The messages that they send.
    pub(crate) outgoing: Arc<Outgoing>,
    /// What receivers may do here.
    pub(crate) powers: Powers,
    running: std::sync::Mutex<Option<Running>>,
    context: std::sync::Mutex<BuildContext>,
    /// Where alerts put what they want done with switches.
    orders: Orders,
}

#[derive(Debug)]
struct Running {
    delivery: Delivery<Outgoing, Clock>,
    /// What each worker's receiver was made of.
    documents: BTreeMap<Arc<str>, Node>,
    /// Receivers that cannot be made, and why: a variable that is not set, a file that cannot be read.
    unusable: BTreeMap<Arc<str>, (ReceiverDocument, String)>,
}

/// How a receiver is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition {
    /// Why it cannot work at all.
    pub unusable: Option<String>,
    /// How sending to it goes.
    pub health: Health,
}

impl DeliveryService {
    /// No workers yet.
    #[must_use]
    pub(crate) fn new(base: &Base, wakeup: &Arc<Wakeup>, orders: Orders) -> Self {
        let outgoing = Arc::new(Outgoing::new(Arc::clone(&base.state), Arc::clone(wakeup)));
        let (outbox, clock) = (Arc::clone(&outgoing), Arc::new(base.clock()));
        let delivery = Delivery::new(outbox, clock, DeliveryOptions::default());
        let running = Running { delivery, documents: BTreeMap::new(), unusable: BTreeMap::new() };
        let context = BuildContext::new(base.settings.links());
        Self {
            outgoing,
            powers: Powers::new(base),
            running: std::sync::Mutex::new(Some(running)),
            context: context.into(),
            orders,
        }
    }

    /// Says that new messages were written.
    pub(crate) fn wake(&self) {
        if let Some(running) = &*locked(&self.running) {
            running.delivery.wake();
        }
    }

    /// Makes a receiver from its document, if whoever wrote it may have such a one.
    ///
    /// # Errors
    /// Every problem with it, one a line.
    pub(crate) fn build(&self, origins: &Origins, document: &ReceiverDocument) -> Result<Receiver, String> {
        match origins.objection(&self.powers, &document.name) {
            Some(objection) => Err(objection),
            None => self.make(document),
        }
    }

    /// Makes a receiver of what the configuration itself says.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub(crate) fn make(&self, document: &ReceiverDocument) -> Result<Receiver, String> {
        let all = |problems: Vec<lanner_io::receiver::Problem>| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let config = ReceiverConfig::read(&document.config).map_err(all)?;
        if let Some(plan) = config.plan() {
            return Ok(config.with(Box::new(Acting { plan, orders: self.orders.clone() })));
        }
        let context = locked(&self.context).clone();
        config.build(&context).map_err(all)
    }

    /// Makes all receivers again: what they may do has changed, or where people find Lanner.
    pub(crate) fn renew(&self, links: Links, documents: &[ReceiverDocument]) {
        locked(&self.context).links = links;
        if let Some(running) = &mut *locked(&self.running) {
            running.documents.clear();
        }
        self.reconcile(documents);
    }

    /// Has a worker for each receiver. The worker of a receiver that is what it was goes on undisturbed; nobody waits
    /// for attempts of the others. A receiver that cannot be made is reported and has no worker; its messages wait.
    pub(crate) fn reconcile(&self, documents: &[ReceiverDocument]) {
        let origins = match self.powers.origins() {
            Ok(origins) => origins,
            Err(error) => {
                return tracing::error!("receivers are unchanged, because they cannot be read: {error}");
            }
        };
        let mut running = locked(&self.running);
        let Some(Running { delivery, documents: known, unusable }) = &mut *running else { return };
        unusable.clear();
        let wanted: BTreeMap<&Arc<str>, &Node> =
            documents.iter().map(|document| (&document.name, &document.config)).collect();
        known.retain(|name, config| {
            if !wanted.contains_key(name) {
                delivery.remove(name, GRACE);
            }
            wanted.get(name).is_some_and(|wanted| **wanted == *config)
        });
        for document in documents {
            if known.contains_key(&document.name) {
                continue;
            }
            match self.build(&origins, document) {
                Ok(receiver) => {
                    delivery.set(&document.name, Arc::new(receiver), GRACE);
                    known.insert(document.name.clone(), document.config.clone());
                }
                Err(problems) => {
                    delivery.remove(&document.name, GRACE);
                    tracing::error!(
                        receiver = &*document.name,
                        "messages wait, the receiver is not usable: {problems}"
                    );
                    unusable.insert(document.name.clone(), (document.clone(), problems));
                }
            }
        }
    }

    /// Tries again to make the receivers that could not be made: a missing file may be there by now.
    pub(crate) fn retry_unusable(&self) {
        if locked(&self.running).as_ref().is_none_or(|running| running.unusable.is_empty()) {
            return;
        }
        let origins = match self.powers.origins() {
            Ok(origins) => origins,
            Err(error) => {
                return tracing::error!("receivers are unchanged, because they cannot be read: {error}");
            }
        };
        let mut running = locked(&self.running);
        let Some(Running { delivery, documents, unusable }) = &mut *running else { return };
        unusable.retain(|name, (document, why)| match self.build(&origins, document) {
            Ok(receiver) => {
                tracing::info!(receiver = &**name, "the receiver is usable now; its messages are sent");
                delivery.set(name, Arc::new(receiver), GRACE);
                documents.insert(Arc::clone(name), document.config.clone());
                false
            }
            Err(problems) => {
                *why = problems;
                true
            }
        });
    }

    /// How every receiver is, by name.
    #[must_use]
    pub(crate) fn conditions(&self) -> BTreeMap<Arc<str>, Condition> {
        let running = locked(&self.running);
        let Some(Running { delivery, documents, unusable }) = &*running else { return BTreeMap::new() };
        let working = documents
            .keys()
            .map(|name| (Arc::clone(name), Condition { unusable: None, health: delivery.health(name) }));
        let broken = unusable.iter().map(|(name, (_, why))| {
            (Arc::clone(name), Condition { unusable: Some(why.clone()), health: Health::default() })
        });
        working.chain(broken).collect()
    }

    /// A receiver that can be sent to, for what cannot wait in the outbox.
    #[must_use]
    pub fn receiver(&self, name: &str) -> Option<Arc<Receiver>> {
        locked(&self.running).as_ref()?.delivery.receiver(name)
    }

    /// Ends the workers; what was not sent stays in the outbox.
    pub async fn stop(&self) {
        let running = locked(&self.running).take();
        if let Some(running) = running {
            running.delivery.stop(GRACE).await;
        }
    }
}
