//! Processors as documents: checked beside what is stored, written, and put in force. What they do is in the engine
//! ([`lanner_engine::processor`]), and where events pass them in [`intake`](crate::intake).

mod memory;
pub mod service;
pub mod upkeep;
