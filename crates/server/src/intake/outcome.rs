//! What became of a message of a broker.

use lanner_io::consume::{Message, Verdict};

/// Characters of a message that are shown as an example.
const EXAMPLE_CHARS: usize = 200;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Stored,
    /// It was durable already.
    Doubled,
    /// Nothing in it can be read: why, and how it begins.
    Refused { why: String, example: String },
}

impl Outcome {
    /// What its broker is told.
    pub(crate) const fn verdict(&self) -> Verdict {
        match self {
            Self::Stored | Self::Doubled => Verdict::Stored,
            Self::Refused { .. } => Verdict::Refused,
        }
    }

    /// It is refused, for this reason.
    pub(crate) fn refused(message: &Message, why: impl Into<String>) -> Self {
        let start = &message.body[..message.body.len().min(4 * EXAMPLE_CHARS)];
        let text = String::from_utf8_lossy(start);
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self::Refused { why: why.into(), example: shown.take(EXAMPLE_CHARS).collect() }
    }
}
