//! Records when the server was running. What it missed is unknown, and does not mean that senders were silent.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use lanner_core::{Changes, TimeRange};
use lanner_engine::source::{Gaps, shown};
use lanner_io::state::{Receipt, StateStore, StoreError};

use crate::sync::locked;

/// How long nothing may be written before it is noted that the server is there.
const NOTED_EVERY_MS: i64 = 5_000;

/// What is known of when the server was there.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Whether it is there now, and that may be noted.
    is_there: AtomicBool,
    /// When it was last noted to be there, milliseconds since the Unix epoch; the end of time before it ever was.
    noted_ms: AtomicI64,
    gaps: Mutex<Vec<TimeRange>>,
}

impl Watch {
    /// Reads what earlier runs noted.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn load(store: &dyn StateStore) -> Result<Self, StoreError> {
        Ok(Self {
            is_there: AtomicBool::new(false),
            noted_ms: AtomicI64::new(store.watched_ms()?.unwrap_or(i64::MAX)),
            gaps: Mutex::new(store.gaps()?),
        })
    }

    /// The times in which it was away.
    #[must_use]
    pub(crate) fn gaps(&self) -> Gaps {
        Gaps::new(self.away())
    }

    /// The same, as they were noted.
    pub(crate) fn away(&self) -> Vec<TimeRange> {
        locked(&self.gaps).clone()
    }

    /// Whether the server is there now.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// Whether it is time to note that the server is there, although nothing else is to be written.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        let since_ms = now_ms.saturating_sub(self.noted_ms.load(Ordering::Relaxed));
        self.is_there() && since_ms >= NOTED_EVERY_MS
    }

    /// What to note beside what is written at `now_ms`.
    pub(crate) fn note(&self, now_ms: i64) -> Option<i64> {
        self.is_there().then_some(now_ms)
    }

    /// Takes down what was noted.
    pub(crate) fn noted(&self, now_ms: Option<i64>) {
        if let Some(now_ms) = now_ms {
            self.noted_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
    }

    /// From now on the server is there: what comes is received. Where that cannot be stored, what was missed is known all
    /// the same, and this is to be called again.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn begin(&self, store: &dyn StateStore, now_ms: i64) -> Result<(), StoreError> {
        let noted_ms = self.noted_ms.fetch_min(now_ms, Ordering::Relaxed);
        self.is_there.store(true, Ordering::Relaxed);
        if noted_ms < now_ms {
            self.missed(store, TimeRange::new(noted_ms, now_ms))?;
        } else {
            store.apply(Changes { watched_ms: Some(now_ms), ..Changes::default() }.into())?.wait()?;
        }
        self.noted_ms.store(now_ms, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that nothing was received in `gap`, which is known from now on even where it cannot be stored.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn missed(&self, store: &dyn StateStore, gap: TimeRange) -> Result<(), StoreError> {
        locked(&self.gaps).push(gap);
        tracing::info!("nothing was received {}; windows of that time are unknown", shown(gap));
        store.add_gap(gap)?.wait()
    }

    /// The server goes: nothing is received from now on.
    pub(crate) fn end(&self, store: &dyn StateStore, now_ms: i64) {
        if let Some(watched_ms) = self.note(now_ms) {
            self.is_there.store(false, Ordering::Relaxed);
            let noted = store.apply(Changes { watched_ms: Some(watched_ms), ..Changes::default() }.into());
            if let Err(error) = noted.and_then(Receipt::wait) {
                tracing::warn!("cannot store when the server stopped: {error}");
            }
        }
    }
}
