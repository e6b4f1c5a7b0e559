//! The thread that seals in the background, and what housekeeping remembers.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::lock::locked;

/// What maintenance remembers between two calls.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When old data was last looked for.
    pub(super) aged_ms: Option<i64>,
}

/// The thread that seals when the head is too large.
#[derive(Default)]
pub(super) struct Sealer {
    signal: Arc<(Mutex<Signal>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Signal {
    wanted: bool,
    stopping: bool,
}

impl Sealer {
    /// Has the thread look at the head.
    pub(super) fn wake(&self) {
        locked(&self.signal.0).wanted = true;
        self.signal.1.notify_one();
    }

    /// Ends the thread, after what it is doing.
    pub(super) fn stop(&self) {
        locked(&self.signal.0).stopping = true;
        self.signal.1.notify_one();
        if let Some(thread) = locked(&self.thread).take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the thread was reported by the runtime; the journal still holds the data.
            let _ = thread.join();
        }
    }

    /// Starts the thread. It calls `seal` whenever it is woken, until that says that it was the last time.
    pub(super) fn start(&self, seal: impl Fn() -> bool + Send + 'static) -> std::io::Result<()> {
        let signal = Arc::clone(&self.signal);
        let thread = std::thread::Builder::new().name("lanner-seal".to_owned()).spawn(move || {
            loop {
                let mut state = locked(&signal.0);
                while !state.wanted && !state.stopping {
                    state = signal.1.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.stopping {
                    return;
                }
                state.wanted = false;
                drop(state);
                if !seal() {
                    return;
                }
            }
        })?;
        *locked(&self.thread) = Some(thread);
        Ok(())
    }
}
