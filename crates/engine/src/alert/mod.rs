//! Alerts: their state machine, whom they are told to, and those about Lanner itself.

pub mod matcher;
pub mod notify;
pub mod state;
pub mod vitals;
