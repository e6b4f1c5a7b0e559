//! Switches that are not enforced any more, as long as that is not written.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::sync::locked;

/// Their ids. What blocks no more must not wait for a disk.
#[derive(Debug, Default)]
pub(crate) struct SteppedBack(Mutex<BTreeSet<String>>);

impl SteppedBack {
    pub(super) fn contains(&self, id: &str) -> bool {
        locked(&self.0).contains(id)
    }

    pub(super) fn insert(&self, id: &str) {
        locked(&self.0).insert(id.to_owned());
    }

    pub(super) fn remove(&self, id: &str) {
        locked(&self.0).remove(id);
    }
}
