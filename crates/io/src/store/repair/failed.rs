//! Why copying failed.

use std::io;

use crate::store::StoreError;

/// An error while copying.
pub(super) enum Failed {
    Store(StoreError),
    Disk(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Store(error) => error,
            Failed::Disk(error) => Self::Database { detail: format!("reading the damaged file: {error}") },
        }
    }
}
