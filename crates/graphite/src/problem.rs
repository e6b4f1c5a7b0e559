//! A mistake in an expression, and its position.

/// One mistake, or the reason why an expression cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct Problem {
    /// Where, in characters, beginning with 1.
    pub column: usize,
    /// What is wrong and what would be right, in lower case and without a final stop.
    pub message: String,
}

impl Problem {
    /// A problem at `column`.
    #[must_use]
    pub fn new(column: usize, message: impl Into<String>) -> Self {
        Self { column, message: message.into() }
    }
}
