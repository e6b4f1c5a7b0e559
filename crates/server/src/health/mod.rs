//! How Lanner itself is: looked at, told to people, and kept up.

pub mod heartbeat;
pub mod maintain;
mod page;
mod ready;
pub mod service;
pub mod vitals;

pub(crate) use page::page;
pub(crate) use ready::not_ready;
