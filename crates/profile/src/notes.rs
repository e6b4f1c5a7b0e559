//! What a profile knows of itself: when events came, and what may be wrong with what it learned.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};

use lanner_core::TimeRange;
use serde::{Deserialize, Serialize};

use crate::answer::Status;
use crate::novelty::Novelty;
use crate::spec::Spec;

/// Ranges of times of which nothing is learned, at most: each event is compared with all of them.
const MAX_HELD: usize = 100;

/// Notes of a profile, which threads read while others write.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The time of the first event, milliseconds since 1970.
    first_ms: Moment,
    /// The latest time of an event.
    latest_ms: Moment,
    /// When events came again after a pause that made it stale.
    resumed_ms: Moment,
    /// Until when it was told to learn.
    finished_ms: Option<i64>,
    /// Until when it is incomplete, because events were lost.
    incomplete_until_ms: Option<i64>,
    /// Times of which nothing is learned.
    held: Vec<TimeRange>,
    /// Keys in its sketches: behaviours and parts of them.
    n_keys: AtomicU64,
    /// Events, as far as they are in the books.
    n_events: AtomicU64,
    /// The share of events that are new, of late; the bits of a number.
    recent: AtomicU64,
}

/// Notes as they are kept in files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    first_ms: Option<i64>,
    latest_ms: Option<i64>,
    finished_ms: Option<i64>,
    incomplete_until_ms: Option<i64>,
    resumed_ms: Option<i64>,
    n_keys: u64,
    held: Vec<TimeRange>,
    pub(crate) novelty: Novelty,
}

/// A time, milliseconds since 1970, if there is one.
#[derive(Debug)]
struct Moment(AtomicI64);

/// Stands for no time.
const NEVER: i64 = i64::MIN;

impl Default for Moment {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Moment {
    fn new(time_ms: Option<i64>) -> Self {
        Self(AtomicI64::new(time_ms.unwrap_or(NEVER)))
    }

    fn get(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|time_ms| *time_ms != NEVER)
    }

    /// Makes it at least as late; [`NEVER`] is earlier than all.
    fn raise(&self, time_ms: i64) {
        // Mostly it is that late already, and what nobody writes stays in the caches of all threads.
        if self.0.load(Relaxed) < time_ms {
            self.0.fetch_max(time_ms, Relaxed);
        }
    }

    /// Makes it at least as early.
    fn lower(&self, time_ms: i64) {
        let is_later = |at_ms: i64| at_ms == NEVER || at_ms > time_ms;
        if is_later(self.0.load(Relaxed)) {
            // It fails where another thread was earlier.
            let _ = self.0.fetch_update(Relaxed, Relaxed, |at_ms| is_later(at_ms).then_some(time_ms));
        }
    }
}

impl Clone for Notes {
    fn clone(&self) -> Self {
        let number = |of: &AtomicU64| AtomicU64::new(of.load(Relaxed));
        Self {
            first_ms: Moment::new(self.first_ms.get()),
            latest_ms: Moment::new(self.latest_ms.get()),
            resumed_ms: Moment::new(self.resumed_ms.get()),
            finished_ms: self.finished_ms,
            incomplete_until_ms: self.incomplete_until_ms,
            held: self.held.clone(),
            n_keys: number(&self.n_keys),
            n_events: number(&self.n_events),
            recent: number(&self.recent),
        }
    }
}

impl Notes {
    pub(crate) fn of(record: Record) -> Self {
        let notes = Self {
            first_ms: Moment::new(record.first_ms),
            latest_ms: Moment::new(record.latest_ms),
            resumed_ms: Moment::new(record.resumed_ms),
            finished_ms: record.finished_ms,
            incomplete_until_ms: record.incomplete_until_ms,
            held: record.held,
            n_keys: AtomicU64::new(record.n_keys),
            ..Self::default()
        };
        notes.tell(&record.novelty);
        notes
    }

    pub(crate) fn record(&self, novelty: &Novelty) -> Record {
        Record {
            first_ms: self.first_ms.get(),
            latest_ms: self.latest_ms.get(),
            finished_ms: self.finished_ms,
            incomplete_until_ms: self.incomplete_until_ms,
            resumed_ms: self.resumed_ms.get(),
            n_keys: self.n_keys(),
            held: self.held.clone(),
            novelty: novelty.clone(),
        }
    }

    /// Notes that an event came at `time_ms`, and says whether nothing of that time is learned.
    pub(crate) fn note_time(&self, time_ms: i64, stale_ms: i64) -> bool {
        self.first_ms.lower(time_ms);
        if self.latest_ms.get().is_some_and(|latest| time_ms.saturating_sub(latest) > stale_ms) {
            self.resumed_ms.raise(time_ms);
        }
        self.latest_ms.raise(time_ms);
        self.held.iter().any(|held| held.contains(time_ms))
    }

    /// Lets others know how many events are in the books, and how many of late were new.
    pub(crate) fn tell(&self, novelty: &Novelty) {
        self.n_events.store(novelty.n_events, Relaxed);
        self.recent.store(novelty.recent.to_bits(), Relaxed);
    }

    /// Notes keys that are new; for whoever has the books.
    pub(crate) fn add_keys(&self, n: u64) {
        self.n_keys.store(self.n_keys() + n, Relaxed);
    }

    /// Keys in the sketches.
    pub(crate) fn n_keys(&self) -> u64 {
        self.n_keys.load(Relaxed)
    }

    /// Events in the books.
    pub(crate) fn n_events(&self) -> u64 {
        self.n_events.load(Relaxed)
    }

    /// The share of events that are new, of late.
    pub(crate) fn novelty_rate(&self) -> f64 {
        f64::from_bits(self.recent.load(Relaxed))
    }

    /// The times of the first and the latest event.
    pub(crate) fn times_ms(&self) -> Option<(i64, i64)> {
        self.first_ms.get().zip(self.latest_ms.get())
    }

    /// Whether it was told to end learning.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished_ms.is_some()
    }

    /// Ends learning with the latest event.
    pub(crate) fn finish(&mut self) {
        self.finished_ms = self.latest_ms.get();
    }

    /// Events of a range of times were lost.
    pub(crate) fn note_lost(&mut self, lost: TimeRange, learn_ms: i64) {
        let until_ms = lost.end_ms.saturating_add(lost.length_ms().min(learn_ms));
        self.incomplete_until_ms = self.incomplete_until_ms.max(Some(until_ms));
    }

    /// Nothing of a range of times is to be learned. Ranges that are over for `keep_ms` are forgotten, and beyond [`MAX_HELD`] the
    /// one that was named first.
    pub(crate) fn hold(&mut self, range: TimeRange, keep_ms: i64) {
        let oldest_ms = self.latest_ms.get().unwrap_or(i64::MIN).saturating_sub(keep_ms);
        self.held.retain(|held| held.end_ms > oldest_ms && *held != range);
        if self.held.len() == MAX_HELD {
            self.held.remove(0);
        }
        self.held.push(range);
    }

    /// How complete the profile is for a group of events that was first seen at `first_ms`; `capacity`: keys beyond which it is too
    /// small.
    pub(crate) fn status_of(
        &self,
        first_ms: Option<i64>,
        time_ms: i64,
        spec: &Spec,
        capacity: u64,
    ) -> Status {
        let Some(first_ms) = first_ms else { return Status::Learning };
        let is_taught = self.finished_ms.is_some_and(|finished| first_ms <= finished);
        if !is_taught && time_ms.saturating_sub(first_ms) < spec.learn_ms {
            Status::Learning
        } else if self.is_incomplete(time_ms, capacity) {
            Status::Incomplete
        } else if self.has_resumed(time_ms, spec) {
            Status::Stale
        } else {
            Status::Active
        }
    }

    /// How complete the profile is as a whole.
    pub(crate) fn status(&self, now_ms: i64, spec: &Spec, capacity: u64) -> Status {
        let Some((first_ms, latest_ms)) = self.times_ms() else { return Status::Learning };
        if !self.is_finished() && now_ms.saturating_sub(first_ms) < spec.learn_ms {
            Status::Learning
        } else if self.is_incomplete(now_ms, capacity) {
            Status::Incomplete
        } else if now_ms.saturating_sub(latest_ms) > spec.stale_ms || self.has_resumed(now_ms, spec) {
            Status::Stale
        } else {
            Status::Active
        }
    }

    fn is_incomplete(&self, now_ms: i64, capacity: u64) -> bool {
        self.n_keys() > capacity || self.incomplete_until_ms.is_some_and(|until| now_ms < until)
    }

    /// Whether events came again only a while ago.
    fn has_resumed(&self, now_ms: i64, spec: &Spec) -> bool {
        self.resumed_ms.get().is_some_and(|at| now_ms.saturating_sub(at) < spec.learn_ms)
    }

    /// Adds those of another profile.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.first_ms.get().into_iter().for_each(|first| self.first_ms.lower(first));
        other.latest_ms.get().into_iter().for_each(|latest| self.latest_ms.raise(latest));
        other.resumed_ms.get().into_iter().for_each(|resumed| self.resumed_ms.raise(resumed));
        // Only what both have finished is finished.
        self.finished_ms = self.finished_ms.zip(other.finished_ms).map(|(ours, theirs)| ours.max(theirs));
        self.incomplete_until_ms = self.incomplete_until_ms.max(other.incomplete_until_ms);
        self.add_keys(other.n_keys());
    }
}
