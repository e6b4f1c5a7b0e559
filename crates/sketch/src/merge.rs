//! What a merge gives, and why it may be impossible.

/// What the answers of a merged sketch are, compared with those of one sketch that saw everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Merged {
    /// The same.
    Exact,
    /// Never lower, and higher where both sketches erred or a count was raised by others.
    UpperBound,
}

/// Why two sketches cannot be merged: their cells stand for different keys, or are not as many. Neither was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sketches differ in their {of}: {ours} here, {theirs} there")]
pub struct MergeError {
    /// In what they differ.
    pub of: &'static str,
    /// What ours has.
    pub ours: u64,
    /// What the other has.
    pub theirs: u64,
}

pub(crate) const fn same(of: &'static str, ours: u64, theirs: u64) -> Result<(), MergeError> {
    if ours == theirs { Ok(()) } else { Err(MergeError { of, ours, theirs }) }
}
