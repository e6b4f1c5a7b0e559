//! Kill switches: the documents, changes, and evaluation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Time;

/// One version of a switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchVersion {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "block-bank"))]
    pub id: String,
    /// Counted from 1; every change makes a new one.
    pub version: u32,
    /// The switch as its author wrote it; `null` in the version that deleted it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub document: Value,
    /// When this version was made.
    pub changed: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// What led to it: `{"kind": "person"}`, `configuration`, `alert` with its `rule` and `episode_ms`, or `approved`
    /// `by` whom and `for` what.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub cause: Value,
}

/// A switch and what it does now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchView {
    /// What was written.
    #[serde(flatten)]
    pub switch: SwitchVersion,
    /// `blocking`, `shadow`, `inactive`, `waiting` (before its validity), `expired`, `paused` (outside its windows), or
    /// `unreadable` (set aside).
    #[cfg_attr(feature = "openapi", schema(example = "blocking"))]
    pub phase: String,
    /// When it blocks next, where it is on and does not now; told of one switch, not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
    /// What it did since the server started, here and in the clients that tell.
    #[serde(default)]
    pub counts: SwitchCount,
    /// Why it is not in force, if it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What one switch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SwitchCount {
    /// Contexts that it blocked.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub blocked: u64,
    /// Contexts that it would have blocked, in shadow, or let pass with a tag.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub shadow: u64,
}

/// What switches did in a client since it last told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "counts": { "block-bank": { "blocked": 3, "shadow": 0 } } })))]
#[serde(deny_unknown_fields)]
pub struct TellSwitches {
    /// By id; of switches that are not known nothing is kept.
    pub counts: BTreeMap<String, SwitchCount>,
}

/// What a client holds, and a few of the contexts that it was asked about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "client": "checkout-7", "revision": 3, "contexts": [{ "bank": "hsbc" }]
})))]
pub struct ReportClient {
    /// What it calls itself.
    pub client: String,
    /// The revision that it holds; 0 for none.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub revision: u64,
    /// The snapshot's tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Why it holds nothing newer, if it does not.
    #[serde(default)]
    pub problem: Option<String>,
    /// Why its file was refused when it started, or does not have what it holds.
    #[serde(default)]
    pub file_problem: Option<String>,
    /// Contexts, a hundred at most.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub contexts: Vec<Map<String, Value>>,
}

/// A client that holds the switches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchClient {
    /// What it calls itself.
    pub client: String,
    /// The revision that it holds.
    pub revision: u64,
    /// `current`; `behind`; or `refuses`, when it holds a later one and so disbelieves the server.
    pub state: String,
    /// When it was last heard of.
    pub seen: Time,
    /// Why it holds nothing newer, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why its file was refused when it started, or does not have what it holds: started while the server is away, it would
    /// hold nothing, or something older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_problem: Option<String>,
}

/// Raises the revision of the switches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({})))]
#[serde(deny_unknown_fields)]
pub struct BumpSwitches {
    /// To what; without it, above what any client holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// What the revision was raised to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BumpedSwitches {
    /// What it was.
    pub from: u64,
    /// What it is.
    pub revision: u64,
}

/// Makes the switches what is sent, in one step: all of it or, if one has a problem, none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "switches": [{ "id": "block-bank", "when": "bank == \"hsbc\"", "status": "inactive" }], "dry_run": true
})))]
#[serde(deny_unknown_fields)]
pub struct ApplySwitches {
    /// The switches, each an object with an `id`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub switches: Vec<Value>,
    /// Whether to delete switches that are not among them.
    #[serde(default)]
    pub prune: bool,
    /// Whether to say what would change, and leave it at that.
    #[serde(default)]
    pub dry_run: bool,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether to do it even if it would block more than the guard allows; noted in the history.
    #[serde(default)]
    pub force: bool,
    /// The versions of switches that were looked at, by id, 0 for one that was not there; if one of them has another by now,
    /// nothing is changed and the answer is 409.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, u32>,
}

/// Turns a switch on or off, or takes its last change back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "for": "2h", "message": "the bank is down" })))]
#[serde(deny_unknown_fields)]
pub struct ChangeSwitch {
    /// For how long it is on, such as `2h`; only when it is turned on.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "2h"))]
    pub duration: Option<String>,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether to do it even if it would block more than the guard allows; noted in the history.
    #[serde(default)]
    pub force: bool,
    /// The version of the switch that was looked at; if it has another by now, nothing is changed and the answer is 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint32"))]
    pub expect: Option<u32>,
}

/// Contexts to ask the switches about: one, or many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "context": { "bank": "hsbc" }, "explain": true })))]
#[serde(deny_unknown_fields)]
pub struct EvaluateSwitches {
    /// One context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub context: Option<Map<String, Value>>,
    /// Many contexts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub contexts: Vec<Map<String, Value>>,
    /// Whether to say why, switch by switch and test by test.
    #[serde(default)]
    pub explain: bool,
}

/// What the switches say of each context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchVerdicts {
    /// The revision that was asked.
    pub revision: u64,
    /// A verdict for each context, in the order sent; of `context` first.
    pub verdicts: Vec<SwitchVerdict>,
}

/// What the switches say of one context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchVerdict {
    /// Whether it is blocked.
    pub blocked: bool,
    /// The switches that block it, the one that answers first.
    pub switches: Vec<String>,
    /// The switches in shadow that would block it.
    pub shadow: Vec<String>,
    /// The tags with which it passes, unless it is blocked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why it is blocked, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a blocked caller answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<SwitchAnswer>,
    /// Why, if that was asked for: each switch, the highest priority first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub explanation: Vec<Value>,
}

/// What a blocked caller answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchAnswer {
    /// The HTTP status.
    pub status: u16,
    /// HTTP headers, name and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
    pub headers: Vec<(String, String)>,
    /// The body, if the switch has one.
    pub body: Option<String>,
}

/// Tries a switch on contexts of the past.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "id": "block-bank", "stream": "payments", "last": 1000 })))]
#[serde(deny_unknown_fields)]
pub struct PreviewSwitch {
    /// The id of a switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "block-bank"))]
    pub id: Option<String>,
    /// Or a switch that is not kept yet, an object with an `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub switch: Option<Value>,
    /// The stream whose last events are the contexts; else the contexts that the server was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// How many contexts, 1 to 100000; as many as there are, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
}

/// What a switch would have done to contexts of the past, were it on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchPreview {
    /// The switch.
    pub id: String,
    /// The stream whose events were the contexts; `null` for the contexts that the server was asked.
    pub stream: Option<String>,
    /// How many contexts there were.
    pub contexts: u64,
    /// How many of them it would have blocked.
    pub blocked: u64,
    /// Which share that is, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(example = 0.032))]
    pub share: f64,
    /// The time of the first context.
    pub first: Option<Time>,
    /// The time of the last context.
    pub last: Option<Time>,
    /// The last few that it would have blocked.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub examples: Vec<Map<String, Value>>,
}

/// A switch that waits for a second person before it is turned on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchRequest {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "block-bank"))]
    pub id: String,
    /// What it is to be, once approved.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub document: Value,
    /// For how long it is to be on, counted from the approval.
    #[serde(rename = "for")]
    pub duration: Option<String>,
    /// Who, or which alert, asked for it.
    pub actor: String,
    /// When.
    pub asked: Time,
    /// Why.
    pub message: String,
    /// Why it was not turned on at once.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "it would block 83 % of the last 1204 contexts, more than 50 %")
    )]
    pub because: String,
}

/// What a look through the whole audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditCheckView {
    /// Whether every entry follows from the one before, and every document is what its entry says.
    pub valid: bool,
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last entry; keep a copy elsewhere, and nobody can rewrite what lies before it.
    pub last_hash: String,
    /// The first thing that is wrong.
    pub problem: Option<String>,
}
