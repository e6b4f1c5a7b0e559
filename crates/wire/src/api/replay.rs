//! What rules would have done with stored data.

use lanner_core::{AlertState, Labels};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvaluationView, Incident, NotificationView, ReviewView, Time, When};

/// Asks what rules would have done. Nothing is stored or sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "rules": [], "from": "now-1h" })))]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// The rules.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub rules: Vec<Value>,
    /// From when.
    pub from: When,
    /// Until when; now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<When>,
    /// What people know to have happened: reviews then say precision and recall, and which limits agree best.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// By how much the times of incidents may be off, on both sides; nothing, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "5m"))]
    pub tolerance: Option<String>,
    /// Reviews then suggest limits with at most so many alarms a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms_per_week: Option<f64>,
    /// Reviews then list other limits, from lax to strict, with how often they would have fired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub try_limits: bool,
}

impl ReplayRequest {
    /// Asks what these rules would have done, and nothing more.
    #[must_use]
    pub fn new(rules: Vec<Value>, from: When, to: Option<When>) -> Self {
        Self {
            rules,
            from,
            to,
            incidents: Vec::new(),
            tolerance: None,
            alarms_per_week: None,
            try_limits: false,
        }
    }
}

/// What rules would have done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayResponse {
    /// Every evaluation, in order.
    pub evaluations: Vec<EvaluationView>,
    /// Every change of an alert's state, in order.
    pub transitions: Vec<Transition>,
    /// Every message, in order.
    pub notifications: Vec<NotificationView>,
    /// All of it in numbers.
    pub summary: ReplaySummary,
    /// Looking back at each rule that was evaluated, in the order of the rules.
    #[serde(default)]
    pub reviews: Vec<ReviewView>,
}

/// One change of an alert's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transition {
    /// The rule's id.
    pub rule: String,
    /// The values of the rule's `by` fields.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// The end of the window that changed it.
    pub time: Time,
    /// The state before.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "normal"))]
    pub from: AlertState,
    /// The state after.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "firing"))]
    pub to: AlertState,
    /// What was measured.
    pub value: Option<f64>,
    /// What that was compared with.
    pub base: Option<f64>,
}

/// A replay in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplaySummary {
    /// Evaluations made.
    pub evaluations: u64,
    /// Those above the threshold.
    pub breaches: u64,
    /// Those without data.
    pub no_data: u64,
    /// Those whose source failed.
    pub errors: u64,
    /// Times an alert fired.
    pub episodes: u64,
    /// Messages that would have been sent.
    pub notifications: u64,
    /// Whether the lists above were cut; these numbers were not.
    pub truncated: bool,
}
