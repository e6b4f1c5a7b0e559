//! Where a filter is not as Falco wants it.

use super::lex::line_and_column;

/// Where and why Falco refuses a filter. It stops at the first mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct FalcoProblem {
    /// Where Falco's reading stopped, bytes from the start of the text.
    pub offset: usize,
    /// Its line, counted from 1.
    pub line: usize,
    /// Bytes from the start of the line, counted from 1.
    pub column: usize,
    /// What it expected: a lower-case fragment without a final stop.
    pub message: String,
}

impl FalcoProblem {
    /// One at a place of a text.
    pub(super) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, offset);
        Self { offset, line, column, message: message.into() }
    }
}
