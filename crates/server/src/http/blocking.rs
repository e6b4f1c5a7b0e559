//! Runs work that may block on a thread for blocking work: reading the store, replaying, waiting.

use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};

/// The niceness of long computations: a tenth of the weight of what answers people.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Runs `work` where it may block, from the moment that this is awaited.
///
/// # Errors
/// What `work` panicked with.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    spawn_blocking(work).await
}

/// Runs long computations on a thread that gives way to all others: a switch that is thrown meanwhile must not wait for a
/// processor. They must hold no lock that anybody else wants, who would wait as long as the thread gives way.
///
/// # Errors
/// What `work` panicked with.
pub(crate) async fn background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let runtime = Handle::current();
    let give_way_and_work = move || {
        let _inside = runtime.enter(); // work may spawn tasks
        give_way();
        work()
    };
    blocking(move || {
        std::thread::spawn(give_way_and_work).join().unwrap_or_else(|panic| resume_unwind(panic))
    })
    .await
}

/// Lowers the priority of this thread, for good. On Linux a thread has one of its own.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!("long computations run at the priority of all others: {error}");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_background_gives_way_and_its_panics_are_errors() {
        let niceness = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = blocking(niceness).await.unwrap();
        assert_eq!(background(niceness).await.unwrap(), NICENESS.max(before));
        assert_eq!(blocking(niceness).await.unwrap(), before);
        assert!(background(|| panic!("on purpose")).await.unwrap_err().is_panic());
    }
}
