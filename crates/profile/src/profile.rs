//! A profile: which behaviours were seen, how often, when, and what makes one new.

use lanner_core::TimeRange;
use lanner_core::time::{DAY_MS, HOUR_MS};
use lanner_sketch::{
    Counts, FirstSeen, Forgotten, Hash, LastSeen, MergeError, Merged, Panes, Recent, Seed, Size, Top,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{Answer, Status};
use crate::fleet::Fleet;
use crate::groups::Groups;
use crate::keys::{self, Hashes};
use crate::novelty::Novelty;
use crate::part::Part;
use crate::spec::{Spec, WINDOWS};

/// The place of the window that never ends.
const EVER: usize = WINDOWS.len() - 1;

/// The place of the longest window that ends.
pub(crate) const QUARTER: usize = EVER - 1;

/// With a larger share of new behaviours taken for known, a profile is too small.
const MAX_ERROR: f64 = 0.05;

/// Behaviours that are kept by name.
const N_NAMES: usize = 1_024;

/// What is usual, of one [`Spec`]: sketches in the memory that the specification names, and what is known of the whole.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) spec: Spec,
    pub(crate) seed: Seed,
    pub(crate) panes: Panes,
    pub(crate) counts: Counts<32>,
    pub(crate) first: FirstSeen,
    pub(crate) last: LastSeen,
    pub(crate) top: Top,
    pub(crate) groups: Groups,
    pub(crate) notes: Notes,
    /// Keys beyond which it is too small.
    capacity: u64,
    /// Of the event at hand.
    hashes: Hashes,
    buffer: Vec<u8>,
    saved_ms: Option<i64>,
    /// What other hosts know, if there are any.
    fleet: Option<Fleet>,
}

/// What a profile knows of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The time of the first event, milliseconds since 1970.
    pub(crate) first_ms: Option<i64>,
    /// The latest time of an event.
    pub(crate) latest_ms: Option<i64>,
    /// Until when it was told to learn.
    pub(crate) finished_ms: Option<i64>,
    /// Until when it is incomplete, because events were lost.
    pub(crate) incomplete_until_ms: Option<i64>,
    /// When events came again after a pause that made it stale.
    pub(crate) resumed_ms: Option<i64>,
    /// Keys in its sketches: behaviours and parts of them.
    pub(crate) n_keys: u64,
    /// Times of which nothing is learned.
    pub(crate) held: Vec<TimeRange>,
    pub(crate) novelty: Novelty,
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
        let size = |share: usize| Size::memory(spec.memory / share);
        let sketches = (
            Panes::new(size(2), seed, &WINDOWS.map(|(_, length_ms)| length_ms), 0),
            Counts::new(size(4), seed),
            FirstSeen::new(size(8), seed),
            LastSeen::new(size(8), seed),
            Top::new(N_NAMES),
            Groups::default(),
        );
        Self::from_parts(spec, seed.clone(), sketches, Notes::default())
    }

    pub(crate) fn from_parts(
        spec: Spec,
        seed: Seed,
        (panes, counts, first, last, top, groups): (Panes, Counts<32>, FirstSeen, LastSeen, Top, Groups),
        notes: Notes,
    ) -> Self {
        let capacity = Size::memory(spec.memory / 2).n_keys(MAX_ERROR, 32);
        let (hashes, buffer) = (Hashes::default(), Vec::new());
        let (saved_ms, fleet) = (None, None);
        Self {
            spec,
            seed,
            panes,
            counts,
            first,
            last,
            top,
            groups,
            notes,
            capacity,
            hashes,
            buffer,
            saved_ms,
            fleet,
        }
    }

    /// What it learns.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The seed under which it hashes.
    #[must_use]
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Takes other terms for the same behaviours: how long to learn, what is rare. Of other behaviours nothing changes.
    pub fn adopt(&mut self, spec: Spec) {
        if spec.identity() == self.spec.identity() {
            self.spec = spec;
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
        if !self.spec.filter.as_ref().is_none_or(|(_, filter)| filter.holds(event)) {
            return None;
        }
        let hashes = Hashes::read(&self.spec, &self.seed, event, &mut self.buffer);
        Some(self.look_up(hashes, time_ms, learns, |spec| spec.name_of(event)))
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
        self.hashes = hashes;
        self.panes.advance(time_ms);
        let (group, whole) = (self.key(0), self.key(keys::all(self.spec.parts.len())));
        let seen = self.panes.count(whole);
        let is_known = !seen.count(EVER).is_never();
        let moments = is_known.then(|| (self.first.time_ms(whole), self.last.time_ms(whole)));
        let (first_seen_ms, last_seen_ms) = moments.unwrap_or_default();
        let count = self.counts.count(whole).value();
        let n_events = self.notes.novelty.n_events;
        let why = if is_known { Why::default() } else { self.why() };
        let pauses = learns && self.note_time(time_ms);
        let status = self.status_of(group, time_ms);
        let novelty_rate = self.notes.novelty.recent;
        let n_distinct = self.groups.n_behaviours(self.hashes.group());
        if learns && !pauses {
            self.learn(time_ms, (group, whole), seen);
            let spec = &self.spec;
            self.top.add(whole, || name(spec));
        }
        let is_new_image = self.is_new_image(group, time_ms);
        let fleet = self.fleet.as_ref().map(|fleet| fleet.of(whole, self.spec.common));
        let parts = &self.spec.parts;
        let named = |mask: u64| -> Vec<&str> {
            parts
                .iter()
                .enumerate()
                .filter(|(at, _)| mask & (1 << at) != 0)
                .map(|(_, part)| part.text())
                .collect()
        };
        Answer {
            profile: &self.spec.id,
            parts,
            status,
            seen,
            first_seen_ms,
            last_seen_ms,
            rarity_bits: ((n_events + 1) as f64 / f64::from(count.max(1))).log2().max(0.0),
            novelty_rate,
            n_distinct,
            is_new_image,
            new_values: named(why.values),
            new_with: named(why.with),
            is_rare: status == Status::Active && seen.count(EVER).value() < self.spec.rare,
            fleet,
        }
    }

    fn key(&self, mask: keys::Mask) -> Hash {
        self.hashes.key(&self.seed, mask)
    }

    fn ever(&self, mask: keys::Mask) -> u32 {
        self.panes.count(self.key(mask)).count(EVER).value()
    }

    /// What makes the event at hand new.
    fn why(&self) -> Why {
        let n_parts = self.spec.parts.len();
        let all = keys::all(n_parts);
        let bits = |holds: &dyn Fn(keys::Mask) -> bool| {
            (0..n_parts).map(|at| 1 << at).filter(|bit| holds(*bit)).fold(0, |mask, bit| mask | bit)
        };
        let values = bits(&|bit| bit == all || self.ever(bit) == 0);
        let with = if values == 0 { bits(&|bit| self.ever(all & !bit) > 0) } else { 0 };
        Why { values, with }
    }

    /// Notes that an event came at `time_ms`, and says whether nothing of that time is learned.
    fn note_time(&mut self, time_ms: i64) -> bool {
        let notes = &mut self.notes;
        notes.first_ms = Some(notes.first_ms.map_or(time_ms, |first| first.min(time_ms)));
        if notes.latest_ms.is_some_and(|latest| time_ms.saturating_sub(latest) > self.spec.stale_ms) {
            notes.resumed_ms = Some(time_ms);
        }
        notes.latest_ms = Some(notes.latest_ms.map_or(time_ms, |latest| latest.max(time_ms)));
        notes.held.iter().any(|held| held.contains(time_ms))
    }

    fn learn(&mut self, time_ms: i64, (group, whole): (Hash, Hash), seen: Recent) {
        let ever = seen.count(EVER);
        self.notes.novelty.add(ever.value());
        self.panes.add(whole);
        self.counts.add(whole);
        self.first.add(whole, time_ms);
        self.last.add(whole, time_ms);
        if let Some(version) =
            self.hashes.version(&self.seed).filter(|key| self.first.time_ms(*key).is_none())
        {
            self.first.add(version, time_ms);
        }
        // What is as frequent as can be told is so in its parts too.
        if !ever.is_saturated() {
            self.first.add(group, time_ms);
            self.notes.n_keys += u64::from(ever.is_never());
            self.groups.add(self.hashes.group(), whole, &self.seed);
            for mask in keys::others(self.spec.parts.len()) {
                let part = self.key(mask);
                self.notes.n_keys += u64::from(self.panes.add(part).count(EVER).value() == 1);
            }
        }
    }

    /// Whether the event is of a version of its image that came less than an hour ago, while the image is known for longer.
    fn is_new_image(&self, group: Hash, time_ms: i64) -> Option<bool> {
        let version = self.hashes.version(&self.seed)?;
        let is_new =
            |first_ms: Option<i64>| first_ms.is_none_or(|first| time_ms.saturating_sub(first) < HOUR_MS);
        Some(is_new(self.first.time_ms(version)) && !is_new(self.first.time_ms(group)))
    }

    /// How complete it is for a group of events.
    fn status_of(&self, group: Hash, time_ms: i64) -> Status {
        let notes = &self.notes;
        let is_recent =
            |at: Option<i64>| at.is_some_and(|at| time_ms.saturating_sub(at) < self.spec.learn_ms);
        let Some(first_ms) = self.first.time_ms(group) else { return Status::Learning };
        let is_taught = notes.finished_ms.is_some_and(|finished| first_ms <= finished);
        if !is_taught && time_ms.saturating_sub(first_ms) < self.spec.learn_ms {
            Status::Learning
        } else if notes.n_keys > self.capacity
            || notes.incomplete_until_ms.is_some_and(|until| time_ms < until)
        {
            Status::Incomplete
        } else if is_recent(notes.resumed_ms) {
            Status::Stale
        } else {
            Status::Active
        }
    }

    /// How complete it is as a whole at `now_ms`.
    #[must_use]
    pub fn status(&self, now_ms: i64) -> Status {
        let notes = &self.notes;
        let since = |at: Option<i64>| at.map_or(i64::MAX, |at| now_ms.saturating_sub(at));
        if notes.first_ms.is_none()
            || (notes.finished_ms.is_none() && since(notes.first_ms) < self.spec.learn_ms)
        {
            Status::Learning
        } else if notes.n_keys > self.capacity
            || notes.incomplete_until_ms.is_some_and(|until| now_ms < until)
        {
            Status::Incomplete
        } else if since(notes.latest_ms) > self.spec.stale_ms || since(notes.resumed_ms) < self.spec.learn_ms
        {
            Status::Stale
        } else {
            Status::Active
        }
    }

    /// Ends learning for all groups seen so far, and says what to expect.
    pub fn finish(&mut self) -> Advice {
        self.notes.finished_ms = self.notes.latest_ms;
        self.advice()
    }

    /// What to expect from now on, if events come as they came.
    #[must_use]
    pub fn advice(&self) -> Advice {
        let notes = &self.notes;
        let length_ms = notes.first_ms.zip(notes.latest_ms).map_or(0, |(first, latest)| latest - first);
        let flags = |rare| notes.novelty.expected_per_day(rare, length_ms);
        Advice {
            n_events: notes.novelty.n_events,
            n_behaviours: notes.novelty.n_behaviours,
            flags_per_day: (1..15).map_while(flags).collect(),
        }
    }

    /// The times of the first and the latest event, milliseconds since 1970.
    #[must_use]
    pub fn times_ms(&self) -> Option<(i64, i64)> {
        self.notes.first_ms.zip(self.notes.latest_ms)
    }

    /// Events of this range of times were lost: the profile is incomplete for as long afterwards, and at most for as long as it
    /// learns.
    pub fn note_lost(&mut self, lost: TimeRange) {
        let until_ms = lost.end_ms.saturating_add(lost.length_ms().min(self.spec.learn_ms));
        self.notes.incomplete_until_ms = self.notes.incomplete_until_ms.max(Some(until_ms));
    }

    /// When it was written, if it was read; milliseconds since 1970.
    #[must_use]
    pub const fn saved_ms(&self) -> Option<i64> {
        self.saved_ms
    }

    pub(crate) fn saved_at(self, saved_ms: i64) -> Self {
        Self { saved_ms: Some(saved_ms), ..self }
    }

    /// Learns nothing of events in this range of times: something is wrong then, and must not become usual.
    pub fn hold(&mut self, range: TimeRange) {
        let oldest_ms = self.notes.latest_ms.unwrap_or(i64::MIN).saturating_sub(WINDOWS[0].1);
        self.notes.held.retain(|held| held.end_ms > oldest_ms);
        self.notes.held.push(range);
    }

    /// Forgets what was learned in a range of times, as far as panes allow: whole days, of the last two. First and last sightings,
    /// names and rates stay.
    pub fn unlearn(&mut self, range: TimeRange) -> Forgotten {
        self.panes.forget(range.start_ms, range.end_ms)
    }

    /// Adds what another profile of the same [`Spec::identity`] and seed learned.
    ///
    /// # Errors
    /// A difference in seed or size; nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        let merged = self.panes.merge(&other.panes)?;
        for merged in [
            self.counts.merge(&other.counts)?,
            self.first.merge(&other.first)?,
            self.last.merge(&other.last)?,
            self.top.merge(&other.top),
            self.groups.merge(&other.groups)?,
        ] {
            let (Merged::Exact | Merged::UpperBound) = merged;
        }
        self.notes.merge(&other.notes);
        Ok(merged)
    }

    /// Its most frequent behaviours with bounds of their counts, at most `n`.
    #[must_use]
    pub fn top(&self, n: usize) -> Vec<lanner_sketch::Frequent> {
        self.top.rows(n)
    }

    /// How often each part of an event was seen alone, and everything else without it.
    pub fn explain(&mut self, event: &Map<String, Value>) -> Vec<PartSeen> {
        self.hashes = Hashes::read(&self.spec, &self.seed, event, &mut self.buffer);
        let all = keys::all(self.spec.parts.len());
        let seen = |(at, part): (usize, &Part)| PartSeen {
            part: part.to_string(),
            value: part.show(event),
            seen: self.ever(1 << at),
            seen_without: if all == 1 { 0 } else { self.ever(all & !(1 << at)) },
        };
        self.spec.parts.iter().enumerate().map(seen).collect()
    }

    /// How much of the time for which it only learns is over at `now_ms`, from 0 to 1.
    #[must_use]
    pub fn progress(&self, now_ms: i64) -> f64 {
        let Some(first_ms) = self.notes.first_ms else { return 0.0 };
        if self.notes.finished_ms.is_some() {
            return 1.0;
        }
        (now_ms.saturating_sub(first_ms) as f64 / self.spec.learn_ms.max(1) as f64).clamp(0.0, 1.0)
    }

    /// The share of events that are new, of late, from 0 to 1.
    #[must_use]
    pub const fn novelty_rate(&self) -> f64 {
        self.notes.novelty.recent
    }

    /// What the hosts of a fleet know, if it was told.
    #[must_use]
    pub const fn fleet(&self) -> Option<&Fleet> {
        self.fleet.as_ref()
    }

    pub(crate) const fn fleet_mut(&mut self) -> Option<&mut Fleet> {
        self.fleet.as_mut()
    }

    pub(crate) fn fleet_or_new(&mut self) -> &mut Fleet {
        let new = self.fleet.take().unwrap_or_else(|| Fleet::new(&self.spec, &self.seed));
        self.fleet.insert(new)
    }

    pub(crate) fn set_fleet(&mut self, fleet: Fleet) {
        self.fleet = Some(fleet);
    }

    /// Memory of its sketches, bytes; the same for its whole life. Names of frequent behaviours come on top.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.panes.n_bytes() + self.counts.n_bytes() + self.first.n_bytes() + self.last.n_bytes()
    }

    /// How full it is: the share of the keys that fit before new behaviours are too often taken for known.
    #[must_use]
    pub fn fill(&self) -> f64 {
        self.notes.n_keys as f64 / self.capacity.max(1) as f64
    }

    /// Days between the first and the latest event, with their fraction; 0 before the first.
    #[must_use]
    pub fn n_days(&self) -> f64 {
        self.times_ms().map_or(0.0, |(first, latest)| (latest - first) as f64 / DAY_MS as f64)
    }
}

/// What makes an event new: parts as a mask.
#[derive(Default)]
struct Why {
    values: keys::Mask,
    with: keys::Mask,
}

impl Notes {
    fn merge(&mut self, other: &Self) {
        self.first_ms = self.first_ms.into_iter().chain(other.first_ms).min();
        self.latest_ms = self.latest_ms.max(other.latest_ms);
        // Only what both have finished is finished.
        self.finished_ms = self.finished_ms.zip(other.finished_ms).map(|(ours, theirs)| ours.max(theirs));
        self.incomplete_until_ms = self.incomplete_until_ms.max(other.incomplete_until_ms);
        self.resumed_ms = self.resumed_ms.max(other.resumed_ms);
        self.n_keys += other.n_keys;
        self.novelty.merge(&other.novelty);
    }
}
