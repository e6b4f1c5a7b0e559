//! The switches of one revision, ready to be asked.

use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use lanner_switch::SwitchSet;

/// The switches of one revision.
#[derive(Debug)]
pub struct Current {
    /// Ready to be asked.
    pub set: SwitchSet,
    /// The snapshot's canonical text, once somebody wants it.
    pub(super) text: OnceLock<Bytes>,
    /// What changed since the one before as JSON, if it is short enough to be told to everybody at once.
    pub delta: Option<String>,
    /// When what they say last changed here, by a change or by the clock, milliseconds since the Unix epoch.
    pub since_ms: AtomicI64,
}

impl Current {
    /// The snapshot's canonical text.
    pub fn text(&self) -> &Bytes {
        self.text.get_or_init(|| Bytes::from(self.set.snapshot().to_text()))
    }
}
