//! Inhibition: alerts that are muted while another one fires.
//!
//! What fires is counted by the values of each inhibition's `equal` labels, so that asking for one alert costs one
//! look-up an inhibition, however many alerts fire. Who was held back waits at the count that held it back, and is
//! looked at again when that count falls to zero.

mod circles;

use std::collections::{BTreeSet, HashMap, HashSet};

use lanner_core::Labels;

pub(super) use self::circles::Cause;
use self::circles::Circles;
use super::group::GroupKey;
use crate::alert::matcher::Matchers;

/// While an alert matching `source` is firing, alerts matching `target` that agree in `equal` are muted.
///
/// An alert is not held back by one that it holds back itself, directly or through others: of alerts that silence one another in a
/// circle, whether by one inhibition or by several, all are told. As in Alertmanager, that includes two that match both sides.
#[derive(Debug, Clone)]
pub struct Inhibition {
    /// What mutes.
    pub source: Matchers,
    /// What is muted.
    pub target: Matchers,
    /// Labels that must have equal values; a label that both lack is equal.
    pub equal: Vec<String>,
}

/// The alerts that fire and are sources of one cause.
#[derive(Debug, Default)]
struct Sources {
    n_all: usize,
    /// How many there are by the causes of which they are targets; of most alerts there is none.
    by_targets: HashMap<Vec<Cause>, usize>,
}

/// All inhibitions, and what fires.
#[derive(Debug, Default)]
pub(super) struct Inhibitions {
    list: Vec<Inhibition>,
    sources: HashMap<Cause, Sources>,
    circles: Circles,
    waiting: HashMap<Cause, BTreeSet<GroupKey>>,
}

impl Inhibitions {
    /// These inhibitions, while alerts with these labels fire.
    pub(super) fn new<'l>(list: Vec<Inhibition>, firing: impl Iterator<Item = &'l Labels>) -> Self {
        let mut all = Self { list, ..Self::default() };
        firing.for_each(|labels| drop(all.fires(labels)));
        all
    }

    /// Every group that waits for something to end.
    pub(super) fn all_waiting(&self) -> BTreeSet<GroupKey> {
        self.waiting.values().flatten().cloned().collect()
    }

    /// Notes that an alert with these labels fires. Returns the groups that may be free now, as it closed a circle.
    pub(super) fn fires(&mut self, labels: &Labels) -> BTreeSet<GroupKey> {
        let (sources, targets) = (self.causes(labels, |it| &it.source), self.causes(labels, |it| &it.target));
        for cause in &sources {
            let counts = self.sources.entry(cause.clone()).or_default();
            counts.n_all += 1;
            *counts.by_targets.entry(targets.clone()).or_default() += 1;
        }
        let closed = self.circles.add(&targets, &sources);
        closed.iter().filter_map(|cause| self.waiting.get(cause)).flatten().cloned().collect()
    }

    /// Notes that an alert with these labels fires no more. Returns the groups that may be free now.
    pub(super) fn ends(&mut self, labels: &Labels) -> BTreeSet<GroupKey> {
        let (sources, targets) = (self.causes(labels, |it| &it.source), self.causes(labels, |it| &it.target));
        let mut free = BTreeSet::new();
        for cause in &sources {
            let Some(counts) = self.sources.get_mut(cause) else { continue };
            let is_last = counts.remove(&targets);
            if counts.n_all == 0 {
                self.sources.remove(cause);
            }
            // Others of its kind hold back the same alerts.
            if is_last
                && (targets.is_empty()
                    || self.circles.ways().may_close(cause)
                    || !self.sources.contains_key(cause))
            {
                free.extend(self.waiting.remove(cause).unwrap_or_default());
            }
        }
        self.circles.remove(&targets, &sources);
        free
    }

    /// What holds back an alert with these labels, if something does.
    pub(super) fn cause(&self, labels: &Labels) -> Option<Cause> {
        let (sources, targets) = (self.causes(labels, |it| &it.source), self.causes(labels, |it| &it.target));
        // It may be over, and is told of its end as it would be of its beginning.
        let ways = self.circles.ways_beside(&targets, &sources);
        let holds = |cause: &Cause| {
            self.sources.get(cause).is_some_and(|others| {
                let is_in_circle = sources.iter().any(|own| ways.lead(own, cause));
                if is_in_circle { others.one_is_outside(&ways.reach(cause)) } else { others.n_all > 0 }
            })
        };
        targets.iter().find(|cause| holds(cause)).cloned()
    }

    /// What an alert with these labels is a source, or a target, of.
    fn causes(&self, labels: &Labels, side: impl Fn(&Inhibition) -> &Matchers) -> Vec<Cause> {
        let matching = self.list.iter().enumerate().filter(|(_, it)| side(it).matches(labels));
        matching.map(|(at, inhibition)| inhibition.cause(at, labels)).collect()
    }

    /// Has `group` looked at again when `cause` is over.
    pub(super) fn wait(&mut self, group: &GroupKey, cause: &Cause) {
        self.waiting.entry(cause.clone()).or_default().insert(group.clone());
    }

    /// Takes back what [`Self::wait`] said.
    pub(super) fn wait_no_more(&mut self, group: &GroupKey, causes: impl IntoIterator<Item = Cause>) {
        for cause in causes {
            if let Some(groups) = self.waiting.get_mut(&cause) {
                groups.remove(group);
                if groups.is_empty() {
                    self.waiting.remove(&cause);
                }
            }
        }
    }
}

impl Inhibition {
    fn cause(&self, at: usize, labels: &Labels) -> Cause {
        (at, self.equal.iter().map(|name| Box::from(labels.get(name).unwrap_or_default())).collect())
    }
}

impl Sources {
    /// Whether one of them is not held back by any of these causes.
    fn one_is_outside(&self, circle: &HashSet<Cause>) -> bool {
        self.by_targets.keys().any(|targets| !targets.iter().any(|target| circle.contains(target)))
    }

    /// Takes out one that is a target of these causes; says whether it was the last of them.
    fn remove(&mut self, targets: &[Cause]) -> bool {
        let Some(count) = self.by_targets.get_mut(targets) else { return false };
        self.n_all = self.n_all.saturating_sub(1);
        *count = count.saturating_sub(1);
        *count == 0 && self.by_targets.remove(targets).is_some()
    }
}

#[cfg(test)]
mod tests;
