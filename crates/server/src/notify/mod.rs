//! Notification: what waits to be sent, the workers that send it, and what receivers may do on this machine.

pub(crate) mod acting;
pub(crate) mod outgoing;
pub(crate) mod powers;
pub mod receivers;
pub(crate) mod workers;
