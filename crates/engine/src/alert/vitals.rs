//! Alerts about Lanner itself: internal problems become alerts like those of rules.
//!
//! The edge measures [`Vitals`], [`SelfWatch::observe`] decides what of them is wrong and moves alerts, and the same
//! [`Notifier`] that tells people of rules tells the receiver called [`RECEIVER`], if there is one. The alerts have
//! names that no rule can have. A failure of that receiver is an alert like any other, but is not sent to it, so that
//! no message causes the next.

mod switches;
mod symptom;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanner_core::alert::{fingerprint, is_builtin};
use lanner_core::time::{HOUR_MS, MINUTE_MS, format_duration};
use lanner_core::{
    Alert, AlertState, Annotations, Changes, Group, Labels, NotificationLogEntry, NotifiedAlert,
    ResolvedReason, TimeRange,
};

use super::matcher::Silences;
use super::notify::{Notifier, Route};
use super::state;

pub use switches::{SwitchNews, SwitchVitals};
pub use symptom::Kind;
use symptom::Symptom;

/// The receiver that is told, if one of this name is configured.
pub const RECEIVER: &str = "self";
/// The label that messages about Lanner itself are grouped by, whatever the receiver says of others.
const GROUP_BY: &str = "rule";
/// An evaluation that is later than this is an alert, milliseconds.
const LAG_MS: i64 = MINUTE_MS;
/// A receiver that takes nothing for this long is an alert, milliseconds.
const FAILING_MS: i64 = 5 * MINUTE_MS;
/// The label that names a rule with more groups than it may have.
const LIMITED_RULE: &str = "limited_rule";
/// So many of those have an alert of their own.
const MOST_LIMITED: usize = 20;
/// For so long a dead letter, or what a rule left out, is an alert, milliseconds.
pub const RECENT_MS: i64 = HOUR_MS;

const STORE: Kind = Kind {
    name: "lanner:store",
    severity: "critical",
    about: "nothing can be written: the disk is full or fails, and incoming data is refused; or the database of the state is away, and rules wait",
};
const DAMAGE: Kind =
    Kind { name: "lanner:damage", severity: "critical", about: "part of what is stored cannot be read" };
const LAG: Kind =
    Kind { name: "lanner:lag", severity: "error", about: "rules are evaluated more than a minute late" };
const FAILING: Kind = Kind {
    name: "lanner:receiver",
    severity: "error",
    about: "a receiver does not work, or has accepted nothing for five minutes",
};
const DEAD_LETTERS: Kind = Kind {
    name: "lanner:dead-letters",
    severity: "error",
    about: "messages to a receiver became dead letters within the last hour",
};
const GROUPS: Kind = Kind {
    name: "lanner:groups",
    severity: "warning",
    about: "a rule has more groups than allowed, and left some out within the last hour",
};
const HEARTBEAT: Kind = Kind {
    name: "lanner:heartbeat-lost",
    severity: "warning",
    about: "the heartbeat is not accepted, so the service that expects it will report Lanner as down",
};

/// All of them, the worst first; news of switches comes last.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    let own = [&STORE, &DAMAGE, &LAG, &FAILING, &DEAD_LETTERS, &GROUPS, &HEARTBEAT];
    own.into_iter().chain(switches::KINDS)
}

/// How Lanner is, as the edge measured it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// Why nothing can be written, if so.
    pub unwritable: Option<String>,
    /// Why the database of the state is away, if it is: data is taken all the same.
    pub state_away: Option<String>,
    /// What of the store is damaged, if something is.
    pub damage: Option<String>,
    /// How far the oldest evaluation that is due lies back, milliseconds.
    pub lag_ms: i64,
    /// How every receiver is, by name.
    pub receivers: BTreeMap<Arc<str>, ReceiverVitals>,
    /// What was left out within [`RECENT_MS`] of rules with more groups than a rule may have, by rule.
    pub limited: BTreeMap<Arc<str>, String>,
    /// Why the last heartbeat was not taken, if so.
    pub heartbeat: Option<String>,
    /// What people are notified of about switches.
    pub switches: SwitchVitals,
}

/// How one receiver is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiverVitals {
    /// Why it cannot work at all.
    pub unusable: Option<String>,
    /// Since when it has taken nothing, milliseconds since the Unix epoch.
    pub failing_since_ms: Option<i64>,
    /// Why its last attempt failed.
    pub last_error: Option<String>,
    /// Messages given up within [`RECENT_MS`].
    pub n_dead: u64,
}

/// What Lanner knows of itself.
#[derive(Debug, Default)]
pub struct SelfWatch {
    alerts: BTreeMap<(Arc<str>, Group), Alert>,
    notifier: Notifier,
    is_told: bool,
}

impl SelfWatch {
    /// Takes up the alerts and records of an earlier run; what is not about Lanner itself is left in them.
    pub fn restore(&mut self, alerts: &mut Vec<Alert>, told: &mut Vec<NotificationLogEntry>) {
        for alert in alerts.extract_if(.., |alert| is_builtin(&alert.rule)) {
            if alert.active {
                self.notifier.restore_running(&alert.fingerprint(), &alert.labels);
            }
            self.alerts.insert((alert.rule.clone(), alert.group.clone()), alert);
        }
        let own = |told: &mut NotificationLogEntry| told.group.get(GROUP_BY).is_some_and(is_builtin);
        self.notifier.restore(told.extract_if(.., own).collect());
    }

    /// Takes over how the receiver wants its messages, if there is one.
    pub fn configure(&mut self, routes: &[Route]) {
        let route = routes.iter().find(|route| *route.receiver == *RECEIVER);
        self.is_told = route.is_some();
        let own = route.map(|route| Route { group_by: vec![GROUP_BY.to_owned()], ..route.clone() });
        self.notifier.configure(own.into_iter().collect(), Vec::new());
    }

    /// Replaces the silences.
    pub fn set_silences(&mut self, silences: Silences, now_ms: i64) {
        self.notifier.set_silences(silences, now_ms);
    }

    /// Moves alerts by how Lanner is now, and says what to write and send.
    pub fn observe(&mut self, now_ms: i64, vitals: &Vitals) -> Changes {
        let mut changes = Changes::default();
        let mut symptoms = Self::symptoms(now_ms, vitals);
        let mut over: BTreeSet<(Arc<str>, Group)> = self.alerts.keys().cloned().collect();
        for symptom in symptoms.drain(..) {
            let key = (Arc::from(symptom.kind.name), symptom.group.clone());
            over.remove(&key);
            let mut alert = self.alerts.remove(&key).unwrap_or_else(|| new_alert(&symptom, now_ms));
            update(&mut alert, symptom, now_ms);
            if !alert.active {
                begin(&mut alert, now_ms);
                self.tell(&alert, now_ms, &mut changes);
            }
            self.alerts.insert(key, alert);
        }
        for key in over {
            let Some(mut alert) = self.alerts.remove(&key) else { continue };
            if alert.active {
                end(&mut alert, now_ms, vitals.switches.end(&key.0, &key.1));
                self.tell(&alert, now_ms, &mut changes);
            }
            // Where a receiver is gone, so is what was said of it; elsewhere the last episode stays to be seen, but of
            // rules and switches, of which there may be very many.
            let labels = key.1.labels();
            let is_gone = labels.get("receiver").is_some_and(|name| !vitals.receivers.contains_key(name));
            let are_many = [LIMITED_RULE, switches::SWITCH].iter().any(|label| labels.get(label).is_some());
            if is_gone || are_many {
                changes.forgotten_groups.push(key);
            } else {
                self.alerts.insert(key, alert);
            }
        }
        let news = self.notifier.tick(now_ms);
        changes.outbox.extend(news.messages);
        changes.notification_log.extend(news.log);
        changes
    }

    fn tell(&mut self, alert: &Alert, now_ms: i64, changes: &mut Changes) {
        let told: NotifiedAlert = state::notified_alert(alert);
        let about_itself = alert.group.labels().get("receiver") == Some(RECEIVER);
        let receivers: &[Arc<str>] = if self.is_told && !about_itself { &[Arc::from(RECEIVER)] } else { &[] };
        self.notifier.record(now_ms, told, receivers);
        changes.alerts.push(alert.clone());
    }

    /// Notes what became of a message; those of others are passed over.
    pub fn settle(&mut self, now_ms: i64, key: &str, outcome: lanner_core::DeliveryOutcome) {
        self.notifier.settle(now_ms, key, outcome);
    }

    /// Messages whose outcome is not known yet, by key.
    pub fn under_way(&self) -> impl Iterator<Item = &str> {
        self.notifier.under_way()
    }

    /// The alerts about Lanner itself.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    fn symptoms(now_ms: i64, vitals: &Vitals) -> Vec<Symptom> {
        let mut found = Vec::new();
        let mut wrong = |kind, value, text| found.push(Symptom { kind, group: Group::Whole, value, text });
        if let Some(why) = &vitals.unwritable {
            let text = format!("nothing can be written, and incoming data is refused: {why}");
            wrong(&STORE, 1.0, text);
        } else if let Some(why) = &vitals.state_away {
            let text = format!("rules wait, and incoming data is stored: {why}");
            wrong(&STORE, 1.0, text);
        }
        if let Some(what) = &vitals.damage {
            wrong(&DAMAGE, 1.0, format!("part of what is stored cannot be read: {what}"));
        }
        if vitals.lag_ms > LAG_MS {
            let text = format!("rules are evaluated {} late", format_duration(rounded(vitals.lag_ms)));
            wrong(&LAG, vitals.lag_ms as f64 / 1e3, text);
        }
        if let Some(n_more) = vitals.limited.len().checked_sub(MOST_LIMITED).filter(|n| *n > 0) {
            let text = format!("{n_more} more rules have more groups than allowed");
            wrong(&GROUPS, n_more as f64, text);
        }
        if let Some(why) = &vitals.heartbeat {
            wrong(&HEARTBEAT, 1.0, format!("the heartbeat is not accepted: {why}"));
        }
        found.extend(vitals.limited.iter().take(MOST_LIMITED).map(|(rule, what)| Symptom {
            kind: &GROUPS,
            group: Group::Of(Labels::new([(LIMITED_RULE, &**rule)])),
            value: 1.0,
            text: format!("the rule {rule} has {what}"),
        }));
        for (name, receiver) in &vitals.receivers {
            found.extend(failing(now_ms, name, receiver));
            found.extend(dead_letters(name, receiver));
        }
        found.extend(vitals.switches.symptoms());
        found
    }
}

fn failing(now_ms: i64, name: &str, receiver: &ReceiverVitals) -> Option<Symptom> {
    let group = Group::Of(Labels::new([("receiver", name)]));
    if let Some(why) = &receiver.unusable {
        let text = format!("the receiver {name} does not work, its messages wait: {why}");
        return Some(Symptom { kind: &FAILING, group, value: 1.0, text });
    }
    let failing_ms = now_ms - receiver.failing_since_ms?;
    let why = receiver.last_error.as_deref().unwrap_or("no reason is known");
    let text = format!(
        "the receiver {name} has accepted nothing for {}: {why}",
        format_duration(rounded(failing_ms))
    );
    (failing_ms >= FAILING_MS).then_some(Symptom {
        kind: &FAILING,
        group,
        value: failing_ms as f64 / 1e3,
        text,
    })
}

fn dead_letters(name: &str, receiver: &ReceiverVitals) -> Option<Symptom> {
    let n_dead = receiver.n_dead;
    let noun = if n_dead == 1 { "message" } else { "messages" };
    let why = receiver.last_error.as_deref().map_or_else(String::new, |why| format!(": {why}"));
    let text =
        format!("{n_dead} {noun} to {name} given up within the last hour (see lanner outbox list){why}");
    let group = Group::Of(Labels::new([("receiver", name)]));
    (n_dead > 0).then_some(Symptom { kind: &DEAD_LETTERS, group, value: n_dead as f64, text })
}

/// To whole seconds, so that texts are short.
const fn rounded(ms: i64) -> i64 {
    ms / 1_000 * 1_000
}

fn new_alert(symptom: &Symptom, now_ms: i64) -> Alert {
    let own = Labels::new([("rule", symptom.kind.name), ("severity", symptom.kind.severity)]);
    Alert {
        rule: symptom.kind.name.into(),
        version: 1,
        labels: symptom.group.labels().with(&own),
        group: symptom.group.clone(),
        state: AlertState::Normal,
        since_ms: now_ms,
        bad_streak: 0,
        bad_kind: None,
        good_streak: 0,
        episode: 0,
        active: false,
        started_ms: None,
        resolved_ms: None,
        resolved_reason: None,
        seen_ms: now_ms,
        window: TimeRange::new(now_ms, now_ms),
        value: None,
        base: None,
        bad_value: None,
        bad_base: None,
        evidence: None,
        error: None,
        content: serde_json::Value::Null,
        annotations: Annotations::from([("summary".to_owned(), symptom.kind.about.to_owned())]),
        late: false,
        acknowledged: None,
    }
}

/// Takes over what is wrong now. That alone is not news.
fn update(alert: &mut Alert, symptom: Symptom, now_ms: i64) {
    (alert.value, alert.bad_value) = (Some(symptom.value), Some(symptom.value));
    alert.content = symptom.text.into();
    (alert.window, alert.seen_ms) = (TimeRange::new(alert.since_ms.min(now_ms), now_ms), now_ms);
}

fn begin(alert: &mut Alert, now_ms: i64) {
    alert.episode = alert.episode.saturating_add(1);
    (alert.state, alert.active, alert.since_ms) = (AlertState::Firing, true, now_ms);
    (alert.started_ms, alert.resolved_ms, alert.resolved_reason) = (Some(now_ms), None, None);
}

/// `how` says how it came to an end, where more is known than that it is over.
fn end(alert: &mut Alert, now_ms: i64, how: Option<&str>) {
    let reason = ResolvedReason::Recovered;
    (alert.state, alert.active, alert.since_ms) = (AlertState::Normal, false, now_ms);
    (alert.resolved_ms, alert.resolved_reason, alert.value) = (Some(now_ms), Some(reason), None);
    let before = alert.content.as_str().unwrap_or_default();
    alert.content = how.map_or_else(|| format!("{reason}; it was: {before}"), str::to_owned).into();
}

/// A message that nobody needs to act on: Lanner is well. Whoever waits for it acts when it does not come.
#[must_use]
pub fn heartbeat(receiver: &str, now_ms: i64) -> lanner_core::Notification {
    let rule: Arc<str> = "lanner:heartbeat".into();
    let labels = Labels::new([("rule", &*rule), ("severity", "info")]);
    let alert = NotifiedAlert {
        fingerprint: fingerprint(&rule, &Labels::default()),
        episode: 1,
        state: AlertState::Firing,
        rule,
        labels: labels.clone(),
        group: Labels::default(),
        content: "Lanner is well and evaluates its rules".into(),
        annotations: Annotations::default(),
        started_ms: now_ms,
        resolved_ms: None,
        resolved_reason: None,
        window: TimeRange::new(now_ms, now_ms),
        value: None,
        base: None,
        evidence: None,
        late: false,
        acknowledged: None,
    };
    lanner_core::Notification {
        omitted: lanner_core::Omitted::default(),
        give_up_ms: None,
        key: format!("{}{now_ms:016x}", alert.fingerprint),
        receiver: receiver.into(),
        group: labels,
        alerts: vec![alert],
        repeat: false,
        created_ms: now_ms,
    }
}
