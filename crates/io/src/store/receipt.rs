//! The answer to a write: resolves when the write is durable, or says why it is not.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

use super::StoreError;
use super::lock::locked;

/// Resolves once the write it belongs to is on disk. Works in async code and in threads.
///
/// Dropping it does not undo the write.
#[must_use = "the write is durable only when the receipt resolves"]
#[derive(Debug)]
pub struct Receipt<T = ()> {
    slot: Arc<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Ready(Result<T, StoreError>),
    Taken,
}

impl<T> Receipt<T> {
    /// Blocks this thread until the write is durable. In async code `.await` the receipt instead.
    ///
    /// # Errors
    /// Why the write did not happen.
    pub fn wait(self) -> Result<T, StoreError> {
        let mut state = locked(&self.slot.state);
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Ready(result) => return result,
                State::Taken => return Err(StoreError::Closed),
                waiting @ State::Waiting(_) => *state = waiting,
            }
            state = self.slot.ready.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

impl<T> Receipt<T> {
    /// Blocks this thread as [`Receipt::wait`] does, for `at_most`; returns the receipt when there is no answer by then.
    ///
    /// # Errors
    /// The receipt, to be waited for again.
    pub fn wait_for(self, at_most: std::time::Duration) -> Result<Result<T, StoreError>, Self> {
        let state = locked(&self.slot.state);
        let is_waiting = |state: &mut State<T>| matches!(state, State::Waiting(_));
        let waited = self.slot.ready.wait_timeout_while(state, at_most, is_waiting);
        let (state, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(state);
        if timeout.timed_out() { Err(self) } else { Ok(self.wait()) }
    }
}

impl<T> Future for Receipt<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = locked(&self.slot.state);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Ready(result) => Poll::Ready(result),
            State::Taken => Poll::Ready(Err(StoreError::Closed)),
            State::Waiting(_) => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// The other end of a [`Receipt`]. Dropped unused, it says that the store was closed.
#[derive(Debug)]
pub(crate) struct Promise<T>(Arc<Slot<T>>);

impl<T> Promise<T> {
    pub(crate) fn fulfil(self, result: Result<T, StoreError>) {
        self.set(result);
    }

    fn set(&self, result: Result<T, StoreError>) {
        let mut state = locked(&self.0.state);
        if let State::Waiting(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Ready(result);
            drop(state);
            self.0.ready.notify_all();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.set(Err(StoreError::Closed));
    }
}

/// A promise and the receipt that waits for it.
pub(crate) fn promise<T>() -> (Promise<T>, Receipt<T>) {
    let slot = Arc::new(Slot { state: Mutex::new(State::Waiting(None)), ready: Condvar::new() });
    (Promise(Arc::clone(&slot)), Receipt { slot })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_across_threads_and_when_dropped() {
        let (kept, receipt) = promise();
        let waiting = std::thread::spawn(move || receipt.wait());
        kept.fulfil(Ok(7));
        assert_eq!(waiting.join().unwrap(), Ok(7));

        let (kept, receipt) = promise();
        let receipt = receipt.wait_for(std::time::Duration::from_millis(1)).unwrap_err();
        kept.fulfil(Ok(8));
        assert_eq!(receipt.wait_for(std::time::Duration::ZERO).unwrap(), Ok(8));

        let (dropped, receipt) = promise::<u8>();
        drop(dropped);
        assert_eq!(receipt.wait(), Err(StoreError::Closed));
    }

    #[tokio::test]
    async fn resolves_in_async_code() {
        let (kept, receipt) = promise();
        std::thread::spawn(move || kept.fulfil(Ok("done")));
        assert_eq!(receipt.await, Ok("done"));
    }
}
