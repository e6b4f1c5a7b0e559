//! All that touches disk or network.
//!
//! [`store`] keeps series, events and state in one file; [`receiver`] sends messages to people and programs;
//! [`metrics`] is what both count about themselves.

pub mod metrics;
pub mod receiver;
pub mod store;
