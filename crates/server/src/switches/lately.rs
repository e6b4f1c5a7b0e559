//! What was in force before the changes of the last hour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use lanner_core::time::{HOUR_MS, MINUTE_MS};

use super::current::Current;
use crate::sync::locked;

/// For so long a change counts together with the next ones, milliseconds.
const LATELY_MS: i64 = HOUR_MS;
/// So often what is in force is remembered, at most, milliseconds.
const LATELY_EVERY_MS: i64 = 5 * MINUTE_MS;

/// What was in force before the changes of the last hour: what they block together counts, not only what each does.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<VecDeque<(i64, Arc<Current>)>>);

impl Lately {
    /// Notes what is in force just before a change.
    pub(super) fn note(&self, before: Arc<Current>, now_ms: i64) {
        let mut lately = locked(&self.0);
        while lately.front().is_some_and(|(time_ms, _)| *time_ms <= now_ms - LATELY_MS) {
            lately.pop_front();
        }
        if lately.back().is_none_or(|(time_ms, _)| *time_ms <= now_ms - LATELY_EVERY_MS) {
            lately.push_back((now_ms, before));
        }
    }

    /// A person took a second look: what is in force now is as it should be.
    pub(super) fn accept(&self) {
        locked(&self.0).clear();
    }

    /// What was in force an hour ago, if anything changed since.
    pub(super) fn before(&self, now_ms: i64) -> Option<Arc<Current>> {
        let lately = locked(&self.0);
        let mut recent = lately.iter().filter(|(time_ms, _)| *time_ms > now_ms - LATELY_MS);
        recent.next().map(|(_, current)| Arc::clone(current))
    }
}
