//! A profile: which behaviours were seen, how often, when, and what makes one new.
//!
//! Whoever has a profile for himself asks and teaches it without any locks ([`Profile::look_up`]). Several threads do so at once by
//! [`Profile::look_up_shared`]: what is frequent is found without waiting and noted for the books, and what is rare is learned by
//! one thread at a time. Either way it holds the same in the end.

use std::sync::{Arc, MutexGuard};

use lanner_core::TimeRange;
use lanner_core::time::DAY_MS;
use lanner_sketch::{Forgotten, Hash, MergeError, Merged, Seed};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Status};
use crate::books::Books;
use crate::fleet::Fleet;
use crate::groups::Sizes;
use crate::keys::{self, Hashes, Keys};
use crate::known::Known;
use crate::ledger::Ledger;
use crate::part::Part;
use crate::spec::{Spec, WINDOWS};

/// Frequent sightings of a thread after which it enters them, if nobody has the books; and after which it waits for them.
const ENOUGH: usize = 512;
const MOST: usize = 4_096;

/// What is usual, of one [`Spec`]: sketches in the memory that the specification names, and what is known of the whole.
#[derive(Debug)]
pub struct Profile {
    pub(crate) known: Known,
    ledger: Ledger<Books, Hash>,
    buffer: Vec<u8>,
    saved_ms: Option<i64>,
}

/// Other threads may go on with the one that is copied; what they are just learning may be in it or not.
impl Clone for Profile {
    fn clone(&self) -> Self {
        let books = self.books();
        Self::of(self.known.clone(), books.clone(), self.saved_ms)
    }
}

/// What a profile advises at the end of learning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// Events that it learned.
    pub n_events: u64,
    /// Different behaviours, as far as sketches tell them apart.
    pub n_behaviours: u64,
    /// Of each limit for rare, from 1 on, the flags a day to expect; none when all events have one time.
    pub flags_per_day: Vec<f64>,
}

impl Advice {
    /// The highest limit for rare with at most `budget` flags a day; at least 1.
    #[must_use]
    pub fn rare(&self, budget: f64) -> u32 {
        let within = self.flags_per_day.iter().take_while(|flags| **flags <= budget).count();
        within.clamp(1, 15) as u32
    }
}

/// How often a part of an event was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartSeen {
    /// The part, as it is written.
    pub part: String,
    /// What the event has there.
    pub value: String,
    /// How often that value was seen, at most; 15 and more is 15.
    pub seen: u32,
    /// How often everything else was seen together.
    pub seen_without: u32,
}

impl Profile {
    /// A profile that has seen nothing. Allocates all of its memory now; profiles of one specification and seed can be
    /// merged.
    #[must_use]
    pub fn new(spec: Spec, seed: &Seed) -> Self {
        Self::of(Known::new(spec, seed.clone()), Books::default(), None)
    }

    pub(crate) fn of(known: Known, books: Books, saved_ms: Option<i64>) -> Self {
        Self { known, ledger: Ledger::new(books, ENOUGH, MOST), buffer: Vec::new(), saved_ms }
    }

    /// What it learns.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.known.spec
    }

    /// The seed under which it hashes.
    #[must_use]
    pub const fn seed(&self) -> &Seed {
        &self.known.seed
    }

    /// Takes other terms for the same behaviours: how long to learn, what is rare. Of other behaviours nothing changes.
    pub fn adopt(&mut self, spec: Spec) {
        if spec.identity() == self.known.spec.identity() {
            self.known.spec = spec;
        }
    }

    /// Asks about an event, and then learns it unless its time is held; `None` if the event is not one of its own.
    ///
    /// Cost: the parts of the event, and a line of each sketch; of a behaviour that is not frequent, a line for each part more.
    pub fn observe(&mut self, event: &Map<String, Value>, time_ms: i64) -> Option<Answer<'_>> {
        self.look(event, time_ms, true)
    }

    /// Asks about an event, and learns nothing.
    pub fn ask(&mut self, event: &Map<String, Value>, time_ms: i64) -> Option<Answer<'_>> {
        self.look(event, time_ms, false)
    }

    fn look(&mut self, event: &Map<String, Value>, time_ms: i64, learns: bool) -> Option<Answer<'_>> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let hashes = self.hashes(event, &mut buffer);
        self.buffer = buffer;
        Some(self.look_up(hashes?, time_ms, learns, |spec| spec.name_of(event)))
    }

    /// The hashes of an event's parts; `None` if it is not one of its own. `buffer` is overwritten.
    pub fn hashes(&self, event: &Map<String, Value>, buffer: &mut Vec<u8>) -> Option<Hashes> {
        let Known { spec, seed, .. } = &self.known;
        let is_own = spec.filter.as_ref().is_none_or(|(_, filter)| filter.holds(event));
        is_own.then(|| Hashes::read(spec, seed, event, buffer))
    }

    /// As [`Self::observe`], or [`Self::ask`] unless it `learns`, of an event whose parts were hashed before and that is one of
    /// its own; see [`Part::hash`]. `name` makes the name of its behaviour, if that is new.
    pub fn look_up(
        &mut self,
        hashes: Hashes,
        time_ms: i64,
        learns: bool,
        name: impl FnOnce(&Spec) -> String,
    ) -> Answer<'_> {
        let Self { known, ledger, .. } = self;
        let keys = Keys::of(hashes, &known.seed, known.spec.parts.len());
        known.panes.advance(time_ms);
        let pauses = learns && known.notes.note_time(time_ms, known.spec.stale_ms);
        let seen = known.panes.count(keys.whole);
        let found = known.find(&keys, time_ms, seen);
        if learns && !pauses {
            known.learn(ledger.books_mut(), &keys, time_ms, seen, name);
        }
        known.answer(&keys, &found)
    }

    /// As [`Self::look_up`], while other threads do the same. `thread`: a number of this thread that no other one has; numbers that
    /// differ by a multiple of 64 are in each other's way.
    ///
    /// An event whose behaviour was seen 15 times today is answered without waiting for others, and learned soon, at the latest
    /// with the next event of the thread that is not. Of others one is learned at a time. What was learned in the end is what one
    /// thread would have learned, of all events in some order that keeps that of each thread.
    pub fn look_up_shared(
        &self,
        thread: usize,
        hashes: Hashes,
        time_ms: i64,
        learns: bool,
        name: impl FnOnce(&Spec) -> String,
    ) -> Answer<'_> {
        let known = &self.known;
        let keys = Keys::of(hashes, &known.seed, known.spec.parts.len());
        let pauses = learns && known.notes.note_time(time_ms, known.spec.stale_ms);
        let learns = learns && !pauses;
        if let Some(seen) = known.frequent(&keys, time_ms) {
            let found = known.find(&keys, time_ms, seen);
            if learns {
                known.pass(&keys, time_ms);
                self.ledger.note(thread, keys.whole, |books, sightings| known.enter(books, sightings));
            }
            return known.answer(&keys, &found);
        }
        let mut books = self.ledger.open(thread, |books, sightings| known.enter(books, sightings));
        known.panes.advance_shared(time_ms);
        let seen = known.panes.count(keys.whole);
        let found = known.find(&keys, time_ms, seen);
        if learns {
            known.learn(&mut books, &keys, time_ms, seen, name);
        }
        drop(books);
        known.answer(&keys, &found)
    }

    /// The books, in which everything is entered that threads noted.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.ledger.open_all(|books, sightings| self.known.enter(books, sightings))
    }

    /// How complete it is as a whole at `now_ms`.
    #[must_use]
    pub fn status(&self, now_ms: i64) -> Status {
        self.known.notes.status(now_ms, &self.known.spec, self.known.capacity)
    }

    /// Ends learning for all groups seen so far, and says what to expect.
    pub fn finish(&mut self) -> Advice {
        self.known.notes.finish();
        self.advice()
    }

    /// What to expect from now on, if events come as they came.
    #[must_use]
    pub fn advice(&self) -> Advice {
        let books = self.books();
        let novelty = &books.novelty;
        let length_ms = self.times_ms().map_or(0, |(first, latest)| latest - first);
        let flags = |rare| novelty.expected_per_day(rare, length_ms);
        Advice {
            n_events: novelty.n_events,
            n_behaviours: novelty.n_behaviours,
            flags_per_day: (1..15).map_while(flags).collect(),
        }
    }

    /// The times of the first and the latest event, milliseconds since 1970.
    #[must_use]
    pub fn times_ms(&self) -> Option<(i64, i64)> {
        self.known.notes.times_ms()
    }

    /// Events of this range of times were lost: the profile is incomplete for as long afterwards, and at most for as long as it
    /// learns.
    pub fn note_lost(&mut self, lost: TimeRange) {
        self.known.notes.note_lost(lost, self.known.spec.learn_ms);
    }

    /// When it was written, if it was read; milliseconds since 1970.
    #[must_use]
    pub const fn saved_ms(&self) -> Option<i64> {
        self.saved_ms
    }

    /// Learns nothing of events in this range of times: something is wrong then, and must not become usual.
    pub fn hold(&mut self, range: TimeRange) {
        self.known.notes.hold(range, WINDOWS[0].1);
    }

    /// Forgets what was learned in a range of times, as far as panes allow: whole days, of the last two. First and last sightings,
    /// names and rates stay.
    pub fn unlearn(&mut self, range: TimeRange) -> Forgotten {
        self.known.panes.forget(range.start_ms, range.end_ms)
    }

    /// Adds what another profile of the same [`Spec::identity`] and seed learned.
    ///
    /// # Errors
    /// A difference in seed or size; nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        let merged = self.known.merge(&other.known)?;
        drop(self.books());
        let books = self.ledger.books_mut();
        books.merge(&other.books())?;
        self.known.notes.tell(&books.novelty);
        self.known.sizes = Sizes::of(&books.groups);
        Ok(merged)
    }

    /// Its most frequent behaviours with bounds of their counts, at most `n`.
    #[must_use]
    pub fn top(&self, n: usize) -> Vec<lanner_sketch::Frequent> {
        self.books().top.rows(n)
    }

    /// How often each part of an event was seen alone, and everything else without it.
    pub fn explain(&self, event: &Map<String, Value>) -> Vec<PartSeen> {
        let Known { spec, seed, .. } = &self.known;
        let hashes = Hashes::read(spec, seed, event, &mut Vec::new());
        let all = keys::all(spec.parts.len());
        let ever = |mask| self.known.ever(hashes.key(seed, mask));
        let seen = |(at, part): (usize, &Part)| PartSeen {
            part: part.to_string(),
            value: part.show(event),
            seen: ever(1 << at),
            seen_without: if all == 1 { 0 } else { ever(all & !(1 << at)) },
        };
        spec.parts.iter().enumerate().map(seen).collect()
    }

    /// How much of the time for which it only learns is over at `now_ms`, from 0 to 1.
    #[must_use]
    pub fn progress(&self, now_ms: i64) -> f64 {
        let notes = &self.known.notes;
        let Some((first_ms, _)) = notes.times_ms() else { return 0.0 };
        if notes.is_finished() {
            return 1.0;
        }
        (now_ms.saturating_sub(first_ms) as f64 / self.known.spec.learn_ms.max(1) as f64).clamp(0.0, 1.0)
    }

    /// The share of events that are new, of late, from 0 to 1.
    #[must_use]
    pub fn novelty_rate(&self) -> f64 {
        self.known.notes.novelty_rate()
    }

    /// What the hosts of a fleet know, if it was told.
    #[must_use]
    pub fn fleet(&self) -> Option<Arc<Fleet>> {
        self.known.fleet.load_full()
    }

    /// Changes what the hosts of a fleet know, for whoever has the profile for himself.
    pub(crate) fn change_fleet<T>(&mut self, change: impl FnOnce(&mut Fleet) -> T) -> T {
        let Known { spec, seed, fleet, .. } = &self.known;
        let mut changed = fleet.swap(None).unwrap_or_else(|| Arc::new(Fleet::new(spec, seed)));
        let done = change(Arc::make_mut(&mut changed));
        fleet.store(Some(changed));
        done
    }

    /// Memory of its sketches, bytes; the same for its whole life. Names of frequent behaviours come on top.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        let Known { panes, counts, first, last, .. } = &self.known;
        panes.n_bytes() + counts.n_bytes() + first.n_bytes() + last.n_bytes()
    }

    /// How full it is: the share of the keys that fit before new behaviours are too often taken for known.
    #[must_use]
    pub fn fill(&self) -> f64 {
        self.known.notes.n_keys() as f64 / self.known.capacity.max(1) as f64
    }

    /// Days between the first and the latest event, with their fraction; 0 before the first.
    #[must_use]
    pub fn n_days(&self) -> f64 {
        self.times_ms().map_or(0.0, |(first, latest)| (latest - first) as f64 / DAY_MS as f64)
    }
}
