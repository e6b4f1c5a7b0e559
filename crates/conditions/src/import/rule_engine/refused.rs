//! Why a text is no rule.

use std::ops::Range;

/// Why a text is no rule.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Refused {
    pub(super) fn new(at: Range<usize>, message: String, hint: &str) -> Self {
        Self { at, message, hint: hint.to_owned() }
    }
}
