//! The newest data, in memory until it is sealed into blocks.
//!
//! The head is a row of generations, oldest first: each holds what one stretch of the journal brought. Only
//! the last one grows; the others are frozen, and are sealed one at a time. A later generation's sample
//! counts over an earlier one's, and every generation's over the blocks on disk.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ::bytes::Bytes;
use lanner_core::{Sample, TimeRange};

use super::SeriesId;
use super::batch::{Batch, NewEvent};
use super::series_id::ById;

/// One event in memory.
pub(super) type HeldEvent = (i64, Bytes);

/// What one stretch of the journal brought.
#[derive(Default)]
pub(super) struct Generation {
    pub(super) samples: ById<Buffer>,
    /// Per stream, in the order of arrival.
    pub(super) events: HashMap<Arc<str>, Vec<HeldEvent>>,
    pub(super) n_samples: usize,
    pub(super) bytes: usize,
    /// The last row of the journal in here.
    pub(super) last_seq: i64,
    /// When maintenance first saw it.
    pub(super) seen_ms: std::sync::OnceLock<i64>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Head {
    pub(super) frozen: VecDeque<Arc<Generation>>,
    pub(super) current: Generation,
    pub(super) frozen_bytes: usize,
}

const BYTES_PER_SERIES: usize = 120;
/// Beside its text, for an event that came alone; for those that came together it is half.
const BYTES_PER_EVENT: usize = 80;

impl Head {
    /// Adds a committed batch, the journal's row `seq`.
    pub(super) fn apply(&mut self, seq: i64, batch: Batch, generation_bytes: usize) {
        let current = &mut self.current;
        current.n_samples += batch.samples.len();
        current.bytes += batch.samples.len() * size_of::<Sample>();
        let n_series = current.samples.len();
        for (id, sample) in batch.samples {
            current.samples.entry(id).or_default().push(sample);
        }
        current.bytes += (current.samples.len() - n_series) * BYTES_PER_SERIES;
        for NewEvent { stream, time_ms, json } in batch.events {
            current.bytes += json.len() + BYTES_PER_EVENT;
            current.events.entry(stream).or_default().push((time_ms, json));
        }
        current.last_seq = seq;
        if current.bytes >= generation_bytes {
            self.freeze();
        }
    }

    /// Begins a new generation, unless the current one is empty.
    pub(super) fn freeze(&mut self) {
        if self.current.last_seq != 0 {
            let full = std::mem::take(&mut self.current);
            self.frozen_bytes += full.bytes;
            self.frozen.push_back(Arc::new(full));
        }
    }

    /// Forgets the oldest generation: it lies in blocks now.
    pub(super) fn drop_oldest(&mut self) {
        if let Some(sealed) = self.frozen.pop_front() {
            self.frozen_bytes -= sealed.bytes;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.frozen_bytes + self.current.bytes
    }

    pub(super) fn n_samples(&self) -> usize {
        self.generations().map(|generation| generation.n_samples).sum()
    }

    /// Oldest first.
    pub(super) fn generations(&self) -> impl DoubleEndedIterator<Item = &Generation> {
        self.frozen.iter().map(|generation| &**generation).chain([&self.current])
    }

    /// The samples of `id` in `range`, one list per generation that has some, oldest generation first.
    pub(super) fn samples(&self, id: SeriesId, range: TimeRange) -> Vec<Vec<Sample>> {
        self.generations()
            .filter_map(|generation| generation.samples.get(&id))
            .map(|buffer| buffer.range(range))
            .filter(|samples| !samples.is_empty())
            .collect()
    }

    /// The first and last time of `id` in memory.
    pub(super) fn extent(&self, id: SeriesId) -> Option<(i64, i64)> {
        self.generations()
            .filter_map(|generation| generation.samples.get(&id)?.extent())
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// The samples of one series: in order, and those that came late beside them.
///
/// Adding costs O(1) for samples in order and a few copies for late ones, whatever their order.
#[derive(Debug, Default, Clone)]
pub(super) struct Buffer {
    /// Strictly ascending in time.
    ordered: Vec<Sample>,
    /// Older than the end of `ordered`, in order of arrival; counts over `ordered` at equal times.
    late: Vec<Sample>,
}

impl Buffer {
    pub(super) fn push(&mut self, sample: Sample) {
        match self.ordered.last_mut() {
            Some(last) if last.time_ms == sample.time_ms => *last = sample,
            Some(last) if last.time_ms > sample.time_ms => {
                self.late.push(sample);
                if self.late.len() >= 64 + self.ordered.len() / 8 {
                    self.ordered = self.all();
                    self.late.clear();
                }
            }
            _ => {
                // By a quarter, not to the double: thousands of series grow side by side.
                if self.ordered.len() == self.ordered.capacity() {
                    self.ordered.reserve_exact(4 + self.ordered.len() / 4);
                }
                self.ordered.push(sample);
            }
        }
    }

    /// All samples in order of time, one per time.
    pub(super) fn all(&self) -> Vec<Sample> {
        if self.late.is_empty() {
            return self.ordered.clone();
        }
        overlay(&self.ordered, in_order(self.late.clone()))
    }

    pub(super) fn range(&self, range: TimeRange) -> Vec<Sample> {
        let from = self.ordered.partition_point(|sample| sample.time_ms < range.start_ms);
        let to = self.ordered.partition_point(|sample| sample.time_ms < range.end_ms).max(from);
        let inside = &self.ordered[from..to];
        let late: Vec<Sample> =
            self.late.iter().filter(|sample| range.contains(sample.time_ms)).copied().collect();
        if late.is_empty() { inside.to_vec() } else { overlay(inside, in_order(late)) }
    }

    fn extent(&self) -> Option<(i64, i64)> {
        let late = self.late.iter().map(|sample| sample.time_ms).min();
        let first = self.ordered.first()?.time_ms;
        Some((late.map_or(first, |late| late.min(first)), self.ordered.last()?.time_ms))
    }
}

/// Sorted by time; of equal times the last that came stays.
fn in_order(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.sort_by_key(|sample| sample.time_ms);
    samples.reverse(); // dedup keeps the first of equals
    samples.dedup_by_key(|sample| sample.time_ms);
    samples.reverse();
    samples
}

/// Both lists in one, in order of time; at equal times `newer` counts.
pub(super) fn overlay(older: &[Sample], newer: Vec<Sample>) -> Vec<Sample> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.iter().copied().peekable();
    for sample in newer {
        while let Some(before) = older.next_if(|before| before.time_ms < sample.time_ms) {
            merged.push(before);
        }
        older.next_if(|same| same.time_ms == sample.time_ms);
        merged.push(sample);
    }
    merged.extend(older);
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn last_write_wins_in_any_order(
            pushes in proptest::collection::vec((0..300_i64, -5.0..5.0), 0..600),
            from in 0..300_i64,
            length in 0..300_i64,
        ) {
            let mut buffer = Buffer::default();
            let mut model = BTreeMap::new();
            for (time_ms, value) in pushes {
                buffer.push(Sample::new(time_ms, value));
                model.insert(time_ms, value);
            }
            let range = TimeRange::new(from, from + length);
            let expected: Vec<Sample> =
                model.range(from..from + length).map(|(t, v)| Sample::new(*t, *v)).collect();
            prop_assert_eq!(buffer.range(range), expected);
            prop_assert_eq!(buffer.all().len(), model.len());
            let ends = model.keys().next().copied().zip(model.keys().next_back().copied());
            prop_assert_eq!(buffer.extent(), ends);
        }
    }
}
