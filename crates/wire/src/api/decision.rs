//! What alerts decided about switches, and whether that is enforced.

use serde::{Deserialize, Serialize};

use super::Time;

/// One activation of a switch by an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionView {
    /// The switch.
    #[cfg_attr(feature = "openapi", schema(example = "block-client.203.0.113.7"))]
    pub id: String,
    /// The rule whose alert it is.
    pub rule: String,
    /// What it is about.
    pub values: Vec<DecisionValue>,
    /// When it began.
    pub began: Time,
    /// When it ended or will.
    pub ends: Time,
    /// Whether it blocked; else it only reported.
    pub enforced: bool,
    /// Whether it blocks now.
    pub blocks: bool,
    /// `wrong` or `right`, if somebody said so.
    pub review: Option<String>,
    /// Who said it, and why.
    pub reviewed_by: Option<String>,
}

/// A field of the context, and the value that is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionValue {
    /// The field.
    #[cfg_attr(feature = "openapi", schema(example = "client"))]
    pub field: String,
    /// Its value.
    #[cfg_attr(feature = "openapi", schema(example = "203.0.113.7"))]
    pub value: String,
}

/// How a dry run stands: what would have been blocked, and how much of it wrongly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryRunView {
    /// The switch that alerts activate, or make switches after.
    #[cfg_attr(feature = "openapi", schema(example = "block-client"))]
    pub id: String,
    /// Whether what alerts activate blocks; else it only reports.
    pub enforced: bool,
    /// Since when, if it was ever enforced.
    pub since: Option<Time>,
    /// Who or what decided that: a person, or `lanner` when it stepped back.
    pub by: Option<String>,
    /// Why.
    pub message: Option<String>,
    /// Wrong activations a day that are allowed.
    pub wrong_per_day: f64,
    /// Days over which they are counted.
    pub days: u32,
    /// Activations within these days, enforced or not.
    pub decisions: u64,
    /// Those that people called wrong.
    pub wrong: u64,
    /// Those that people called right.
    pub right: u64,
    /// Wrong activations a day to be expected: what is known, and the same share of what nobody has reviewed.
    pub expected_wrong_per_day: f64,
    /// Contexts that they blocked, or would have, since the server started.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub contexts: u64,
    /// Why it should not be enforced, if so.
    pub objection: Option<String>,
    /// The last hundred activations, the latest first.
    pub last: Vec<DecisionView>,
}

/// A decision as CrowdSec's API has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CrowdsecDecision {
    /// A number for each decision.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub id: u64,
    /// `lanner`.
    pub origin: String,
    /// `ban`; `throttle` of a switch with a limit, `tag` of one with a tag.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Ip`, `Range`, or the name of a field.
    pub scope: String,
    /// Its value.
    pub value: String,
    /// For how long still, such as `14m59s`; below zero once it is over.
    pub duration: String,
    /// The rule.
    pub scenario: String,
    /// `true` in a dry run.
    pub simulated: bool,
}

/// What changed, as CrowdSec's bouncers ask for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CrowdsecStream {
    /// What blocks now.
    pub new: Vec<CrowdsecDecision>,
    /// What blocked within the last day and does not now.
    pub deleted: Vec<CrowdsecDecision>,
}
