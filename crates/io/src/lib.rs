//! All that touches disk or network.
//!
//! [`store`] keeps series, events and state in one file; [`receiver`] sends messages to people and programs.

pub mod receiver;
pub mod store;
