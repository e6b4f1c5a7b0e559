//! Recent changes, for clients that hold an earlier snapshot.

use std::collections::VecDeque;
use std::sync::Mutex;

use lanner_switch::Delta;

use crate::sync::locked;

/// So many changes are remembered; who is further behind gets a whole snapshot.
const MAX_DELTAS: usize = 100;
/// A change of more switches than this is not remembered: a whole snapshot is not much more.
const MAX_SWITCHES: usize = 1_000;

/// The changes from one snapshot to the next, the oldest first.
#[derive(Debug, Default)]
pub struct Deltas(Mutex<VecDeque<Delta>>);

impl Deltas {
    /// Remembers the latest change.
    pub fn push(&self, delta: Delta) {
        let mut deltas = locked(&self.0);
        if delta.changed().len() + delta.removed().len() > MAX_SWITCHES {
            deltas.clear();
            return;
        }
        if deltas.len() == MAX_DELTAS {
            deltas.pop_front();
        }
        deltas.push_back(delta);
    }

    /// All that changed since the snapshot with this tag, as one; `None` if that is not known any more.
    #[must_use]
    pub fn since(&self, tag: &str) -> Option<Delta> {
        let deltas = locked(&self.0);
        let at = deltas.iter().rposition(|delta| delta.from() == tag)?;
        let mut rest = deltas.range(at..);
        let first = rest.next()?.clone();
        Some(rest.fold(first, Delta::then))
    }
}

#[cfg(test)]
mod tests {
    use lanner_switch::Snapshot;
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_is_not_far_behind_gets_what_changed() {
        let snapshot = |revision: u64| {
            let document =
                |n: u64| json!({"id": format!("s{n}"), "when": "x", "priority": revision % (n + 2)});
            Snapshot::new(revision, (0..5).map(document).collect())
        };
        let deltas = Deltas::default();
        assert_eq!(deltas.since(&snapshot(1).tag()), None);
        let last = MAX_DELTAS as u64 + 20;
        for revision in 1..last {
            deltas.push(Delta::between(&snapshot(revision), &snapshot(revision + 1)));
        }
        for behind in [1, 2, 50, MAX_DELTAS as u64] {
            let held = snapshot(last - behind);
            let delta = deltas.since(&held.tag()).unwrap();
            assert_eq!(delta.apply(&held), Ok(snapshot(last)), "{behind}");
        }
        assert_eq!(deltas.since(&snapshot(last - MAX_DELTAS as u64 - 1).tag()), None);
        assert_eq!(deltas.since(&snapshot(last).tag()), None);

        let many = Snapshot::new(last + 1, (0..2_000).map(|n| json!({"id": format!("m{n}")})).collect());
        deltas.push(Delta::between(&snapshot(last), &many));
        assert_eq!(deltas.since(&snapshot(last).tag()), None);
        assert_eq!(deltas.since(&snapshot(last - 1).tag()), None);
    }
}
