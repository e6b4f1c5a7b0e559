//! Intake: one path from bytes to durable data, whoever brings them.
//!
//! Bytes are decoded and parsed, events are [processed](processing), a batch becomes durable in one commit, and is
//! counted; only then is it acknowledged. [`samples`] and [`events`] are that path, without HTTP in it: handlers of HTTP
//! ([`handlers`]), listeners of other protocols, consumers of brokers ([`consumed`]) and whoever holds a server inside call the same functions, and what goes wrong
//! is an [`IntakeError`](error::IntakeError).
//!
//! A bad line is reported with its number and reason, and costs only itself. Back-pressure: when the store has
//! too much waiting, or too many requests write at once, the caller is asked to come back, or waits.

pub(crate) mod age;
mod body;
pub(crate) mod consumed;
pub(crate) mod consumers;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod handlers;
pub(crate) mod history;
pub(crate) mod late_samples;
pub(crate) mod lateness;
pub(crate) mod measures;
pub(crate) mod otlp;
pub(crate) mod outcome;
pub(crate) mod processing;
pub(crate) mod remote_write;
pub(crate) mod samples;
pub(crate) mod service;
mod staged;
pub(crate) mod statsd;
