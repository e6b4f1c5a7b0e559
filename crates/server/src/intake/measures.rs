//! What is counted as events arrive, and the gate that lets whoever registers a measure see each event once.
//!
//! Each stream has a lock of its own: whoever counts or reads one stream waits for nobody on another. Nobody holds two
//! of them; what concerns several streams is done one after the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lanner_core::TimeRange;

use lanner_engine::stream::Measures;

use crate::sync::locked;

/// Measures, and the gate that lets registration see no event between store and measures.
#[derive(Debug)]
pub(crate) struct Counting {
    gate: RwLock<()>,
    seed: u64,
    /// By stream; those that nobody measures any more are dropped when measures are registered.
    streams: RwLock<HashMap<Arc<str>, Arc<Mutex<Measures>>>>,
    first_ms: Mutex<HashMap<Arc<str>, i64>>,
}

impl Counting {
    /// Nothing counted yet.
    #[must_use]
    pub(crate) fn new(seed: u64, first_ms: HashMap<Arc<str>, i64>) -> Self {
        Self { gate: RwLock::default(), seed, streams: RwLock::default(), first_ms: Mutex::new(first_ms) }
    }

    /// Held while events go from the store's acknowledgement to the measures.
    pub(crate) fn passing(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while measures are registered and the snapshot of stored events is taken.
    pub(crate) fn closed(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The measures of a stream; of one that nobody measures, some that hold nothing.
    #[must_use]
    pub(crate) fn of(&self, stream: &str) -> Arc<Mutex<Measures>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.get(stream).cloned().unwrap_or_else(|| Arc::new(Mutex::new(Measures::new(self.seed))))
    }

    /// The measures of a stream, to register some: those of a stream that nobody measures are kept from now on. Only
    /// while the gate is [closed](Self::closed).
    #[must_use]
    pub(crate) fn entry(&self, stream: &Arc<str>) -> Arc<Mutex<Measures>> {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Mutex::new(Measures::new(self.seed)));
        Arc::clone(streams.entry(Arc::clone(stream)).or_insert_with(new))
    }

    /// Drops the streams that nobody measures any more. Only while the gate is [closed](Self::closed).
    pub(crate) fn tidy(&self) {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|_, measures| !locked(measures).is_empty());
    }

    fn all(&self) -> Vec<Arc<Mutex<Measures>>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.values().cloned().collect()
    }

    /// The rules that read measures whose past is not known yet.
    #[must_use]
    pub(crate) fn waiting(&self) -> BTreeSet<Arc<str>> {
        self.all().iter().flat_map(|measures| locked(measures).waiting()).collect()
    }

    /// Where late events came since this was last asked, by the fingerprint of the query.
    #[must_use]
    pub(crate) fn take_late(&self) -> HashMap<u64, TimeRange> {
        self.all().iter().flat_map(|measures| locked(measures).take_late()).collect()
    }

    /// How many measures are kept, and how many of their conditions no index can help.
    #[must_use]
    pub(crate) fn size(&self) -> (usize, usize) {
        let sizes = self.all().into_iter().map(|measures| locked(&measures).size());
        sizes.fold((0, 0), |(n, n_unindexed), (more, unindexed)| (n + more, n_unindexed + unindexed))
    }

    /// Notes the earliest event of a batch.
    pub(crate) fn note_first(&self, stream: &Arc<str>, time_ms: i64) {
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
    pub(crate) fn streams(&self) -> Vec<Arc<str>> {
        locked(&self.first_ms).keys().cloned().collect()
    }

    /// The time of a stream's first event, milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn first_ms(&self, stream: &str) -> Option<i64> {
        locked(&self.first_ms).get(stream).copied()
    }
}
