//! The processors in force, and what they saw.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lanner_engine::processor::{Processors, Tally};

use crate::metrics::METRICS;
use crate::sync::locked;

/// The processors in force, and how many events each saw since the start.
#[derive(Debug, Default)]
pub(crate) struct Processing {
    in_force: Mutex<Arc<Processors>>,
    seen: Mutex<BTreeMap<Arc<str>, Tally>>,
}

impl Processing {
    /// Those in force now; a batch keeps those with which it began.
    #[must_use]
    pub(crate) fn in_force(&self) -> Arc<Processors> {
        Arc::clone(&locked(&self.in_force))
    }

    /// Puts others in force. What those that are gone saw is forgotten.
    pub(crate) fn replace(&self, processors: Processors) {
        let mut seen = locked(&self.seen);
        seen.retain(|id, _| processors.all().iter().any(|one| one.id == *id));
        *locked(&self.in_force) = Arc::new(processors);
    }

    /// Notes what the processors saw of a batch that was kept.
    pub(super) fn note(&self, processors: &Processors, tallies: &[Tally]) {
        let mut seen = locked(&self.seen);
        for (one, tally) in processors.all().iter().zip(tallies).filter(|(_, tally)| tally.n_events > 0) {
            let all = seen.entry(one.id.clone()).or_default();
            all.n_events += tally.n_events;
            all.n_unmatched += tally.n_unmatched;
            METRICS.processed.with_label_values(&[&*one.id]).inc_by(tally.n_events);
            METRICS.unmatched.with_label_values(&[&*one.id]).inc_by(tally.n_unmatched);
        }
    }

    /// How many events a processor saw since the start.
    #[must_use]
    pub(crate) fn seen(&self, id: &str) -> Tally {
        locked(&self.seen).get(id).copied().unwrap_or_default()
    }
}
