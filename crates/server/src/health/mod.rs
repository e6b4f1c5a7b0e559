//! How Lanner itself is: looked at, told to people, and kept up.

pub(crate) mod heartbeat;
pub(crate) mod maintain;
mod page;
mod ready;
pub(crate) mod service;
pub(crate) mod vitals;

pub(crate) use page::page;
pub(crate) use ready::not_ready;
