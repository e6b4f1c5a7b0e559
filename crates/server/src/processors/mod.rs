//! Processors as documents: checked beside what is stored, written, and put in force. What they do is in the engine
//! ([`lanner_engine::processor`]), and where events pass them in [`intake`](crate::intake).

pub(crate) mod handlers;
mod labels;
mod memory;
pub(crate) mod profiles;
mod retold;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod upkeep;
