//! What receivers share.

use std::sync::{Arc, OnceLock};

use super::hand::SwitchHand;
use super::links::Links;
use crate::remote::Clients;

/// What receivers share: HTTP clients, trusted certificates, and how people reach Lanner.
#[derive(Debug, Clone, Default)]
pub struct BuildContext {
    /// Where people reach Lanner.
    pub links: Links,
    pub(super) clients: Arc<Clients>,
    pub(super) hand: Arc<OnceLock<Arc<dyn SwitchHand>>>,
}

impl BuildContext {
    /// A context; keep it while receivers may be rebuilt, so that they share their clients.
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self { links, ..Self::default() }
    }

    /// Says who throws kill switches; the first one counts.
    pub fn set_hand(&self, hand: Arc<dyn SwitchHand>) {
        // A second one means that somebody has come before.
        let _ = self.hand.set(hand);
    }
}
