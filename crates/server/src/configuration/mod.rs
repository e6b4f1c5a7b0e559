//! The configuration as a whole: applied at once, and read again while the server runs.

pub mod apply;
pub mod asked;
pub mod handlers;
pub mod reload;
pub mod service;
