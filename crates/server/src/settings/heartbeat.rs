//! The heartbeat as it is configured.

use lanner_io::receiver::Secret;

/// Where the heartbeat goes, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where it goes.
    pub to: To,
    /// How often, milliseconds.
    pub every_ms: u64,
}

/// Where the heartbeat goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A URL to POST to; it may hold a token.
    Url(Secret),
    /// A receiver, by name.
    Receiver(String),
}

impl To {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Url(_) => "heartbeat",
            Self::Receiver(name) => name,
        }
    }
}
