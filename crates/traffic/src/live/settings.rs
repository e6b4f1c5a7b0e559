//! How live sessions are told apart, learned and judged.

use crate::sessions::SessionSettings;

/// Settings of [`Live`](crate::Live).
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// When a session ends, and how many may be open.
    pub sessions: SessionSettings,
    /// For how long it learns at least, milliseconds. Default a day.
    pub learn_ms: i64,
    /// From how many sessions it learns at least. Default 1,000.
    pub n_learned: usize,
    /// The share of ordinary sessions that may be called unusual, above 0. Default 1 %.
    pub unusual_share: f64,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            sessions: SessionSettings { max_open: 50_000, ..SessionSettings::default() },
            learn_ms: 24 * 3_600_000,
            n_learned: 1_000,
            unusual_share: 0.01,
        }
    }
}
