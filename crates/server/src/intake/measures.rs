//! What is counted as events arrive, and the gate that lets whoever registers a measure see each event once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lanner_engine::stream::Measures;

use crate::sync::locked;

/// Measures, and the gate that lets registration see no event between store and measures.
#[derive(Debug)]
pub struct Counting {
    gate: RwLock<()>,
    measures: Mutex<Measures>,
    first_ms: Mutex<HashMap<Arc<str>, i64>>,
}

impl Counting {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(seed: u64, first_ms: HashMap<Arc<str>, i64>) -> Self {
        Self {
            gate: RwLock::default(),
            measures: Mutex::new(Measures::new(seed)),
            first_ms: Mutex::new(first_ms),
        }
    }

    /// Held while events go from the store's acknowledgement to the measures.
    pub fn passing(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while measures are registered and the snapshot of stored events is taken.
    pub fn closed(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The measures, locked.
    pub fn measures(&self) -> MutexGuard<'_, Measures> {
        locked(&self.measures)
    }

    /// Notes the earliest event of a batch.
    pub fn note_first(&self, stream: &Arc<str>, time_ms: i64) {
        let mut first = locked(&self.first_ms);
        match first.get_mut(stream) {
            Some(first_ms) => *first_ms = time_ms.min(*first_ms),
            None => {
                first.insert(stream.clone(), time_ms);
            }
        }
    }

    /// The names of the streams that have events.
    #[must_use]
    pub fn streams(&self) -> Vec<Arc<str>> {
        locked(&self.first_ms).keys().cloned().collect()
    }

    /// The time of a stream's first event, milliseconds since the Unix epoch.
    #[must_use]
    pub fn first_ms(&self, stream: &str) -> Option<i64> {
        locked(&self.first_ms).get(stream).copied()
    }
}
