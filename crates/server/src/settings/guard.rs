//! How much a switch may block without a second look, as it is configured.

/// How much a switch may block without being asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The share of contexts, 0 to 1; a switch that would block more is stopped. 1 never stops one.
    pub share: f64,
    /// The stream whose events are the contexts; else those that this server was asked.
    pub stream: Option<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 0.5, stream: None }
    }
}
