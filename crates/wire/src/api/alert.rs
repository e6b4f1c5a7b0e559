//! Evaluations and alerts as the API shows them.

use lanner_core::time::parse_duration_ms;
use lanner_core::{
    Acknowledgement, Alert, AlertState, Annotations, Evaluation, Evidence, Labels, Outcome, ResolvedReason,
    Score, TimeRange,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ProblemView, Time};

/// `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WindowView {
    /// First instant inside.
    pub start: Time,
    /// First instant after it.
    pub end: Time,
}

impl From<TimeRange> for WindowView {
    fn from(range: TimeRange) -> Self {
        Self { start: Time(range.start_ms), end: Time(range.end_ms) }
    }
}

/// One rule on one window for one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvaluationView {
    /// 32 hexadecimal digits, the same for the same rule, version, group and window.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// The values of the rule's `by` fields.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// The window that was looked at.
    pub window: WindowView,
    /// What was measured.
    pub value: Option<f64>,
    /// What it was compared with.
    pub base: Option<f64>,
    /// How far the value is from the base, as a part of the base: -0.25 is a quarter less.
    pub change: Option<f64>,
    /// Below which value something would have been found, of detectors that know: `holt_winters`, `band`, `level`, `time_shift` and
    /// `automatic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Above which value something would have been found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// How strange that is; `null` when there is no score.
    pub score: Option<f64>,
    /// Whether the score is infinite, which JSON cannot write as a number: changed from nothing at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub score_infinite: bool,
    /// What it came to.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "breach"))]
    pub outcome: Outcome,
    /// Why the source could not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The alert's state afterwards.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "firing"))]
    pub state: AlertState,
    /// Whether the window was walked late, because Lanner was down when it was due.
    pub late: bool,
    /// When it was evaluated.
    pub evaluated: Time,
}

impl From<&Evaluation> for EvaluationView {
    fn from(evaluation: &Evaluation) -> Self {
        let score = evaluation.score.map(Score::value);
        Self {
            id: evaluation.id.clone(),
            rule: evaluation.rule.to_string(),
            version: evaluation.version,
            group: evaluation.group.labels().clone(),
            window: evaluation.window.into(),
            value: evaluation.value,
            base: evaluation.base,
            change: change(evaluation.value, evaluation.base),
            lower: evaluation.lower,
            upper: evaluation.upper,
            score: score.filter(|score| score.is_finite()),
            score_infinite: score.is_some_and(f64::is_infinite),
            outcome: evaluation.outcome,
            error: evaluation.error.clone(),
            state: evaluation.state,
            late: evaluation.late,
            evaluated: Time(evaluation.evaluated_ms),
        }
    }
}

/// The tracked condition of one rule and group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertView {
    /// 16 hexadecimal digits, the same for the same rule and group.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The version of the rule that evaluated last.
    pub version: u32,
    /// The values of the rule's `by` fields.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    #[serde(deserialize_with = "Labels::deserialize_group")]
    pub group: Labels,
    /// What silences match: the rule's labels, the group's, and `rule`.
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub labels: Labels,
    /// `normal`, `pending`, `firing`, `recovering`, `no_data` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "firing"))]
    pub state: AlertState,
    /// Since when.
    pub since: Time,
    /// Whether people have been notified that it is bad, and not yet that it is over.
    pub active: bool,
    /// How often it has fired so far.
    pub episode: u32,
    /// When the latest episode began.
    pub started: Option<Time>,
    /// When it ended; `null` while it lasts.
    pub resolved: Option<Time>,
    /// Why it ended: `recovered`, `no_longer_measured`, `rule_deleted`, `rule_paused` or `rule_changed`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "recovered"))]
    pub resolved_reason: Option<ResolvedReason>,
    /// The end of the last window in which there was data.
    pub seen: Time,
    /// The last window evaluated.
    pub window: WindowView,
    /// What was measured in it.
    pub value: Option<f64>,
    /// What that was compared with.
    pub base: Option<f64>,
    /// How far the value is from the base, as a part of the base.
    pub change: Option<f64>,
    /// The value in the last bad window.
    pub bad_value: Option<f64>,
    /// The base in the last bad window.
    pub bad_base: Option<f64>,
    /// What the value in the last bad window rests on, where the source says so: `contributors` (name and share, the largest
    /// first), `expected`, `examples`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub evidence: Option<Box<Evidence>>,
    /// Why the source last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The rule's content: text, or an object.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub content: Value,
    /// The rule's annotations, with their templates filled in.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, String>))]
    pub annotations: Annotations,
    /// Whether the state last changed while windows missed during downtime were walked.
    pub late: bool,
    /// The silences that mute it now.
    pub silenced_by: Vec<String>,
    /// What keeps people from being notified of it now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<MutedView>,
    /// Who has taken it on, so that it is not repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<AcknowledgementView>,
}

/// What keeps people from being notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MutedView {
    /// A silence with its id, an inhibition, or the name of a time interval.
    #[cfg_attr(feature = "openapi", schema(example = "nights"))]
    pub by: String,
    /// The receiver that is not notified; `null` for all of them.
    pub receiver: Option<String>,
    /// Until when; `null` for as long as another alert fires.
    pub until: Option<Time>,
}

/// Who has taken on an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcknowledgementView {
    /// Who.
    pub author: String,
    /// What they say about it.
    pub comment: String,
    /// When.
    pub at: Time,
    /// Until when; `null` for as long as the alert lasts.
    #[serde(default)]
    pub until: Option<Time>,
}

/// What somebody says who takes on an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "comment": "looking into it" })))]
#[serde(deny_unknown_fields)]
pub struct NewAcknowledgement {
    /// Who; the caller's name, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What they say about it.
    #[serde(default)]
    pub comment: String,
    /// Until when; give this, `duration` or neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "2h"))]
    pub duration: Option<String>,
}

impl NewAcknowledgement {
    /// The acknowledgement that this asks for at `now_ms`, by `actor` unless it names an author.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn check(self, actor: &str, now_ms: i64) -> Result<Acknowledgement, Vec<ProblemView>> {
        let mut problems = Vec::new();
        let duration_ms = self.duration.as_deref().map(parse_duration_ms).transpose();
        let until_ms = match (self.until, duration_ms) {
            (Some(_), Ok(Some(_))) => {
                problems
                    .push(ProblemView::at("duration", "cannot stand beside until; leave one of them out"));
                None
            }
            (until, Ok(duration_ms)) => {
                until.map(|until| until.0).or_else(|| Some(now_ms.saturating_add(duration_ms?)))
            }
            (_, Err(error)) => {
                problems.push(ProblemView::at("duration", error.to_string()));
                None
            }
        };
        if until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            problems.push(ProblemView::at("until", "lies in the past"));
        }
        let author = self.author.unwrap_or_else(|| actor.to_owned());
        if problems.is_empty() {
            Ok(Acknowledgement { author, comment: self.comment, at_ms: now_ms, until_ms })
        } else {
            Err(problems)
        }
    }
}

impl AlertView {
    /// The view of `alert`, which these mute.
    #[must_use]
    pub fn new(alert: &Alert, muted: Vec<MutedView>) -> Self {
        let silence = |it: &MutedView| it.by.strip_prefix("silence ").map(str::to_owned);
        Self {
            fingerprint: alert.fingerprint(),
            rule: alert.rule.to_string(),
            version: alert.version,
            group: alert.group.labels().clone(),
            labels: alert.labels.clone(),
            state: alert.state,
            since: Time(alert.since_ms),
            active: alert.active,
            episode: alert.episode,
            started: alert.started_ms.map(Time),
            resolved: alert.resolved_ms.map(Time),
            resolved_reason: alert.resolved_reason,
            seen: Time(alert.seen_ms),
            window: alert.window.into(),
            value: alert.value,
            base: alert.base,
            change: change(alert.value, alert.base),
            bad_value: alert.bad_value,
            bad_base: alert.bad_base,
            evidence: alert.evidence.clone(),
            error: alert.error.clone(),
            content: alert.content.clone(),
            annotations: alert.annotations.clone(),
            late: alert.late,
            silenced_by: muted.iter().filter_map(silence).collect(),
            muted,
            acknowledged: alert.acknowledged.as_ref().map(|it| AcknowledgementView {
                author: it.author.clone(),
                comment: it.comment.clone(),
                at: Time(it.at_ms),
                until: it.until_ms.map(Time),
            }),
        }
    }
}

/// Alerts counted by state.
///
/// ```
/// use lanner_core::AlertState;
/// use lanner_wire::api::StateCounts;
/// let counts: StateCounts = [AlertState::Normal, AlertState::Firing, AlertState::Normal].into_iter().collect();
/// assert_eq!((counts.normal, counts.firing, counts.pending), (2, 1, 0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateCounts {
    /// Nothing to tell.
    pub normal: u64,
    /// Bad, but not yet for long enough.
    pub pending: u64,
    /// Bad for long enough.
    pub firing: u64,
    /// Good again, but not yet for long enough.
    pub recovering: u64,
    /// Nothing to measure for long enough.
    pub no_data: u64,
    /// The source has failed for long enough.
    pub error: u64,
}

impl FromIterator<AlertState> for StateCounts {
    fn from_iter<I: IntoIterator<Item = AlertState>>(states: I) -> Self {
        let mut counts = Self::default();
        for state in states {
            *match state {
                AlertState::Normal => &mut counts.normal,
                AlertState::Pending => &mut counts.pending,
                AlertState::Firing => &mut counts.firing,
                AlertState::Recovering => &mut counts.recovering,
                AlertState::NoData => &mut counts.no_data,
                AlertState::Error => &mut counts.error,
            } += 1;
        }
        counts
    }
}

/// `(value - base) / base`, when that is a number.
pub(super) fn change(value: Option<f64>, base: Option<f64>) -> Option<f64> {
    let (value, base) = (value?, base?);
    Some((value - base) / base.abs()).filter(|change| change.is_finite())
}
