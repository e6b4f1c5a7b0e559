//! What of a profile only one thread at a time can change: how many behaviours were seen how often, the names of frequent ones, the
//! behaviours of each group.

use lanner_sketch::{Hash, MergeError, Merged, Top};

use crate::groups::Groups;
use crate::novelty::Novelty;

/// Behaviours that are kept by name.
const N_NAMES: usize = 1_024;

/// A count from which on nothing is told apart.
pub(crate) const FREQUENT: u32 = 15;

/// The books of a profile.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    pub(crate) novelty: Novelty,
    pub(crate) top: Top,
    pub(crate) groups: Groups,
}

impl Default for Books {
    fn default() -> Self {
        Self { novelty: Novelty::default(), top: Top::new(N_NAMES), groups: Groups::default() }
    }
}

impl Books {
    /// Enters a sighting of a frequent behaviour; false if its name is not known.
    pub(crate) fn enter(&mut self, behaviour: Hash) -> bool {
        self.novelty.add(FREQUENT);
        self.top.add_known(behaviour)
    }

    /// Adds those of another profile.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let (Merged::Exact | Merged::UpperBound) = self.groups.merge(&other.groups)?;
        let (Merged::Exact | Merged::UpperBound) = self.top.merge(&other.top);
        self.novelty.merge(&other.novelty);
        Ok(())
    }
}
