//! What the scans of all times say of one finding, in three times that merge in any order.
//!
//! Reports come late, twice, and in reverse. As each only moves a minimum or a maximum, the end is the same for every order,
//! and a report that comes again changes nothing.

use serde::{Deserialize, Serialize};

/// What is known of a finding over all scans. Times are the scans', in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The first scan that saw it.
    pub first_seen_ms: i64,
    /// The last scan that saw it.
    pub last_seen_ms: i64,
    /// The last scan that looked at its place and did not see it; `i64::MIN` if there was none.
    pub last_missed_ms: i64,
}

/// Whether a finding is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The last scan that looked saw it.
    Open,
    /// The last scan that looked did not.
    Fixed,
}

impl Standing {
    /// `open` or `fixed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
        }
    }
}

impl Evidence {
    /// Seen once, by a scan of this time.
    #[must_use]
    pub fn seen(at_ms: i64) -> Self {
        Self { first_seen_ms: at_ms, last_seen_ms: at_ms, last_missed_ms: i64::MIN }
    }

    /// A scan saw it.
    pub fn see(&mut self, at_ms: i64) {
        self.first_seen_ms = self.first_seen_ms.min(at_ms);
        self.last_seen_ms = self.last_seen_ms.max(at_ms);
    }

    /// A scan looked at its place and did not see it.
    pub fn miss(&mut self, at_ms: i64) {
        self.last_missed_ms = self.last_missed_ms.max(at_ms);
    }

    /// Two findings turned out to be one, for example as a host's name and address became known to be one host.
    pub fn merge(&mut self, other: &Self) {
        self.first_seen_ms = self.first_seen_ms.min(other.first_seen_ms);
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
        self.last_missed_ms = self.last_missed_ms.max(other.last_missed_ms);
    }

    /// Whether it is there. Of two scans of one time, the one that saw it counts.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.last_missed_ms > self.last_seen_ms { Standing::Fixed } else { Standing::Open }
    }
}
