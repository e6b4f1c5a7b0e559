//! Which switches alerts are trusted with, and whether anything of them was written lately.
//!
//! Whether alerts were wrong too often is read from the versions of a week. That must not be done again for each change of
//! any of 50,000 other switches.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::thrown::is_after;
use crate::sync::locked;

/// The enforced switches, and how many changes of them, or of what is made after them, were written.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    models: Mutex<Vec<String>>,
    n_written: AtomicU64,
}

impl Watched {
    /// What counts up with each change.
    pub(super) fn n_written(&self) -> u64 {
        self.n_written.load(Ordering::Acquire)
    }

    /// From now on these are watched. Called before their versions are read: what is written after that is counted.
    pub(super) fn watch(&self, models: Vec<String>) {
        *locked(&self.models) = models;
    }

    /// Notes that changes of these switches were written.
    pub(super) fn note<'i>(&self, mut ids: impl Iterator<Item = &'i str>) {
        let models = locked(&self.models);
        if !models.is_empty() && ids.any(|id| models.iter().any(|model| is_after(model, id))) {
            self.n_written.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_watched_counts() {
        let watched = Watched::default();
        watched.note(["block", "block.a"].into_iter());
        assert_eq!(watched.n_written(), 0);
        watched.watch(vec!["block".to_owned()]);
        for (id, expected) in [("other", 0), ("blocks.a", 0), ("block.a", 1), ("block", 2)] {
            watched.note(["x", id].into_iter());
            assert_eq!(watched.n_written(), expected, "{id}");
        }
    }
}
