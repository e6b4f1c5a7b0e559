//! Who is notified of what, and when: grouping, waiting, repeating, silences and inhibition.
//!
//! Alerts of one receiver that agree in its `group_by` labels share messages. A group's first message waits
//! `group_wait` for more alerts of it, later news waits until `group_interval` has passed, and what still lasts is
//! repeated every `repeat`. Every episode's beginning and end is sent, unless it is muted until it is over.
//!
//! A group has one message under way at a time. What the message says counts as sent once the receiver accepted it
//! ([`Notifier::settle`]); what was refused does not, so the next message says what is true by then.
//!
//! What a group has been sent is kept in its record, written in the same transaction as the message, so a
//! restart neither forgets nor repeats. Cost: what changed is written, and a group is looked at once when it is due,
//! in time linear in its alerts.
//!
//! A receiver that is muted for a time is sent nothing meanwhile; afterwards it gets what lasts, and the end of what it
//! knows of. Nothing is looked at while that lasts: its end is known.
//!
//! Reading order: [`Route`] (what a receiver wants), [`Notifier`], `record` (what a group was sent), `flush` (what a
//! group is to be sent now), `inhibit`, `unheard` (what was held back to its end), `mutes` (what holds an alert back, for people).

mod flush;
mod group;
mod inhibit;
mod mutes;
mod record;
#[cfg(test)]
mod tests;
mod unheard;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::time::DAY_MS;
use lanner_core::{
    Acknowledgement, DeliveryOutcome, Labels, Notification, NotificationLogEntry, NotifiedAlert, Phase,
    TimeIntervals,
};

use group::GroupKey;
pub use inhibit::Inhibition;
use inhibit::{Cause, Inhibitions};
pub use mutes::MutedBy;
use record::Record;

use crate::alert::matcher::{Matchers, Silences};

/// How many alerts a message lists: more are only counted.
pub(crate) const MAX_LISTED: usize = 100;
/// How many bytes the listed alerts have together: of very long alerts fewer are listed, but one always is.
pub(crate) const MAX_LISTED_BYTES: usize = 256 * 1024;
/// The label by which actions are told apart: the alert's fingerprint.
const ALERT: &str = "alert";

/// How a receiver wants its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// Labels whose values form groups; empty puts all alerts into one.
    pub group_by: Vec<String>,
    /// How long the first message of a group waits for more alerts of it, milliseconds.
    pub group_wait_ms: i64,
    /// The least time between messages with news of one group, milliseconds.
    pub group_interval_ms: i64,
    /// After which time what still lasts is sent again, milliseconds; `None` for never.
    pub repeat_ms: Option<i64>,
    /// Whether ends are sent.
    pub send_resolved: bool,
    /// What the labels of alerts must match to be sent; `None` for all alerts. A receiver that was notified of an
    /// alert is also notified when it resolves.
    pub only: Option<Matchers>,
    /// When the receiver is muted.
    pub mute: TimeIntervals,
    /// The only times at which the receiver is sent anything; always, if there are none.
    pub active: TimeIntervals,
    /// For how long a message that is refused, or that nobody takes, is tried before it is given up, milliseconds.
    pub give_up_after_ms: i64,
    /// Whether the receiver acts on each alert, as one that activates kill switches does: an action is not a message.
    /// Each alert is a group of its own, whatever `group_by` says, so that each action has a result of its own and is
    /// tried again alone; and neither silences nor inhibitions hold it back.
    pub acts: bool,
}

impl Route {
    /// The route of a receiver that says nothing itself.
    #[must_use]
    pub fn new(receiver: impl Into<Arc<str>>) -> Self {
        Self {
            receiver: receiver.into(),
            group_by: vec!["rule".to_owned()],
            group_wait_ms: 5_000,
            group_interval_ms: 60_000,
            repeat_ms: Some(4 * 3_600_000),
            send_resolved: true,
            only: None,
            mute: TimeIntervals::default(),
            active: TimeIntervals::default(),
            give_up_after_ms: DAY_MS,
            acts: false,
        }
    }

    /// Whether the receiver is muted at `now_ms` by the time alone, and how long that stays so.
    #[must_use]
    pub fn mute_phase(&self, now_ms: i64) -> Phase {
        let is_muted = |at_ms: i64| {
            let is_off = !self.active.is_empty() && !self.active.contain(at_ms);
            !self.acts && (is_off || self.mute.contain(at_ms))
        };
        Phase::at(now_ms, &[&self.mute, &self.active], is_muted)
    }

    /// What mutes the receiver at `now_ms`, as far as that is a matter of time.
    #[must_use]
    pub fn muted_by(&self, now_ms: i64) -> Vec<String> {
        let mut by = self.mute.names_at(now_ms);
        if !self.active.is_empty() && !self.active.contain(now_ms) {
            by.push(format!("outside {}", self.active.names().join(", ")));
        }
        by
    }

    fn wants(&self, alert: &NotifiedAlert) -> bool {
        self.only.as_ref().is_none_or(|only| only.matches(&alert.labels))
    }
}

/// Decides who is notified of what. Pure: the time is an argument.
#[derive(Debug, Default)]
pub struct Notifier {
    routes: HashMap<Arc<str>, Arc<Route>>,
    inhibitions: Inhibitions,
    /// Groups that an inhibition holds back no more, and that are to be looked at.
    freed: BTreeSet<GroupKey>,
    /// What ended since the last look, and when that was recorded: until then it still mutes others that ended with it.
    ending: Vec<(i64, Labels)>,
    silences: Silences,
    /// Whether receivers are muted by the time, as far as that is known.
    phases: HashMap<Arc<str>, Phase>,
    groups: BTreeMap<GroupKey, Record>,
    /// Groups without a message under way, by when to look at them.
    due: BTreeSet<(i64, GroupKey)>,
    /// Groups with something that is not written yet.
    changed: BTreeSet<GroupKey>,
    /// Groups that are over and still written, even where one of the same name has begun since.
    forgotten: BTreeSet<GroupKey>,
    /// Groups with a message under way, by its key.
    under_way: HashMap<String, GroupKey>,
    /// Episodes that run, by fingerprint.
    running: HashMap<String, Running>,
}

/// An episode that runs.
#[derive(Debug, Default)]
struct Running {
    /// What inhibition looks at.
    labels: Labels,
    /// The groups that know of it, and are sent its end, whatever became of its rule meanwhile.
    groups: BTreeSet<GroupKey>,
    /// Who has taken it on, so that it is not repeated.
    acknowledged: Option<Acknowledgement>,
}

/// Why nobody is notified of an alert now.
enum Mute {
    /// By a silence, until then.
    Until(i64),
    /// By what fires, until that ends.
    By(Cause),
}

/// What flushing the groups came to.
#[derive(Debug, Default, PartialEq)]
pub struct Flushed {
    /// Messages to send.
    pub messages: Vec<Notification>,
    /// Records that changed.
    pub log: Vec<NotificationLogEntry>,
}

impl Notifier {
    /// Replaces routes and inhibitions. What was held back is looked at again.
    pub fn configure(&mut self, routes: Vec<Route>, inhibitions: Vec<Inhibition>) {
        let routes = routes.into_iter().map(|route| (route.receiver.clone(), Arc::new(route))).collect();
        let before = std::mem::replace(&mut self.routes, routes);
        let changed = |receiver: &Arc<str>| before.get(receiver) != self.routes.get(receiver);
        self.phases.retain(|receiver, _| !changed(receiver));
        let mut held_back = self.inhibitions.all_waiting();
        // Rules change often, and what is muted may be much.
        let muted = self.groups.iter().filter(|((receiver, _), it)| it.head.muted && changed(receiver));
        held_back.extend(muted.map(|(key, _)| key.clone()));
        self.ending.clear();
        self.inhibitions =
            Inhibitions::new(inhibitions, self.running.values().map(|running| &running.labels));
        for key in held_back {
            self.flush_by(&key, i64::MIN);
        }
    }

    /// Replaces the silences, and looks at muted groups again at `now_ms`.
    pub fn set_silences(&mut self, silences: Silences, now_ms: i64) {
        self.silences = silences;
        let muted: Vec<GroupKey> =
            self.groups.iter().filter(|(_, it)| it.head.muted).map(|(key, _)| key.clone()).collect();
        for key in muted {
            self.flush_by(&key, now_ms);
        }
    }

    /// Takes up the records of an earlier run; a group's own piece comes before those of its alerts.
    pub fn restore(&mut self, log: Vec<NotificationLogEntry>) {
        let mut restored = BTreeSet::new();
        for NotificationLogEntry { receiver, group, alert, record } in log {
            let Some(text) = record else { continue };
            let key = (receiver, group);
            self.groups.entry(key.clone()).or_default().restore(alert, &text);
            restored.insert(key);
        }
        for key in restored {
            let Some(record) = self.groups.get_mut(&key) else { continue };
            if !record.changed.is_empty() {
                self.changed.insert(key.clone());
            }
            if record.head.muted {
                // By what it waits is not written down; flushing tells.
                record.head.due_ms = Some(i64::MIN);
            }
            if let Some(message) = &record.head.under_way {
                self.under_way.insert(message.clone(), key.clone());
            }
            let running: Vec<Arc<NotifiedAlert>> =
                record.members.values().filter_map(|member| member.running.clone()).collect();
            for alert in running {
                // The alert itself, if it was restored, knows its labels better than what was sent of it.
                let known = self.running.get(&alert.fingerprint).map(|running| running.labels.clone());
                let labels = known.unwrap_or_else(|| alert.labels.clone());
                self.runs(&alert.fingerprint, &labels).insert(key.clone());
            }
            self.schedule(&key);
        }
    }

    /// Takes up an episode of an earlier run that nobody was notified of; it mutes others all the same.
    pub(crate) fn restore_running(&mut self, fingerprint: &str, labels: &Labels) {
        self.runs(fingerprint, labels);
    }

    fn runs(&mut self, fingerprint: &str, labels: &Labels) -> &mut BTreeSet<GroupKey> {
        let known = self.running.get(fingerprint).map(|running| running.labels.clone());
        if known.as_ref() != Some(labels) {
            let freed = self.inhibitions.fires(labels);
            self.freed.extend(freed);
        }
        let running = self.running.entry(fingerprint.to_owned()).or_default();
        running.labels = labels.clone();
        &mut running.groups
    }

    /// Notes news of one alert. While its episode runs that is for `receivers`; its end is for all who know of it.
    pub fn record(&mut self, now_ms: i64, alert: NotifiedAlert, receivers: &[Arc<str>]) {
        let before = self.running.get(&alert.fingerprint).map(|running| running.labels.clone());
        let groups = if alert.is_resolved() {
            self.running.remove(&alert.fingerprint).unwrap_or_default().groups
        } else {
            let groups: BTreeSet<GroupKey> = receivers.iter().map(|name| self.group(name, &alert)).collect();
            self.runs(&alert.fingerprint, &alert.labels).extend(groups.iter().cloned());
            groups
        };
        if let Some(before) = before.filter(|before| alert.is_resolved() || *before != alert.labels) {
            self.ending.push((now_ms, before));
        }
        for key in std::mem::take(&mut self.freed) {
            self.flush_by(&key, now_ms);
        }
        let alert = Arc::new(alert);
        for key in groups {
            let route = self.route(&key.0);
            let is_unheard = self.is_unheard(&route, &key, &alert, now_ms);
            let record = self.groups.entry(key.clone()).or_default();
            record.note(&alert, is_unheard);
            let due_ms = record
                .head
                .last_sent_ms
                .map_or(now_ms + route.group_wait_ms, |last| now_ms.max(last + route.group_interval_ms));
            self.flush_by(&key, due_ms.max(self.not_before_ms(&key)));
        }
    }

    fn not_before_ms(&self, key: &GroupKey) -> i64 {
        self.groups.get(key).and_then(|record| record.head.not_before_ms).unwrap_or(i64::MIN)
    }

    fn route(&self, receiver: &Arc<str>) -> Arc<Route> {
        let known = self.routes.get(receiver).cloned();
        known.unwrap_or_else(|| Arc::new(Route::new(receiver.clone())))
    }

    fn group(&self, receiver: &Arc<str>, alert: &NotifiedAlert) -> GroupKey {
        let (route, labels) = (self.route(receiver), &alert.labels);
        if route.acts {
            // By nothing that changes while the episode runs, so that its beginning and its end stay in order.
            let own = [(ALERT, alert.fingerprint.as_str()), ("rule", &*alert.rule)];
            return (receiver.clone(), Labels::new(own));
        }
        let value = |name: &String| (name.as_str().into(), labels.get(name).unwrap_or_default().into());
        (receiver.clone(), Labels::new::<Arc<str>, Arc<str>>(route.group_by.iter().map(value)))
    }

    /// When there is something to look at next, milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        let due_ms = self.due.first().map(|(due_ms, _)| *due_ms);
        due_ms.into_iter().chain(self.ending.first().map(|(ended_ms, _)| *ended_ms)).min()
    }

    /// The messages whose outcome is not known.
    pub fn under_way(&self) -> impl Iterator<Item = &str> {
        self.under_way.keys().map(String::as_str)
    }

    /// Looks at every group that is due and writes its message.
    pub fn tick(&mut self, now_ms: i64) -> Flushed {
        let mut messages = Vec::new();
        self.end_inhibitions(now_ms);
        self.silences.advance(now_ms);
        while let Some((_, key)) = self.due.first().filter(|(due_ms, _)| *due_ms <= now_ms).cloned() {
            messages.extend(self.flush(now_ms, &key));
        }
        Flushed { messages, log: self.take_log() }
    }

    /// Notes what became of the message `key`. Messages that nobody waits for are passed over.
    pub fn settle(&mut self, now_ms: i64, key: &str, outcome: DeliveryOutcome) {
        let Some(group) = self.under_way.remove(key) else { return };
        let wait_ms = self.route(&group.0).group_interval_ms;
        if let Some(record) = self.groups.get_mut(&group) {
            record.settle(now_ms, outcome, wait_ms);
            self.changed.insert(group.clone());
            self.schedule(&group);
            self.forget_if_over(&group);
        }
    }

    /// Notes who has taken on an alert whose episode runs, or that nobody has any more.
    pub fn acknowledge(&mut self, now_ms: i64, fingerprint: &str, acknowledged: Option<Acknowledgement>) {
        let Some(running) = self.running.get_mut(fingerprint) else { return };
        let before = std::mem::replace(&mut running.acknowledged, acknowledged);
        if before.is_some() && before != running.acknowledged {
            for key in running.groups.clone() {
                self.flush_by(&key, now_ms); // it may be due for a repetition
            }
        }
    }

    /// Whether an episode of the alert with this fingerprint runs.
    #[must_use]
    pub fn is_running(&self, fingerprint: &str) -> bool {
        self.running.contains_key(fingerprint)
    }

    /// Sends a group again what was given up, as far as it is still true. Returns whether there is anything to send.
    pub fn resend(&mut self, now_ms: i64, receiver: &Arc<str>, group: &Labels) -> bool {
        let key = (receiver.clone(), group.clone());
        let Some(record) = self.groups.get_mut(&key) else { return false };
        let is_unsent = |member: &record::Member| {
            member.running.as_ref().is_some_and(|alert| member.is_news(alert, false))
                || member.ended.iter().any(|alert| member.was_notified(alert))
        };
        if record.head.under_way.is_some() || !record.members.values().any(is_unsent) {
            return false;
        }
        record.head.given_up = false;
        record.head.not_before_ms = None;
        self.flush_by(&key, now_ms);
        true
    }

    /// The pieces of records that changed since they were last taken.
    pub(crate) fn take_log(&mut self) -> Vec<NotificationLogEntry> {
        let gone = |(receiver, group)| NotificationLogEntry { receiver, group, alert: None, record: None };
        let mut log: Vec<NotificationLogEntry> =
            std::mem::take(&mut self.forgotten).into_iter().map(gone).collect();
        for key in std::mem::take(&mut self.changed) {
            if let Some(record) = self.groups.get_mut(&key) {
                log.extend(record.pieces(&key));
            }
        }
        log
    }

    /// Whether a receiver is muted by the time, and how long that stays so.
    fn phase(&mut self, route: &Route, now_ms: i64) -> Phase {
        let known = self.phases.get(&route.receiver).filter(|phase| phase.time.contains(now_ms));
        let phase = known.copied().unwrap_or_else(|| route.mute_phase(now_ms));
        self.phases.insert(route.receiver.clone(), phase);
        phase
    }

    /// Why nobody is notified of an alert with these labels now; inhibition has no known end.
    fn mute(&self, route: &Route, labels: &Labels, now_ms: i64) -> Option<Mute> {
        if route.acts {
            return None;
        }
        let inhibited = self.inhibitions.cause(labels).map(Mute::By);
        inhibited.or_else(|| self.silences.muted_until(labels, now_ms).map(Mute::Until))
    }

    /// Has a group looked at by `due_ms`, if it is not sooner anyway.
    fn flush_by(&mut self, key: &GroupKey, due_ms: i64) {
        let Some(record) = self.groups.get(key) else { return };
        let due_ms = record.head.due_ms.map_or(due_ms, |known| known.min(due_ms));
        self.set_due(key, Some(due_ms));
    }

    fn set_due(&mut self, key: &GroupKey, due_ms: Option<i64>) {
        let Some(record) = self.groups.get_mut(key) else { return };
        let before = std::mem::replace(&mut record.head.due_ms, due_ms);
        if let Some(before_ms) = before {
            self.due.remove(&(before_ms, key.clone()));
        }
        self.changed.insert(key.clone());
        self.schedule(key);
    }

    /// Enters the group among those that are due, unless it waits for an outcome.
    fn schedule(&mut self, key: &GroupKey) {
        let Some(Record { head, .. }) = self.groups.get(key) else { return };
        if let Some(due_ms) = head.due_ms.filter(|_| head.under_way.is_none()) {
            self.due.insert((due_ms, key.clone()));
        }
    }

    fn forget_if_over(&mut self, key: &GroupKey) {
        let Some(record) = self.groups.get_mut(key).filter(|record| record.is_over()) else { return };
        let (due_ms, causes) = (record.head.due_ms, std::mem::take(&mut record.causes));
        if let Some(due_ms) = due_ms {
            self.due.remove(&(due_ms, key.clone()));
        }
        self.inhibitions.wait_no_more(key, causes);
        self.groups.remove(key);
        self.forgotten.insert(key.clone());
    }
}
