//! What can be wrong with a line.

/// The values of an interval take at most so much memory; those of timers and sets have to be kept.
pub(super) const MAX_VALUE_BYTES: usize = 64 << 20;

/// The longest name with its tags, bytes.
pub(super) const MAX_NAME_BYTES: usize = 1024;

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsdError {
    /// A byte that is not text.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// An event or a check of DogStatsD.
    #[error("events and service checks of DogStatsD are not taken; send events to /api/v1/events/STREAM")]
    NoMetric,
    /// A part is missing.
    #[error("\"{text}\" has no {part}; write name:value|type")]
    Missing {
        /// What is missing.
        part: &'static str,
        /// The line.
        text: String,
    },
    /// The type is none.
    #[error("\"{text}\" is not a type; write c, g, ms, h, d or s")]
    NoKind {
        /// What was written.
        text: String,
    },
    /// The rate is none.
    #[error("\"{text}\" is not a sample rate; write @ and a number above 0, at most 1")]
    NoRate {
        /// What was written.
        text: String,
    },
    /// A value is no number.
    #[error("\"{text}\" is not a number")]
    NoNumber {
        /// What was written.
        text: String,
    },
    /// The name and its tags are too long.
    #[error("the name and tags of \"{text}\" are longer than {} bytes", MAX_NAME_BYTES)]
    LongName {
        /// The beginning of the name.
        text: String,
    },
    /// There are too many names in an interval.
    #[error("more than {limit} names are in use; fewer tags, or a higher statsd.max_names")]
    ManyNames {
        /// How many there may be.
        limit: usize,
    },
    /// An interval holds too many values.
    #[error("the values of one interval need more than {} MiB; send with a sample rate", MAX_VALUE_BYTES >> 20)]
    ManyValues,
}
