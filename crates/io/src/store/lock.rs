//! Locks that outlive panics.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that stays usable after a panic elsewhere: what it guards is valid between any two steps.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
