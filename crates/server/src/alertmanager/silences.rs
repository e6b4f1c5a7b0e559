//! Silences as Alertmanager's. One that is changed ends, and another begins, as there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::time::{MAX_TIME_MS, format_time};
use lanner_core::{Matcher, Silence};
use lanner_wire::api::{MatcherText, NewSilence, SilenceStatus, SilenceView, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::form::{MatcherForm, Refused, Wanted};
use crate::http::{ApiError, Json, Path, Principal};
use crate::silences::handlers;
use crate::silences::service::SilenceService;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: String,
    status: Value,
    updated_at: String,
    comment: String,
    created_by: String,
    ends_at: String,
    starts_at: String,
    matchers: Vec<MatcherForm>,
}

/// A silence to be made, or to take the place of another.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Posted {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<MatcherForm>,
    starts_at: Time,
    ends_at: Time,
    created_by: String,
    comment: String,
}

impl Shown {
    fn new(silence: &Silence, now_ms: i64) -> Self {
        let state = match SilenceView::new(silence, now_ms).status {
            SilenceStatus::Pending => "pending",
            SilenceStatus::Active => "active",
            SilenceStatus::Expired => "expired",
        };
        Self {
            id: silence.id.clone(),
            status: json!({ "state": state }),
            updated_at: format_time(silence.created_ms),
            comment: silence.comment.clone(),
            created_by: silence.author.clone(),
            ends_at: format_time(silence.end_ms.min(MAX_TIME_MS)),
            starts_at: format_time(silence.start_ms),
            matchers: silence.matchers.iter().map(MatcherForm::from).collect(),
        }
    }
}

/// `/api/v2/silences`: all of them, those that end last first.
pub(super) async fn list(
    State(service): State<Arc<SilenceService>>,
    wanted: Wanted,
) -> Result<Json<Vec<Shown>>, Refused> {
    let now_ms = service.now_ms();
    let mut silences = service.state.silences().map_err(ApiError::from)?;
    silences.retain(|silence| wanted.silence(&silence.matchers));
    silences.sort_by_key(|silence| std::cmp::Reverse(silence.end_ms));
    Ok(Json(silences.iter().map(|silence| Shown::new(silence, now_ms)).collect()))
}

/// `/api/v2/silence/ID`.
pub(super) async fn show(
    State(service): State<Arc<SilenceService>>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Refused> {
    let silences = service.state.silences().map_err(ApiError::from)?;
    let silence = silences.iter().find(|silence| silence.id == id);
    let silence = silence.ok_or_else(|| ApiError::not_found("silence", &id))?;
    Ok(Json(Shown::new(silence, service.now_ms())))
}

/// Makes a silence, or changes one.
pub(super) async fn add(
    State(service): State<Arc<SilenceService>>,
    principal: Principal,
    posted: Result<Json<Posted>, ApiError>,
) -> Result<Json<Value>, Refused> {
    let Json(posted) = posted?;
    let parts = |form| MatcherText::Parts(Matcher::from(form));
    let new = NewSilence {
        matchers: posted.matchers.into_iter().map(parts).collect(),
        start: Some(posted.starts_at),
        end: Some(posted.ends_at),
        duration: None,
        every: Vec::new(),
        author: Some(posted.created_by).filter(|author| !author.is_empty()),
        comment: posted.comment,
    };
    let made = handlers::make(&service, &principal, &new).await?;
    if let Some(id) = posted.id.filter(|id| !id.is_empty()) {
        handlers::end(&service, &principal, &id).await?;
    }
    Ok(Json(json!({ "silenceID": made.id })))
}

/// Ends a silence now.
pub(super) async fn expire(
    State(service): State<Arc<SilenceService>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    handlers::end(&service, &principal, &id).await?;
    Ok(StatusCode::OK)
}
