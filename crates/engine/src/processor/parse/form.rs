//! What a form of texts is.

use serde_json::{Map, Value};

/// A form that texts have.
#[derive(Debug)]
pub(super) struct Form {
    /// What it is called in `as`.
    pub(super) name: &'static str,
    /// Reads a text; `None` when it is not of this form. Cost: linear.
    pub(super) read: fn(&str) -> Option<Read>,
}

/// What a text says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Read {
    /// Its fields.
    pub(super) fields: Map<String, Value>,
    /// When it says that it happened, where the form knows; milliseconds since the Unix epoch.
    pub(super) time_ms: Option<i64>,
}
