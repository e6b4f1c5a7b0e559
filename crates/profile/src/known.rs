//! What a profile knows of behaviours, as any thread may read it while one of them adds to it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use arc_swap::ArcSwapOption;
use lanner_core::time::HOUR_MS;
use lanner_sketch::{Counts, FirstSeen, Hash, LastSeen, MergeError, Merged, Panes, Recent, Seed, Size};

use crate::answer::{Answer, Status};
use crate::books::Books;
use crate::fleet::Fleet;
use crate::groups::{Groups, Sizes};
use crate::keys::{self, Keys, Mask};
use crate::notes::Notes;
use crate::spec::{Spec, WINDOWS};

/// The place of the window that never ends.
const EVER: usize = WINDOWS.len() - 1;

/// The place of the longest window that ends.
pub(crate) const QUARTER: usize = EVER - 1;

/// With a larger share of new behaviours taken for known, a profile is too small.
const MAX_ERROR: f64 = 0.05;

/// What is known, and what is not for one thread alone.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) spec: Spec,
    pub(crate) seed: Seed,
    pub(crate) panes: Panes,
    pub(crate) counts: Counts<32>,
    pub(crate) first: FirstSeen,
    pub(crate) last: LastSeen,
    pub(crate) notes: Notes,
    pub(crate) sizes: Sizes,
    /// What other hosts know, if there are any.
    pub(crate) fleet: ArcSwapOption<Fleet>,
    /// Keys beyond which it is too small.
    pub(crate) capacity: u64,
    /// A frequent behaviour whose name was forgotten; 0 if there is none.
    nameless: AtomicU64,
}

impl Clone for Known {
    fn clone(&self) -> Self {
        let Self { spec, seed, panes, counts, first, last, notes, sizes, fleet, capacity, nameless } = self;
        Self {
            spec: spec.clone(),
            seed: seed.clone(),
            panes: panes.clone(),
            counts: counts.clone(),
            first: first.clone(),
            last: last.clone(),
            notes: notes.clone(),
            sizes: sizes.clone(),
            fleet: ArcSwapOption::new(fleet.load_full()),
            capacity: *capacity,
            nameless: AtomicU64::new(nameless.load(Relaxed)),
        }
    }
}

/// What was known of an event when it came.
pub(crate) struct Found {
    seen: Recent,
    first_seen_ms: Option<i64>,
    last_seen_ms: Option<i64>,
    rarity_bits: f64,
    novelty_rate: f64,
    n_distinct: Option<u64>,
    is_new_image: Option<bool>,
    status: Status,
    why: Why,
}

/// What makes an event new: parts as a mask.
#[derive(Default)]
struct Why {
    values: Mask,
    with: Mask,
}

impl Known {
    /// Nothing yet. Allocates all of its memory now.
    pub(crate) fn new(spec: Spec, seed: Seed) -> Self {
        let size = |share: usize| Size::memory(spec.memory / share);
        let sketches = (
            Panes::new(size(2), &seed, &WINDOWS.map(|(_, length_ms)| length_ms), 0),
            Counts::new(size(4), &seed),
            FirstSeen::new(size(8), &seed),
            LastSeen::new(size(8), &seed),
        );
        Self::of(spec, seed, sketches, Notes::default(), &Groups::default())
    }

    /// What was kept.
    pub(crate) fn of(
        spec: Spec,
        seed: Seed,
        (panes, counts, first, last): (Panes, Counts<32>, FirstSeen, LastSeen),
        notes: Notes,
        groups: &Groups,
    ) -> Self {
        let capacity = Size::memory(spec.memory / 2).n_keys(MAX_ERROR, 32);
        let (sizes, fleet, nameless) = (Sizes::of(groups), ArcSwapOption::empty(), AtomicU64::new(0));
        Self { spec, seed, panes, counts, first, last, notes, sizes, fleet, capacity, nameless }
    }

    /// How often a behaviour was seen that is frequent, named, and learned by noting it: nothing else changes but the time.
    pub(crate) fn frequent(&self, keys: &Keys, time_ms: i64) -> Option<Recent> {
        let seen = self.panes.frequent(keys.whole).filter(|_| !self.panes.ends_by(time_ms))?;
        let is_of_known_image = keys.version.is_none_or(|version| self.first.time_ms(version).is_some());
        let is_named = self.nameless.load(Relaxed) != keys.whole.number();
        (is_of_known_image && is_named).then_some(seen)
    }

    /// What is known of an event whose behaviour was `seen` so often.
    pub(crate) fn find(&self, keys: &Keys, time_ms: i64, seen: Recent) -> Found {
        let is_known = !seen.count(EVER).is_never();
        let moments = is_known.then(|| (self.first.time_ms(keys.whole), self.last.time_ms(keys.whole)));
        let (first_seen_ms, last_seen_ms) = moments.unwrap_or_default();
        let count = self.counts.count(keys.whole).value();
        let group_ms = self.first.time_ms(keys.group);
        Found {
            seen,
            first_seen_ms,
            last_seen_ms,
            rarity_bits: ((self.notes.n_events() + 1) as f64 / f64::from(count.max(1))).log2().max(0.0),
            novelty_rate: self.notes.novelty_rate(),
            n_distinct: self.sizes.n_behaviours(keys.hashes.group()),
            is_new_image: self.is_new_image(keys, group_ms, time_ms),
            status: self.notes.status_of(group_ms, time_ms, &self.spec, self.capacity),
            why: if is_known { Why::default() } else { self.why(keys) },
        }
    }

    /// What to say of an event of which that was known.
    pub(crate) fn answer(&self, keys: &Keys, found: &Found) -> Answer<'_> {
        let parts = &self.spec.parts;
        let named = |mask: Mask| -> Vec<&str> {
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
            status: found.status,
            seen: found.seen,
            first_seen_ms: found.first_seen_ms,
            last_seen_ms: found.last_seen_ms,
            rarity_bits: found.rarity_bits,
            novelty_rate: found.novelty_rate,
            n_distinct: found.n_distinct,
            is_new_image: found.is_new_image,
            new_values: named(found.why.values),
            new_with: named(found.why.with),
            is_rare: found.status == Status::Active && found.seen.count(EVER).value() < self.spec.rare,
            fleet: self.fleet.load().as_ref().map(|fleet| fleet.of(keys.whole, self.spec.common)),
        }
    }

    /// How often a key was ever seen.
    pub(crate) fn ever(&self, key: Hash) -> u32 {
        self.panes.count(key).count(EVER).value()
    }

    /// What makes an event new.
    fn why(&self, keys: &Keys) -> Why {
        let n_parts = self.spec.parts.len();
        let all = keys::all(n_parts);
        let ever = |mask: Mask| self.ever(keys.hashes.key(&self.seed, mask));
        let bits = |holds: &dyn Fn(Mask) -> bool| {
            (0..n_parts).map(|at| 1 << at).filter(|bit| holds(*bit)).fold(0, |mask, bit| mask | bit)
        };
        let values = bits(&|bit| bit == all || ever(bit) == 0);
        let with = if values == 0 { bits(&|bit| ever(all & !bit) > 0) } else { 0 };
        Why { values, with }
    }

    /// Whether the event is of a version of its image that came less than an hour ago, while the image is known for longer.
    fn is_new_image(&self, keys: &Keys, group_ms: Option<i64>, time_ms: i64) -> Option<bool> {
        let is_new =
            |first_ms: Option<i64>| first_ms.is_none_or(|first| time_ms.saturating_sub(first) < HOUR_MS);
        Some(is_new(self.first.time_ms(keys.version?)) && !is_new(group_ms))
    }

    /// Learns an event; for whoever has the books.
    pub(crate) fn learn(
        &self,
        books: &mut Books,
        keys: &Keys,
        time_ms: i64,
        seen: Recent,
        name: impl FnOnce(&Spec) -> String,
    ) {
        let ever = seen.count(EVER);
        books.novelty.add(ever.value());
        self.panes.add_shared(keys.whole);
        self.counts.add_shared(keys.whole);
        self.first.add(keys.whole, time_ms);
        self.last.add(keys.whole, time_ms);
        if let Some(version) = keys.version.filter(|key| self.first.time_ms(*key).is_none()) {
            self.first.add(version, time_ms);
        }
        // What is as frequent as can be told is so in its parts too.
        if !ever.is_saturated() {
            self.first.add(keys.group, time_ms);
            books.groups.add(keys.hashes.group(), keys.whole, &self.seed, &self.sizes);
            let others = keys::others(self.spec.parts.len());
            let is_new = |mask: &Mask| {
                let part = self.panes.add_shared(keys.hashes.key(&self.seed, *mask));
                part.count(EVER).value() == 1
            };
            let n_new = others.filter(is_new).count() as u64;
            self.notes.add_keys(n_new + u64::from(ever.is_never()));
        }
        books.top.add(keys.whole, || name(&self.spec));
        if self.nameless.load(Relaxed) == keys.whole.number() {
            self.nameless.store(0, Relaxed);
        }
        self.notes.tell(&books.novelty);
    }

    /// Learns an event of a behaviour that is [`Self::frequent`], except what is noted for the books. Any thread may do so.
    pub(crate) fn pass(&self, keys: &Keys, time_ms: i64) {
        self.panes.advance_shared(time_ms);
        self.first.add(keys.whole, time_ms);
        self.last.add(keys.whole, time_ms);
    }

    /// Enters sightings of frequent behaviours.
    pub(crate) fn enter(&self, books: &mut Books, sightings: &[Hash]) {
        for behaviour in sightings {
            self.counts.add_shared(*behaviour);
            if !books.enter(*behaviour) {
                self.nameless.store(behaviour.number(), Relaxed);
            }
        }
        self.notes.tell(&books.novelty);
    }

    /// Adds what another one knows.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        let merged = self.panes.merge(&other.panes)?;
        for merged in [
            self.counts.merge(&other.counts)?,
            self.first.merge(&other.first)?,
            self.last.merge(&other.last)?,
        ] {
            let (Merged::Exact | Merged::UpperBound) = merged;
        }
        self.notes.merge(&other.notes);
        Ok(merged)
    }
}
