//! Episodes that were muted until they were over: nobody hears of them, not even of their end.
//!
//! An alert often ends together with what mutes it, as a failing service and those that depend on it do. So whether it is
//! muted is asked when its end is noted, and what ends in the same turn mutes until the next look ([`Notifier::tick`]),
//! in whichever order the two are noted.

use lanner_core::NotifiedAlert;

use super::group::GroupKey;
use super::{Notifier, Route};

impl Notifier {
    /// Whether an alert of a group is over that the receiver was not told of, and that is muted up to now.
    pub(super) fn is_unheard(
        &mut self,
        route: &Route,
        key: &GroupKey,
        alert: &NotifiedAlert,
        now_ms: i64,
    ) -> bool {
        if !alert.is_resolved() {
            return false;
        }
        let member = self.groups.get(key).and_then(|record| record.members.get(&*alert.fingerprint));
        if member.is_some_and(|member| member.is_told(alert)) {
            return false;
        }
        // A silence or an interval that ends just now has muted all of it.
        let before_ms = now_ms - 1;
        self.phase(route, before_ms).holds || self.mute(route, &alert.labels, before_ms).is_some()
    }

    /// Lets go of what was muted by alerts that ended since the last look.
    pub(super) fn end_inhibitions(&mut self, now_ms: i64) {
        for (_, labels) in std::mem::take(&mut self.ending) {
            let freed = self.inhibitions.ends(&labels);
            self.freed.extend(freed);
        }
        for key in std::mem::take(&mut self.freed) {
            self.flush_by(&key, now_ms);
        }
    }
}

#[cfg(test)]
mod tests;
