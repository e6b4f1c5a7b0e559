//! What alerts have activated within the last hour.

use std::collections::VecDeque;
use std::sync::Mutex;

use lanner_core::Cause;
use lanner_core::time::HOUR_MS;
use lanner_io::state::{StateStore, StoreError, StoredDocument};
use serde_json::Value;

use crate::documents::{SWITCH, cause};
use crate::sync::locked;

/// What alerts have activated within the last hour: when, and which switch. Filled from the store at first.
#[derive(Debug, Default)]
pub(crate) struct Thrown(Mutex<Option<VecDeque<(i64, String)>>>);

impl Thrown {
    /// How many switches made after `model`, or itself, alerts have activated within the last hour.
    pub(super) fn count(
        &self,
        store: &dyn StateStore,
        model: &str,
        now_ms: i64,
    ) -> Result<usize, StoreError> {
        let mut thrown = locked(&self.0);
        if thrown.is_none() {
            *thrown = Some(stored(store, now_ms)?);
        }
        let Some(thrown) = &mut *thrown else { return Ok(0) };
        while thrown.front().is_some_and(|(time_ms, _)| *time_ms <= now_ms - HOUR_MS) {
            thrown.pop_front();
        }
        Ok(thrown.iter().filter(|(_, id)| is_after(model, id)).count())
    }

    pub(super) fn note(&self, id: &str, now_ms: i64) {
        if let Some(thrown) = &mut *locked(&self.0) {
            thrown.push_back((now_ms, id.to_owned()));
        }
    }
}

/// Whether a switch is made after `model`, or itself that one.
pub(super) fn is_after(model: &str, id: &str) -> bool {
    id.strip_prefix(model).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn stored(store: &dyn StateStore, now_ms: i64) -> Result<VecDeque<(i64, String)>, StoreError> {
    let versions = store.documents_since(SWITCH, now_ms - HOUR_MS)?;
    let is_thrown = |version: &StoredDocument| {
        let blocks = |document: &Value| !is_off(document) && !only_reports(document);
        let is_on = version.document.as_ref().is_some_and(blocks);
        is_on && matches!(cause::of(version), Cause::Alert { .. })
    };
    Ok(versions.into_iter().filter(is_thrown).map(|version| (version.changed_ms, version.id)).collect())
}

pub(super) fn is_off(document: &Value) -> bool {
    document.get("status").is_some_and(|status| status == "inactive")
}

/// Whether a switch says what it would block, and blocks nothing.
pub(super) fn only_reports(document: &Value) -> bool {
    document.get("status").is_some_and(|status| status == "shadow")
}
