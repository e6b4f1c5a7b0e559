//! On how many hosts of a fleet each behaviour was seen, as a profile knows it.

use lanner_sketch::{Hash, Seed, Size, Spread};

use crate::answer::InFleet;
use crate::spec::Spec;

/// On how many hosts each behaviour was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    pub(crate) spread: Spread,
    pub(crate) n_hosts: u32,
    pub(crate) changed_ms: i64,
}

impl Fleet {
    /// One without hosts.
    pub(crate) fn new(spec: &Spec, seed: &Seed) -> Self {
        Self { spread: Spread::new(Size::memory(spec.memory / 2), seed), n_hosts: 0, changed_ms: 0 }
    }

    /// What is known of a behaviour.
    pub(crate) fn of(&self, key: Hash, common: u32) -> InFleet {
        // Others may share the cells of a key.
        let seen_on = self.spread.n_hosts(key).min(self.n_hosts);
        InFleet { seen_on, n_hosts: self.n_hosts, is_common: seen_on >= common }
    }

    /// Hosts that are counted.
    #[must_use]
    pub const fn n_hosts(&self) -> u32 {
        self.n_hosts
    }

    /// When it last changed, milliseconds since 1970; rises with every change.
    #[must_use]
    pub const fn changed_ms(&self) -> i64 {
        self.changed_ms
    }
}
