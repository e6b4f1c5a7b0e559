//! Whose detector one is, where a use case trains one for each value of a field.

use serde::{Deserialize, Serialize};

/// What a use case is split by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) field: String,
    /// So many entities at most, those with the most documents.
    pub(crate) most: usize,
}

/// Whose detector one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) field: String,
    pub(crate) value: String,
    /// The name that all detectors of the use case have in common.
    pub(crate) set: String,
}
