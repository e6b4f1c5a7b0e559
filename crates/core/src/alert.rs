//! The result of an evaluation, the alert that tracks it, and the notification that is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::printable::one_line;
use crate::{Evidence, Group, Labels, Score, TimeRange};

/// A rule's annotations with their templates filled in: what messages say beside the content, by name.
pub type Annotations = BTreeMap<String, String>;

/// What one evaluation came to. Everything but `Normal` and `Breach` has a policy in the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The score stayed at or below the threshold.
    Normal,
    /// The score exceeded the threshold: a finding.
    Breach,
    /// The window holds nothing to measure.
    NoData,
    /// The source could not answer; see the evaluation's `error`.
    Error,
    /// The value to compare with is zero, so a relative change has no meaning.
    BaseZero,
    /// The window to compare with holds nothing, although data was kept by then.
    BaseMissing,
    /// The window to compare with lies before the first data.
    HistoryShort,
    /// The server itself was away in the window, or in a part of it: nobody knows what it held.
    Unknown,
    /// The value to compare with is below the rule's `min_base`: too small to judge.
    BelowMinBase,
}

impl Outcome {
    /// The name used in configuration, API and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Breach => "breach",
            Self::NoData => "no_data",
            Self::Error => "error",
            Self::BaseZero => "base_zero",
            Self::BaseMissing => "base_missing",
            Self::HistoryShort => "history_short",
            Self::Unknown => "unknown",
            Self::BelowMinBase => "below_min_base",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One rule on one window for one group. Happens exactly once: `id` is its identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// 32 hexadecimal digits, from [`Evaluation::identity`].
    pub id: String,
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's version, counted from 1.
    pub version: u32,
    /// The group.
    pub group: Group,
    /// The window that was looked at.
    pub window: TimeRange,
    /// What was measured, in the unit of the query.
    pub value: Option<f64>,
    /// What it was compared with, for relative rules.
    pub base: Option<f64>,
    /// Below which value something would have been found, in the unit of the query; `None` where nothing is, or the detector does
    /// not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Above which value something would have been found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// How strange that is.
    pub score: Option<Score>,
    /// What it came to.
    pub outcome: Outcome,
    /// Why the source could not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the value rests on, where the source says so. Kept with the alert, not with the evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
    /// The alert's state after this evaluation.
    pub state: AlertState,
    /// Whether the window was walked after the time at which it was due, because Lanner was down.
    pub late: bool,
    /// When it was evaluated, milliseconds since the Unix epoch.
    pub evaluated_ms: i64,
}

impl Evaluation {
    /// The identity of an evaluation: XXH3-128 over rule, version, group and window.
    ///
    /// Stable across machines and releases; each part is preceded by its length, so that no two
    /// different evaluations share their bytes.
    #[must_use]
    pub fn identity(rule: &str, version: u32, group: &Group, window: TimeRange) -> String {
        let group = group.canonical();
        let mut bytes = Vec::with_capacity(rule.len() + group.len() + 40);
        for part in [rule.as_bytes(), group.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&window.start_ms.to_le_bytes());
        bytes.extend_from_slice(&window.end_ms.to_le_bytes());
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes))
    }
}

/// Where a tracked condition is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nothing to tell.
    Normal,
    /// Bad, but not yet for as many windows in a row as the rule's `for`.
    Pending,
    /// Bad for long enough; people are notified.
    Firing,
    /// Was firing and is good again, but not yet for as many windows as the rule's `recover_for`.
    Recovering,
    /// Nothing to measure for as many windows as `for`.
    NoData,
    /// The source failed for as many windows as `for`.
    Error,
}

impl AlertState {
    /// The name used in configuration, API and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::NoData => "no_data",
            Self::Error => "error",
        }
    }

    /// The state of a name as [`AlertState::name`] gives it; `None` of any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Normal, Self::Pending, Self::Firing, Self::Recovering, Self::NoData, Self::Error]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

impl std::fmt::Display for AlertState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an episode ended. People act differently on a recovery than on a rule that somebody deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedReason {
    /// What was measured is good again.
    Recovered,
    /// Nothing is measured any more: the group has been silent for the rule's `forget`, or the rule's policy
    /// takes missing data as good.
    NoLongerMeasured,
    /// The rule was deleted.
    RuleDeleted,
    /// The rule was set to inactive.
    RulePaused,
    /// The rule measures something else now, so its earlier alerts mean nothing.
    RuleChanged,
}

impl ResolvedReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Recovered, Self::NoLongerMeasured, Self::RuleDeleted, Self::RulePaused, Self::RuleChanged];

    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NoLongerMeasured => "no_longer_measured",
            Self::RuleDeleted => "rule_deleted",
            Self::RulePaused => "rule_paused",
            Self::RuleChanged => "rule_changed",
        }
    }

    /// The reason in a few words, for titles and texts.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NoLongerMeasured => "no longer measured",
            Self::RuleDeleted => "rule deleted",
            Self::RulePaused => "rule paused",
            Self::RuleChanged => "rule changed",
        }
    }
}

impl std::fmt::Display for ResolvedReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// The tracked condition of one rule and group. One exists from the group's first evaluation on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The version of the rule that evaluated last.
    pub version: u32,
    /// The group.
    pub group: Group,
    /// The rule's labels, the group's, and `rule`; what silences and inhibition match.
    pub labels: Labels,
    /// Where it is in its life.
    pub state: AlertState,
    /// End of the window that brought it into `state`, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Bad windows in a row of one kind.
    pub bad_streak: u32,
    /// The kind of those windows.
    pub bad_kind: Option<AlertState>,
    /// Good windows in a row while people still believe it is bad.
    pub good_streak: u32,
    /// Episodes so far: an episode runs from firing to resolved.
    pub episode: u32,
    /// Whether an episode is running.
    pub active: bool,
    /// End of the window that began the latest episode.
    pub started_ms: Option<i64>,
    /// End of the window that ended the latest episode.
    pub resolved_ms: Option<i64>,
    /// Why the latest episode ended; `None` while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_reason: Option<ResolvedReason>,
    /// End of the last window in which the group had data, milliseconds since the Unix epoch.
    #[serde(default)]
    pub seen_ms: i64,
    /// The last window evaluated.
    pub window: TimeRange,
    /// What was measured in it.
    pub value: Option<f64>,
    /// What that was compared with.
    pub base: Option<f64>,
    /// The value in the last bad window: what a resolved message reports.
    pub bad_value: Option<f64>,
    /// The base in the last bad window.
    pub bad_base: Option<f64>,
    /// What the value in the last bad window rests on, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
    /// Why the source last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The rule's content, rendered when the state last changed: text, or a JSON object.
    pub content: serde_json::Value,
    /// The rule's annotations, rendered when the content was.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// Whether the state last changed while walking windows missed during downtime.
    pub late: bool,
    /// Who has taken on the episode that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledgement>,
}

/// A person has taken on an alert: it is not repeated until it resolves or gets worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub author: String,
    /// What they say about it.
    pub comment: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Until when, milliseconds since the Unix epoch; `None` for as long as the alert lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

impl Acknowledgement {
    /// Whether it still counts at `now_ms`, milliseconds since the Unix epoch; at the very end it does not.
    #[must_use]
    pub fn holds(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }
}

impl Alert {
    /// Takes note of an evaluation that changes nothing but what was measured last. Most are such, so most alerts are
    /// not written again: the evaluation says it all.
    pub fn follow(&mut self, evaluation: &Evaluation) {
        self.window = evaluation.window;
        (self.value, self.base) = (evaluation.value, evaluation.base);
        self.error.clone_from(&evaluation.error);
        self.seen_ms = evaluation.window.end_ms;
    }

    /// A name for this alert that is the same for the same rule and group: 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.rule, self.group.labels())
    }
}

/// What the names of alerts that Lanner raises about itself begin with. No rule may be called so.
pub const BUILTIN_PREFIX: &str = "lanner:";

/// Whether a rule's name is that of an alert that Lanner raises about itself.
#[must_use]
pub fn is_builtin(rule: &str) -> bool {
    rule.starts_with(BUILTIN_PREFIX)
}

/// The name of the alert of `rule` and `group`: 16 hexadecimal digits, stable across releases.
#[must_use]
pub fn fingerprint(rule: &str, group: &Labels) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{rule}\u{0}{group}").as_bytes()))
}

/// One alert inside a message, as it was when the message was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotifiedAlert {
    /// The alert's name, as in [`fingerprint`].
    pub fingerprint: String,
    /// The episode the message is about.
    pub episode: u32,
    /// `firing`, `no_data` or `error` while it lasts; `normal` when it is resolved.
    pub state: AlertState,
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's labels, the group's, and `rule`.
    pub labels: Labels,
    /// The group's labels.
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// The rule's content: text, or a JSON object.
    pub content: serde_json::Value,
    /// The rule's annotations: summary, description, runbook and the like.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// When the episode began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended; `None` while it lasts.
    pub resolved_ms: Option<i64>,
    /// Why it ended; `None` while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_reason: Option<ResolvedReason>,
    /// The window of the last evaluation.
    pub window: TimeRange,
    /// What was measured: while bad, now; when resolved, in the last bad window.
    pub value: Option<f64>,
    /// What that was compared with.
    pub base: Option<f64>,
    /// What that value rests on, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
    /// Whether Lanner was down when this became due.
    pub late: bool,
    /// Who had taken it on when the message was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledgement>,
}

impl NotifiedAlert {
    /// Whether the episode is over.
    #[must_use]
    pub const fn is_resolved(&self) -> bool {
        self.resolved_ms.is_some()
    }

    /// One line for people: `FIRING payments-floor {bank="hsbc"}`. An end for another reason than recovery is
    /// marked: `RESOLVED payments-floor (rule deleted)`.
    #[must_use]
    pub fn title(&self) -> String {
        let status = match self.state.name() {
            _ if self.is_resolved() => "RESOLVED".to_owned(),
            state => state.to_uppercase().replace('_', " "),
        };
        format!("{status} {}{}{}", self.rule, self.shown_group(), self.shown_reason())
    }

    fn shown_group(&self) -> String {
        // Values come with the data, and a title stands wherever people look.
        if self.group.is_empty() { String::new() } else { format!(" {}", one_line(&self.group.to_string())) }
    }

    fn shown_reason(&self) -> String {
        match self.resolved_reason.filter(|_| self.is_resolved()) {
            None | Some(ResolvedReason::Recovered) => String::new(),
            Some(reason) => format!(" ({reason})"),
        }
    }
}

/// One message to one receiver, about the alerts of one notification group.
///
/// Sending is at-least-once; `key` is the same however often one message is sent, so that a receiver can
/// drop what it has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The idempotency key: 32 hexadecimal digits.
    pub key: String,
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The labels the alerts were grouped by.
    pub group: Labels,
    /// The alerts that are listed, the running ones first.
    pub alerts: Vec<NotifiedAlert>,
    /// How many more the message is about without listing them.
    #[serde(default, skip_serializing_if = "Omitted::is_nothing")]
    pub omitted: Omitted,
    /// Whether this repeats what the receiver was already sent.
    pub repeat: bool,
    /// When the message was written, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Until when it is tried, milliseconds since the Unix epoch; `None` leaves that to whoever delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub give_up_ms: Option<i64>,
}

/// Alerts that a message counts and does not list: there are more than anybody reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omitted {
    /// How many of them run.
    pub firing: u64,
    /// How many of them are over.
    pub resolved: u64,
}

impl Omitted {
    /// Whether every alert is listed.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.total() == 0
    }

    /// How many alerts the message is about beside those that it lists.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.firing + self.resolved
    }
}

/// What finally became of a message. Attempts that are made again are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryOutcome {
    /// The receiver took it.
    Delivered,
    /// The receiver refused it as it is: nobody has been notified.
    Refused,
    /// It was refused, or nobody answered, for so long that it is not tried any more.
    GivenUp,
}

impl Notification {
    /// Whether every alert that the message is about is over.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.omitted.firing == 0 && self.alerts.iter().all(NotifiedAlert::is_resolved)
    }

    /// The alert that stands for the message where only one has room: the first that runs, or else the first that resolved.
    #[must_use]
    pub fn foremost(&self) -> Option<&NotifiedAlert> {
        self.alerts.iter().find(|alert| !alert.is_resolved()).or_else(|| self.alerts.first())
    }

    /// How many alerts the message is about, listed or not.
    #[must_use]
    pub fn n_alerts(&self) -> u64 {
        self.alerts.len() as u64 + self.omitted.total()
    }

    /// How many alerts the message is about that run.
    #[must_use]
    pub fn n_firing(&self) -> u64 {
        let listed = self.alerts.iter().filter(|alert| !alert.is_resolved()).count();
        listed as u64 + self.omitted.firing
    }

    /// `and 9,900 more`, with how many of them are over; `None` when every alert is listed.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        self.more_after(self.alerts.len())
    }

    /// [`Self::more`] where only the first `n_shown` of the listed alerts have room.
    #[must_use]
    pub fn more_after(&self, n_shown: usize) -> Option<String> {
        let left = self.alerts.get(n_shown..).unwrap_or_default();
        let n_resolved = left.iter().filter(|alert| alert.is_resolved()).count() as u64;
        let firing = self.omitted.firing + left.len() as u64 - n_resolved;
        let resolved = self.omitted.resolved + n_resolved;
        match (firing, resolved) {
            (0, 0) => None,
            (more, 0) => Some(format!("and {} more", grouped(more))),
            (0, more) => Some(format!("and {} more that are resolved", grouped(more))),
            _ => {
                let (total, firing, resolved) =
                    (grouped(firing + resolved), grouped(firing), grouped(resolved));
                Some(format!("and {total} more ({firing} firing, {resolved} resolved)"))
            }
        }
    }

    /// One line for people: `FIRING payments-floor {bank="hsbc"}`, with the number of further alerts.
    #[must_use]
    pub fn title(&self) -> String {
        let status = if self.is_resolved() { "RESOLVED" } else { "FIRING" };
        let Some(first) = self.foremost() else { return status.to_owned() };
        let more = match self.n_alerts() {
            1 => String::new(),
            n => format!(" and {} more", grouped(n - 1)),
        };
        format!("{status} {}{}{}{more}", first.rule, first.shown_group(), first.shown_reason())
    }
}

/// A count with commas between its thousands, as people read it: `9,900`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
