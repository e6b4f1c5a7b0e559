//! Why data was not taken.

use std::sync::Arc;

use lanner_io::store::StoreError;

/// Why data was not taken; nothing of it was kept.
///
/// Messages are for whoever sent it: what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// Others write already, as many as may at once.
    #[error("too many requests write at once; send this one again in a second")]
    Busy,
    /// What was sent is larger than is allowed.
    #[error("the body is larger than {limit} bytes; send smaller batches, or raise server.max_body")]
    TooLarge {
        /// The limit, bytes.
        limit: usize,
    },
    /// It is compressed in a way that is not known.
    #[error("the content encoding \"{0}\" is not supported; send gzip or none")]
    Encoding(String),
    /// It cannot be read as a whole.
    #[error("{0}")]
    Unreadable(String),
    /// The stream has a name that no stream can have.
    #[error("a stream's name should be 1 to 200 printable characters")]
    StreamName,
    /// The events of the stream lie elsewhere: nobody would count these.
    #[error(
        "the events of {stream} lie in the source {source_name}, where they are counted; send these to another stream, or there"
    )]
    Elsewhere {
        /// The stream.
        stream: Arc<str>,
        /// The source that holds its events.
        source_name: Arc<str>,
    },
    /// It could not be made durable.
    #[error("{0}")]
    Store(#[from] StoreError),
}
