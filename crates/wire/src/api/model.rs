//! Trained models, and what they say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;

/// A trained model that is kept. It never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelView {
    /// The SHA-256 of its file.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    )]
    pub id: String,
    /// Its kind: `api`, `trees`, or `detector/NAME`.
    #[cfg_attr(feature = "openapi", schema(example = "api"))]
    pub kind: String,
    /// `champion` for the one of its kind that decides, `challenger` for one that is asked as well.
    #[cfg_attr(feature = "openapi", schema(example = "champion"))]
    pub role: Option<String>,
    /// The probability from which on something is anomalous.
    pub threshold: f64,
    /// The fingerprint of the data that it was learned from, if that was kept.
    pub data: Option<String>,
    /// How well it did on data that it was not learned from, and what it saw.
    pub metrics: Value,
    /// When it was taken.
    pub created: Time,
}

/// What a model becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "to": "champion", "message": "learned from last week" })))]
#[serde(deny_unknown_fields)]
pub struct PromoteModel {
    /// `champion` or `challenger`.
    pub to: String,
    /// Why, for the history.
    #[serde(default)]
    pub message: String,
}

/// Which kind of models goes back to its last champion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "kind": "api", "message": "too many alarms" })))]
#[serde(deny_unknown_fields)]
pub struct RollBackModel {
    /// The kind.
    pub kind: String,
    /// Why, for the history.
    #[serde(default)]
    pub message: String,
}

/// A trained detector: what it looks at, what it was trained on, and how often it would find something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetectorView {
    /// The id of the model.
    pub id: String,
    /// The name that rules know it by.
    #[cfg_attr(feature = "openapi", schema(example = "web"))]
    pub name: String,
    /// The method.
    #[cfg_attr(feature = "openapi", schema(example = "pca"))]
    pub method: String,
    /// Rows that a score looks at.
    pub window: u64,
    /// The time from one row to the next; `null` where that was not kept.
    pub step: Option<String>,
    /// Its columns, in their order.
    pub columns: Vec<DetectorColumnView>,
    /// Rows that it was trained on.
    pub rows: u64,
    /// How many rows come in a day.
    pub rows_per_day: f64,
    /// Rows that it had not seen, by which the threshold was set.
    pub held_out_rows: u64,
    /// How the threshold was set.
    #[cfg_attr(feature = "openapi", schema(example = "0.3 alarms a day"))]
    pub set_by: String,
    /// Whether the rows of training followed a course without any noise, so that they do not say how far usual rows stray.
    pub too_alike: bool,
    /// How many alarms a day to expect at limits of a rule, as the held-out rows would have caused.
    pub alarms: Vec<AlarmsView>,
    /// The label whose values have a detector each; `null` for one detector. The numbers above are then those of all together.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "host"))]
    pub by: Option<String>,
    /// The detectors of the values of that label, in their order.
    #[serde(default)]
    pub entities: Vec<DetectorEntityView>,
}

/// The detector of one value of a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetectorEntityView {
    /// The value.
    #[cfg_attr(feature = "openapi", schema(example = "web-1"))]
    pub name: String,
    /// Rows that it was trained on.
    pub rows: u64,
    /// Alarms a day to expect at its threshold.
    pub expected_alarms_per_day: f64,
    /// Whether these rows followed a course without any noise.
    pub too_alike: bool,
}

/// A column of a detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetectorColumnView {
    /// Its name.
    pub name: String,
    /// From where
    pub low: Option<f64>,
    /// to where its values lay in training, but for the most extreme ones; `null` for a column without any.
    pub high: Option<f64>,
}

/// Alarms a day at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlarmsView {
    /// The score above which a rule finds something; 1 is the threshold of the detector.
    pub limit: f64,
    /// Alarms a day; 0 means fewer than one in all held-out rows.
    pub per_day: f64,
}

/// What is to be scored: one row or graph, or many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "features": { "n_calls": 312, "client_error_share": 0.93 } })))]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// The model, by its id; by default the champion of the kind.
    #[serde(default)]
    pub model: Option<String>,
    /// The kind of models; `api` by default.
    #[serde(default)]
    pub kind: Option<String>,
    /// Values by the names of features; missing ones and `null` are unknown.
    #[serde(default)]
    pub features: Option<BTreeMap<String, Value>>,
    /// Instead of features: which endpoint calls which.
    #[serde(default)]
    pub call_graph: Option<Vec<Edge>>,
    /// Instead of both: up to 10,000 of them.
    #[serde(default)]
    pub batch: Option<Vec<ScoreRow>>,
    /// Reasons given for each; 3 by default, at most 20.
    #[serde(default)]
    pub reasons: Option<usize>,
}

/// One of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScoreRow {
    /// Values by the names of features; missing ones and `null` are unknown.
    #[serde(default)]
    pub features: Option<BTreeMap<String, Value>>,
    /// Instead of features: which endpoint calls which.
    #[serde(default)]
    pub call_graph: Option<Vec<Edge>>,
}

/// An edge of a call graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edge {
    /// Who calls.
    #[serde(rename = "fromId", default)]
    #[cfg_attr(feature = "openapi", schema(example = "GET /cart"))]
    pub from_id: Option<String>,
    /// Who is called.
    #[serde(rename = "toId", default)]
    #[cfg_attr(feature = "openapi", schema(example = "POST /orders"))]
    pub to_id: Option<String>,
}

/// What a model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreResponse {
    /// The model that said so.
    pub model: String,
    /// The probability from which on it says `anomalous`.
    pub threshold: f64,
    /// In the order of what was asked; one where one was asked.
    pub results: Vec<ScoreView>,
    /// What the challenger says of the same, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<ChallengerView>,
}

/// What a challenger says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChallengerView {
    /// The model.
    pub model: String,
    /// The probability from which on it says `anomalous`.
    pub threshold: f64,
    /// In the order of what was asked.
    pub results: Vec<ScoreView>,
}

/// What a model says of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreView {
    /// The probability in units of the threshold: anomalous from 1 on.
    pub score: f64,
    /// How likely it is anomalous, from 0 to 1.
    pub probability: f64,
    /// `anomalous` or `normal`.
    #[cfg_attr(feature = "openapi", schema(example = "anomalous"))]
    pub verdict: String,
    /// What raises it, strongest first.
    #[serde(default)]
    pub reasons: Vec<ScoreReason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreReason {
    /// The feature.
    #[cfg_attr(feature = "openapi", schema(example = "client_error_share"))]
    pub feature: String,
    /// Its value; `null` if it is missing.
    pub value: Option<f64>,
    /// Nine of ten normal sessions lie from here,
    pub low: Option<f64>,
    /// to here; `null` if that is not known.
    pub high: Option<f64>,
    /// By what it multiplies the odds.
    pub odds: f64,
    /// The same in words.
    #[cfg_attr(feature = "openapi", schema(example = "93 % of calls refused (4xx), usually at most 4 %"))]
    pub text: String,
}
