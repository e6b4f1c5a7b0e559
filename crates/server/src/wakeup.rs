//! Who wakes the evaluation loop, and who waits for it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::sync::locked;

/// Wakes the evaluation loop when there is news, and tells how far it is.
#[derive(Debug, Default)]
pub struct Wakeup {
    rung: Mutex<bool>,
    changed: Condvar,
    settled_ms: Mutex<i64>,
    settled: Condvar,
}

impl Wakeup {
    /// Wakes the loop.
    pub fn ring(&self) {
        *locked(&self.rung) = true;
        self.changed.notify_all();
    }

    /// Notes that all that was due by `time_ms`, milliseconds since the Unix epoch, is evaluated and written.
    pub(crate) fn settle(&self, time_ms: i64) {
        *locked(&self.settled_ms) = time_ms;
        self.settled.notify_all();
    }

    /// Waits until all that was due by `time_ms` is evaluated and written, or for `at_most`; says which.
    pub(crate) fn wait_settled(&self, time_ms: i64, at_most: Duration) -> bool {
        let settled_ms = locked(&self.settled_ms);
        let waited = self.settled.wait_timeout_while(settled_ms, at_most, |settled_ms| *settled_ms < time_ms);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until woken, or for `at_most`.
    pub fn wait(&self, at_most: Duration) {
        let rung = locked(&self.rung);
        let waited = self.changed.wait_timeout_while(rung, at_most, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}
