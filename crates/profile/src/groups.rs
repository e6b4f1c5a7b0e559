//! How many different behaviours each group has, such as an image.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};

use lanner_sketch::{Distinct, Hash, MergeError, Merged, Seed};

/// Groups that are told apart here, at most; of those that come later nothing is said.
const MAX_GROUPS: usize = 1_024;

/// 2^8 registers: 6.5 % of error, and exact for a few.
const PRECISION: u8 = 8;

/// Sketches of groups, by their hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups(pub(crate) BTreeMap<u64, Distinct>);

/// How many behaviours groups have, as any thread may read it while one notes more: a table with as many free places as others.
#[derive(Debug)]
pub(crate) struct Sizes {
    places: Box<[Place]>,
    n_groups: AtomicUsize,
}

/// A group, and how many behaviours it has and one more; 0 where there is no group.
#[derive(Debug, Default)]
struct Place {
    group: AtomicU64,
    size: AtomicU64,
}

impl Clone for Sizes {
    fn clone(&self) -> Self {
        let place = |Place { group, size }: &Place| {
            let size = size.load(Acquire);
            Place { group: AtomicU64::new(group.load(Relaxed)), size: AtomicU64::new(size) }
        };
        let n_groups = AtomicUsize::new(self.n_groups.load(Relaxed));
        Self { places: self.places.iter().map(place).collect(), n_groups }
    }
}

impl Groups {
    /// Notes a behaviour of a group.
    pub(crate) fn add(&mut self, group: u64, behaviour: Hash, seed: &Seed, sizes: &Sizes) {
        if self.0.len() < MAX_GROUPS || self.0.contains_key(&group) {
            let distinct = self.0.entry(group).or_insert_with(|| Distinct::new(PRECISION, seed));
            distinct.add(behaviour);
            sizes.set(group, distinct);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        for (group, theirs) in &other.0 {
            if let Some(ours) = self.0.get_mut(group) {
                let (Merged::Exact | Merged::UpperBound) = ours.merge(theirs)?;
            } else if self.0.len() < MAX_GROUPS {
                self.0.insert(*group, theirs.clone());
            }
        }
        Ok(Merged::Exact)
    }
}

impl Sizes {
    /// Those of these groups.
    pub(crate) fn of(groups: &Groups) -> Self {
        let places = (0..2 * MAX_GROUPS).map(|_| Place::default()).collect();
        let sizes = Self { places, n_groups: AtomicUsize::new(0) };
        groups.0.iter().take(MAX_GROUPS).for_each(|(group, distinct)| sizes.set(*group, distinct));
        sizes
    }

    /// How many different behaviours a group has, if it is one of those that are told apart.
    pub(crate) fn n_behaviours(&self, group: u64) -> Option<u64> {
        match self.place(group)?.size.load(Acquire) {
            0 => (self.n_groups.load(Relaxed) < MAX_GROUPS).then_some(0),
            size => Some(size - 1),
        }
    }

    /// For one thread at a time.
    fn set(&self, group: u64, distinct: &Distinct) {
        let Some(place) = self.place(group) else { return };
        if place.size.load(Relaxed) == 0 {
            place.group.store(group, Relaxed);
            self.n_groups.fetch_add(1, Relaxed);
        }
        let size = distinct.count().round() as u64 + 1;
        if place.size.load(Relaxed) != size {
            // Whoever finds the size finds the group too.
            place.size.store(size, Release);
        }
    }

    /// The place of a group, or the free one that it would have.
    fn place(&self, group: u64) -> Option<&Place> {
        let (before, after) = self.places.split_at(group as usize % self.places.len());
        after
            .iter()
            .chain(before)
            .find(|place| place.size.load(Acquire) == 0 || place.group.load(Relaxed) == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_beyond_the_bound_are_not_told_apart() {
        let seed = Seed::new(1);
        let (mut groups, sizes) = (Groups::default(), Sizes::of(&Groups::default()));
        assert_eq!(sizes.n_behaviours(7), Some(0));
        // All of them begin their search at the same place.
        let group = |n: u64| n * 2 * MAX_GROUPS as u64;
        for n in 0..=MAX_GROUPS as u64 {
            for behaviour in 0..=n % 3 {
                groups.add(group(n), seed.hash(&behaviour.to_le_bytes()), &seed, &sizes);
            }
        }
        for sizes in [sizes, Sizes::of(&groups)] {
            assert_eq!([0, 1, 2].map(|n| sizes.n_behaviours(group(n))), [Some(1), Some(2), Some(3)]);
            assert_eq!(sizes.n_behaviours(group(MAX_GROUPS as u64)), None);
        }
    }
}
