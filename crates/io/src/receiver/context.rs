//! What receivers share.

use std::sync::Arc;

use super::links::Links;
use crate::remote::Clients;

/// What receivers share: HTTP clients, trusted certificates, and how people reach Lanner.
#[derive(Debug, Clone, Default)]
pub struct BuildContext {
    /// Where people reach Lanner.
    pub links: Links,
    pub(super) clients: Arc<Clients>,
}

impl BuildContext {
    /// A context; keep it while receivers may be rebuilt, so that they share their clients.
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self { links, ..Self::default() }
    }
}
