//! Revisions of switches that may be shown before they are written.
//!
//! A client believes a revision once. So what it was shown and a crash then took must not come again with another content:
//! revisions are reserved in the store some thousands ahead, and after a crash the next one comes after all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lanner_io::state::{StateStore, StoreError};

use crate::documents::SWITCH;

/// So many revisions are reserved ahead; more when half of them are used.
const AHEAD: u64 = 4_096;

/// The revisions of switches that are reserved.
#[derive(Debug, Default)]
pub(super) struct Reserved(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The last one; 0 while none is.
    up_to: AtomicU64,
    is_under_way: AtomicBool,
}

impl Reserved {
    /// Reserves `revision`, and more: waits until that is written where it must, and must not be called in async code. A
    /// disk without room keeps nobody from using a revision: after a crash, clients may then wait for
    /// `lanner switch bump`.
    ///
    /// # Errors
    /// Where the store takes nothing at all.
    pub(super) fn reserve(&self, store: &dyn StateStore, revision: u64) -> Result<(), StoreError> {
        let up_to = self.0.up_to.load(Ordering::Acquire);
        if revision > up_to {
            match store.reserve_revisions(SWITCH, revision + AHEAD)?.wait() {
                Ok(()) => drop(self.0.up_to.fetch_max(revision + AHEAD, Ordering::AcqRel)),
                Err(error) => tracing::warn!("could not reserve revisions of switches: {error}"),
            }
        } else if up_to - revision < AHEAD / 2 && !self.0.is_under_way.swap(true, Ordering::AcqRel) {
            let (state, receipt) = (Arc::clone(&self.0), store.reserve_revisions(SWITCH, revision + AHEAD));
            tokio::spawn(async move {
                // What fails is tried again by the next change.
                if let Ok(receipt) = receipt
                    && receipt.await.is_ok()
                {
                    state.up_to.fetch_max(revision + AHEAD, Ordering::AcqRel);
                }
                state.is_under_way.store(false, Ordering::Release);
            });
        }
        Ok(())
    }

    /// None after `shown` was shown.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn release(&self, store: &dyn StateStore, shown: u64) -> Result<(), StoreError> {
        if self.0.up_to.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        store.release_revisions(SWITCH, shown)?.wait()
    }
}
