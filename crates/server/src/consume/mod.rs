//! Consuming: takes the messages of brokers, and acknowledges them when they are stored.
//!
//! [`run`](tasks::run) keeps the consumers of the configuration going, each in a `session` after the other.

mod session;
pub(crate) mod tasks;
