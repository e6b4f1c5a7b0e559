//! Requests and responses of the HTTP API, version 1.
//!
//! Reading order: [`time`] (how instants are written), [`problem`] (what every error looks like), then a file for
//! each group of endpoints: [`rule`], [`alert`], [`silence`], [`switch`], [`decision`], [`delivery`], [`finding`], [`model`], [`data`], [`replay`],
//! [`review`], [`operations`], [`profile`], [`session`], [`token`], [`user`].
//!
//! What holds for all of them: field names are those of the manual; instants are RFC 3339 in UTC; a number that
//! does not exist is `null`. What comes in refuses unknown fields, so that a misspelt one is told; what goes out
//! may gain fields within a version, and clients must ignore those that they do not know.
//! Nothing here holds a secret, but for a token or a password that was just made.

pub mod alert;
pub mod data;
pub mod decision;
pub mod delivery;
pub mod finding;
pub mod model;
pub mod operations;
pub mod problem;
pub mod profile;
pub mod replay;
pub mod review;
pub mod rule;
pub mod session;
pub mod silence;
pub mod switch;
pub mod time;
#[cfg(feature = "openapi")]
mod time_schema;
pub mod token;
pub mod user;

pub use alert::{
    AcknowledgementView, AlertView, EvaluationView, MutedView, NewAcknowledgement, StateCounts, WindowView,
};
pub use data::{
    QueryRequest, QueryResponse, QuerySeries, SeriesView, StreamView, UnlikeResponse, UnlikeSeries,
};
pub use decision::{CrowdsecDecision, CrowdsecStream, DecisionValue, DecisionView, DryRunView};
pub use delivery::{DeliveryStatus, NotificationView, NotifiedAlertView, OutboxView, ReceiverView};
pub use finding::{
    AcceptanceView, FindingCount, FindingOverview, FindingPage, FindingScanResult, FindingScanView,
    FindingView, FindingsTaken, LastScanView, NewAcceptance, NewFindingScan, SeverityView, VulnerabilityList,
    VulnerabilityListTaken,
};
pub use model::{
    AlarmsView, ChallengerView, DetectorColumnView, DetectorEntityView, DetectorView, Edge, ModelView,
    PromoteModel, RollBackModel, ScoreReason, ScoreRequest, ScoreResponse, ScoreRow, ScoreView,
};
pub use operations::{
    AuditView, ConsumerState, ConsumerView, EventRetentionView, ProcessorView, ReloadView, RepairView,
    RetentionView, SeriesRetentionView, SetAsideView, ShardView, SharingStatus, SourceState, SourceView,
    Status, WorkerView,
};
pub use problem::{ErrorBody, ProblemView, WriteReport};
pub use profile::{
    BehaviourView, ForgottenView, PartView, ProfileAnswer, ProfileDetail, ProfileHostView, ProfileTerms,
    ProfileTimes, ProfileView,
};
pub use replay::{ReplayRequest, ReplayResponse, ReplaySummary, Transition};
pub use review::{
    AccuracyView, EpisodeView, ExpectedView, Incident, LimitView, ReviewView, SettingView, SpreadView,
    SuggestionView,
};
pub use rule::{
    AppliedView, ApplyRequest, ApplyResponse, CheckRequest, CheckResponse, Lateness, Prefill, Prunable,
    RuleDocument, RuleState, RuleView,
};
pub use session::{
    AmountView, EndpointUseView, FeatureShiftView, ModelDriftView, NewSessionLabel, ScoreAccountView,
    SessionDetail, SessionFindingView, SessionLabelView, StepView,
};
pub use silence::{MatcherText, NewSilence, SilenceStatus, SilenceView};
pub use switch::{
    ApplySwitches, AuditCheckView, BumpSwitches, BumpedSwitches, ChangeSwitch, EvaluateSwitches,
    PreviewSwitch, ReportClient, SwitchAnswer, SwitchClient, SwitchCount, SwitchPreview, SwitchRequest,
    SwitchVerdict, SwitchVerdicts, SwitchVersion, SwitchView, TellSwitches,
};
pub use time::{Time, When};
pub use token::{MadeToken, NewToken, TokenView};
pub use user::{MadeUser, NewPassword, NewScopes, NewUser, UserView};

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the order that the endpoint documents.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests;
