//! Why a frame was refused.

use std::fmt::Display;

/// The longest frame that is read, in bytes, as in carbon.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// Why a frame was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is more than [`MAX_FRAME_BYTES`]; where the next frame begins is not known then.
    #[error(
        "a frame of {n_bytes} bytes is longer than 1 MiB; send smaller batches, and pickles only to this port"
    )]
    TooLong {
        /// What the length says.
        n_bytes: usize,
    },
    /// The frame ends inside the pickle.
    #[error("the pickle ends too early, after {n_bytes} bytes")]
    Truncated {
        /// The frame's size.
        n_bytes: usize,
    },
    /// The pickle holds something other than plain data.
    #[error("the pickle holds {what}, which is never loaded; send lists, tuples, texts and numbers only")]
    Forbidden {
        /// The operation, and the object that it names.
        what: String,
    },
    /// The pickle cannot be read.
    #[error("not a pickle that can be read: at byte {at}, {what}")]
    Malformed {
        /// The first byte of the operation, from 0.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The pickle is not a list.
    #[error("the pickle is {found}; send a list of (path, (seconds, value))")]
    NotAList {
        /// What it is.
        found: &'static str,
    },
    /// Entries repeat long paths so often that the frame would grow beyond all bounds.
    #[error("entries from number {entry} on are left out: together their paths are over 64 times the frame")]
    Inflated {
        /// The first entry left out, from 1.
        entry: usize,
    },
}

impl FrameError {
    pub(super) fn malformed(at: usize, what: &'static str) -> Self {
        Self::Malformed { at, what }
    }

    pub(super) fn forbidden(what: impl Display) -> Self {
        Self::Forbidden { what: what.to_string() }
    }
}
