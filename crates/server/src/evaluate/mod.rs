//! Rules are evaluated: what is due is read side by side, judged and written.

pub(crate) mod acknowledge;
pub mod cycle;
pub(crate) mod held;
pub(crate) mod limits;
pub(crate) mod owner;
mod pulse;
pub mod read;
mod readers;
pub mod service;
pub(crate) mod shard_turns;
pub(crate) mod watch;
pub(crate) mod windows;
pub(crate) mod written;
