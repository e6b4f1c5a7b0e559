//! Late samples, for rules that have learned from the values before them.
//!
//! Nothing is kept of what series came to, so whoever reads a window reads late samples as well. Only what detectors
//! have learned lacks them, until the engine is told. Cost: a comparison for each sample while some rule learns from
//! series, nothing otherwise; what was late is matched with rules once a turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use lanner_core::{SeriesKey, TimeRange};
use lanner_engine::Rule;
use lanner_io::data::{Batch, DataStore, SeriesId};

use crate::sync::locked;

/// For how long a batch is at most on its way to the disk, so that it may become late meanwhile, milliseconds.
const ON_ITS_WAY_MS: i64 = 60_000;

/// What came late.
#[derive(Debug)]
pub(crate) struct LateSamples {
    /// The end of the latest window of series that was learned from; the beginning of time while none was.
    learned_ms: AtomicI64,
    late: Mutex<HashMap<SeriesId, TimeRange>>,
}

impl Default for LateSamples {
    fn default() -> Self {
        Self { learned_ms: AtomicI64::new(i64::MIN), late: Mutex::default() }
    }
}

impl LateSamples {
    /// Notes that a window is being learned from.
    pub(crate) fn learned(&self, window: TimeRange) {
        self.learned_ms.fetch_max(window.end_ms, Ordering::SeqCst);
    }

    /// Which samples of a batch may be late by the time that it is durable.
    pub(crate) fn candidates(&self, batch: &Batch) -> Vec<(SeriesId, i64)> {
        match self.learned_ms.load(Ordering::SeqCst) {
            i64::MIN => Vec::new(),
            learned_ms => {
                let may_be_late = |time_ms| time_ms < learned_ms.saturating_add(ON_ITS_WAY_MS);
                let samples = batch.samples.iter().map(|(id, sample)| (*id, sample.time_ms));
                samples.filter(|(_, time_ms)| may_be_late(*time_ms)).collect()
            }
        }
    }

    /// Notes those of them that are late, now that they are durable.
    pub(crate) fn note(&self, stored: &[(SeriesId, i64)]) {
        let learned_ms = self.learned_ms.load(Ordering::SeqCst);
        let mut late = stored.iter().filter(|(_, time_ms)| *time_ms < learned_ms).peekable();
        if late.peek().is_none() {
            return;
        }
        let mut known = locked(&self.late);
        for (id, time_ms) in late {
            let here = TimeRange::new(*time_ms, time_ms.saturating_add(1));
            known.entry(*id).and_modify(|range| *range = range.hull(here)).or_insert(here);
        }
    }

    /// Whether something came late since it was last taken.
    pub(crate) fn is_empty(&self) -> bool {
        locked(&self.late).is_empty()
    }

    /// Takes what came late, by the queries of these rules that read it.
    pub(crate) fn take(&self, store: &dyn DataStore, rules: &[Arc<Rule>]) -> HashMap<u64, TimeRange> {
        let late = std::mem::take(&mut *locked(&self.late));
        let late: Vec<(Arc<SeriesKey>, TimeRange)> =
            late.into_iter().filter_map(|(id, range)| Some((store.series_key(id)?, range))).collect();
        let corrected = |rule: &Arc<Rule>| Some((rule.query.fingerprint(), rule.query.corrected(&late)?));
        rules.iter().filter_map(corrected).collect()
    }
}
