//! The heartbeat: a message at regular times for as long as rules are evaluated. Whoever waits for it (a dead man's
//! switch) raises the alarm that Lanner itself no longer can.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::Node;
use lanner_engine::config::ReceiverDocument;
use lanner_engine::vitals;
use lanner_io::receiver::{Receiver, Secret};
use serde_json::json;

use super::not_ready;
use crate::app::App;
use crate::sync::locked;

/// Where the heartbeat goes, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where it goes.
    pub to: To,
    /// How often, milliseconds.
    pub every_ms: u64,
}

/// Where the heartbeat goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A URL to POST to; it may hold a token.
    Url(Secret),
    /// A receiver, by name.
    Receiver(String),
}

/// Runs until the app's alarm is stopped. The settings may change meanwhile.
pub async fn run(app: Arc<App>) {
    let mut changes = app.live.changes();
    while !app.alarm.is_stopping() {
        changes.mark_unchanged();
        let every_ms = match &app.live.get().heartbeat {
            Some(Heartbeat { to, every_ms }) => {
                beat(&app, to).await;
                Some(*every_ms)
            }
            None => {
                *locked(&app.heartbeat_failed) = None;
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
            // Its other end is part of the app.
            _ = changes.changed() => {}
            () = app.alarm.stopped() => return,
        }
    }
}

/// Sends one heartbeat if Lanner is well. It does not go through the outbox: one that is late says nothing.
async fn beat(app: &App, to: &To) {
    if let Some(why) = not_ready(app) {
        return tracing::warn!("no heartbeat is sent, because {why}");
    }
    let sent = match receiver(app, to) {
        Ok(receiver) => {
            let message = vitals::heartbeat(to.name(), app.now_ms());
            receiver.send(&message).await.map_err(|error| error.to_string())
        }
        Err(why) => Err(why),
    };
    let failed = sent.err();
    let before = std::mem::replace(&mut *locked(&app.heartbeat_failed), failed.clone());
    if let Some(why) = failed.filter(|why| before.as_ref() != Some(why)) {
        tracing::error!("the heartbeat was not accepted: {why}");
    }
}

fn receiver(app: &App, to: &To) -> Result<Arc<Receiver>, String> {
    match to {
        To::Url(url) => {
            let node = Node::from_json(&json!({"kind": "webhook", "url": url.written()}));
            let document = ReceiverDocument { name: to.name().into(), config: node.clone(), node };
            app.deliveries.make(&document).map(Arc::new)
        }
        To::Receiver(name) => app.deliveries.receiver(name).ok_or_else(|| {
            format!(
                "server.heartbeat.to names the receiver \"{name}\", which is not defined or does not work"
            )
        }),
    }
}

impl To {
    fn name(&self) -> &str {
        match self {
            Self::Url(_) => "heartbeat",
            Self::Receiver(name) => name,
        }
    }
}
