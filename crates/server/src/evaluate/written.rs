//! What was evaluated and is written, for whoever follows it.

use std::sync::Arc;

use lanner_core::Changes;
use tokio::sync::broadcast;

/// What one transaction changed.
pub(crate) type Written = Arc<Changes>;

/// Transactions that are kept for who is slow to follow: those of many turns, as a worker writes each of its up to 256 shards in one of
/// its own.
const MAX_BEHIND: usize = 4_096;

/// Tells those who follow what was written.
#[derive(Debug)]
pub(crate) struct Publisher(broadcast::Sender<Written>);

impl Default for Publisher {
    fn default() -> Self {
        Self(broadcast::Sender::new(MAX_BEHIND))
    }
}

impl Publisher {
    /// Tells them, if there is anybody and anything to tell.
    pub(super) fn publish(&self, changes: &Written) {
        if !changes.evaluations.is_empty() {
            // Fails when nobody follows.
            let _ = self.0.send(Arc::clone(changes));
        }
    }

    /// What is written from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Written> {
        self.0.subscribe()
    }
}
