//! Rules are evaluated: what is due is read side by side, judged and written.

pub mod cycle;
pub mod limits;
mod pulse;
pub mod read;
mod readers;
pub mod service;
pub mod watch;
pub(crate) mod windows;
