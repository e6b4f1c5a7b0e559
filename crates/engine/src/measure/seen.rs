//! When the values of a field were last seen: what the measure of a rule with `new` remembers beside its steps.
//!
//! A group is a value, within the rule's other `by` fields. Of steps that are no longer held only the last in which a
//! group had an event is remembered: one time a group, however far back a rule looks. A window is judged by what was seen
//! in the steps before it, so that a replay, which holds all steps, judges the same.

use std::collections::{HashMap, HashSet};

use lanner_core::{Group, Labels};

/// What a measure has to remember of the values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembers {
    /// The field.
    pub field: String,
    /// For how long a value is known, milliseconds.
    pub over_ms: i64,
    /// How much of the stream's past there must be, milliseconds.
    pub learn_ms: i64,
}

/// That a value was seen within the time that is looked back.
pub(crate) const SEEN: f64 = 1.0;
/// That nothing of its kind was: none of the values of its group's other fields.
pub(crate) const LEARNING: f64 = -1.0;
/// That others were, and it was not.
const UNSEEN: f64 = 0.0;

/// When groups were last seen, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashMap<Box<str>, Last>);

#[derive(Debug)]
struct Last {
    group: Group,
    /// The start of the last step that is no longer held; the beginning of time for none.
    start_ms: i64,
}

impl Seen {
    /// How many groups there are, those included whose steps are all held.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Notes that there is such a group, and that it was seen in a step that is not held.
    pub(crate) fn note(&mut self, key: &str, group: impl FnOnce() -> Group, start_ms: Option<i64>) {
        let start_ms = start_ms.unwrap_or(i64::MIN);
        match self.0.get_mut(key) {
            Some(last) => last.start_ms = last.start_ms.max(start_ms),
            None => {
                self.0.insert(key.into(), Last { group: group(), start_ms });
            }
        }
    }

    /// Joins what was noted of the same groups elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        for (key, Last { group, start_ms }) in other.0 {
            self.note(&key, || group, Some(start_ms));
        }
    }

    /// Forgets groups that were last seen before `from_ms`, unless `is_held`.
    pub(crate) fn forget(&mut self, from_ms: i64, is_held: impl Fn(&str) -> bool) {
        self.0.retain(|key, last| last.start_ms >= from_ms || is_held(key));
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is known of each of `asked`, by its key: whether it was seen from `from_ms` on. `held_ms` is the last step
    /// before the window that is held of a group, if there is one. `inner` are the `by` fields without the one whose values
    /// are looked at.
    pub(crate) fn judge<'k>(
        &self,
        asked: impl Iterator<Item = (&'k str, &'k Group)>,
        held_ms: impl Fn(&str) -> Option<i64>,
        from_ms: i64,
        inner: &[String],
    ) -> Vec<(Group, Option<f64>)> {
        let last_ms = |key: &str, last: &Last| held_ms(key).unwrap_or(i64::MIN).max(last.start_ms);
        let is_seen = |key: &str| self.0.get(key).is_some_and(|last| last_ms(key, last) >= from_ms);
        let mut known: Option<HashSet<Labels>> = None;
        let judge = |(key, group): (&str, &Group)| {
            if is_seen(key) {
                return (group.clone(), Some(SEEN));
            }
            // Looked up where something may be new, which is rare.
            let known = known.get_or_insert_with(|| {
                let seen = self.0.iter().filter(|(key, last)| last_ms(key, last) >= from_ms);
                seen.map(|(_, last)| last.group.labels().only(inner)).collect()
            });
            let is_known = known.contains(&group.labels().only(inner));
            (group.clone(), Some(if is_known { UNSEEN } else { LEARNING }))
        };
        asked.map(judge).collect()
    }
}
