//! Delivery health since the program started. Kept in memory, so that a full disk hides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{SendError, SendErrorKind};

/// How sending to one receiver goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// When it last took a message, milliseconds since the Unix epoch.
    pub last_sent_ms: Option<i64>,
    /// When it last did not, milliseconds since the Unix epoch, and why.
    pub last_error: Option<(i64, String)>,
    /// Since when it has taken nothing of what was sent, milliseconds since the Unix epoch; `None` while it works.
    pub failing_since_ms: Option<i64>,
}

/// The health of every receiver, by name. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Healths(Arc<Mutex<BTreeMap<Arc<str>, Health>>>);

impl Healths {
    /// Notes what an attempt came to.
    pub(super) fn note(&self, receiver: &Arc<str>, now_ms: i64, result: &Result<(), SendError>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let health = all.entry(Arc::clone(receiver)).or_default();
        match result {
            Err(error) if error.kind == SendErrorKind::Noted => {
                (health.last_sent_ms, health.failing_since_ms) = (Some(now_ms), None);
            }
            Ok(()) => (health.last_sent_ms, health.failing_since_ms) = (Some(now_ms), None),
            Err(error) => {
                // Who reached some of several recipients works.
                if error.kind == SendErrorKind::Partly {
                    (health.last_sent_ms, health.failing_since_ms) = (Some(now_ms), None);
                } else {
                    health.failing_since_ms.get_or_insert(now_ms);
                }
                health.last_error = Some((now_ms, error.message.clone()));
            }
        }
    }

    /// Forgets a receiver that is gone or is another one now.
    pub(super) fn forget(&self, receiver: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(receiver);
    }

    pub(super) fn of(&self, receiver: &str) -> Health {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(receiver).cloned().unwrap_or_default()
    }
}
