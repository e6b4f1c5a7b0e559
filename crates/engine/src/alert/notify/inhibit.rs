//! Inhibition: alerts that are muted while another one fires.
//!
//! What fires is counted by the values of each inhibition's `equal` labels, so that asking for one alert costs one
//! look-up an inhibition, however many alerts fire. Who was held back waits at the count that held it back, and is
//! looked at again when that count falls to zero.

use std::collections::{BTreeSet, HashMap};

use lanner_core::Labels;

use super::group::GroupKey;
use crate::alert::matcher::Matchers;

/// While an alert matching `source` is firing, alerts matching `target` that agree in `equal` are muted.
///
/// As in Alertmanager, an alert that matches both sides is not held back by one of which the same is true: two
/// alerts never silence one another, and none silences itself.
#[derive(Debug, Clone)]
pub struct Inhibition {
    /// What mutes.
    pub source: Matchers,
    /// What is muted.
    pub target: Matchers,
    /// Labels that must have equal values; a label that both lack is equal.
    pub equal: Vec<String>,
}

/// An inhibition, by its place in the list, and the values of its `equal` labels.
pub(super) type Cause = (usize, Vec<Box<str>>);

/// How many alerts that fire are sources of one cause.
#[derive(Debug, Default)]
struct Sources {
    /// Those that are not targets as well.
    one_sided: usize,
    two_sided: usize,
}

/// All inhibitions, and what fires.
#[derive(Debug, Default)]
pub(super) struct Inhibitions {
    list: Vec<Inhibition>,
    sources: HashMap<Cause, Sources>,
    waiting: HashMap<Cause, BTreeSet<GroupKey>>,
}

impl Inhibitions {
    /// These inhibitions, while alerts with these labels fire.
    pub(super) fn new<'l>(list: Vec<Inhibition>, firing: impl Iterator<Item = &'l Labels>) -> Self {
        let mut all = Self { list, ..Self::default() };
        firing.for_each(|labels| all.fires(labels));
        all
    }

    /// Every group that waits for something to end.
    pub(super) fn all_waiting(&self) -> BTreeSet<GroupKey> {
        self.waiting.values().flatten().cloned().collect()
    }

    /// Notes that an alert with these labels fires.
    pub(super) fn fires(&mut self, labels: &Labels) {
        for (at, inhibition) in self.list.iter().enumerate().filter(|(_, it)| it.source.matches(labels)) {
            let sources = self.sources.entry(inhibition.cause(at, labels)).or_default();
            *sources.count(inhibition, labels) += 1;
        }
    }

    /// Notes that an alert with these labels fires no more. Returns the groups that may be free now.
    pub(super) fn ends(&mut self, labels: &Labels) -> BTreeSet<GroupKey> {
        let mut free = BTreeSet::new();
        for (at, inhibition) in self.list.iter().enumerate().filter(|(_, it)| it.source.matches(labels)) {
            let cause = inhibition.cause(at, labels);
            let Some(sources) = self.sources.get_mut(&cause) else { continue };
            let count = sources.count(inhibition, labels);
            *count = count.saturating_sub(1);
            if *count == 0 {
                free.extend(self.waiting.remove(&cause).unwrap_or_default());
            }
            if (sources.one_sided, sources.two_sided) == (0, 0) {
                self.sources.remove(&cause);
            }
        }
        free
    }

    /// What holds back an alert with these labels, if something does.
    pub(super) fn cause(&self, labels: &Labels) -> Option<Cause> {
        let targeted = self.list.iter().enumerate().filter(|(_, it)| it.target.matches(labels));
        targeted.into_iter().find_map(|(at, inhibition)| {
            let cause = inhibition.cause(at, labels);
            let sources = self.sources.get(&cause)?;
            // One that matches both sides is counted with the two-sided sources, itself included.
            let two_sided = if inhibition.source.matches(labels) { 0 } else { sources.two_sided };
            (sources.one_sided + two_sided > 0).then_some(cause)
        })
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
    fn count(&mut self, inhibition: &Inhibition, labels: &Labels) -> &mut usize {
        if inhibition.target.matches(labels) { &mut self.two_sided } else { &mut self.one_sided }
    }
}
