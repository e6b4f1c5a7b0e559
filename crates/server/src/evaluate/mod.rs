//! Rules are evaluated: what is due is read, judged and written.

pub mod cycle;
pub mod limits;
pub mod read;
pub mod service;
pub mod watch;
pub(crate) mod windows;
