//! Receivers: turn a [`Notification`] into a message and send it.
//!
//! Reading order: [`ReceiverConfig`] (a document, checked), [`Receiver`] (what sends), [`kinds`] (the list
//! of what can be sent to; one file each), [`delivery`] (queues, retries and dead letters over an
//! [`Outbox`]).
//!
//! To add a kind: one file that implements [`kind::KindConfig`] and [`Transport`], one line in [`kinds`].
//!
//! Invariants:
//! - Sending is at-least-once. Every kind passes [`Notification::key`] on, so that what arrives twice can be
//!   told from what happened twice.
//! - One attempt never takes longer than the receiver's `timeout`, and a receiver that hangs delays nobody else.
//! - No error, description or debug output holds a secret: URLs are cut after the host, see [`redact`](crate::remote::redact).

mod action;
mod body;
pub mod config;
mod context;
pub mod delivery;
mod kafka;
pub mod kind;
pub mod kinds;
pub mod power;

mod alertmanager;
mod amqp;
mod command;
mod discord;
mod email;
mod health;
mod http;
mod links;
mod log;
mod message;
mod nats;
mod opsgenie;
mod pagerduty;
mod remade;
mod servicenow;
mod severity;
mod slack;
mod switch;
mod teams;
mod telegram;
mod webhook;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lanner_core::Notification;
use lanner_core::time::format_duration;

pub use crate::remote::{Backoff, Problem, Secret, install_crypto_provider};
pub use action::ActionPlan;
pub use amqp::AmqpConfig;
pub use command::CommandConfig;
pub use config::{ReceiverConfig, to_document};
pub use context::BuildContext;
pub use delivery::{Clock, Delivery, DeliveryOptions, Due, Next, Outbox, OutboxError, SystemClock};
pub use discord::DiscordConfig;
pub use email::EmailConfig;
pub use health::Health;
pub use kafka::KafkaConfig;
pub use kinds::{KINDS, Kind};
pub use links::{Links, host_name};
pub use log::LogConfig;
pub use nats::NatsConfig;
pub use opsgenie::OpsgenieConfig;
pub use pagerduty::PagerDutyConfig;
pub use power::{Power, powers};
pub use servicenow::ServiceNowConfig;
pub use slack::SlackConfig;
pub use switch::SwitchConfig;
pub use teams::TeamsConfig;
pub use telegram::TelegramConfig;
pub use webhook::WebhookConfig;

/// Whether a message that could not be sent is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorKind {
    /// The receiver may take it later: timeouts, refused connections, overload.
    Retry,
    /// The receiver will not take this message as it is; trying again is of no use.
    Permanent,
    /// Some of those who should get the message have it, and the others never will: it counts as sent.
    Partly,
    /// No failure: it was done, and this is what came of it.
    Noted,
}

/// Why a message was not sent: what is wrong, where, and what to do. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Whether to try again.
    pub kind: SendErrorKind,
    /// A lower-case fragment for people.
    pub message: String,
    /// How long the receiver asked to be left alone, from the time of its answer.
    pub retry_after_ms: Option<i64>,
}

impl SendError {
    /// An error that may pass: the message is tried again. `message` is a lower-case fragment for people.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { kind: SendErrorKind::Retry, message: message.into(), retry_after_ms: None }
    }

    /// An error that stays for some of those who should get the message; the others have it.
    pub(crate) fn partly(message: impl Into<String>) -> Self {
        Self { kind: SendErrorKind::Partly, message: message.into(), retry_after_ms: None }
    }

    /// What came of it where nothing failed.
    pub fn noted(message: impl Into<String>) -> Self {
        Self { kind: SendErrorKind::Noted, message: message.into(), retry_after_ms: None }
    }

    /// An error that stays: the receiver refused the message as it is, and it is not tried again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { kind: SendErrorKind::Permanent, message: message.into(), retry_after_ms: None }
    }
}

/// One attempt at sending, under way. Dropping it ends the attempt.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// How one kind of receiver sends a message. Built once, used for every message; need not limit its own time.
pub trait Transport: Send + Sync {
    /// Makes one attempt.
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a>;

    /// Whether nobody notices when a message comes twice: then what became of several is noted at once, which may be
    /// forgotten at once if the program is killed.
    fn is_repeatable(&self) -> bool {
        false
    }
}

/// Somebody who is notified. Cheap to share behind an `Arc`; holds no connection while idle.
pub struct Receiver {
    kind: &'static str,
    timeout_ms: u64,
    transport: Box<dyn Transport>,
}

impl Receiver {
    /// A receiver from its parts; [`ReceiverConfig::build`] is the usual way.
    #[must_use]
    pub fn new(kind: &'static str, timeout_ms: u64, transport: Box<dyn Transport>) -> Self {
        Self { kind, timeout_ms, transport }
    }

    /// The kind's name, such as `webhook`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether nobody notices when a message comes twice.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.transport.is_repeatable()
    }

    /// Makes one attempt at sending, within the receiver's timeout.
    ///
    /// # Errors
    /// [`SendError`], also when time ran out; the message may have arrived even so.
    pub async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let limit = Duration::from_millis(self.timeout_ms);
        match tokio::time::timeout(limit, self.transport.send(notification)).await {
            Ok(result) => result,
            Err(_) => Err(SendError::retry(format!(
                "no answer within {}; the receiver is slow or hangs (raise its `timeout` if that is normal)",
                format_duration(i64::try_from(self.timeout_ms).unwrap_or(i64::MAX))
            ))),
        }
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("kind", &self.kind).field("timeout_ms", &self.timeout_ms).finish()
    }
}
