//! Who is told what, and when: grouping, waiting, repeating, silences and inhibition.
//!
//! Alerts of one receiver that agree in its `group_by` labels share messages. A group's first message waits
//! `group_wait` for company, later news waits until `group_interval` has passed, and what still lasts is
//! repeated every `repeat`. Every episode's beginning and end is told, unless it is muted throughout.
//!
//! What a group has been told is kept in its record, written in the same transaction as the message, so a
//! restart neither forgets nor repeats.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::{AlertState, Labels, Notification, NotifiedAlert, Told};
use serde::{Deserialize, Serialize};

use crate::matcher::{Matchers, Silences};

/// How a receiver wants its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// Labels whose values form groups; empty puts all alerts into one.
    pub group_by: Vec<String>,
    /// How long the first message of a group waits for company, milliseconds.
    pub group_wait_ms: i64,
    /// The least time between messages with news of one group, milliseconds.
    pub group_interval_ms: i64,
    /// After which time what still lasts is told again, milliseconds; `None` for never.
    pub repeat_ms: Option<i64>,
    /// Whether ends are told.
    pub send_resolved: bool,
    /// Labels that alerts must have to be told; empty for all alerts. Who was told of an alert is told of its
    /// end.
    pub only: Labels,
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
            only: Labels::default(),
        }
    }
}

/// While an alert matching `source` is firing, alerts matching `target` that agree in `equal` are not told.
#[derive(Debug, Clone)]
pub struct Inhibition {
    /// What mutes.
    pub source: Matchers,
    /// What is muted.
    pub target: Matchers,
    /// Labels that must have equal values.
    pub equal: Vec<String>,
}

type GroupKey = (Arc<str>, Labels);

/// Decides who is told what. Pure: it is told the time.
#[derive(Debug, Default)]
pub struct Notifier {
    routes: HashMap<Arc<str>, Route>,
    inhibitions: Vec<Inhibition>,
    silences: Silences,
    groups: BTreeMap<GroupKey, Record>,
    due: BTreeSet<(i64, GroupKey)>,
    /// Episodes that run, by fingerprint.
    running: HashMap<String, Running>,
}

/// An episode that runs.
#[derive(Debug, Default)]
struct Running {
    /// What inhibition looks at.
    labels: Labels,
    /// The groups that know of it, and are told when it ends, whatever became of its rule meanwhile.
    groups: BTreeSet<GroupKey>,
}

/// What a group has been told and what it has yet to be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    /// Episodes that run, by fingerprint.
    running: BTreeMap<String, NotifiedAlert>,
    /// Episodes that ended since the last message.
    ended: Vec<NotifiedAlert>,
    /// The state that the receiver knows of, and the beginning of its episode, by fingerprint. The beginning
    /// names an episode: the counter starts anew when a group was forgotten.
    known: BTreeMap<String, (i64, AlertState)>,
    /// The severity that the receiver knows of, by fingerprint, where there is one.
    #[serde(default)]
    severities: BTreeMap<String, String>,
    /// How many messages were sent; part of their keys.
    n_sent: u64,
    /// When the last message was written.
    last_sent_ms: Option<i64>,
    /// When to look again.
    due_ms: Option<i64>,
    /// Whether something was held back because it is muted.
    muted: bool,
}

/// What a look at the groups came to.
#[derive(Debug, Default, PartialEq)]
pub struct News {
    /// Messages to send.
    pub messages: Vec<Notification>,
    /// Records that changed.
    pub told: Vec<Told>,
}

impl Notifier {
    /// Replaces routes and inhibitions.
    pub fn configure(&mut self, routes: Vec<Route>, inhibitions: Vec<Inhibition>) {
        self.routes = routes.into_iter().map(|route| (route.receiver.clone(), route)).collect();
        self.inhibitions = inhibitions;
    }

    /// Replaces the silences, and looks at muted groups again at `now_ms`.
    pub fn set_silences(&mut self, silences: Silences, now_ms: i64) {
        self.silences = silences;
        self.reconsider_muted(now_ms);
    }

    /// Takes up the records of an earlier run.
    pub fn restore(&mut self, told: Vec<Told>) {
        for Told { receiver, group, record } in told {
            let Some(record) = record.and_then(|value| serde_json::from_value::<Record>(value).ok()) else {
                continue;
            };
            let key = (receiver, group);
            for alert in record.running.values() {
                self.runs(&alert.fingerprint, &alert.labels).insert(key.clone());
            }
            if let Some(due_ms) = record.due_ms {
                self.due.insert((due_ms, key.clone()));
            }
            self.groups.insert(key, record);
        }
    }

    /// Takes up an episode of an earlier run that nobody was told of; it mutes others all the same.
    pub fn restore_running(&mut self, fingerprint: &str, labels: &Labels) {
        self.runs(fingerprint, labels);
    }

    fn runs(&mut self, fingerprint: &str, labels: &Labels) -> &mut BTreeSet<GroupKey> {
        let running = self.running.entry(fingerprint.to_owned()).or_default();
        running.labels = labels.clone();
        &mut running.groups
    }

    /// Notes news of one alert. While its episode runs that is for `receivers`; its end is for all who know of it.
    pub fn note(&mut self, now_ms: i64, alert: &NotifiedAlert, receivers: &[Arc<str>]) -> Vec<Told> {
        let groups = if alert.is_resolved() {
            self.running.remove(&alert.fingerprint).unwrap_or_default().groups
        } else {
            let groups: BTreeSet<GroupKey> =
                receivers.iter().map(|name| self.group(name, &alert.labels)).collect();
            self.runs(&alert.fingerprint, &alert.labels).extend(groups.iter().cloned());
            groups
        };
        let mut changed = Vec::new();
        for key in groups {
            let route = self.route(&key.0);
            let record = self.groups.entry(key.clone()).or_default();
            record.running.remove(&alert.fingerprint);
            if alert.is_resolved() {
                record.ended.push(alert.clone());
            } else {
                record.running.insert(alert.fingerprint.clone(), alert.clone());
            }
            let due_ms = record
                .last_sent_ms
                .map_or(now_ms + route.group_wait_ms, |last| now_ms.max(last + route.group_interval_ms));
            let due_ms = record.due_ms.filter(|due| !record.muted && *due <= due_ms).unwrap_or(due_ms);
            self.set_due(&key, Some(due_ms));
            changed.push(self.told(&key));
        }
        if !self.inhibitions.is_empty() {
            self.reconsider_muted(now_ms);
        }
        changed
    }

    fn route(&self, receiver: &Arc<str>) -> Route {
        self.routes.get(receiver).cloned().unwrap_or_else(|| Route::new(receiver.clone()))
    }

    fn group(&self, receiver: &Arc<str>, labels: &Labels) -> GroupKey {
        let names = self.route(receiver).group_by;
        let group =
            Labels::new(names.iter().map(|name| (name.as_str(), labels.get(name).unwrap_or_default())));
        (receiver.clone(), group)
    }

    /// When there is something to look at next, milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Looks at every group that is due and writes its message.
    pub fn tick(&mut self, now_ms: i64) -> News {
        let mut news = News::default();
        while let Some((due_ms, key)) = self.due.first().cloned() {
            if due_ms > now_ms {
                break;
            }
            news.messages.extend(self.look(now_ms, &key));
            news.told.push(self.told(&key));
            if self.groups.get(&key).is_some_and(Record::is_over) {
                self.groups.remove(&key);
            }
        }
        news
    }

    fn look(&mut self, now_ms: i64, key: &GroupKey) -> Option<Notification> {
        let mut record = self.groups.remove(key).unwrap_or_default();
        let route = self.route(&key.0);
        let mut unmute_ms: Option<i64> = None;
        let mut open: Vec<NotifiedAlert> = Vec::new();
        record.muted = false;
        let wanted = |alert: &NotifiedAlert| {
            route.only.iter().all(|(name, value)| alert.labels.get(name) == Some(value))
        };
        for alert in record.running.values().filter(|alert| wanted(alert)) {
            match self.muted_until(&alert.labels, now_ms) {
                None => open.push(alert.clone()),
                Some(end_ms) => {
                    record.muted = true;
                    unmute_ms = Some(unmute_ms.map_or(end_ms, |ms| ms.min(end_ms)));
                }
            }
        }
        let ended = std::mem::take(&mut record.ended);
        let ended: Vec<NotifiedAlert> = ended
            .into_iter()
            .filter(|alert| {
                let known = record.known.get(&alert.fingerprint);
                let was_told = known.is_some_and(|(started_ms, _)| *started_ms == alert.started_ms);
                route.send_resolved
                    && (was_told || (wanted(alert) && self.muted_until(&alert.labels, now_ms).is_none()))
            })
            .collect();
        let state = |alert: &NotifiedAlert| (alert.started_ms, alert.state);
        let changed_severity = |alert: &NotifiedAlert| {
            record
                .severities
                .get(&alert.fingerprint)
                .map(String::as_str)
                .is_some_and(|known| Some(known) != severity(alert))
        };
        let is_news = |alert: &NotifiedAlert| {
            record.known.get(&alert.fingerprint) != Some(&state(alert)) || changed_severity(alert)
        };
        let news = open.iter().any(is_news);
        let repeat_ms = record.last_sent_ms.zip(route.repeat_ms).map(|(last, every)| last + every);
        let repeat = !open.is_empty() && repeat_ms.is_some_and(|due| now_ms >= due);
        let send = news || repeat || !ended.is_empty();
        record.known.retain(|fingerprint, _| record.running.contains_key(fingerprint));
        record.severities.retain(|fingerprint, _| record.running.contains_key(fingerprint));
        // When what the receiver does not want to hear of becomes bad enough again, that is news.
        for alert in record.running.values().filter(|alert| !wanted(alert)) {
            if let (Some(known), Some(now)) = (record.severities.get_mut(&alert.fingerprint), severity(alert))
            {
                now.clone_into(known);
            }
        }
        let message = send.then(|| {
            record.n_sent += 1;
            record.last_sent_ms = Some(now_ms);
            record.known.extend(open.iter().map(|alert| (alert.fingerprint.clone(), state(alert))));
            let severities = open
                .iter()
                .filter_map(|alert| Some((alert.fingerprint.clone(), severity(alert)?.to_owned())));
            record.severities.extend(severities);
            let is_repeat = !news && ended.is_empty();
            message(key, open.iter().cloned().chain(ended).collect(), is_repeat, record.n_sent, now_ms)
        });
        let repeat_ms =
            record.last_sent_ms.zip(route.repeat_ms).filter(|_| !open.is_empty()).map(|(at, r)| at + r);
        let due_ms = [repeat_ms, unmute_ms].into_iter().flatten().min().map(|due| due.max(now_ms + 1));
        self.groups.insert(key.clone(), record);
        self.set_due(key, due_ms);
        message
    }

    /// Until when alerts with these labels are muted; inhibition has no known end.
    fn muted_until(&self, labels: &Labels, now_ms: i64) -> Option<i64> {
        let inhibited = self.inhibitions.iter().any(|inhibition| {
            inhibition.target.matches(labels)
                && self.running.values().any(|Running { labels: source, .. }| {
                    inhibition.source.matches(source)
                        && source != labels
                        && inhibition.equal.iter().all(|name| source.get(name) == labels.get(name))
                })
        });
        if inhibited { Some(i64::MAX - 1) } else { self.silences.muted_until(labels, now_ms) }
    }

    fn reconsider_muted(&mut self, now_ms: i64) {
        let muted: Vec<GroupKey> =
            self.groups.iter().filter(|(_, record)| record.muted).map(|(key, _)| key.clone()).collect();
        for key in muted {
            self.set_due(&key, Some(now_ms));
        }
    }

    fn set_due(&mut self, key: &GroupKey, due_ms: Option<i64>) {
        let Some(record) = self.groups.get_mut(key) else { return };
        // The old entry may come from a record that was taken out for a look; remove whatever is there.
        if let Some(old_ms) = record.due_ms {
            self.due.remove(&(old_ms, key.clone()));
        }
        record.due_ms = due_ms;
        if let Some(due_ms) = due_ms {
            self.due.insert((due_ms, key.clone()));
        }
    }

    fn told(&self, key: &GroupKey) -> Told {
        let record = self.groups.get(key).filter(|record| !record.is_over());
        let record = record.and_then(|record| serde_json::to_value(record).ok());
        Told { receiver: key.0.clone(), group: key.1.clone(), record }
    }
}

fn severity(alert: &NotifiedAlert) -> Option<&str> {
    alert.labels.get("severity")
}

impl Record {
    fn is_over(&self) -> bool {
        self.running.is_empty() && self.ended.is_empty()
    }
}

fn message(
    key: &GroupKey,
    alerts: Vec<NotifiedAlert>,
    repeat: bool,
    n_sent: u64,
    now_ms: i64,
) -> Notification {
    let mut identity = format!("{}\u{0}{}\u{0}{n_sent}", key.0, key.1);
    for alert in &alerts {
        // Messages and episodes are counted anew when a group was forgotten; beginnings differ.
        let NotifiedAlert { fingerprint, episode, state, started_ms, .. } = alert;
        identity.push_str(&format!("\u{0}{fingerprint}/{episode}/{state}/{started_ms}"));
    }
    Notification {
        key: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(identity.as_bytes())),
        receiver: key.0.clone(),
        group: key.1.clone(),
        alerts,
        repeat,
        created_ms: now_ms,
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::{MatchOp, Matcher, Silence, TimeRange};

    use super::*;

    fn alert(bank: &str, episode: u32, resolved_ms: Option<i64>) -> NotifiedAlert {
        let labels = Labels::new([("bank", bank), ("rule", "floor")]);
        NotifiedAlert {
            fingerprint: bank.to_owned(),
            episode,
            state: if resolved_ms.is_some() { AlertState::Normal } else { AlertState::Firing },
            rule: "floor".into(),
            group: labels.clone(),
            labels,
            content: serde_json::Value::Null,
            annotations: lanner_core::Annotations::default(),
            started_ms: i64::from(episode),
            resolved_ms,
            resolved_reason: None,
            window: TimeRange::new(0, 1),
            value: None,
            base: None,
            late: false,
        }
    }

    fn notifier(wait_ms: i64, interval_ms: i64, repeat_ms: Option<i64>) -> Notifier {
        let mut notifier = Notifier::default();
        let route = Route {
            group_wait_ms: wait_ms,
            group_interval_ms: interval_ms,
            repeat_ms,
            ..Route::new("pager")
        };
        notifier.configure(vec![route], Vec::new());
        notifier
    }

    /// Ticks once a second up to `until_ms` and writes each message as `time:alerts`, ended ones with `-`.
    fn run(notifier: &mut Notifier, from_ms: i64, until_ms: i64) -> Vec<String> {
        let mut lines = Vec::new();
        for now_ms in (from_ms..=until_ms).step_by(1_000) {
            for message in notifier.tick(now_ms).messages {
                let alerts: Vec<String> = message
                    .alerts
                    .iter()
                    .map(|a| {
                        format!("{}{}{}", if a.is_resolved() { "-" } else { "" }, a.fingerprint, a.episode)
                    })
                    .collect();
                lines.push(format!(
                    "{}:{}{}",
                    now_ms / 1_000,
                    alerts.join("+"),
                    if message.repeat { " again" } else { "" }
                ));
            }
        }
        lines
    }

    fn pager() -> Vec<Arc<str>> {
        vec!["pager".into()]
    }

    #[test]
    fn groups_wait_gather_and_repeat() {
        let mut n = notifier(5_000, 10_000, Some(30_000));
        n.note(0, &alert("a", 1, None), &pager());
        n.note(2_000, &alert("b", 1, None), &pager());
        assert_eq!(run(&mut n, 0, 6_000), ["5:a1+b1"]);
        n.note(7_000, &alert("a", 1, Some(7_000)), &pager());
        assert_eq!(run(&mut n, 7_000, 60_000), ["15:b1+-a1", "45:b1 again"]);
        n.note(61_000, &alert("b", 1, Some(61_000)), &pager());
        assert_eq!(run(&mut n, 61_000, 200_000), ["61:-b1"]);
        assert!(n.groups.is_empty() && n.due.is_empty());
    }

    #[test]
    fn short_episodes_are_told_too() {
        let mut n = notifier(5_000, 60_000, None);
        n.note(0, &alert("a", 1, None), &pager());
        n.note(1_000, &alert("a", 1, Some(1_000)), &pager());
        n.note(2_000, &alert("a", 2, None), &pager());
        assert_eq!(run(&mut n, 2_000, 9_000), ["5:a2+-a1"]);
        n.note(9_000, &alert("a", 2, Some(9_000)), &pager());
        n.note(9_500, &alert("a", 3, None), &pager());
        assert_eq!(run(&mut n, 10_000, 90_000), ["65:a3+-a2"]);
    }

    #[test]
    fn severity_is_news_and_chooses_who_is_told() {
        let graded = |severity: &str, resolved_ms| {
            let mut alert = alert("a", 1, resolved_ms);
            alert.labels = alert.labels.with(&Labels::new([("severity", severity)]));
            alert
        };
        #[track_caller]
        fn check(only: Labels, news: [&NotifiedAlert; 6], expected: &[&str]) {
            let mut n = Notifier::default();
            let route = Route {
                group_wait_ms: 0,
                group_interval_ms: 0,
                repeat_ms: None,
                only,
                ..Route::new("pager")
            };
            n.configure(vec![route], Vec::new());
            let mut told = Vec::new();
            for (at, alert) in news.into_iter().enumerate() {
                let now_ms = at as i64 * 10_000;
                n.note(now_ms, alert, &pager());
                told.extend(run(&mut n, now_ms, now_ms + 5_000));
            }
            assert_eq!(told, expected);
            assert!(n.groups.is_empty());
        }
        let (warn, error, end) = (graded("warn", None), graded("error", None), graded("warn", Some(50_000)));
        let news = [&warn, &error, &warn, &error, &warn, &end];
        check(Labels::default(), news, &["0:a1", "10:a1", "20:a1", "30:a1", "40:a1", "50:-a1"]);
        check(Labels::new([("severity", "error")]), news, &["10:a1", "30:a1", "50:-a1"]);
        check(Labels::new([("severity", "page")]), news, &[]);
    }

    #[test]
    fn silences_hold_back_and_let_go() {
        let silence = |end_ms| Silence {
            id: "s".into(),
            matchers: vec![Matcher { label: "bank".into(), op: MatchOp::Equal, value: "a".into() }],
            start_ms: 0,
            end_ms,
            author: "ann".into(),
            comment: "maintenance".into(),
            created_ms: 0,
        };
        let mut n = notifier(0, 0, None);
        n.set_silences(Silences::compile(&[silence(20_000)]), 0);
        n.note(0, &alert("a", 1, None), &pager());
        assert_eq!(run(&mut n, 0, 30_000), ["20:a1"]); // told when the silence ends
        n.set_silences(Silences::compile(&[silence(90_000)]), 31_000);
        n.note(31_000, &alert("a", 1, Some(31_000)), &pager());
        assert_eq!(run(&mut n, 31_000, 32_000), ["31:-a1"]); // the end of what was told is told
        n.note(40_000, &alert("a", 2, None), &pager());
        assert_eq!(run(&mut n, 40_000, 41_000), [""; 0]);
        n.set_silences(Silences::default(), 42_000);
        assert_eq!(run(&mut n, 42_000, 43_000), ["42:a2"]); // expired early
        n.set_silences(Silences::compile(&[silence(90_000)]), 44_000);
        n.note(45_000, &alert("a", 2, Some(45_000)), &pager());
        n.note(46_000, &alert("a", 3, None), &pager());
        n.note(47_000, &alert("a", 3, Some(47_000)), &pager());
        assert_eq!(run(&mut n, 47_000, 99_000), ["47:-a2"]); // an episode muted throughout is not told
    }

    #[test]
    fn inhibition_mutes_what_follows_from_something_else() {
        let matchers = |label: &str, value: &str| {
            Matchers::compile(&[Matcher { label: label.into(), op: MatchOp::Equal, value: value.into() }])
                .unwrap()
        };
        let mut n = notifier(0, 0, None);
        let route = Route {
            group_by: vec!["bank".into()],
            group_wait_ms: 0,
            group_interval_ms: 0,
            ..Route::new("pager")
        };
        let inhibition = Inhibition {
            source: matchers("bank", "a"),
            target: matchers("bank", "b"),
            equal: vec!["rule".into()],
        };
        n.configure(vec![route], vec![inhibition]);
        n.note(0, &alert("a", 1, None), &pager());
        n.note(0, &alert("b", 1, None), &pager());
        assert_eq!(run(&mut n, 0, 5_000), ["0:a1"]);
        n.note(6_000, &alert("a", 1, Some(6_000)), &pager());
        assert_eq!(run(&mut n, 6_000, 9_000), ["6:-a1", "6:b1"]);
    }

    #[test]
    fn an_end_is_told_to_whoever_knows_of_the_beginning() {
        let mut n = notifier(0, 0, None);
        let told = n.note(0, &alert("a", 1, None), &pager());
        let mut again = notifier(0, 0, None);
        again.restore(told);
        for mut n in [n, again] {
            assert_eq!(run(&mut n, 0, 1_000), ["0:a1"]);
            // Its rule tells others now, or nobody because it is gone.
            n.note(2_000, &alert("a", 1, Some(2_000)), &["chat".into()]);
            assert_eq!(run(&mut n, 2_000, 9_000), ["2:-a1"]);
            assert!(n.groups.is_empty() && n.running.is_empty());
        }
    }

    #[test]
    fn a_restart_neither_forgets_nor_repeats() {
        let mut n = notifier(5_000, 10_000, None);
        let mut told = n.note(0, &alert("a", 1, None), &pager());
        let mut again = notifier(5_000, 10_000, None);
        again.restore(told);
        let news = again.tick(5_000);
        assert_eq!(news.messages.len(), 1);
        assert_eq!(news.messages, n.tick(5_000).messages); // the same key, too
        told = news.told;
        let mut third = notifier(5_000, 10_000, None);
        third.restore(told);
        assert_eq!(run(&mut third, 6_000, 60_000), [""; 0]);
    }
}
