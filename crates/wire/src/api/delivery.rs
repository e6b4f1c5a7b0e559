//! Notifications: pending, sent and failed, and their receivers.

use lanner_core::{AlertState, Annotations, Labels, Notification, NotifiedAlert, ResolvedReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Time, WindowView};

/// One message to one receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationView {
    /// The idempotency key: 32 hexadecimal digits.
    pub key: String,
    /// The receiver's name.
    pub receiver: String,
    /// `firing` or `resolved`.
    #[cfg_attr(feature = "openapi", schema(example = "firing"))]
    pub status: String,
    /// One line for people.
    pub title: String,
    /// The labels the alerts were grouped by.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// The alerts that are listed, the running ones first.
    pub alerts: Vec<NotifiedAlertView>,
    /// How many alerts the message is about, listed or not.
    #[serde(default)]
    pub n_alerts: u64,
    /// Whether this repeats what the receiver was already sent.
    pub repeat: bool,
    /// When the message was written.
    pub created: Time,
}

impl From<&Notification> for NotificationView {
    fn from(notification: &Notification) -> Self {
        Self {
            key: notification.key.clone(),
            receiver: notification.receiver.to_string(),
            status: if notification.is_resolved() { "resolved" } else { "firing" }.to_owned(),
            title: notification.title(),
            group: notification.group.clone(),
            alerts: notification.alerts.iter().map(Into::into).collect(),
            n_alerts: notification.n_alerts(),
            repeat: notification.repeat,
            created: Time(notification.created_ms),
        }
    }
}

/// One alert inside a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotifiedAlertView {
    /// The alert's name.
    pub fingerprint: String,
    /// The episode the message is about.
    pub episode: u32,
    /// `firing`, `no_data` or `error` while it lasts; `normal` when it is resolved.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "firing"))]
    pub state: AlertState,
    /// The rule's id.
    pub rule: String,
    /// The rule's labels, the group's, and `rule`.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub labels: Labels,
    /// The values of the rule's `by` fields.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// The rule's content: text, or an object.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub content: Value,
    /// The rule's annotations, with their templates filled in.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub annotations: Annotations,
    /// When the episode began.
    pub started: Time,
    /// When it ended; `null` while it lasts.
    pub resolved: Option<Time>,
    /// Why it ended: `recovered`, `no_longer_measured`, `rule_deleted`, `rule_paused` or `rule_changed`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "recovered"))]
    pub resolved_reason: Option<ResolvedReason>,
    /// The window of the last evaluation.
    pub window: WindowView,
    /// What was measured: while bad, now; when resolved, in the last bad window.
    pub value: Option<f64>,
    /// What that was compared with.
    pub base: Option<f64>,
    /// Whether Lanner was down when this became due.
    pub late: bool,
}

impl From<&NotifiedAlert> for NotifiedAlertView {
    fn from(alert: &NotifiedAlert) -> Self {
        Self {
            fingerprint: alert.fingerprint.clone(),
            episode: alert.episode,
            state: alert.state,
            rule: alert.rule.to_string(),
            labels: alert.labels.clone(),
            group: alert.group.clone(),
            content: alert.content.clone(),
            annotations: alert.annotations.clone(),
            started: Time(alert.started_ms),
            resolved: alert.resolved_ms.map(Time),
            resolved_reason: alert.resolved_reason,
            window: alert.window.into(),
            value: alert.value,
            base: alert.base,
            late: alert.late,
        }
    }
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be sent, perhaps after failed attempts.
    Pending,
    /// The receiver took it.
    Sent,
    /// Given up.
    Dead,
    /// Refused as it is; a later message of its group says what is true by then.
    Refused,
}

/// A message with how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutboxView {
    /// The message.
    pub notification: NotificationView,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next; only while pending.
    pub next_attempt: Option<Time>,
    /// When the receiver took it.
    pub sent: Option<Time>,
    /// Why the last attempt failed; or what came of an action that did not fail, such as that a person has to approve.
    pub last_error: Option<String>,
}

/// Somebody who is notified. Addresses are shown, secrets never.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiverView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "on-call"))]
    pub name: String,
    /// Its kind.
    #[cfg_attr(feature = "openapi", schema(example = "webhook"))]
    pub kind: String,
    /// Where messages go, without passwords, tokens and queries.
    #[cfg_attr(feature = "openapi", schema(example = "https://hooks.example.org/..."))]
    pub target: String,
    /// `configuration`, or `API` and who called it.
    #[cfg_attr(feature = "openapi", schema(example = "API (ann)"))]
    #[serde(default)]
    pub origin: String,
    /// What mutes it now, and until when: time intervals alone.
    #[serde(default)]
    pub muted: Option<super::MutedView>,
    /// Messages to be sent.
    pub pending: u64,
    /// Messages given up.
    pub dead: u64,
    /// Why it cannot work at all, such as a variable that is not set; `null` when it can.
    #[serde(default)]
    pub problem: Option<String>,
    /// When it last took a message.
    pub last_sent: Option<Time>,
    /// Why the latest attempt that failed did.
    pub last_error: Option<String>,
    /// When that was; `null` where it was before the server started.
    #[serde(default)]
    pub last_failed: Option<Time>,
    /// Since when it has taken nothing; `null` while it works.
    #[serde(default)]
    pub failing_since: Option<Time>,
}
