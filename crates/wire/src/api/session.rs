//! Sessions of API clients: one in full, what people say of it, and how far traffic has moved from what models learned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;

/// A session in full, told again from the requests that are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionDetail {
    /// Its id, as its events have it.
    #[cfg_attr(feature = "openapi", schema(example = "5f1d7c0a9b3e2468"))]
    pub id: String,
    /// The processor that put it together.
    pub processor: String,
    /// The stream of its requests.
    pub stream: String,
    /// Whose it is: the fields that tell clients apart.
    pub client: BTreeMap<String, String>,
    /// `human`, `automation`, `claimed_bot` or `declared_bot`, if that was told.
    pub client_kind: Option<String>,
    /// Its first request.
    pub started: Time,
    /// Its last request, so far.
    pub ended: Time,
    /// Whether it is over.
    pub over: bool,
    /// `learning`, `incomplete` or `active`, when it was judged last.
    pub status: String,
    /// Whether it was flagged.
    pub flagged: bool,
    /// Requests when it was judged last.
    pub requests: u64,
    /// Requests that are still stored, of which everything below is made.
    pub stored_requests: u64,
    /// Whether there are more, or more events between them, than are read.
    pub cut: bool,
    /// The endpoints that it called, in the order of their first calls.
    pub endpoints: Vec<EndpointUseView>,
    /// The steps between them.
    pub steps: Vec<StepView>,
    /// Usual sessions that both are compared with; 0 while they are being learned.
    pub usual_sessions: u32,
    /// Behaviour with a name.
    pub findings: Vec<SessionFindingView>,
    /// How its scores come about, the one that decides first.
    pub scores: Vec<ScoreAccountView>,
    /// What somebody said of it.
    pub label: Option<SessionLabelView>,
}

/// An endpoint of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointUseView {
    /// Method and template.
    #[cfg_attr(feature = "openapi", schema(example = "GET /orders/{id}"))]
    pub endpoint: String,
    /// Calls.
    pub calls: u32,
    /// Calls denied or missing.
    pub refused: u32,
    /// Different objects that were named.
    pub objects: u64,
    /// The share of usual sessions that call it; `null` where that is not known.
    pub usual_share: Option<f64>,
    /// Whether fewer than one in a hundred do.
    pub unusual: bool,
}

/// A step from one endpoint to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepView {
    /// Where it begins, counted from 0 in `endpoints`.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// How often it was taken.
    pub times: u32,
    /// The share of the usual sessions with the first endpoint that take it; `null` where that is not known.
    pub usual_share: Option<f64>,
    /// Whether fewer than one in a hundred do.
    pub unusual: bool,
}

/// Behaviour with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionFindingView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "enumeration"))]
    pub finding: String,
    /// Why, with numbers.
    pub evidence: String,
}

/// How a score comes about: `base` and all amounts add up to `total`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreAccountView {
    /// The model that gave it; `null` for what was learned from the traffic itself.
    pub model: Option<String>,
    /// Whether it decides whether sessions are flagged.
    pub decides: bool,
    /// In what it adds up: `log_odds` of a trained model, exactly, or `bits` of surprise.
    #[cfg_attr(feature = "openapi", schema(example = "log_odds"))]
    pub unit: String,
    /// Where it begins.
    pub base: f64,
    /// What each feature adds, the largest first.
    pub amounts: Vec<AmountView>,
    /// Where it ends.
    pub total: f64,
    /// From where on a session is flagged; `null` where nothing is.
    pub threshold: Option<f64>,
}

/// What a feature adds to a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AmountView {
    /// The feature.
    #[cfg_attr(feature = "openapi", schema(example = "client_error_share"))]
    pub feature: String,
    /// Its value and its normal range in words.
    #[cfg_attr(feature = "openapi", schema(example = "93 % of calls refused (4xx), usually at most 4 %"))]
    pub text: String,
    /// What it adds; below 0 what it takes away.
    pub amount: f64,
}

/// What somebody says of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "label": "anomalous", "why": "walked through orders" })))]
#[serde(deny_unknown_fields)]
pub struct NewSessionLabel {
    /// `anomalous` or `normal`.
    pub label: String,
    /// Why.
    pub why: String,
}

/// What somebody said of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionLabelView {
    /// The client: the first of the fields that tell clients apart.
    #[cfg_attr(feature = "openapi", schema(example = "203.0.113.7"))]
    pub client: String,
    /// The first request of the session.
    pub started: Time,
    /// `anomalous` or `normal`.
    #[cfg_attr(feature = "openapi", schema(example = "anomalous"))]
    pub label: String,
    /// Who said so.
    pub who: String,
    /// When.
    pub when: Time,
    /// Why.
    pub why: String,
    /// The id of the session.
    pub id: String,
}

/// How the sessions of late stand to those that a model was learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelDriftView {
    /// The processor whose sessions they are.
    pub processor: String,
    /// The model.
    pub model: String,
    /// `champion` or `challenger`.
    #[cfg_attr(feature = "openapi", schema(example = "champion"))]
    pub role: String,
    /// Sessions that were looked at: the last thousand since the model came into use or the server started.
    pub sessions: u64,
    /// The share of them that the model flags.
    pub flagged_share: f64,
    /// The share of normal sessions that it flagged when it was learned, of those that it had not seen.
    pub expected_share: Option<f64>,
    /// The population stability index of its probabilities, in fifths of the threshold, beside those of normal sessions then; `null` for
    /// models that do not hold them, and for fewer than 50 sessions.
    pub score_index: Option<f64>,
    /// The share of calls at endpoints that exist and were not learned; `null` for fewer than 50 sessions that are not flagged, as the next
    /// two.
    pub new_share: Option<f64>,
    /// The population stability index of each feature, the largest first.
    pub features: Vec<FeatureShiftView>,
    /// Whether a model should be learned again.
    pub large: Option<bool>,
}

/// How far a feature has moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeatureShiftView {
    /// The feature.
    #[cfg_attr(feature = "openapi", schema(example = "n_endpoints"))]
    pub feature: String,
    /// Its population stability index: below 0.1 it is spread as it was, from 0.25 on it has shifted.
    pub index: f64,
}
