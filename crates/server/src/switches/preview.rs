//! Previews what a switch would block, on recent contexts or on the events of a stream.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::TimeRange;
use lanner_io::store::StoreError;
use lanner_switch::{Switch, Trial};
use lanner_wire::api::{PreviewSwitch, ProblemView, SwitchPreview, Time};
use serde_json::Value;

use super::recent::{Asked, MAX_CONTEXTS};
use super::service::SwitchService;
use crate::documents::SWITCH;
use crate::http::{ApiError, Json, blocking};

/// The last `n` contexts, the oldest first: of a stream, or else of those that were asked here.
///
/// # Errors
/// Failures of the store.
pub(super) fn contexts(
    service: &SwitchService,
    stream: Option<&str>,
    n: usize,
) -> Result<Vec<Asked>, StoreError> {
    match stream {
        Some(stream) => last_events(service, stream, n),
        None => Ok(service.recent.last(n)),
    }
}

/// What a switch would have done to contexts, which are of `stream` or were asked here.
pub(super) fn tried(switch: &Switch, stream: Option<&str>, contexts: &[Asked]) -> SwitchPreview {
    let mut trial = Trial::new(switch);
    for (time_ms, text) in contexts {
        trial.ask(*time_ms, text);
    }
    SwitchPreview {
        id: switch.id.to_string(),
        stream: stream.map(str::to_owned),
        contexts: trial.n_contexts,
        blocked: trial.n_blocked,
        share: trial.share(),
        first: trial.span_ms.map(|(first_ms, _)| Time(first_ms)),
        last: trial.span_ms.map(|(_, last_ms)| Time(last_ms)),
        examples: trial.examples,
    }
}

/// The last `n` events of a stream, the oldest first.
fn last_events(service: &SwitchService, stream: &str, n: usize) -> Result<Vec<Asked>, StoreError> {
    let Some(info) = service.data.streams()?.into_iter().find(|info| *info.name == *stream) else {
        return Ok(Vec::new());
    };
    let whole_ms = info.last_ms.saturating_sub(info.first_ms).saturating_add(1);
    // As far back as `n` evenly spread events would reach, and farther while they turn out to be fewer.
    let mut back_ms = (whole_ms as f64 * (n as f64 / info.n_events.max(1) as f64)).ceil() as i64;
    loop {
        back_ms = back_ms.clamp(1, whole_ms);
        let end_ms = info.last_ms.saturating_add(1);
        let range = TimeRange::new(end_ms.saturating_sub(back_ms), end_ms);
        let mut kept: VecDeque<Asked> = VecDeque::new();
        service.data.events(stream, range, &mut |time_ms, text| {
            if kept.len() == n {
                kept.pop_front();
            }
            if let Ok(text) = std::str::from_utf8(text) {
                kept.push_back((time_ms, text.into()));
            }
            ControlFlow::Continue(())
        })?;
        if kept.len() == n || back_ms == whole_ms {
            return Ok(kept.into());
        }
        back_ms = back_ms.saturating_mul(4);
    }
}

/// The switch to try: a stored one, or one that is sent.
fn wanted(service: &SwitchService, id: Option<&str>, document: Option<&Value>) -> Result<Switch, ApiError> {
    match (id, document) {
        (Some(id), None) => {
            let latest = service.latest(SWITCH, id)?;
            let document = latest.and_then(|stored| stored.document);
            let document = document.ok_or_else(|| ApiError::not_found("switch", id))?;
            Ok(Switch::from_json(&document)?)
        }
        (None, Some(document)) => Ok(Switch::from_json(document)?),
        _ => Err(ApiError::new(StatusCode::BAD_REQUEST, "send either the id of a switch or a switch")),
    }
}

/// Preview what a switch would have blocked of the contexts that were asked last, or of the last events of a stream.
///
/// # Errors
/// 400, 404, 422 with every problem of a switch that is sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/preview", tag = "switches", operation_id = "preview_switch",
    request_body = PreviewSwitch,
    responses(
        (status = 200, body = SwitchPreview),
    )
))]
pub(crate) async fn preview(
    State(service): State<Arc<SwitchService>>,
    Json(request): Json<PreviewSwitch>,
) -> Result<Json<SwitchPreview>, ApiError> {
    let PreviewSwitch { id, switch, stream, last } = request;
    let switch = wanted(&service, id.as_deref(), switch.as_ref())?;
    let n = last.unwrap_or(MAX_CONTEXTS);
    if !(1..=MAX_CONTEXTS).contains(&n) {
        let problem = ProblemView::at("last", format!("should be a number from 1 to {MAX_CONTEXTS}"));
        return Err(ApiError::problems(vec![problem]));
    }
    let try_on = move || -> Result<SwitchPreview, StoreError> {
        let stream = stream.as_deref();
        Ok(tried(&switch, stream, &contexts(&service, stream, n)?))
    };
    let done = blocking(try_on).await;
    Ok(Json(done??))
}
