//! The service that keeps findings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lanner_io::findings::FindingStore;
use lanner_io::state::StateStore;
use lanner_io::store::StoreError;

use super::known::{Known, Lists};
use super::open_scan::OpenScan;
use crate::base::Base;
use crate::clock::Clock;
use crate::intake::service::IntakeService;

/// Keeps findings.
#[derive(Debug)]
pub struct FindingService {
    pub(crate) findings: Arc<dyn FindingStore>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) intake: Arc<IntakeService>,
    clock: Clock,
    /// What is known to be exploited.
    pub(crate) lists: Lists,
    /// Scans whose findings are coming in, by their ids.
    pub(crate) scans: Mutex<HashMap<String, OpenScan>>,
    /// One batch at a time: what it changes depends on what is stored.
    pub(crate) turn: Mutex<()>,
}

impl FindingService {
    /// With no scan under way.
    #[must_use]
    pub fn new(base: &Base, intake: Arc<IntakeService>) -> Self {
        Self {
            findings: Arc::new(base.store.clone()),
            state: Arc::clone(&base.state),
            intake,
            clock: base.clock(),
            lists: Lists::default(),
            scans: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    /// What lists say of vulnerabilities.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn known(&self) -> Result<Arc<Known>, StoreError> {
        self.lists.known(&*self.findings)
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
