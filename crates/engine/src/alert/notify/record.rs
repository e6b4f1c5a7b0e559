//! What one group has been sent and has yet to be sent, and how that is written down: in pieces, one an alert.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanner_core::{AlertState, DeliveryOutcome, NotificationLogEntry, NotifiedAlert};
use serde::{Deserialize, Serialize};

use super::group::{GroupKey, severity};
use super::inhibit::Cause;

/// The shortest and the longest wait until a refused message is followed by another one.
const RETRY_MS: (i64, i64) = (1_000, 300_000);

/// One group of one receiver.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) head: Head,
    /// By fingerprint.
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// Members that are not written yet.
    pub(super) changed: BTreeSet<Arc<str>>,
    /// What holds back members; where the group waits to be looked at again.
    pub(super) causes: BTreeSet<Cause>,
}

/// What is known of the group itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    /// How many messages were written; part of their keys.
    pub(super) n_sent: u64,
    /// When the last message was written.
    pub(super) last_sent_ms: Option<i64>,
    /// When to look again; not before the outcome of the message under way is known.
    pub(super) due_ms: Option<i64>,
    /// Whether something was held back because it is muted.
    pub(super) muted: bool,
    /// The key of the message whose outcome is not known yet. A group has one at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) under_way: Option<String>,
    /// When the first of the messages was written that were refused since one was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failing_since_ms: Option<i64>,
    /// How many were refused since one was delivered.
    pub(super) n_refused: u32,
    /// Before which time no message is written after one was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_before_ms: Option<i64>,
    /// Whether the last message was given up: what it said is not tried again before there is news.
    pub(super) given_up: bool,
}

/// What is known of one alert.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Member {
    /// The episode that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<Arc<NotifiedAlert>>,
    /// Episodes that are over and whose end is to be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ended: Vec<Arc<NotifiedAlert>>,
    /// What the receiver knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Known>,
    /// What the message under way says of the episode that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offered: Option<Known>,
    /// How many of `ended`, from the first, the message under way says.
    pub(super) n_offered: usize,
    /// What the receiver refused to hear: the end of that episode is news to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<Known>,
}

/// One state of one episode. The beginning names the episode: the counter starts anew when a group was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) started_ms: i64,
    pub(super) state: AlertState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<String>,
}

impl Known {
    pub(super) fn of(alert: &NotifiedAlert) -> Self {
        let severity = severity(alert).map(str::to_owned);
        Self { started_ms: alert.started_ms, state: alert.state, severity }
    }

    /// Whether `now` says something else. A severity where there was none is nothing new.
    fn differs(&self, now: &Self) -> bool {
        (self.started_ms, self.state) != (now.started_ms, now.state)
            || (self.severity.is_some() && self.severity != now.severity)
    }

    fn is_of(&self, alert: &NotifiedAlert) -> bool {
        self.started_ms == alert.started_ms
    }
}

impl Member {
    /// Whether the receiver has yet to hear what `alert`, which runs, is like.
    pub(super) fn is_news(&self, alert: &NotifiedAlert, given_up: bool) -> bool {
        let now = Known::of(alert);
        let is_given_up = given_up && self.refused.as_ref().is_some_and(|refused| !refused.differs(&now));
        !is_given_up && self.known.as_ref().is_none_or(|known| known.differs(&now))
    }

    /// Whether the receiver was notified that `alert` began.
    pub(super) fn was_notified(&self, alert: &NotifiedAlert) -> bool {
        self.known.as_ref().is_some_and(|known| known.is_of(alert))
    }

    /// Whether the receiver was notified that `alert` began, or is being notified.
    pub(super) fn is_told(&self, alert: &NotifiedAlert) -> bool {
        self.was_notified(alert) || self.offered.as_ref().is_some_and(|offered| offered.is_of(alert))
    }

    /// Whether the receiver refused to hear that `alert` began.
    pub(super) fn was_refused(&self, alert: &NotifiedAlert) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.is_of(alert))
    }

    /// Follows the severity of an alert that the receiver does not want to hear of: when that is bad enough
    /// again, it is news. Returns whether something changed.
    pub(super) fn follow(&mut self, alert: &NotifiedAlert) -> bool {
        let (Some(known), Some(now)) = (&mut self.known, severity(alert)) else { return false };
        let Some(severity) = known.severity.as_mut().filter(|severity| **severity != *now) else {
            return false;
        };
        now.clone_into(severity);
        true
    }

    fn is_over(&self) -> bool {
        self.running.is_none() && self.ended.is_empty() && self.offered.is_none()
    }

    fn is_offered(&self) -> bool {
        self.offered.is_some() || self.n_offered > 0
    }

    fn settle(&mut self, outcome: DeliveryOutcome) {
        let n_offered = std::mem::take(&mut self.n_offered).min(self.ended.len());
        let offered = self.offered.take();
        if outcome == DeliveryOutcome::Delivered {
            self.refused = None;
            self.known = offered.or(self.known.take());
        } else if offered.is_some() {
            self.refused = offered;
        }
        if outcome != DeliveryOutcome::Refused {
            self.ended.drain(..n_offered);
        }
        if self.running.is_none() && self.ended.is_empty() {
            self.known = None;
        }
    }
}

impl Record {
    pub(super) fn is_over(&self) -> bool {
        self.members.is_empty() && self.head.under_way.is_none()
    }

    /// Notes that `alert` runs, or is over; `is_unheard` if its end is to be sent to nobody.
    pub(super) fn note(&mut self, alert: &Arc<NotifiedAlert>, is_unheard: bool) {
        let fingerprint: Arc<str> = alert.fingerprint.as_str().into();
        let member = self.members.entry(fingerprint.clone()).or_default();
        if alert.is_resolved() {
            member.running = None;
            if !is_unheard {
                member.ended.push(Arc::clone(alert));
            }
        } else {
            member.running = Some(Arc::clone(alert));
        }
        self.changed.insert(fingerprint);
    }

    /// Forgets members of which nothing runs and nothing is to be sent.
    pub(super) fn tidy(&mut self) {
        let changed = &mut self.changed;
        self.members.retain(|fingerprint, member| {
            let stays = !member.is_over();
            if !stays {
                changed.insert(fingerprint.clone());
            }
            stays
        });
    }

    /// Notes what became of the message under way. `wait_ms` is the least time to the next one when it was refused.
    pub(super) fn settle(&mut self, now_ms: i64, outcome: DeliveryOutcome, wait_ms: i64) {
        self.head.under_way = None;
        for (fingerprint, member) in self.members.iter_mut().filter(|(_, member)| member.is_offered()) {
            member.settle(outcome);
            self.changed.insert(fingerprint.clone());
        }
        self.tidy();
        let head = &mut self.head;
        match outcome {
            DeliveryOutcome::Refused => {
                head.failing_since_ms = head.failing_since_ms.or(head.last_sent_ms);
                let doubled_ms = RETRY_MS.0 << head.n_refused.min(20);
                let next_ms = now_ms.saturating_add(doubled_ms.min(RETRY_MS.1).max(wait_ms));
                head.n_refused = head.n_refused.saturating_add(1);
                head.not_before_ms = Some(next_ms);
                head.due_ms = Some(next_ms);
            }
            DeliveryOutcome::Delivered | DeliveryOutcome::GivenUp => {
                (head.failing_since_ms, head.n_refused, head.not_before_ms) = (None, 0, None);
                head.given_up = outcome == DeliveryOutcome::GivenUp;
            }
        }
    }

    /// The pieces that are not written yet; the group's own comes first.
    pub(super) fn pieces(&mut self, key: &GroupKey) -> Vec<NotificationLogEntry> {
        let piece = |alert, record| NotificationLogEntry {
            receiver: key.0.clone(),
            group: key.1.clone(),
            alert,
            record,
        };
        let mut pieces = vec![piece(None, serde_json::to_string(&self.head).ok())];
        for fingerprint in std::mem::take(&mut self.changed) {
            let record = self.members.get(&fingerprint).and_then(|member| serde_json::to_string(member).ok());
            pieces.push(piece(Some(fingerprint), record));
        }
        pieces
    }

    /// Takes up one piece of an earlier run. What cannot be read is left out.
    pub(super) fn restore(&mut self, alert: Option<Arc<str>>, text: &str) {
        match alert {
            Some(fingerprint) => {
                self.members.extend(serde_json::from_str(text).ok().map(|member| (fingerprint, member)));
            }
            None => {
                self.head = serde_json::from_str(text).unwrap_or_default();
                if let Ok(whole) = serde_json::from_str::<Whole>(text) {
                    self.take_apart(whole);
                }
            }
        }
    }

    /// Makes pieces of a record that was written as a whole; all are written anew.
    fn take_apart(&mut self, whole: Whole) {
        for (fingerprint, alert) in whole.running {
            self.members.entry(fingerprint.into()).or_default().running = Some(alert);
        }
        for alert in whole.ended {
            self.members.entry(alert.fingerprint.as_str().into()).or_default().ended.push(alert);
        }
        for (fingerprint, (started_ms, state)) in whole.known {
            let severity = whole.severities.get(&fingerprint).cloned();
            let known = Known { started_ms, state, severity };
            self.members.entry(fingerprint.into()).or_default().known = Some(known);
        }
        self.changed.extend(self.members.keys().cloned());
    }
}

/// A group's record in one piece, as it was written before there were several.
#[derive(Deserialize)]
struct Whole {
    running: BTreeMap<String, Arc<NotifiedAlert>>,
    ended: Vec<Arc<NotifiedAlert>>,
    known: BTreeMap<String, (i64, AlertState)>,
    #[serde(default)]
    severities: BTreeMap<String, String>,
}
