//! Runs work that may block on a thread for blocking work: reading the store, replaying, waiting.

use tokio::task::{JoinError, spawn_blocking};

/// Runs `work` where it may block, from the moment that this is awaited.
///
/// # Errors
/// What `work` panicked with.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    spawn_blocking(work).await
}
