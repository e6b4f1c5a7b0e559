//! What an endpoint is sent, how often and how much of it at once.

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// `ALERTS` and `ALERTS_FOR_STATE`.
    pub alerts: bool,
    /// What rules measured, and how strange that was.
    pub evaluations: bool,
    /// The server's own metrics.
    pub metrics: bool,
}

/// How often, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How often alerts and metrics are sent, milliseconds.
    pub interval_ms: u64,
    /// How long a request may take, milliseconds.
    pub timeout_ms: u64,
    /// Samples that may wait.
    pub max_pending: usize,
    /// Samples of a request.
    pub max_samples: usize,
}
