//! Reviews of what rules would have done: how often they fire, whether they can, how well, and better limits.

use std::collections::BTreeMap;

use lanner_core::{AlertState, Labels};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Time, WindowView};

/// Something that people know to have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub start: Time,
    /// When it was over; the same as `start` for a moment.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub end: Time,
    /// Which alerts it concerns: those that have these labels, `rule` among them; all, if absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewView {
    /// The rule's id.
    pub rule: String,
    /// From the first to the last window that was scored; `null` when none was.
    pub span: Option<WindowView>,
    /// Evaluations made.
    pub evaluations: u64,
    /// Those that were scored.
    pub scored: u64,
    /// Those beyond a limit.
    pub breaches: u64,
    /// Times an alert would have fired.
    pub fired: u64,
    /// The same a week of the span.
    pub per_week: f64,
    /// The share of evaluations in which an alert would have been on.
    pub running: f64,
    /// When; the first hundred thousand.
    pub episodes: Vec<EpisodeView>,
    /// What was measured.
    pub values: Option<SpreadView>,
    /// What the limits look at, in the unit of the first of them: a value, a change in percent, a score.
    pub scores: Option<SpreadView>,
    /// Each limit of the rule, and how near to it the past came.
    pub limits: Vec<LimitView>,
    /// How well the episodes agree with the incidents; `null` when none concerns the rule.
    pub accuracy: Option<AccuracyView>,
    /// Other limits, and what they would have done.
    pub suggestions: Vec<SuggestionView>,
    /// Limits from lax to strict, and what they would have done; with `try_limits` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<SuggestionView>,
    /// All of it in sentences, the most important first.
    pub text: Vec<String>,
}

/// From the moment people would have been notified until it was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EpisodeView {
    /// The values of the rule's `by` fields.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// What it began as: `firing`, `no_data` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "firing"))]
    pub state: AlertState,
    /// The start of the first bad window.
    pub from: Time,
    /// When people would have been notified.
    pub alarm: Time,
    /// When it was over; `null` if it goes on at the end of the range.
    pub end: Option<Time>,
}

/// Numbers in order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpreadView {
    /// The smallest.
    pub min: f64,
    /// Half of them are not larger.
    pub median: f64,
    /// 95 of 100 are not larger.
    pub p95: f64,
    /// 99 of 100 are not larger.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// A limit, and how near to it the past came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitView {
    /// Its field.
    #[cfg_attr(feature = "openapi", schema(example = "expression.error"))]
    pub field: String,
    /// Where it stands.
    pub at: f64,
    /// What is written behind the number: `%`, or nothing.
    pub unit: String,
    /// The farthest in its direction that came.
    pub farthest: Option<f64>,
    /// Whether anything lay beyond it.
    pub was_passed: bool,
    /// Whether it can be passed at all: `false` when arithmetic says that it never can.
    pub can_fire: bool,
    /// The farthest that can come, where arithmetic says that the limit is out of reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    /// Why it is out of reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Episodes against incidents.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccuracyView {
    /// Incidents that concern the rule and lie in its span.
    pub incidents: u64,
    /// Those that an episode found; each episode finds one at most.
    pub found: u64,
    /// Episodes that overlap an incident.
    pub right: u64,
    /// Episodes that overlap none.
    pub wrong: u64,
    /// The share of episodes that were right; `null` without episodes.
    pub precision: Option<f64>,
    /// The share of incidents that were found; `null` without incidents.
    pub recall: Option<f64>,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Wrong episodes a week.
    pub false_per_week: f64,
    /// The middle of the times from an incident's start to its first alarm, seconds; negative when that came before.
    pub median_delay_s: Option<f64>,
}

/// Limits, and what they would have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestionView {
    /// What for: `alarms_per_week`, `best_f1`, or `choice`.
    #[cfg_attr(feature = "openapi", schema(example = "alarms_per_week"))]
    pub goal: String,
    /// How many alarms a week were wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<f64>,
    /// The fields to write.
    pub settings: Vec<SettingView>,
    /// The detector as it is then written, ready for the rule's document.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub detector: Value,
    /// Whether episodes that became errors are counted, and warnings not.
    pub errors_only: bool,
    /// Times an alert would have fired.
    pub fired: u64,
    /// The same a week.
    pub per_week: f64,
    /// What to expect from now on; `null` where the past says nothing.
    pub expected: Option<ExpectedView>,
    /// The share of evaluations in which an alert would have been on.
    pub running: f64,
    /// How well that agrees with the incidents; `null` when none concerns the rule.
    pub accuracy: Option<AccuracyView>,
}

/// Alarms a week to expect, where the series goes on as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpectedView {
    /// On average.
    pub per_week: f64,
    /// In nine cases out of ten no fewer.
    pub least: f64,
    /// In nine cases out of ten no more.
    pub most: f64,
}

/// One field to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingView {
    /// The field.
    #[cfg_attr(feature = "openapi", schema(example = "absolute.max"))]
    pub field: String,
    /// What it is now.
    pub was: f64,
    /// What to write.
    pub value: f64,
    /// What is written behind the number: `%`, or nothing.
    pub unit: String,
}
