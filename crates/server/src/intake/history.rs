//! Measured values, window by window, kept so that they need not be counted again.
//!
//! It is a cache: what it says is what counting the stored events says. An event that belongs into a window that is
//! kept makes it wrong, so what is kept of that window is forgotten before the event is stored; and nothing is kept
//! that was counted while such an event was on its way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use lanner_core::{Changes, Measured};
use lanner_engine::stream::Correction;
use lanner_io::state::{StateStore, StoreError};

use crate::sync::locked;

/// Says what may be kept of which stream.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<HashMap<Arc<str>, Stream>>);

#[derive(Debug, Default)]
struct Stream {
    n_corrections: u64,
    /// The earliest times of batches that are on their way, each with how many there are of it.
    arriving: BTreeMap<i64, usize>,
}

/// A moment before something was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u64);

/// What was counted of one stream, and is worth keeping.
#[derive(Debug, Default)]
pub struct Kept {
    /// The values.
    pub rows: Vec<Measured>,
    /// The stream, and the moment before they were counted; without, they may not be kept.
    pub since: Option<(Arc<str>, Mark)>,
}

/// Events on their way into store and measures, until it is dropped.
#[derive(Debug)]
pub(crate) struct Arriving<'a> {
    history: &'a History,
    stream: &'a Arc<str>,
    first_ms: i64,
}

impl History {
    /// Before events are stored whose earliest is of `first_ms`.
    pub(crate) fn arriving<'a>(&'a self, stream: &'a Arc<str>, first_ms: i64) -> Arriving<'a> {
        *locked(&self.0).entry(stream.clone()).or_default().arriving.entry(first_ms).or_default() += 1;
        Arriving { history: self, stream, first_ms }
    }

    /// Before windows are counted that end by `end_ms`; `None` where events for them may be on their way.
    #[must_use]
    pub(crate) fn mark(&self, stream: &str, end_ms: i64) -> Option<Mark> {
        let streams = locked(&self.0);
        let Some(stream) = streams.get(stream) else { return Some(Mark(0)) };
        let is_open = stream.arriving.first_key_value().is_some_and(|(first_ms, _)| *first_ms < end_ms);
        (!is_open).then_some(Mark(stream.n_corrections))
    }

    /// Keeps what was counted, unless it was corrected since.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn keep(&self, store: &dyn StateStore, kept: Kept) -> Result<(), StoreError> {
        let Kept { rows, since: Some((stream, mark)) } = kept else { return Ok(()) };
        if rows.is_empty() {
            return Ok(());
        }
        // Locked until it is handed over, so that what forgets it is handed over later.
        let streams = locked(&self.0);
        if Mark(streams.get(&stream).map_or(0, |stream| stream.n_corrections)) == mark {
            drop(store.apply(Changes { history: rows, ..Changes::default() }.into())?);
        }
        Ok(())
    }
}

impl Arriving<'_> {
    /// Forgets what these events make wrong; returns when that is durable.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn correct(&self, store: &dyn StateStore, wrong: &[Correction]) -> Result<(), StoreError> {
        if wrong.is_empty() {
            return Ok(());
        }
        // What was to be kept before this is handed over by now, and nothing more of this time until they have arrived.
        locked(&self.history.0).entry(self.stream.clone()).or_default().n_corrections += 1;
        let wrong: Vec<_> = wrong.iter().map(|wrong| (wrong.query, wrong.range, wrong.window_ms)).collect();
        store.forget_measured(&wrong)
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        let mut streams = locked(&self.history.0);
        if let Some(stream) = streams.get_mut(self.stream)
            && let Some(n) = stream.arriving.get_mut(&self.first_ms)
        {
            *n -= 1;
            if *n == 0 {
                stream.arriving.remove(&self.first_ms);
            }
            // Callers name as many streams as they like.
            if stream.arriving.is_empty() && stream.n_corrections == 0 {
                streams.remove(self.stream);
            }
        }
    }
}
