//! How a job asks its targets.

/// What stands around the address of a target.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) scheme: String,
    pub(super) path: String,
}

/// How often, how long and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) interval_ms: u64,
    pub(super) timeout_ms: u64,
    pub(super) max_body_bytes: usize,
    pub(super) max_samples: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { interval_ms: 60_000, timeout_ms: 10_000, max_body_bytes: 32 << 20, max_samples: 200_000 }
    }
}
