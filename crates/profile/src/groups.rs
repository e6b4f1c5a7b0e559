//! How many different behaviours each group has, such as an image.

use std::collections::BTreeMap;

use lanner_sketch::{Distinct, Hash, MergeError, Merged, Seed};

/// Groups that are told apart here, at most; of those that come later nothing is said.
const MAX_GROUPS: usize = 1_024;

/// 2^8 registers: 6.5 % of error, and exact for a few.
const PRECISION: u8 = 8;

/// Sketches of groups, by their hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups(pub(crate) BTreeMap<u64, Distinct>);

impl Groups {
    /// Notes a behaviour of a group.
    pub(crate) fn add(&mut self, group: u64, behaviour: Hash, seed: &Seed) {
        if self.0.len() < MAX_GROUPS || self.0.contains_key(&group) {
            self.0.entry(group).or_insert_with(|| Distinct::new(PRECISION, seed)).add(behaviour);
        }
    }

    /// How many different behaviours a group has, if it is one of those that are told apart.
    pub(crate) fn n_behaviours(&self, group: u64) -> Option<u64> {
        match self.0.get(&group) {
            Some(distinct) => Some(distinct.count().round() as u64),
            None => (self.0.len() < MAX_GROUPS).then_some(0),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        for (group, theirs) in &other.0 {
            if let Some(ours) = self.0.get_mut(group) {
                let (Merged::Exact | Merged::UpperBound) = ours.merge(theirs)?;
            } else if self.0.len() < MAX_GROUPS {
                self.0.insert(*group, theirs.clone());
            }
        }
        Ok(Merged::Exact)
    }
}
