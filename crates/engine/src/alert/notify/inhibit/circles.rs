//! Causes of inhibition that lead to one another: an alert that one cause holds back may itself be a source of the next.
//!
//! Most inhibitions lead nowhere, which is known without looking at a single alert.

use std::collections::{BTreeMap, HashMap, HashSet};

/// An inhibition, by its place in the list, and the values of its `equal` labels.
pub(in crate::alert::notify) type Cause = (usize, Vec<Box<str>>);

/// From which cause alerts lead to which, and how many do.
#[derive(Debug, Default)]
pub(super) struct Circles {
    causes: HashMap<Cause, HashMap<Cause, usize>>,
    /// The same by places of inhibitions, whatever their labels.
    places: BTreeMap<(usize, usize), usize>,
}

impl Circles {
    /// Adds an alert that is held back by `targets` and a source of `sources`. Returns the causes of the circles that it closed; one
    /// that leads to itself holds nobody back who was free, and is none.
    pub(super) fn add(&mut self, targets: &[Cause], sources: &[Cause]) -> HashSet<Cause> {
        let mut closed = HashSet::new();
        for (target, source) in pairs(targets, sources) {
            *self.places.entry((target.0, source.0)).or_default() += 1;
            let count = self.causes.entry(target.clone()).or_default().entry(source.clone()).or_default();
            *count += 1;
            if *count == 1 && target != source && self.ways().lead(source, target) {
                closed.extend(self.ways().reach(target));
            }
        }
        closed
    }

    /// Takes out an alert that was added.
    pub(super) fn remove(&mut self, targets: &[Cause], sources: &[Cause]) {
        for (target, source) in pairs(targets, sources) {
            if let Some(next) = self.causes.get_mut(target) {
                take_one(next.get_mut(source)).then(|| next.remove(source));
                if next.is_empty() {
                    self.causes.remove(target);
                }
            }
            let place = (target.0, source.0);
            take_one(self.places.get_mut(&place)).then(|| self.places.remove(&place));
        }
    }

    /// The ways from cause to cause, by way of the alerts that fire.
    pub(super) fn ways(&self) -> Ways<'_> {
        self.ways_beside(&[], &[])
    }

    /// The same, and by way of an alert that is held back by `targets` and a source of `sources`, whether it fires or not.
    pub(super) fn ways_beside<'c>(&'c self, targets: &'c [Cause], sources: &'c [Cause]) -> Ways<'c> {
        Ways { circles: self, targets, sources }
    }
}

/// The ways from cause to cause.
pub(super) struct Ways<'c> {
    circles: &'c Circles,
    targets: &'c [Cause],
    sources: &'c [Cause],
}

impl<'c> Ways<'c> {
    /// Whether a cause may be part of a circle.
    pub(super) fn may_close(&self, cause: &Cause) -> bool {
        !self.places_around(cause.0).is_empty()
    }

    /// Whether there is a way from one cause to another. Every cause leads to itself.
    pub(super) fn lead(&self, from: &Cause, to: &Cause) -> bool {
        from == to || (self.places_around(to.0).contains(&from.0) && self.reach(from).contains(to))
    }

    /// The causes that ways lead to from this one, itself included, as far as there may be a way back.
    pub(super) fn reach(&self, cause: &Cause) -> HashSet<Cause> {
        let around = self.places_around(cause.0);
        let mut seen = HashSet::from([cause.clone()]);
        let mut open = vec![cause.clone()];
        while let Some(cause) = open.pop() {
            for next in self.after(&cause) {
                if around.contains(&next.0) && seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    }

    fn after(&self, cause: &Cause) -> impl Iterator<Item = &'c Cause> {
        let own = if self.targets.contains(cause) { self.sources } else { &[] };
        self.circles.causes.get(cause).into_iter().flat_map(HashMap::keys).chain(own)
    }

    /// The places from which a way leads to `place`, and to which one leads from there; none where it is in no circle.
    fn places_around(&self, place: usize) -> HashSet<usize> {
        let forth = self.places_reached(place, |(from, to)| (from, to));
        let back = self.places_reached(place, |(from, to)| (to, from));
        forth.intersection(&back).copied().collect()
    }

    /// The places that ways lead to, one after the other.
    fn places_reached(
        &self,
        place: usize,
        turned: impl Fn((usize, usize)) -> (usize, usize),
    ) -> HashSet<usize> {
        let own = || pairs(self.targets, self.sources).map(|(target, source)| (target.0, source.0));
        let (mut seen, mut open) = (HashSet::new(), vec![place]);
        while let Some(place) = open.pop() {
            let edges = self.circles.places.keys().copied().chain(own()).map(&turned);
            open.extend(
                edges.filter(|(from, _)| *from == place).map(|(_, to)| to).filter(|to| seen.insert(*to)),
            );
        }
        seen
    }
}

fn pairs<'c>(targets: &'c [Cause], sources: &'c [Cause]) -> impl Iterator<Item = (&'c Cause, &'c Cause)> {
    targets.iter().flat_map(move |target| sources.iter().map(move |source| (target, source)))
}

/// Takes one from a count; says whether nothing is left.
fn take_one(count: Option<&mut usize>) -> bool {
    let Some(count) = count else { return false };
    *count = count.saturating_sub(1);
    *count == 0
}
