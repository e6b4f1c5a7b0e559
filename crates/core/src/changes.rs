//! The changes of one evaluation cycle: written by the store in one transaction, or not at all.
//!
//! A crash between two turns leaves the state of the earlier one; the later one is then worked out again,
//! with the same identities and idempotency keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Alert, Evaluation, Group, Labels, Notification, NotifiedAlert, Phase, TimeIntervals, TimeRange};

/// Everything one turn of the engine changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Evaluations made. An identity that is already stored refuses the whole set.
    pub evaluations: Vec<Evaluation>,
    /// Values measured, kept so that relative rules need not ask the source again.
    pub history: Vec<Measured>,
    /// Alerts in their new state; each replaces the stored one of the same rule and group. One of which nothing changed
    /// but what was measured last is not among them: it [follows](Alert::follow) its evaluation.
    pub alerts: Vec<Alert>,
    /// How far each rule has been walked; each replaces the stored one of the same rule.
    pub cursors: Vec<Cursor>,
    /// Messages to send.
    pub outbox: Vec<Notification>,
    /// The notification log: what each notification group has been sent, in pieces; each replaces the stored one of the same name.
    pub notification_log: Vec<NotificationLogEntry>,
    /// Rule ids whose alerts, cursor and history of states end here (the rule was deleted).
    pub forgotten_rules: Vec<Arc<str>>,
    /// Groups without data for so long that their alerts are dropped.
    pub forgotten_groups: Vec<(Arc<str>, Group)>,
    /// That the server was there to receive, then at least: milliseconds since the Unix epoch.
    pub watched_ms: Option<i64>,
}

impl Changes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another turn changes; where both replace the same, the later counts.
    pub fn extend(&mut self, later: Self) {
        self.evaluations.extend(later.evaluations);
        self.history.extend(later.history);
        self.alerts.extend(later.alerts);
        self.cursors.extend(later.cursors);
        self.outbox.extend(later.outbox);
        self.notification_log.extend(later.notification_log);
        self.forgotten_rules.extend(later.forgotten_rules);
        self.forgotten_groups.extend(later.forgotten_groups);
        self.watched_ms = later.watched_ms.or(self.watched_ms);
    }
}

/// A value that was measured once, so that it need not be measured again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The query's fingerprint: what is measured and how, without thresholds.
    pub query: u64,
    /// The group.
    pub group: Group,
    /// The window.
    pub window: TimeRange,
    /// The value; `None` when the window held nothing to measure.
    pub value: Option<f64>,
}

/// How far a rule has been evaluated. Windows up to here are never evaluated again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The last window evaluated. Later windows end later, or end together and start later.
    pub window: TimeRange,
    /// The shard that the rule belongs to: [`Cursor::shard_of`] its query.
    pub shard: u8,
}

impl Cursor {
    /// The shard of the rules that ask for one thing, of 256: what they share is shared by one owner.
    #[must_use]
    pub const fn shard_of(query_fingerprint: u64) -> u8 {
        query_fingerprint.to_le_bytes()[0]
    }
}

/// One piece of the notification log: what a receiver has been sent about a notification group: of one alert, or of the group itself.
///
/// In pieces, so that a group of ten thousand alerts of which one changes costs one piece, not ten thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationLogEntry {
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The labels the alerts are grouped by.
    pub group: Labels,
    /// The alert's fingerprint; `None` for the group itself, which holds the others together.
    pub alert: Option<Arc<str>>,
    /// The engine's own record as JSON, opaque to the store. `None` removes the piece; that of the group itself
    /// removes all of the group's.
    pub record: Option<String>,
}

/// What happened to an alert that one server evaluates, for the server that notifies people: an episode began, changed its
/// kind or ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertNews {
    /// The alert as it was then.
    pub alert: NotifiedAlert,
    /// The receivers of its rule. An end is for everybody who was notified of the episode.
    pub receivers: Vec<Arc<str>>,
}

/// A mute by a person: nobody is notified of alerts whose labels match while it lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its name: 16 hexadecimal digits.
    pub id: String,
    /// All of these must match.
    pub matchers: Vec<Matcher>,
    /// When it begins, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// When it ends, milliseconds since the Unix epoch.
    pub end_ms: i64,
    /// The only times between those two in which it mutes; always, if there are none.
    #[serde(default, skip_serializing_if = "TimeIntervals::is_empty")]
    pub every: TimeIntervals,
    /// Who muted.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
}

impl Silence {
    /// Whether it mutes at `now_ms`, and how long that stays so.
    #[must_use]
    pub fn phase(&self, now_ms: i64) -> Phase {
        let until = |end_ms| TimeRange::new(now_ms, end_ms);
        if now_ms < self.start_ms {
            Phase { holds: false, time: until(self.start_ms) }
        } else if now_ms >= self.end_ms {
            Phase { holds: false, time: until(i64::MAX) }
        } else if self.every.is_empty() {
            Phase { holds: true, time: until(self.end_ms) }
        } else {
            let phase = self.every.phase(now_ms);
            Phase { time: until(phase.time.end_ms.min(self.end_ms)), ..phase }
        }
    }
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchOp {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// The whole value matches a regular expression.
    #[serde(rename = "=~")]
    Regex,
    /// The whole value does not match a regular expression.
    #[serde(rename = "!~")]
    NotRegex,
}

/// One comparison of a label, as in `bank="hsbc"` or `bank=~"h.*"`. An absent label is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// How to compare.
    pub op: MatchOp,
    /// With what.
    pub value: String,
}
