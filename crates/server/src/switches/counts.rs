//! Counts of what switches did since the server started: here, and in clients that report.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lanner_switch::{Switch, Verdict};
use lanner_wire::api::SwitchCount;

use crate::metrics::METRICS;
use crate::sync::locked;

/// Counts by switch.
#[derive(Debug, Default)]
pub struct Counts(Mutex<HashMap<String, SwitchCount>>);

impl Counts {
    /// What one switch did.
    #[must_use]
    pub fn of(&self, id: &str) -> SwitchCount {
        locked(&self.0).get(id).copied().unwrap_or_default()
    }

    /// Counts what a verdict says.
    pub(super) fn note(&self, verdict: &Verdict) {
        let add = |switches: &[Arc<Switch>], one: SwitchCount| {
            switches.iter().for_each(|switch| self.add(&switch.id, one));
        };
        add(verdict.blocking(), SwitchCount { blocked: 1, shadow: 0 });
        add(verdict.shadow(), SwitchCount { blocked: 0, shadow: 1 });
        add(verdict.tagging(), SwitchCount { blocked: 0, shadow: 1 });
    }

    pub(super) fn add(&self, id: &str, more: SwitchCount) {
        for (counters, n) in
            [(&METRICS.switches.blocked, more.blocked), (&METRICS.switches.shadow, more.shadow)]
        {
            if n > 0 {
                counters.with_label_values(&[id]).inc_by(n);
            }
        }
        let mut counts = locked(&self.0);
        let count = match counts.get_mut(id) {
            Some(count) => count,
            None => counts.entry(id.to_owned()).or_default(),
        };
        count.blocked = count.blocked.saturating_add(more.blocked);
        count.shadow = count.shadow.saturating_add(more.shadow);
    }
}
