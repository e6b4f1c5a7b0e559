//! Silences: from people, and from configuration files.

pub(crate) mod file;
pub(crate) mod handlers;
pub(crate) mod service;

pub use file::{FIELDS, check, document};
