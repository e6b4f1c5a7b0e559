//! The heartbeat: a message at regular times for as long as rules are evaluated. Whoever waits for it (a dead man's
//! switch) raises the alarm that Lanner itself no longer can.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::Node;
use lanner_engine::config::ReceiverDocument;
use lanner_engine::vitals;
use lanner_io::receiver::Receiver;
use serde_json::json;

use super::ready::not_ready;
use super::service::HealthService;
use crate::settings::{Heartbeat, To};
use crate::sync::locked;

/// Runs until the server stops. The settings may change meanwhile.
pub(crate) async fn run(service: Arc<HealthService>) {
    let mut changes = service.live.changes();
    while !service.shutdown.has_begun() {
        changes.mark_unchanged();
        let every_ms = match &service.live.get().heartbeat {
            Some(Heartbeat { to, every_ms }) => {
                beat(&service, to).await;
                Some(*every_ms)
            }
            None => {
                *locked(&service.heartbeat_failed) = None;
                None
            }
        };
        let pause = async {
            match every_ms {
                Some(every_ms) => tokio::time::sleep(Duration::from_millis(every_ms)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            // Its other end is part of the service.
            _ = changes.changed() => {}
            () = service.shutdown.begun() => return,
        }
    }
}

/// Sends one heartbeat if Lanner is well. It does not go through the outbox: one that is late says nothing.
async fn beat(service: &HealthService, to: &To) {
    if let Some(why) = not_ready(service) {
        return tracing::warn!("no heartbeat is sent, because {why}");
    }
    let sent = match receiver(service, to) {
        Ok(receiver) => {
            let message = vitals::heartbeat(to.name(), service.now_ms());
            receiver.send(&message).await.map_err(|error| error.to_string())
        }
        Err(why) => Err(why),
    };
    let failed = sent.err();
    let before = std::mem::replace(&mut *locked(&service.heartbeat_failed), failed.clone());
    if let Some(why) = failed.filter(|why| before.as_ref() != Some(why)) {
        tracing::error!("the heartbeat was not accepted: {why}");
    }
}

fn receiver(service: &HealthService, to: &To) -> Result<Arc<Receiver>, String> {
    match to {
        To::Url(url) => {
            let node = Node::from_json(&json!({"kind": "webhook", "url": url.written()}));
            let document = ReceiverDocument { name: to.name().into(), config: node.clone(), node };
            service.delivery.make(&document).map(Arc::new)
        }
        To::Receiver(name) => service.delivery.receiver(name).ok_or_else(|| {
            format!(
                "server.heartbeat.to names the receiver \"{name}\", which is not defined or does not work"
            )
        }),
    }
}
