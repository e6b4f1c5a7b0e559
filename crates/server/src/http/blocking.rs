//! Work that may block, done on a thread made for it: reading the store, replaying, waiting.

use std::any::Any;

use tokio::task::{JoinError, spawn_blocking};

/// What such a thread is given: boxed, since a runtime's code for each piece of work takes longer to build than the
/// work, and a box costs nothing beside it.
type Work = Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>;

/// Runs `work` where it may block, from the moment that this is awaited.
///
/// # Errors
/// What `work` panicked with.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let work: Work = Box::new(move || Box::new(work()));
    let done = spawn_blocking(work).await?;
    match done.downcast::<T>() {
        Ok(value) => Ok(*value),
        Err(_) => unreachable!("what the work gives is a T, two lines above"),
    }
}
