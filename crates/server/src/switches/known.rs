//! Versions of switches that notifications are about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lanner_io::store::{StoreError, StoredDocument};
use lanner_switch::Switch;

use crate::sync::locked;

/// The latest versions of the switches that were looked at, so that each is read once.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<Arc<str>, Version>>);

/// A switch in force, and the version that it is.
type Version = (Arc<Switch>, StoredDocument);

impl Known {
    /// The version of a switch in force: `latest` looks it up, where it is not known.
    pub(super) fn of(
        &self,
        switch: &Arc<Switch>,
        latest: impl FnOnce() -> Result<Option<StoredDocument>, StoreError>,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let known = locked(&self.0).get(&switch.id).cloned();
        if let Some((_, stored)) = known.filter(|(seen, _)| Arc::ptr_eq(seen, switch)) {
            return Ok(Some(stored));
        }
        let latest = latest()?;
        if let Some(stored) = &latest {
            locked(&self.0).insert(Arc::clone(&switch.id), (Arc::clone(switch), stored.clone()));
        }
        Ok(latest)
    }

    pub(super) fn keep(&self, wanted: impl Fn(&str) -> bool) {
        locked(&self.0).retain(|id, _| wanted(id));
    }
}
