//! Consuming: messages that wait with a broker, taken from there and acknowledged when they are stored.
//!
//! Reading order: [`ConsumeConfig`] (a consumer as it is written), [`Consumer`] (one that can be run), [`Subscription`] (a connection
//! on which messages come), [`Ledger`] (which messages are stored), [`KINDS`] (the list of kinds; one file each).
//!
//! To add a kind: one file that reads its fields and makes a [`Connect`], one entry in [`KINDS`].
//!
//! Invariants:
//! - A message is acknowledged only by [`Subscription::settle`], which is called once it is durable.
//! - What comes of one broker is bounded by `prefetch`: no more messages wait here to be stored.
//! - No error, description or debug output holds a secret.

mod amqp;
mod config;
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_topic;
mod kind;
mod kinds;
mod ledger;
mod nats;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use lanner_core::time::{DAY_MS, HOUR_MS};

pub use config::{As, ConsumeConfig, Consumer, FIELDS};
pub use kinds::{KINDS, Kind};
pub use ledger::{Ledger, Mark, Places};

/// What the names of streams begin with that note which messages are stored; the consumer's name follows.
pub const NOTES: &str = "lanner.consumed.";
/// How long notes are kept, milliseconds: a server may be away over a weekend before it hears what was not acknowledged.
pub const NOTES_KEEP_MS: i64 = 3 * DAY_MS;
/// How far back from the last of them they are read: longer than brokers wait for an acknowledgement, milliseconds.
pub const NOTES_READ_MS: i64 = 6 * HOUR_MS;

/// A message as a broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it says.
    pub body: Bytes,
    /// By which it is known again when it comes once more; `None` where the broker gives it nothing.
    pub mark: Option<Mark>,
    /// When it was sent, milliseconds since the Unix epoch, as far as the broker says so.
    pub sent_ms: Option<i64>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable, or was already.
    Stored,
    /// Nothing in it can be read, now or later.
    Refused,
}

/// What a broker does: at once `Err` with what is wrong, where, and what to do. Never holds a secret.
pub type Working<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// How one kind of broker is reached.
pub trait Connect: Send + Sync {
    /// Makes a connection. `stored` is the last place of each log that is stored, for brokers that are told where to go on.
    fn connect<'a>(&'a self, stored: &'a Places) -> Working<'a, Box<dyn Subscription>>;
}

/// A connection on which messages come. Dropping it leaves to the broker what was not settled.
pub trait Subscription: Send {
    /// Waits for messages: at least one, and no more than `prefetch`. After an error there are none on this connection.
    fn next(&mut self) -> Working<'_, Vec<Message>>;

    /// Tells the broker what became of the messages that came last, in their order.
    fn settle<'a>(&'a mut self, verdicts: &'a [Verdict]) -> Working<'a, ()>;
}
