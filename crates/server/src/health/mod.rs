//! How Lanner itself is: looked at, told to people, and kept up.

pub mod heartbeat;
pub mod maintain;
mod ready;
pub mod vitals;

pub(crate) use ready::not_ready;
