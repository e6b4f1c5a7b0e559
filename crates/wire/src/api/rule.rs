//! Rules: the documents, their state, and changing many at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvaluationView, ProblemView, StateCounts, Time};

/// A rule as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleDocument {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "payments-floor"))]
    pub id: String,
    /// Counted from 1; every change makes a new one.
    pub version: u32,
    /// The rule as its author wrote it; `null` in the version that deleted it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub document: Value,
    /// When this version was made.
    pub changed: Time,
    /// Who made it.
    pub actor: String,
}

/// How a rule fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleState {
    /// Its id.
    pub id: String,
    /// The version that is evaluated.
    pub version: u32,
    /// When it is evaluated next; `null` when that will not happen.
    pub next: Option<Time>,
    /// Its latest evaluation; `null` before the first.
    pub last: Option<EvaluationView>,
    /// Its alerts, counted by state.
    pub states: StateCounts,
    /// How far its history has been filled; `null` when none is needed.
    pub prefill: Option<Prefill>,
    /// What is left out because the rule has more groups than it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// How late its data comes; absent when none came since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Lateness>,
    /// What keeps it from finding anything, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// How late events come, since the server's start. Times are from an event's own to its arrival, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lateness {
    /// Events that came.
    pub events: u64,
    /// Those that came after a window that they belong into was judged.
    pub late: u64,
    /// Half came within this time.
    pub median_s: f64,
    /// 99 % came within this time.
    pub p99_s: f64,
    /// The longest time.
    pub longest_s: f64,
}

/// A rule and how it fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleView {
    /// What was written.
    #[serde(flatten)]
    pub rule: RuleDocument,
    /// How it fares; absent while it is inactive.
    pub state: Option<RuleState>,
    /// Why it is not in force, if it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far a rule's history has been filled from what was stored before the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prefill {
    /// Windows measured.
    pub done: u64,
    /// Windows to measure in all.
    pub total: u64,
    /// Whether it is over.
    pub finished: bool,
}

/// Makes the rules what is sent, in one step: all of it or, if one rule has a problem, none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "rules": [{
        "id": "payments-floor", "query": { "stream": "payments", "measure": "count", "by": ["bank"] },
        "window": "10m", "absolute": { "min": 20 }
    }],
    "dry_run": true
})))]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The rules, each an object with an `id`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub rules: Vec<Value>,
    /// Processors to add or replace, each an object with an `id`; others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub processors: Option<Vec<Value>>,
    /// Receivers to add or replace, each an object with a `name`; others stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub receivers: Vec<Value>,
    /// Time intervals by name, for the receivers and silences that are sent with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub time_intervals: Vec<Value>,
    /// Inhibitions instead of those there are; without it they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub inhibit: Option<Vec<Value>>,
    /// Switches to add or replace, each an object with an `id`; others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub switches: Option<Vec<Value>>,
    /// Silences to add or replace, each an object with an `id`; others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub silences: Option<Vec<Value>>,
    /// Whether to delete rules that are not among them.
    #[serde(default)]
    pub prune: bool,
    /// What else to delete that is not among them. Of silences only those that came from files, and they end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prune_also: Vec<Prunable>,
    /// Whether to say what would change, and leave it at that.
    #[serde(default)]
    pub dry_run: bool,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether to do it though a switch would block more than the guard lets pass; noted in the history.
    #[serde(default)]
    pub force: bool,
}

/// What can be deleted because it is not among what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Prunable {
    /// Processors.
    Processors,
    /// Receivers.
    Receivers,
    /// Switches.
    Switches,
    /// Silences.
    Silences,
}

/// What changed of one kind of things, as ids in alphabetical order; on a dry run, what would have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct AppliedView {
    /// New ones.
    pub created: Vec<String>,
    /// Those with a new version.
    pub changed: Vec<String>,
    /// Those that were so already.
    pub unchanged: Vec<String>,
    /// Those that are gone.
    pub deleted: Vec<String>,
    /// Only on a dry run: those that are not among what was sent, and stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
}

impl AppliedView {
    /// Whether nothing was looked at.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.created.is_empty()
            && self.changed.is_empty()
            && self.unchanged.is_empty()
            && self.deleted.is_empty()
            && self.kept.is_empty()
    }
}

/// What changed, as ids in alphabetical order; on a dry run, what would have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplyResponse {
    /// New rules.
    pub created: Vec<String>,
    /// Rules with a new version.
    pub changed: Vec<String>,
    /// Rules that were so already.
    pub unchanged: Vec<String>,
    /// Rules that are gone.
    pub deleted: Vec<String>,
    /// Only on a dry run: rules that are not among what was sent, and stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Processors.
    #[serde(default, skip_serializing_if = "AppliedView::is_empty")]
    pub processors: AppliedView,
    /// Receivers.
    #[serde(default, skip_serializing_if = "AppliedView::is_empty")]
    pub receivers: AppliedView,
    /// Inhibitions, which have no ids: as they are written.
    #[serde(default, skip_serializing_if = "AppliedView::is_empty")]
    pub inhibit: AppliedView,
    /// Switches, where rules were applied with them.
    #[serde(default, skip_serializing_if = "AppliedView::is_empty")]
    pub switches: AppliedView,
    /// Silences.
    #[serde(default, skip_serializing_if = "AppliedView::is_empty")]
    pub silences: AppliedView,
    /// What is allowed and hardly meant, such as a rule on a stream without events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Asks whether rules are right, without storing them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "rules": [{
        "id": "payments-floor", "query": { "stream": "payments", "measure": "count" }, "window": "10m",
        "absolute": { "min": 20 }
    }]
})))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The rules.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub rules: Vec<Value>,
    /// The processors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub processors: Vec<Value>,
    /// The receivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub receivers: Vec<Value>,
    /// Time intervals by name, for the receivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub time_intervals: Vec<Value>,
    /// The inhibitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub inhibit: Vec<Value>,
}

/// Whether rules are right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckResponse {
    /// Whether there are no problems.
    pub valid: bool,
    /// All problems, with paths such as `rules[0].window`.
    pub problems: Vec<ProblemView>,
    /// What is allowed and hardly meant, such as a rule on a stream without events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl CheckResponse {
    /// The answer that lists `problems`.
    #[must_use]
    pub const fn new(problems: Vec<ProblemView>) -> Self {
        Self { valid: problems.is_empty(), problems, warnings: Vec::new() }
    }
}
