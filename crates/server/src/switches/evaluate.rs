//! Evaluates switches over HTTP, for callers that do not hold them.

use std::sync::Arc;

use axum::extract::State;
use lanner_switch::{Explanation, Verdict};
use lanner_wire::api::{EvaluateSwitches, SwitchAnswer, SwitchVerdict, SwitchVerdicts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::current::Current;
use super::service::SwitchService;
use crate::http::{ApiError, Json};
use crate::metrics::METRICS;

/// More contexts at once than this are refused.
const MAX_CONTEXTS: usize = 10_000;

/// Asks, and counts what came of it.
pub(super) fn ask(
    service: &SwitchService,
    current: &Current,
    context: &Map<String, Value>,
    face: &'static str,
) -> Verdict {
    let now_ms = service.now_ms();
    service.recent.note(context, now_ms);
    let verdict = current.set.evaluate(context, now_ms);
    METRICS.switches.evaluations.with_label_values(&[face]).inc();
    service.counts.note(&verdict);
    verdict
}

fn view(verdict: &Verdict, explanation: &[Explanation]) -> SwitchVerdict {
    let ids = |switches: &[Arc<lanner_switch::Switch>]| -> Vec<String> {
        switches.iter().map(|switch| switch.id.to_string()).collect()
    };
    SwitchVerdict {
        blocked: verdict.is_blocked(),
        switches: ids(verdict.blocking()),
        shadow: ids(verdict.shadow()),
        tags: verdict.tags().into_iter().map(str::to_owned).collect(),
        reason: verdict.reason().map(str::to_owned),
        answer: verdict.answer().map(|answer| SwitchAnswer {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        }),
        explanation: explanation.iter().filter_map(|it| serde_json::to_value(it).ok()).collect(),
    }
}

/// Evaluate switches: whether contexts are blocked, and why.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/evaluate", tag = "switches", operation_id = "evaluate_switches",
    request_body = EvaluateSwitches, responses((status = 200, body = SwitchVerdicts))
))]
pub(crate) async fn evaluate(
    State(service): State<Arc<SwitchService>>,
    Json(request): Json<EvaluateSwitches>,
) -> Result<Json<SwitchVerdicts>, ApiError> {
    let EvaluateSwitches { context, contexts, explain } = request;
    if contexts.len() > MAX_CONTEXTS || (context.is_none() && contexts.is_empty()) {
        let message = format!("send a context, or 1 to {MAX_CONTEXTS} contexts");
        return Err(ApiError::new(axum::http::StatusCode::BAD_REQUEST, message));
    }
    let current = service.current();
    let judge = |context: Map<String, Value>| {
        let why = if explain { current.set.explain(&context, service.now_ms()) } else { Vec::new() };
        view(&ask(&service, &current, &context, "api"), &why)
    };
    let verdicts = context.into_iter().chain(contexts).map(judge).collect();
    Ok(Json(SwitchVerdicts { revision: current.set.revision(), verdicts }))
}

/// A question of the first kill-switch service.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"identifier": "block-bank", "data": {"bank": "hsbc"}})))]
pub(crate) struct ValidateRequest {
    /// A switch's id, or the value of the label `identifier` that several carry.
    identifier: String,
    /// The context.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    data: Map<String, Value>,
}

/// Its answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct ValidateResponse {
    /// Whether a switch of that name blocks the context.
    matches: bool,
}

/// Ask one switch, or all with one label, in the words of the first kill-switch service.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/ks/validate", tag = "switches", operation_id = "validate",
    request_body = ValidateRequest, responses((status = 200, body = ValidateResponse))
))]
pub(crate) async fn validate(
    State(service): State<Arc<SwitchService>>,
    Json(request): Json<ValidateRequest>,
) -> Result<Json<ValidateResponse>, ApiError> {
    let current = service.current();
    let verdict = ask(&service, &current, &request.data, "validate");
    let matches = verdict.blocking().iter().any(|switch| {
        *switch.id == *request.identifier
            || switch.labels.get("identifier") == Some(request.identifier.as_str())
    });
    Ok(Json(ValidateResponse { matches }))
}
