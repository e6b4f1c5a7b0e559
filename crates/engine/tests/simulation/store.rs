//! A model of the store: what was committed survives a crash, and nothing happens twice.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lanner_core::{
    Alert, Changes, Cursor, DeliveryOutcome, Evaluation, Group, Labels, Notification, NotificationLogEntry,
    TimeRange,
};

/// A window that was evaluated, and why its source failed, if it did.
pub(crate) type Walked = (Arc<str>, TimeRange, Option<String>);

/// What one turn writes, and when it was taken.
#[derive(Debug)]
pub(crate) struct Turn {
    /// When, by the world's clock.
    pub(crate) at_ms: i64,
    pub(crate) walked: Vec<Walked>,
    pub(crate) changes: Changes,
}

/// What happened to an alert, in the order in which it was written.
#[derive(Debug)]
pub(crate) enum Entry {
    Evaluated(i64, Evaluation),
    Forgotten(i64, Arc<str>, Group),
    Removed(i64, Arc<str>),
}

/// Receiver, group and alert of a record.
type LogKey = (Arc<str>, Labels, Option<Arc<str>>);

/// What a window came to, by group.
pub(crate) type Values = Vec<(Group, Option<f64>)>;

#[derive(Debug, Default)]
pub(crate) struct Store {
    /// What was measured, by query and window.
    pub(crate) history: BTreeMap<(u64, TimeRange), Values>,
    ids: HashSet<String>,
    windows: HashSet<(Arc<str>, u32, Group, TimeRange)>,
    keys: HashSet<String>,
    alerts: BTreeMap<(Arc<str>, Group), Alert>,
    cursors: BTreeMap<Arc<str>, Cursor>,
    told: BTreeMap<LogKey, NotificationLogEntry>,
    /// When the server last was there, by its own clock.
    pub(crate) watched_ms: Option<i64>,
    /// Windows walked, by rule, in order.
    pub(crate) walked: BTreeMap<Arc<str>, Vec<TimeRange>>,
    pub(crate) failed: BTreeMap<(Arc<str>, TimeRange), String>,
    pub(crate) log: Vec<Entry>,
    /// Messages, with when they were written by the world's clock.
    pub(crate) outbox: Vec<(i64, Notification)>,
    /// What became of them, by key.
    pub(crate) outcomes: BTreeMap<String, DeliveryOutcome>,
}

impl Store {
    /// Writes a turn, or says why it may not be written.
    pub(crate) fn commit(&mut self, turn: Turn) -> Result<(), String> {
        let Turn { at_ms, walked, changes } = turn;
        let was_walked =
            |e: &&Evaluation| walked.iter().any(|(rule, window, _)| (rule, *window) == (&e.rule, e.window));
        if let Some(other) = changes.evaluations.iter().find(|e| !was_walked(e)) {
            return Err(format!("an evaluation of {} {:?} without its window", other.rule, other.window));
        }
        for (rule, window, error) in walked {
            self.walk(&rule, window, &changes)?;
            self.failed.extend(error.map(|why| ((rule, window), why)));
        }
        for evaluation in changes.evaluations {
            let Evaluation { rule, version, group, window, .. } = &evaluation;
            if !self.windows.insert((rule.clone(), *version, group.clone(), *window)) {
                return Err(format!("evaluated twice: {rule} {group} {window:?}"));
            }
            if !self.ids.insert(evaluation.id.clone()) {
                return Err(format!("the identity {} stands for two evaluations", evaluation.id));
            }
            if let Some(alert) = self.alerts.get_mut(&(rule.clone(), group.clone()))
                && alert.version == *version
            {
                alert.follow(&evaluation);
            }
            self.log.push(Entry::Evaluated(at_ms, evaluation));
        }
        for alert in changes.alerts {
            self.alerts.insert((alert.rule.clone(), alert.group.clone()), alert);
        }
        for (rule, group) in changes.forgotten_groups {
            self.alerts.remove(&(rule.clone(), group.clone()));
            self.log.push(Entry::Forgotten(at_ms, rule, group));
        }
        for cursor in changes.cursors {
            self.cursors.insert(cursor.rule.clone(), cursor);
        }
        for rule in changes.forgotten_rules {
            self.alerts.retain(|(of, _), _| *of != rule);
            self.cursors.remove(&rule);
            self.log.push(Entry::Removed(at_ms, rule));
        }
        for told in changes.notification_log {
            let key = (told.receiver.clone(), told.group.clone(), told.alert.clone());
            match (&told.record, &told.alert) {
                (Some(_), _) => drop(self.told.insert(key, told)),
                (None, Some(_)) => drop(self.told.remove(&key)),
                (None, None) => {
                    self.told.retain(|(receiver, group, _), _| (receiver, group) != (&key.0, &key.1));
                }
            }
        }
        for message in changes.outbox {
            if !self.keys.insert(message.key.clone()) {
                return Err(format!("two messages have the key of {}", message.title()));
            }
            self.outbox.push((at_ms, message));
        }
        Ok(())
    }

    fn walk(&mut self, rule: &Arc<str>, window: TimeRange, changes: &Changes) -> Result<(), String> {
        if !changes.cursors.iter().any(|cursor| cursor.rule == *rule && cursor.window == window) {
            return Err(format!("{rule} {window:?} was evaluated without a note of it"));
        }
        let walked = self.walked.entry(rule.clone()).or_default();
        if let Some(last) = walked.last().filter(|last| last.end_ms >= window.end_ms) {
            return Err(format!("{rule} {window:?} came after {last:?}"));
        }
        walked.push(window);
        Ok(())
    }

    /// The messages whose outcome is not known.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Notification> {
        let open = self.outbox.iter().filter(|(_, message)| !self.outcomes.contains_key(&message.key));
        open.map(|(_, message)| message)
    }

    /// What a restart reads back.
    pub(crate) fn state(&self) -> (Vec<Alert>, Vec<Cursor>, Vec<NotificationLogEntry>) {
        (
            self.alerts.values().cloned().collect(),
            self.cursors.values().cloned().collect(),
            self.told.values().cloned().collect(),
        )
    }
}
