//! The clock of a server.
//!
//! Servers go by the machine's clock. A program that holds a server inside may instead put the clock from one
//! instant to the next ([`Clock::stepped`], [`crate::Server::step_to`]): three weeks of data then go through the
//! same ingest, schedule and messages as live data, in seconds, and every run gives the same. Such a clock can
//! be let run on at its natural speed afterwards.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lanner_io::receiver::SystemClock;

/// What time it is for a server; clones tell the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Stepped>>);

#[derive(Debug)]
struct Stepped {
    at_ms: AtomicI64,
    running_since: OnceLock<Instant>,
}

impl Clock {
    /// A clock that stands at `start_ms`, milliseconds since the Unix epoch, until it is put on.
    ///
    /// ```
    /// let clock = lanner_server::Clock::stepped(1_000);
    /// clock.put_on(61_000);
    /// clock.put_on(2_000); // never back
    /// assert_eq!(clock.now_ms(), 61_000);
    /// ```
    #[must_use]
    pub fn stepped(start_ms: i64) -> Self {
        Self(Some(Arc::new(Stepped { at_ms: AtomicI64::new(start_ms), running_since: OnceLock::new() })))
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let Some(stepped) = &self.0 else { return lanner_io::receiver::Clock::now_ms(&SystemClock) };
        let ran = stepped.running_since.get().map_or(0, |since| since.elapsed().as_millis());
        stepped.at_ms.load(Ordering::SeqCst).saturating_add(i64::try_from(ran).unwrap_or(i64::MAX))
    }

    /// Whether it is one that is put on from outside.
    #[must_use]
    pub(crate) const fn is_stepped(&self) -> bool {
        self.0.is_some()
    }

    /// Puts a stepped clock on to `time_ms`, unless it is beyond already. The machine's clock stays as it is.
    pub fn put_on(&self, time_ms: i64) {
        if let Some(stepped) = &self.0 {
            stepped.at_ms.fetch_max(time_ms, Ordering::SeqCst);
        }
    }

    /// Lets a stepped clock run from where it stands, as fast as time goes.
    pub fn run_on(&self) {
        if let Some(stepped) = &self.0 {
            stepped.running_since.get_or_init(Instant::now);
        }
    }
}

impl lanner_io::receiver::Clock for Clock {
    fn now_ms(&self) -> i64 {
        Self::now_ms(self)
    }
}
