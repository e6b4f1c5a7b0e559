//! Silences: from people, and from configuration files.

pub mod file;
pub mod handlers;
pub mod service;

pub use file::{FIELDS, check, document};
