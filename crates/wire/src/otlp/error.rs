//! What can be wrong with a request.

use crate::protobuf::ProtobufError;

/// Lists and maps inside each other, at most.
pub(super) const MAX_DEPTH: usize = 24;

/// Why a request, or a record in it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// It is no message.
    #[error("no OTLP message: {0}")]
    Protobuf(#[from] ProtobufError),
    /// It is no JSON object.
    #[error("no OTLP message: {0}")]
    Json(String),
    /// A field is of another type than OTLP has it.
    #[error("no OTLP message: a field has the wrong type")]
    WrongType,
    /// A value holds others too deeply.
    #[error("a value is nested more than {} levels deep", MAX_DEPTH)]
    TooDeep,
    /// The time cannot be kept.
    #[error("the time {ns} ns is not between 1900 and 2200")]
    Time {
        /// What was written.
        ns: u64,
    },
    /// A histogram does not fit together.
    #[error("a histogram with {bounds} bounds has {counts} counts; it should have one more than bounds")]
    Histogram {
        /// How many bounds it has.
        bounds: usize,
        /// How many counts.
        counts: usize,
    },
    /// Nothing is left of the name.
    #[error("the metric \"{name}\" has no name that can be kept; use letters and digits")]
    NoName {
        /// What was written.
        name: String,
    },
    /// The labels are too long.
    #[error("the attributes of a data point are longer than 64 KiB")]
    LongLabels,
}
