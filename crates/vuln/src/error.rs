//! Why a report, or a part of it, could not be read.

/// Why a report was rejected, or where reading it ended early.
///
/// What was read before the error is good: the reader has already handed it out. Messages are lower-case fragments.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is nothing to read.
    #[error("the file is empty")]
    Empty,
    /// No reader knows the format.
    #[error("unknown format: {found}; known are {known}")]
    Unknown {
        /// What the file begins with.
        found: String,
        /// The formats, in one line.
        known: String,
    },
    /// The text breaks the rules of its format.
    #[error("{at}: {problem}")]
    Malformed {
        /// `byte 1234`, or `line 3, column 5`.
        at: String,
        /// What is wrong there.
        problem: String,
    },
    /// The report uses what an attacker would: entities of its own, endless nesting.
    #[error("{at}: {problem}, which no scanner writes; the report is refused")]
    Refused {
        /// Where.
        at: String,
        /// What.
        problem: String,
    },
    /// The report ends before its end: a killed scan, or a cut file.
    #[error("the report ends early, at {at}: {problem}")]
    Truncated {
        /// Where.
        at: String,
        /// What was open there.
        problem: String,
    },
    /// The file could not be read.
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
    /// Whoever takes the findings has refused one.
    #[error("{0}")]
    Taker(String),
}

impl ReadError {
    /// Whether the findings read before are to be kept: the report is cut or damaged, not hostile or foreign.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Truncated { .. })
    }
}
