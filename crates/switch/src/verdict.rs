//! The verdict of the switches on one context.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::switch::{Answer, OnUnavailable, Switch};

/// How long ago a server last confirmed the switches that a caller holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Staleness {
    /// Since when nobody confirmed it, milliseconds; 0 while it is fresh.
    pub for_ms: i64,
    /// Whether that is longer than is tolerated, so that `on_unavailable` decides.
    pub is_too_old: bool,
}

/// What the switches say of one context. A verdict that blocks nothing owns no memory.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The switches that block, the one that answers first.
    pub(crate) blocking: Vec<Arc<Switch>>,
    /// The switches that would, were they not in shadow.
    pub(crate) shadow: Vec<Arc<Switch>>,
    /// The switches that let it pass with a tag.
    pub(crate) tagging: Vec<Arc<Switch>>,
    /// The revision that was asked.
    pub(crate) revision: u64,
    pub(crate) staleness: Staleness,
    /// Blocked without any switch, as nothing is known.
    pub(crate) is_closed: bool,
}

impl Verdict {
    /// The verdict where no switch was ever known, or `policy` was chosen for all of them.
    #[must_use]
    pub fn unavailable(policy: OnUnavailable, revision: u64, staleness: Staleness) -> Self {
        Self { revision, staleness, is_closed: policy == OnUnavailable::Closed, ..Self::default() }
    }

    /// Whether the context is blocked: by a switch, or because nothing is known and the caller fails closed.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.is_closed || !self.blocking.is_empty()
    }

    /// The switch that answers: the one with the highest priority, then the first by id.
    #[must_use]
    pub fn first(&self) -> Option<&Arc<Switch>> {
        self.blocking.first()
    }

    /// All switches that block, in order of priority and id.
    #[must_use]
    pub fn blocking(&self) -> &[Arc<Switch>] {
        &self.blocking
    }

    /// All switches in shadow that would block, in the same order.
    #[must_use]
    pub fn shadow(&self) -> &[Arc<Switch>] {
        &self.shadow
    }

    /// All switches that let it pass with a tag, in the same order; others may block it.
    #[must_use]
    pub fn tagging(&self) -> &[Arc<Switch>] {
        &self.tagging
    }

    /// The tags with which it passes, each once.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> = Vec::new();
        for tag in self.tagging.iter().filter_map(|switch| switch.tag.as_deref()) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    /// Why it is blocked, for people; `None` when it is not.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self.first() {
            Some(switch) => Some(switch.reason.as_deref().unwrap_or("Temporarily blocked")),
            None if self.is_closed => Some("Temporarily blocked: the switches are not known"),
            None => None,
        }
    }

    /// What a blocked caller answers; `None` when it is not blocked.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        match self.first() {
            Some(switch) => Some(switch.answer.clone()),
            None if self.is_closed => Some(Answer::default()),
            None => None,
        }
    }

    /// The revision of the switches that were asked; 0 where none were known.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How stale the switches were when they were asked.
    #[must_use]
    pub const fn staleness(&self) -> Staleness {
        self.staleness
    }

    /// As JSON, the same wherever it is asked for: `blocked`, `switches`, `shadow`, `tags` where there are any,
    /// `reason` and `answer` where it is blocked, `revision`, `stale_ms`, `too_old`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = json!({
            "blocked": self.is_blocked(), "switches": ids(&self.blocking), "shadow": ids(&self.shadow),
            "revision": self.revision, "stale_ms": self.staleness.for_ms, "too_old": self.staleness.is_too_old,
        });
        if !self.tagging.is_empty() {
            fields["tags"] = json!(self.tags());
        }
        if let (Some(reason), Some(answer)) = (self.reason(), self.answer()) {
            fields["reason"] = json!(reason);
            fields["answer"] =
                json!({"status": answer.status, "headers": answer.headers, "body": answer.body});
        }
        fields
    }
}

fn ids(switches: &[Arc<Switch>]) -> Vec<&str> {
    switches.iter().map(|switch| &*switch.id).collect()
}
