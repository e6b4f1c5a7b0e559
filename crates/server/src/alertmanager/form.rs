//! What requests and answers share: matchers, filters, times, and errors.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use lanner_core::matchers::parse_matchers;
use lanner_core::{Labels, MatchOp, Matcher};
use lanner_engine::matcher::Matchers;
use serde::{Deserialize, Serialize};

use crate::http::{ApiError, Json};

/// An error as Alertmanager answers it: a text as JSON.
pub(super) struct Refused(StatusCode, String);

impl Refused {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, why.into())
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        // Clients know 400 alone.
        let status = match error.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        Self(status, error.reasons().join("; "))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// A matcher as Alertmanager writes it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MatcherForm {
    name: String,
    value: String,
    is_regex: bool,
    /// Older clients do not know it.
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

impl From<&Matcher> for MatcherForm {
    fn from(matcher: &Matcher) -> Self {
        let Matcher { label, op, value } = matcher;
        Self {
            name: label.clone(),
            value: value.clone(),
            is_regex: matches!(op, MatchOp::Regex | MatchOp::NotRegex),
            is_equal: matches!(op, MatchOp::Equal | MatchOp::Regex),
        }
    }
}

impl From<MatcherForm> for Matcher {
    fn from(form: MatcherForm) -> Self {
        let op = match (form.is_regex, form.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        Self { label: form.name, op, value: form.value }
    }
}

/// Which alerts or silences are wanted, from the query: `filter=severity="page"`, `silenced=false`.
#[derive(Debug)]
pub(super) struct Wanted {
    /// `None` for all labels.
    labels: Option<Matchers>,
    pub(super) active: bool,
    pub(super) silenced: bool,
    pub(super) inhibited: bool,
    /// A regular expression for a whole receiver.
    receiver: Option<Matchers>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut wanted = Self { labels: None, active: true, silenced: true, inhibited: true, receiver: None };
        let mut filters = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "filter" => filters.extend(matchers(&value)?),
                "active" => wanted.active = truth(&name, &value)?,
                "silenced" => wanted.silenced = truth(&name, &value)?,
                "inhibited" => wanted.inhibited = truth(&name, &value)?,
                "receiver" if !value.is_empty() => {
                    let matcher =
                        Matcher { label: RECEIVER.to_owned(), op: MatchOp::Regex, value: value.into_owned() };
                    wanted.receiver = Some(Matchers::compile(&[matcher]).map_err(Refused::new)?);
                }
                _ => {}
            }
        }
        if !filters.is_empty() {
            wanted.labels = Some(Matchers::compile(&filters).map_err(Refused::new)?);
        }
        Ok(wanted)
    }

    /// Whether an alert with these labels is wanted.
    pub(super) fn labels(&self, labels: &Labels) -> bool {
        self.labels.as_ref().is_none_or(|matchers| matchers.matches(labels))
    }

    /// Whether what goes to this receiver is wanted.
    pub(super) fn receiver(&self, name: &str) -> bool {
        self.receiver.as_ref().is_none_or(|test| test.matches(&Labels::new([(RECEIVER, name)])))
    }

    /// Whether a silence with these matchers is wanted; as in Alertmanager they are looked at as if they were labels.
    pub(super) fn silence(&self, matchers: &[Matcher]) -> bool {
        self.labels(&Labels::new(matchers.iter().map(|it| (it.label.as_str(), it.value.as_str()))))
    }
}

const RECEIVER: &str = "receiver";

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

fn truth(name: &str, value: &str) -> Result<bool, Refused> {
    value.parse().map_err(|_| Refused::new(format!("{name}: should be true or false")))
}

fn matchers(text: &str) -> Result<Vec<Matcher>, Refused> {
    parse_matchers(text)
        .map_err(|error| Refused::new(format!("filter, column {}: {}", error.column, error.message)))
}
