//! One engine among several: rules that another server evaluates, and news that another server tells people.
//!
//! ```text
//!   worker:  evaluate ─▶ apply ─▶ news ──(the state)──▶ relay :notifier ─▶ messages
//! ```
//!
//! An engine alone is [`Part::Whole`]. Of several one is [`Part::Notifier`]: it evaluates what only it can, knows of all
//! other rules what [`Engine::follow`] says, and notifies people of all. A [`Part::Worker`] evaluates the rules that it is
//! given; what happens to their alerts is [news](Engine::take_news) for the one that notifies.

use std::collections::HashMap;
use std::sync::Arc;

use lanner_core::{Acknowledgement, Alert, AlertNews, Changes, Cursor, ResolvedReason, TimeRange};

use super::groups::Alerts;
use super::part::Part;
use super::rules::RuleChanges;
use super::{Engine, Tracked};
use crate::alert::state;
use crate::detector::learning::Memory;
use crate::rule::Rule;

impl Engine {
    /// An engine for a part of the work; see [`Engine::new`].
    #[must_use]
    pub fn of(part: Part) -> Self {
        Self { part, ..Self::default() }
    }

    /// Which part of the work it does.
    #[must_use]
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Whether other servers evaluate a rule.
    pub(super) fn is_elsewhere(&self, rule: &Rule) -> bool {
        self.part == Part::Notifier && rule.is_shared()
    }

    /// Notes what happened to an alert, for who tells people.
    pub(super) fn tell(&mut self, now_ms: i64, alert: &Alert, receivers: &[Arc<str>]) {
        let alert = state::notified_alert(alert);
        match self.part {
            Part::Worker => self.news.push(AlertNews { alert, receivers: receivers.to_vec() }),
            Part::Whole | Part::Notifier => self.notifier.record(now_ms, alert, receivers),
        }
    }

    /// What happened to alerts since the last call, in its order; for a worker, which tells nobody itself.
    #[must_use]
    pub fn take_news(&mut self) -> Vec<AlertNews> {
        std::mem::take(&mut self.news)
    }

    /// Notifies people of what happened to alerts that others evaluate, and says what to write.
    pub fn relay(&mut self, now_ms: i64, news: Vec<AlertNews>) -> Changes {
        for AlertNews { alert, receivers } in news {
            self.notifier.record(now_ms, alert, &receivers);
        }
        self.tick(now_ms)
    }

    /// As [`Self::restore`], of alerts that others evaluate: those that run mute others. Before [`Self::restore`].
    pub fn restore_shared(&mut self, alerts: &[Alert]) {
        for alert in alerts.iter().filter(|alert| alert.active) {
            let fingerprint = alert.fingerprint();
            self.notifier.restore_running(&fingerprint, &alert.labels);
            self.notifier.acknowledge(i64::MIN, &fingerprint, alert.acknowledged.clone());
        }
    }

    /// Says how the rules of some shards stand that others evaluate. Rules that are not known are passed over.
    pub fn follow(&mut self, now_ms: i64, shards: &[u8], alerts: Vec<Alert>, cursors: Vec<Cursor>) {
        for alert in alerts.iter().filter(|alert| alert.active) {
            // One that was taken on is not repeated, and one that got worse since is nobody's.
            self.notifier.acknowledge(now_ms, &alert.fingerprint(), alert.acknowledged.clone());
        }
        let mut cursors: HashMap<Arc<str>, TimeRange> =
            cursors.into_iter().map(|cursor| (cursor.rule, cursor.window)).collect();
        let mut by_rule: HashMap<Arc<str>, Alerts> = HashMap::new();
        for alert in alerts {
            by_rule.entry(alert.rule.clone()).or_default().insert(alert.group.clone(), Box::new(alert));
        }
        let elsewhere = self.tracked.iter_mut().filter(|(_, tracked)| tracked.is_elsewhere);
        for (id, tracked) in elsewhere.filter(|(_, tracked)| shards.contains(&tracked.rule.shard())) {
            tracked.alerts = by_rule.remove(id).unwrap_or_default();
            tracked.cursor = cursors.remove(id).unwrap_or(tracked.cursor);
        }
    }

    /// The shard of an alert whose episode runs and that others evaluate, as far as that is known yet.
    #[must_use]
    pub fn shard_elsewhere(&self, fingerprint: &str) -> Option<u8> {
        let mut elsewhere = self.tracked.values().filter(|tracked| tracked.is_elsewhere);
        let is_it = |alert: &Alert| alert.active && alert.fingerprint() == fingerprint;
        elsewhere.find(|it| it.alerts.values().any(|alert| is_it(alert))).map(|it| it.rule.shard())
    }

    /// Notes that others have written who has taken on an alert of theirs: as [`Self::follow`], only sooner.
    pub fn note_acknowledged(
        &mut self,
        now_ms: i64,
        fingerprint: &str,
        acknowledged: Option<Acknowledgement>,
    ) {
        let elsewhere = self.tracked.values_mut().filter(|tracked| tracked.is_elsewhere);
        let mut alerts = elsewhere.flat_map(|tracked| tracked.alerts.values_mut());
        if let Some(alert) = alerts.find(|alert| alert.active && alert.fingerprint() == fingerprint) {
            alert.acknowledged = acknowledged.clone();
        }
        self.notifier.acknowledge(now_ms, fingerprint, acknowledged);
    }

    /// Lets rules go that another server evaluates from now on, and writes nothing of it. What is read for them is passed
    /// over when it comes.
    pub fn release(&mut self, rules: impl IntoIterator<Item = Arc<str>>) {
        for id in rules {
            self.restored_alerts.remove(&id);
            self.restored_cursors.remove(&id);
            if let Some(tracked) = self.tracked.remove(&id) {
                self.unschedule(&tracked);
            }
        }
    }

    /// Ends the alerts of rules that ask for something else now, and so are another server's, and says what to write.
    pub fn hand_over(&mut self, rules: Vec<Arc<str>>, now_ms: i64) -> Changes {
        let mut changed = RuleChanges::default();
        for id in rules {
            self.drop_rule(id, ResolvedReason::RuleChanged, now_ms, &mut changed);
        }
        changed.changes
    }

    /// Of the rules that others evaluate, for how long the longest overdue one is due, milliseconds.
    #[must_use]
    pub fn overdue_elsewhere_ms(&self, now_ms: i64) -> i64 {
        let elsewhere = self.overdue(now_ms).filter(|(rule, _)| self.is_elsewhere(rule));
        elsewhere.map(|(_, overdue_ms)| overdue_ms).max().unwrap_or(0)
    }

    /// The rules that others evaluate, and for how long each is due, milliseconds; 0 for one that is not.
    pub fn shared_rules(&self, now_ms: i64) -> impl Iterator<Item = (&Rule, i64)> {
        let overdue: HashMap<&str, i64> =
            self.overdue(now_ms).map(|(rule, overdue_ms)| (&*rule.id, overdue_ms)).collect();
        let elsewhere = self.tracked.values().filter(|tracked| tracked.is_elsewhere);
        elsewhere.map(move |it| (&*it.rule, overdue.get(&*it.rule.id).copied().unwrap_or(0)))
    }

    /// Knows a rule that others evaluate. What this engine evaluated under its name ends.
    pub(super) fn leave_to_others(&mut self, rule: Arc<Rule>, now_ms: i64, changed: &mut RuleChanges) {
        let id = rule.id.clone();
        let known = match self.tracked.get(&id) {
            Some(tracked) if tracked.is_elsewhere => self.tracked.remove(&id),
            _ => None,
        };
        self.drop_rule(id.clone(), ResolvedReason::RuleChanged, now_ms, changed);
        let (cursor, alerts) = known.map_or_else(
            || (TimeRange::new(now_ms, now_ms), Alerts::new()),
            |known| (known.cursor, known.alerts),
        );
        let tracked = Tracked {
            rule,
            cursor,
            due_ms: None,
            in_flight_ms: None,
            postponed_ms: None,
            waits: false,
            is_elsewhere: true,
            alerts,
            memory: Memory::default(),
            n_left_out: 0,
        };
        self.tracked.insert(id, tracked);
    }

    /// Ends what others evaluated under the name of a rule that is this engine's from now on. Its state here outranks
    /// theirs, so nobody waits for them.
    pub(super) fn take_over(&mut self, id: &Arc<str>, now_ms: i64, changed: &mut RuleChanges) {
        if !self.tracked.get(id).is_some_and(|tracked| tracked.is_elsewhere) {
            return;
        }
        let Some(mut before) = self.tracked.remove(id) else { return };
        for alert in before.alerts.values_mut() {
            let reason = ResolvedReason::RuleChanged;
            self.end(alert, Some(&before.rule), reason, now_ms, &mut changed.changes);
            changed.changes.forgotten_groups.push((id.clone(), alert.group.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::{Answer, Group, Reading, Readings};
    use serde_json::json;

    use super::*;
    use crate::alert::notify::Route;

    fn rule(version: u32, query: &serde_json::Value) -> Rule {
        let document = json!({
            "id": "load", "query": query, "window": "1s", "absolute": { "max": 80 }, "receivers": ["hook"],
        });
        Rule::from_json(&document, version).unwrap()
    }

    fn elsewhere(version: u32) -> Rule {
        rule(version, &json!({ "promql": "load", "source": "prom" }))
    }

    fn answer(value: f64) -> Answer {
        let (group, value) = (Group::Whole, Some(value));
        let reading = Reading { group, value, baselines: Vec::new(), is_new: false, evidence: None };
        Ok(Readings { groups: vec![reading], first_data_ms: None })
    }

    /// Evaluates what is due, which answers `value`.
    fn judge(engine: &mut Engine, now_ms: i64, value: f64) -> Changes {
        let mut changes = Changes::default();
        for due in engine.plan(now_ms, 10).due {
            let evaluations = engine.evaluate(&due, &answer(value), now_ms);
            changes.extend(engine.apply(now_ms, &due, evaluations));
        }
        changes
    }

    #[test]
    fn what_a_worker_evaluates_another_tells() {
        let (mut worker, mut notifier) = (Engine::of(Part::Worker), Engine::of(Part::Notifier));
        let route = Route { group_wait_ms: 0, ..Route::new("hook") };
        for engine in [&mut worker, &mut notifier] {
            engine.configure(vec![route.clone()], Vec::new());
        }
        worker.set_rules(vec![elsewhere(1)], 0);
        let written = notifier.set_rules(vec![elsewhere(1)], 0);
        assert_eq!(written, Changes::default(), "the rule is not the notifier's");
        assert_eq!((notifier.plan(9_000, 10).due.len(), notifier.n_rules()), (0, 1));
        let changes = judge(&mut worker, 2_000, 100.0);
        assert_eq!((changes.evaluations.len(), changes.outbox.len()), (1, 0));
        let news = worker.take_news();
        assert_eq!((news.len(), &news[0].receivers), (1, &vec![Arc::from("hook")]));
        assert_eq!(worker.take_news(), []);
        let told = notifier.relay(2_000, news);
        assert_eq!(told.outbox.len(), 1);
        // What it shows is what it is told of the shard.
        assert_eq!(notifier.alerts().count(), 0);
        let shard = elsewhere(1).shard();
        notifier.follow(0, &[shard.wrapping_add(1)], changes.alerts.clone(), changes.cursors.clone());
        assert_eq!(notifier.alerts().count(), 0);
        notifier.follow(0, &[shard], changes.alerts, changes.cursors);
        assert_eq!(notifier.alerts().count(), 1);
        assert!(notifier.overdue_elsewhere_ms(62_000) > 59_000, "nobody evaluates it");
    }

    #[test]
    fn a_rule_that_was_given_away_and_taken_back_is_judged_once() {
        let mut worker = Engine::of(Part::Worker);
        worker.set_rules(vec![elsewhere(1)], 0);
        let due = worker.plan(2_000, 10).due.remove(0);
        worker.release([Arc::from("load")]);
        assert_eq!((worker.n_rules(), worker.wake_ms()), (0, None));
        // Somebody else judged that window meanwhile.
        let cursors = vec![elsewhere(1).cursor(due.ask.window)];
        worker.restore(Vec::new(), cursors, Vec::new());
        worker.change_rules(vec![elsewhere(1)], Vec::new(), 2_100);
        let evaluations = worker.evaluate(&due, &answer(100.0), 2_200);
        assert_eq!(worker.apply(2_200, &due, evaluations), Changes::default());
        assert_eq!(judge(&mut worker, 4_000, 1.0).evaluations.len(), 1);
    }

    #[test]
    fn a_rule_changes_sides_and_its_alert_ends() {
        let here = |version| rule(version, &json!({ "series": "load", "measure": "max" }));
        let mut engine = Engine::of(Part::Notifier);
        engine.configure(vec![Route { group_wait_ms: 0, ..Route::new("hook") }], Vec::new());
        engine.set_rules(vec![here(1)], 0);
        assert_eq!(judge(&mut engine, 2_000, 100.0).outbox.len(), 1);
        let left = engine.set_rules(vec![elsewhere(2)], 3_000);
        assert_eq!((left.forgotten_rules.len(), left.alerts.len(), left.alerts[0].active), (1, 1, false));
        // Others evaluate it, it fires there, and it comes back.
        let mut worker = Engine::of(Part::Worker);
        worker.set_rules(vec![elsewhere(2)], 3_000);
        let changes = judge(&mut worker, 5_000, 100.0);
        engine.relay(5_000, worker.take_news());
        engine.follow(0, &[elsewhere(2).shard()], changes.alerts, changes.cursors);
        let back = engine.set_rules(vec![here(3)], 6_000);
        assert_eq!((back.alerts[0].active, back.forgotten_groups.len(), back.cursors.len()), (false, 1, 1));
        assert_eq!(engine.plan(8_000, 10).due.len(), 1);
    }
}
