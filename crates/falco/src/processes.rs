//! What stays the same of a process from one of its events to the next: its program, its arguments, its ancestors.
//!
//! Falco is asked for them once. What is kept of a process ends when it starts another program, when its number is given to
//! another process, when it has another parent, and when one of its ancestors starts another program. What it owes to its ancestors
//! is the same for all children of one parent.

use std::collections::HashMap;

use lanner_profile::Hashes;

use crate::changes::Changes;

/// Processes that are kept, and parents; of more, all are asked for again.
const MAX_PROCESSES: usize = 16_384;

/// What a thread of the plugin keeps of processes, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    known: HashMap<i64, Known, foldhash::fast::RandomState>,
    /// What children of a process owe to it and its ancestors.
    parents: HashMap<i64, Known, foldhash::fast::RandomState>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    parent: i64,
    since: Since,
    hashes: Hashes,
}

/// From when on something is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    age: u32,
    times: u32,
}

impl Since {
    /// Now; read before Falco is asked.
    pub(crate) fn now(changes: &Changes, tid: i64) -> Self {
        Self { age: changes.age(), times: changes.times(tid) }
    }

    /// Of another process, in the same age.
    pub(crate) fn of_other(self, changes: &Changes, tid: i64) -> Self {
        Self { times: changes.times(tid), ..self }
    }

    pub(crate) const fn age(self) -> u32 {
        self.age
    }
}

impl Processes {
    /// What is kept of a process whose parent is still `parent`, if nothing changed `since`.
    pub(crate) fn get(&self, tid: i64, parent: i64, since: Since) -> Option<Hashes> {
        get(&self.known, tid, parent, since)
    }

    /// Keeps what is known of a process.
    pub(crate) fn keep(&mut self, tid: i64, parent: i64, since: Since, hashes: Hashes) {
        keep(&mut self.known, tid, Known { parent, since, hashes });
    }

    /// What children of a process owe to it and its ancestors, if its parent is still `parent`.
    pub(crate) fn of_parent(&self, tid: i64, parent: i64, since: Since) -> Option<Hashes> {
        get(&self.parents, tid, parent, since)
    }

    /// Keeps what children of a process owe to it and its ancestors.
    pub(crate) fn keep_of_parent(&mut self, tid: i64, parent: i64, since: Since, hashes: Hashes) {
        keep(&mut self.parents, tid, Known { parent, since, hashes });
    }
}

type Map = HashMap<i64, Known, foldhash::fast::RandomState>;

fn get(map: &Map, tid: i64, parent: i64, since: Since) -> Option<Hashes> {
    map.get(&tid).filter(|known| known.parent == parent && known.since == since).map(|known| known.hashes)
}

fn keep(map: &mut Map, tid: i64, known: Known) {
    if map.len() >= MAX_PROCESSES {
        map.clear();
    }
    map.insert(tid, known);
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
        let (changes, mut processes) = (Changes::default(), Processes::default());
        let keep = |processes: &mut Processes, tid, number| {
            let since = Since::now(&changes, tid);
            [3, 1].into_iter().for_each(|ancestor| changes.ask_for(ancestor, since.age()));
            processes.keep(tid, 3, since, hashes(number));
        };
        let get = |processes: &Processes, tid, parent| processes.get(tid, parent, Since::now(&changes, tid));
        keep(&mut processes, 7, 1);
        keep(&mut processes, 8, 2);
        assert_eq!((get(&processes, 7, 3), get(&processes, 8, 3)), (Some(hashes(1)), Some(hashes(2))));
        // Its parent died, and it was given to another.
        assert_eq!(get(&processes, 7, 1), None);
        changes.changed(7);
        assert_eq!((get(&processes, 7, 3), get(&processes, 8, 3)), (None, Some(hashes(2))));
        changes.changed(3);
        assert_eq!(get(&processes, 8, 3), None);
        // In the new age nobody asked for it yet.
        keep(&mut processes, 7, 1);
        changes.changed(99);
        assert_eq!(get(&processes, 7, 3), Some(hashes(1)));
        (0..3 * MAX_PROCESSES as i64).for_each(|tid| keep(&mut processes, tid, 1));
        assert!(processes.known.len() <= MAX_PROCESSES);
    }
}
