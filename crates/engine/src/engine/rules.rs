//! Rules come, change and go. What a change costs depends on the rules that it names, however many others there are.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use lanner_core::{Alert, Changes, ResolvedReason, TimeRange};

use super::groups::Alerts;
use super::{Engine, Tracked, schedule_next};
use crate::detector::learning::Memory;
use crate::rule::{Rule, Status};

/// What a change of rules came to.
#[derive(Debug, Default)]
pub struct RuleChanges {
    /// What to write.
    pub changes: Changes,
    /// Rules that are no longer evaluated as they were.
    pub stale: Vec<Arc<Rule>>,
    /// Rules that are evaluated from now on, new ones and new versions.
    pub fresh: Vec<Arc<Rule>>,
}

impl Engine {
    /// Replaces all rules, and says what to write.
    pub fn set_rules(&mut self, rules: Vec<Rule>, now_ms: i64) -> Changes {
        self.replace_rules(rules, now_ms).changes
    }

    /// Replaces all rules; see [`Self::change_rules`].
    pub fn replace_rules(&mut self, rules: Vec<Rule>, now_ms: i64) -> RuleChanges {
        let named: HashSet<&Arc<str>> = rules.iter().map(|rule| &rule.id).collect();
        let restored = self.restored_alerts.keys().chain(self.restored_cursors.keys());
        let known = self.tracked.keys().chain(restored);
        let gone: Vec<Arc<str>> = known.filter(|id| !named.contains(id)).cloned().collect();
        self.change_rules(rules, gone, now_ms)
    }

    /// Adds or replaces rules, forgets those that are gone, leaves all others alone, and says what to write.
    ///
    /// A rule that was known keeps its place in time, and its alerts unless its query changed. A new one
    /// begins with the first window that ends after `now_ms`. Running episodes of rules that are gone or
    /// inactive end, and people are notified.
    pub fn change_rules(&mut self, rules: Vec<Rule>, gone: Vec<Arc<str>>, now_ms: i64) -> RuleChanges {
        let mut changed = RuleChanges::default();
        let (active, paused): (Vec<_>, Vec<_>) =
            rules.into_iter().partition(|rule| rule.status == Status::Active);
        let gone = gone.into_iter().map(|id| (id, ResolvedReason::RuleDeleted));
        let paused = paused.into_iter().map(|rule| (rule.id, ResolvedReason::RulePaused));
        for (id, reason) in gone.chain(paused).collect::<BTreeMap<_, _>>() {
            self.drop_rule(id, reason, now_ms, &mut changed);
        }
        for rule in active {
            self.track(Arc::new(rule), now_ms, &mut changed);
        }
        changed.changes.notification_log = self.notifier.take_log();
        changed
    }

    pub(super) fn drop_rule(
        &mut self,
        id: Arc<str>,
        reason: ResolvedReason,
        now_ms: i64,
        changed: &mut RuleChanges,
    ) {
        if self.tracked.get(&id).is_some_and(|tracked| tracked.is_elsewhere) {
            self.tracked.remove(&id); // whoever evaluates it ends its alerts
            return;
        }
        let cursor = self.restored_cursors.remove(&id);
        let restored = self.restored_alerts.remove(&id);
        let tracked = self.tracked.remove(&id);
        if cursor.is_none() && restored.is_none() && tracked.is_none() {
            return;
        }
        let mut alerts = restored.unwrap_or_default();
        let mut rule = None;
        if let Some(tracked) = tracked {
            self.unschedule(&tracked);
            alerts.extend(tracked.alerts);
            rule = Some(tracked.rule);
        }
        for alert in alerts.values_mut() {
            self.end(alert, rule.as_deref(), reason, now_ms, &mut changed.changes);
        }
        changed.stale.extend(rule);
        changed.changes.forgotten_rules.push(id);
    }

    fn track(&mut self, rule: Arc<Rule>, now_ms: i64, changed: &mut RuleChanges) {
        let id = rule.id.clone();
        if self.tracked.get(&id).is_some_and(|tracked| tracked.rule.version == rule.version) {
            return;
        }
        if self.is_elsewhere(&rule) {
            return self.leave_to_others(rule, now_ms, changed);
        }
        self.take_over(&id, now_ms, changed);
        let changes = &mut changed.changes;
        let before = self.tracked.remove(&id);
        let restored = self.restored_alerts.remove(&id).unwrap_or_default();
        let restored = restored.into_values().map(|mut alert| {
            alert.group = std::mem::take(&mut alert.group).in_rule(rule.query.by());
            (alert.group.clone(), alert)
        });
        let restored: Alerts = restored.collect();
        let known_cursor = before.as_ref().map(|t| t.cursor).or_else(|| self.restored_cursors.remove(&id));
        let cursor = known_cursor.unwrap_or(TimeRange::new(now_ms, now_ms));
        if known_cursor.is_none() {
            changes.cursors.push(rule.cursor(cursor));
        }
        let mut alerts = restored;
        if let Some(before) = before {
            self.unschedule(&before);
            alerts = before.alerts;
            if before.rule.query.fingerprint() != rule.query.fingerprint() {
                for alert in alerts.values_mut() {
                    self.end(alert, Some(&before.rule), ResolvedReason::RuleChanged, now_ms, changes);
                    changes.forgotten_groups.push((id.clone(), alert.group.clone()));
                }
                alerts.clear();
            }
            changed.stale.push(before.rule);
        }
        changed.fresh.push(Arc::clone(&rule));
        let waits = self.waiting.contains(&id);
        let mut tracked = Tracked {
            rule,
            cursor,
            due_ms: None,
            in_flight_ms: None,
            postponed_ms: None,
            waits,
            is_elsewhere: false,
            alerts,
            memory: Memory::default(),
            n_left_out: 0,
        };
        schedule_next(&mut self.due, &self.gaps, &mut tracked, self.tracked.len());
        self.tracked.insert(id, tracked);
    }

    pub(super) fn unschedule(&mut self, tracked: &Tracked) {
        if let Some(due_ms) = tracked.due_ms {
            let place = (due_ms, tracked.rule.id.clone());
            self.due.remove(&place);
            self.behind.remove(&place);
        }
    }

    /// Says which rules cannot be measured yet: they are not due, and no others wait for them. Those that waited
    /// before and are not named any more go on where they stood, with every window that has passed meanwhile.
    pub fn set_waiting(&mut self, waiting: BTreeSet<Arc<str>>) {
        for id in waiting.difference(&self.waiting) {
            let Some(tracked) = self.tracked.get_mut(id) else { continue };
            tracked.waits = true;
            if let Some(due_ms) = tracked.due_ms.take() {
                let place = (due_ms, id.clone());
                self.due.remove(&place);
                self.behind.remove(&place);
            }
        }
        let n_rules = self.tracked.len();
        for id in self.waiting.difference(&waiting) {
            let Some(tracked) = self.tracked.get_mut(id) else { continue };
            tracked.waits = false;
            schedule_next(&mut self.due, &self.gaps, tracked, n_rules);
        }
        self.waiting = waiting;
    }

    /// Says which rules can be measured now: they go on where they stood, with every window that has passed meanwhile.
    /// Cost: that of these rules, however many others still wait.
    pub fn resume(&mut self, ready: impl IntoIterator<Item = Arc<str>>) {
        let n_rules = self.tracked.len();
        for id in ready {
            let was_waiting = self.waiting.remove(&id);
            let Some(tracked) = self.tracked.get_mut(&id).filter(|_| was_waiting) else { continue };
            tracked.waits = false;
            schedule_next(&mut self.due, &self.gaps, tracked, n_rules);
        }
    }

    /// How many rules wait until the past of their measures is counted. They are evaluated from then on.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many rules are evaluated.
    #[must_use]
    pub fn n_rules(&self) -> usize {
        self.tracked.len()
    }

    /// The rules that are evaluated, with when each is next due; those that wait for their past have no such time.
    pub fn rules(&self) -> impl Iterator<Item = (&Arc<Rule>, Option<i64>)> {
        self.tracked.values().map(|tracked| (&tracked.rule, tracked.due_ms))
    }

    /// The rules with a window that is due and not evaluated, read or not, and for how long by `now_ms`, milliseconds. Those
    /// that cannot be measured yet count as well, unless nothing of them was ever judged: they are not evaluated either.
    pub fn overdue(&self, now_ms: i64) -> impl Iterator<Item = (&Arc<Rule>, i64)> {
        let n_rules = self.tracked.len();
        let late = self.tracked.values().filter_map(move |tracked| {
            let due_ms = tracked.in_flight_ms.or(tracked.postponed_ms).or(tracked.due_ms);
            Some((
                &tracked.rule,
                now_ms - due_ms.or_else(|| tracked.due_once_measured_ms(&self.gaps, n_rules))?,
            ))
        });
        late.filter(|(_, overdue_ms)| *overdue_ms >= 0)
    }

    /// The rule called `id` with when it is next due, as in [`Self::rules`]; `None` if it is not evaluated.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<(&Arc<Rule>, Option<i64>)> {
        self.tracked.get(id).map(|tracked| (&tracked.rule, tracked.due_ms))
    }

    /// The alerts of one rule, in order of their groups; none of a rule that is not known.
    pub fn alerts_of(&self, id: &str) -> impl Iterator<Item = &Alert> {
        self.tracked.get(id).into_iter().flat_map(|tracked| tracked.alerts.values().map(|alert| &**alert))
    }
}
