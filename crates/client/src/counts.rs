//! Counts of how often each switch blocked, or would have, in this process; reported to the server periodically.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lanner_switch::{Switch, SwitchSet, Verdict};
use serde::Serialize;

/// Counted since the server was last told.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    /// Contexts that it blocked.
    pub(crate) blocked: u64,
    /// Contexts that it would have blocked, in shadow.
    pub(crate) shadow: u64,
}

/// Counts by switch.
pub(crate) type Told = BTreeMap<Arc<str>, Count>;

/// The counts of one set of switches. Counting never waits, and costs nothing where nothing matched.
#[derive(Debug, Default)]
pub(crate) struct Counts(HashMap<Arc<str>, [AtomicU64; 2]>);

impl Counts {
    pub(crate) fn of(set: &SwitchSet) -> Self {
        Self(set.iter().map(|switch| (Arc::clone(&switch.id), Default::default())).collect())
    }

    pub(crate) fn note(&self, verdict: &Verdict) {
        let add = |switches: &[Arc<Switch>], at: usize| {
            for counts in switches.iter().filter_map(|switch| self.0.get(&switch.id)) {
                counts[at].fetch_add(1, Ordering::Relaxed);
            }
        };
        add(verdict.blocking(), 0);
        add(verdict.shadow(), 1);
        add(verdict.tagging(), 1);
    }

    /// Moves what was counted to `told`.
    pub(crate) fn take(&self, told: &mut Told) {
        for (id, counts) in &self.0 {
            let [blocked, shadow] = counts.each_ref().map(|count| count.swap(0, Ordering::Relaxed));
            if blocked + shadow > 0 {
                let count = told.entry(Arc::clone(id)).or_default();
                count.blocked += blocked;
                count.shadow += shadow;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lanner_switch::Snapshot;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_matched_is_counted_until_it_is_taken() {
        let switches = vec![
            json!({"id": "a", "when": "x == 1"}),
            json!({"id": "b", "when": "x > 0", "status": "shadow"}),
            json!({"id": "c", "when": "x == 5"}),
        ];
        let set = SwitchSet::compile(&Snapshot::new(1, switches)).unwrap();
        let counts = Counts::of(&set);
        for x in [0, 1, 1, 2] {
            counts.note(&set.evaluate(json!({ "x": x }).as_object().unwrap(), 0));
        }
        let mut told = Told::new();
        counts.take(&mut told);
        counts.take(&mut told);
        let told: Vec<_> = told.iter().map(|(id, count)| (&**id, count.blocked, count.shadow)).collect();
        assert_eq!(told, [("a", 2, 0), ("b", 0, 3)]);
    }
}
