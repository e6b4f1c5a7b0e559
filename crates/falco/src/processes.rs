//! What stays the same of a process from one of its events to the next: its program, its arguments, its ancestors.
//!
//! Falco is asked for them once. What is kept of a process ends when it starts another program, when its number is given to
//! another process, when it has another parent, and when one of its ancestors starts another program.

use std::collections::{HashMap, HashSet};

use lanner_profile::Hashes;

/// Processes that are kept; of more, all are asked for again.
const MAX_PROCESSES: usize = 16_384;

/// What is kept of processes, by their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes {
    known: HashMap<i64, Known, foldhash::fast::RandomState>,
    /// Those from which something that is known was learned, beside the process itself.
    ancestors: HashSet<i64, foldhash::fast::RandomState>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    parent: i64,
    hashes: Hashes,
}

impl Processes {
    /// What is kept of a process whose parent is still `parent`.
    pub(crate) fn get(&self, tid: i64, parent: i64) -> Option<Hashes> {
        self.known.get(&tid).filter(|known| known.parent == parent).map(|known| known.hashes)
    }

    /// Keeps what was learned of a process and its ancestors.
    pub(crate) fn keep(
        &mut self,
        tid: i64,
        parent: i64,
        hashes: Hashes,
        ancestors: impl Iterator<Item = i64>,
    ) {
        if self.known.len() >= MAX_PROCESSES {
            self.forget_all();
        }
        self.ancestors.extend(ancestors);
        self.known.insert(tid, Known { parent, hashes });
    }

    /// Forgets what a process was before it became another.
    pub(crate) fn changed(&mut self, tid: i64) {
        if self.ancestors.contains(&tid) {
            self.forget_all();
        } else {
            self.known.remove(&tid);
        }
    }

    fn forget_all(&mut self) {
        self.known.clear();
        self.ancestors.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_asked_for_again() {
        let hashes = |number| {
            let mut hashes = Hashes::default();
            hashes.set(0, number);
            hashes
        };
        let mut processes = Processes::default();
        processes.keep(7, 3, hashes(1), [3, 1].into_iter());
        processes.keep(8, 3, hashes(2), [3, 1].into_iter());
        assert_eq!((processes.get(7, 3), processes.get(8, 3)), (Some(hashes(1)), Some(hashes(2))));
        // Its parent died, and it was given to another.
        assert_eq!(processes.get(7, 1), None);
        processes.changed(7);
        assert_eq!((processes.get(7, 3), processes.get(8, 3)), (None, Some(hashes(2))));
        processes.changed(3);
        assert_eq!(processes.get(8, 3), None);
        (0..3 * MAX_PROCESSES as i64).for_each(|tid| processes.keep(tid, 1, hashes(1), [1].into_iter()));
        assert!(processes.known.len() <= MAX_PROCESSES);
    }
}
