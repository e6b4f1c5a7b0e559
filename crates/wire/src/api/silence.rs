//! Silences: create and list.

use lanner_core::document::Check;
use lanner_core::time::{MAX_TIME_MS, parse_duration_ms};
use lanner_core::{Matcher, Node, Silence, TimeIntervals};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ProblemView, Time};
use crate::matchers::{format_matchers, parse_matchers};

/// A silence to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "matchers": ["bank=\"hsbc\""], "duration": "2h", "comment": "maintenance"
})))]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// All of these must match, such as `bank="hsbc"`.
    pub matchers: Vec<MatcherText>,
    /// When it begins; now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::time_schema::Instant>))]
    pub start: Option<Time>,
    /// When it ends. Give this or `duration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::time_schema::Instant>))]
    pub end: Option<Time>,
    /// How long it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "2h"))]
    pub duration: Option<String>,
    /// The only times in between at which it mutes, such as `sun 02:00-04:00 Europe/London`; then `end` may be
    /// missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Value>, example = json!(["sun 02:00-04:00 Europe/London"])))]
    pub every: Vec<Value>,
    /// Who mutes; the caller's name, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why.
    pub comment: String,
}

/// A matcher as text, `bank="hsbc"` or several with commas between them, or as an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, expecting = "a matcher is text such as bank=\"hsbc\", or {\"label\", \"op\", \"value\"}")]
pub enum MatcherText {
    /// As text.
    Text(String),
    /// As an object.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    Parts(Matcher),
}

impl NewSilence {
    /// The silence this asks for at `now_ms`, with `id`, made by `actor` unless it names an author.
    ///
    /// # Errors
    /// Every problem at once: matchers that cannot be read, no or two ends, an end before the start or in the past,
    /// no comment.
    pub fn check(&self, id: String, actor: &str, now_ms: i64) -> Result<Silence, Vec<ProblemView>> {
        let mut problems = Vec::new();
        let matchers = self.check_matchers(&mut problems);
        let start_ms = self.start.map_or(now_ms, |start| start.0);
        let every = self.check_every(&mut problems);
        let end_ms = match (self.end, self.duration.as_deref().map(parse_duration_ms)) {
            (Some(end), None) => end.0,
            (None, Some(Ok(duration_ms))) => start_ms.saturating_add(duration_ms),
            (None, Some(Err(error))) => {
                problems.push(ProblemView::at("duration", error.to_string()));
                i64::MAX
            }
            // What recurs is wanted until somebody ends it.
            (None, None) if !self.every.is_empty() => MAX_TIME_MS,
            (None, None) => {
                problems.push(ProblemView::at(
                    "end",
                    "is missing; write end or duration, so that it ends some day",
                ));
                i64::MAX
            }
            (Some(_), Some(_)) => {
                problems.push(ProblemView::at("duration", "cannot stand beside end; leave one of them out"));
                i64::MAX
            }
        };
        if end_ms <= start_ms {
            problems.push(ProblemView::at("end", "is not after start"));
        } else if end_ms <= now_ms {
            problems.push(ProblemView::at("end", "lies in the past"));
        }
        if self.comment.trim().is_empty() {
            problems.push(ProblemView::at("comment", "is empty; say why, for those who find the silence"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let author = self.author.clone().unwrap_or_else(|| actor.to_owned());
        Ok(Silence {
            id,
            matchers,
            start_ms,
            end_ms,
            every,
            author,
            comment: self.comment.clone(),
            created_ms: now_ms,
        })
    }

    fn check_every(&self, problems: &mut Vec<ProblemView>) -> TimeIntervals {
        let mut check = Check::default();
        let every = Node::from_json(&Value::Array(self.every.clone()));
        let every = TimeIntervals::read(&every, "every", &mut check);
        problems.extend(check.problems.into_iter().map(|it| ProblemView::at(it.path, it.message)));
        every
    }

    fn check_matchers(&self, problems: &mut Vec<ProblemView>) -> Vec<Matcher> {
        let mut matchers = Vec::new();
        for (at, matcher) in self.matchers.iter().enumerate() {
            let path = || format!("matchers[{at}]");
            match matcher {
                MatcherText::Parts(parts) if parts.label.is_empty() => {
                    problems.push(ProblemView::at(path(), "the label has no name"));
                }
                MatcherText::Parts(parts) => matchers.push(parts.clone()),
                MatcherText::Text(text) => match parse_matchers(text) {
                    Ok(parsed) => matchers.extend(parsed),
                    Err(error) => problems.push(ProblemView {
                        column: Some(error.column as u64),
                        ..ProblemView::at(path(), error.message)
                    }),
                },
            }
        }
        if self.matchers.is_empty() {
            problems.push(ProblemView::at(
                "matchers",
                "is empty; that would mute everything. Write rule=~\".+\" if you mean it",
            ));
        }
        matchers
    }
}

/// Whether a silence mutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SilenceStatus {
    /// Not yet.
    Pending,
    /// Now.
    Active,
    /// No more.
    Expired,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SilenceView {
    /// 16 hexadecimal digits.
    pub id: String,
    /// All of these must match.
    #[cfg_attr(feature = "openapi", schema(example = json!(["bank=\"hsbc\""])))]
    pub matchers: Vec<String>,
    /// When it begins.
    pub start: Time,
    /// When it ends; `null` for one that recurs until somebody ends it.
    pub end: Option<Time>,
    /// The only times in between at which it mutes; always, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Value>, example = json!(["sun 02:00-04:00 Europe/London"])))]
    pub every: Vec<Value>,
    /// Whether it mutes; one that recurs is pending in between.
    pub status: SilenceStatus,
    /// When it next begins or leaves off to mute; `null` when it is over.
    #[serde(default)]
    pub changes: Option<Time>,
    /// Who muted.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it was made.
    pub created: Time,
}

impl SilenceView {
    /// The view of `silence` at `now_ms`.
    #[must_use]
    pub fn new(silence: &Silence, now_ms: i64) -> Self {
        let phase = silence.phase(now_ms);
        let status = match now_ms {
            now if now >= silence.end_ms => SilenceStatus::Expired,
            _ if phase.holds => SilenceStatus::Active,
            _ => SilenceStatus::Pending,
        };
        Self {
            id: silence.id.clone(),
            matchers: silence.matchers.iter().map(|m| format_matchers(std::slice::from_ref(m))).collect(),
            start: Time(silence.start_ms),
            end: (silence.end_ms < MAX_TIME_MS).then_some(Time(silence.end_ms)),
            every: silence.every.document().to_vec(),
            status,
            changes: (status != SilenceStatus::Expired).then_some(Time(phase.time.end_ms.min(MAX_TIME_MS))),
            author: silence.author.clone(),
            comment: silence.comment.clone(),
            created: Time(silence.created_ms),
        }
    }
}
