//! What holds an alert back now, for those who ask.

use std::sync::Arc;

use lanner_core::Alert;

use super::Engine;
use crate::alert::notify::MutedBy;

impl Engine {
    /// What keeps people from being notified of an alert at `now_ms`.
    pub fn muted_by(&mut self, alert: &Alert, now_ms: i64) -> Vec<MutedBy> {
        let rule = self.tracked.get(&alert.rule).map(|tracked| Arc::clone(&tracked.rule));
        let receivers = rule.as_ref().map_or(&[][..], |rule| &rule.receivers);
        self.notifier.muted_by(&alert.labels, receivers, now_ms)
    }
}
