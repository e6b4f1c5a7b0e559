//! A webhook on this machine, such as a team's chat would have: it keeps every message with the time it came.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use lanner_server::Clock;
use lanner_wire::api::Time;
use serde::Deserialize;

use crate::failure::{Failure, Result};

/// A message as it came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// By the server's clock.
    pub(super) at_ms: i64,
    pub(super) message: Message,
}

/// What the demo reads of a message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) title: String,
    pub(super) alerts: Vec<MessageAlert>,
}

/// What the demo reads of an alert in a message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MessageAlert {
    pub(super) rule: String,
    pub(super) fingerprint: String,
    pub(super) episode: u32,
    pub(super) group: lanner_core::Labels,
    pub(super) content: String,
    pub(super) resolved: Option<Time>,
    pub(super) window: MessageWindow,
    pub(super) value: Option<f64>,
    pub(super) base: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct MessageWindow {
    pub(super) start: Time,
    pub(super) end: Time,
}

/// The webhook.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) url: String,
    inbox: Arc<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    clock: Clock,
    messages: Mutex<Vec<Received>>,
}

impl Hook {
    /// Listens on a free port of this machine.
    pub(super) async fn start(clock: Clock) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Failure::program(format!("the demo's webhook cannot listen on 127.0.0.1: {error}"))
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let url = format!("http://{}/", listener.local_addr().map_err(failed)?);
        let inbox = Arc::new(Inbox { clock, messages: Mutex::default() });
        let router = axum::Router::new().route("/", post(take)).with_state(Arc::clone(&inbox));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!("the demo's webhook ended: {error}");
            }
        });
        Ok(Self { url, inbox })
    }

    /// What came so far, in order.
    pub(super) fn received(&self) -> Vec<Received> {
        self.inbox.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes a message; one that cannot be read is refused, as a real receiver would.
async fn take(State(inbox): State<Arc<Inbox>>, body: String) -> (StatusCode, String) {
    match serde_json::from_str::<Message>(&body) {
        Ok(message) => {
            let received = Received { at_ms: inbox.clock.now_ms(), message };
            inbox.messages.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            (StatusCode::NO_CONTENT, String::new())
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("not a message of Lanner: {error}")),
    }
}
