//! Alerts and evaluations.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::time::MAX_TIME_MS;
use lanner_core::{Acknowledgement, Alert, AlertState};
use lanner_engine::notify::MutedBy;
use lanner_io::store::{EvaluationFilter, StoreError};
use lanner_wire::api::{AlertView, EvaluationView, MutedView, NewAcknowledgement, Time, When};
use serde::Deserialize;

use crate::evaluate::acknowledge::{self, Acknowledged};
use crate::evaluate::service::EvaluationService;
use crate::http::{ApiError, Json, Limit, Path, Principal, Query, blocking};

/// Which alerts are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertFilter {
    /// Also those that are normal.
    #[serde(default)]
    all: Option<bool>,
    /// Only those in this state.
    state: Option<String>,
    /// Only those of this rule.
    rule: Option<String>,
}

/// List alerts, latest change first. Without `all`, alerts that are normal are left out.
///
/// # Errors
/// 400 for an unknown state.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts",
    params(
        ("all" = Option<bool>, Query, description = "also alerts that are normal"),
        ("state" = Option<String>, Query, pattern = "^(normal|pending|firing|recovering|no_data|error)$", description = "only alerts in this state"),
        ("rule" = Option<String>, Query, description = "id of a rule"),
    ),
    responses((status = 200, body = Vec<AlertView>))
))]
pub(crate) async fn list(
    State(service): State<Arc<EvaluationService>>,
    Query(filter): Query<AlertFilter>,
) -> Result<Json<Vec<AlertView>>, ApiError> {
    let state = filter.state.as_deref().map(|name| {
        let message = "state should be normal, pending, firing, recovering, no_data or error";
        AlertState::parse(name).ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, message))
    });
    let state = state.transpose()?;
    let wanted = |alert: &Alert| {
        let shown = filter.all == Some(true) || alert.state != AlertState::Normal;
        state.map_or(shown, |state| alert.state == state)
            && filter.rule.as_ref().is_none_or(|id| *alert.rule == **id)
    };
    Ok(Json(views(&service, wanted)))
}

/// The alerts that are wanted, latest change first, with what mutes them.
pub(crate) fn views(service: &EvaluationService, wanted: impl Fn(&Alert) -> bool) -> Vec<AlertView> {
    let mut alerts: Vec<Alert> = service.engine().alerts().filter(|alert| wanted(alert)).cloned().collect();
    alerts.sort_by(|a, b| (b.since_ms, &a.rule, &a.group).cmp(&(a.since_ms, &b.rule, &b.group)));
    let now_ms = service.now_ms();
    let muted: Vec<Vec<MutedBy>> = {
        let mut engine = service.engine();
        alerts.iter().map(|alert| engine.muted_by(alert, now_ms)).collect()
    };
    let view = |(alert, muted): (&Alert, Vec<MutedBy>)| {
        let mut view = AlertView::new(alert, muted.into_iter().map(muted_view).collect());
        view.acknowledged.take_if(|it| it.until.is_some_and(|until| until.0 <= now_ms));
        view
    };
    alerts.iter().zip(muted).map(view).collect()
}

/// What mutes, as the API shows it.
pub(super) fn muted_view(muted: MutedBy) -> MutedView {
    let MutedBy { by, receiver, until_ms } = muted;
    let until = until_ms.map(|until_ms| Time(until_ms.min(MAX_TIME_MS)));
    MutedView { by, receiver: receiver.map(|name| name.to_string()), until }
}

/// Acknowledge an alert: it is not repeated until it resolves or gets worse.
///
/// # Errors
/// 404 when no episode of such an alert runs; 422 with every problem; 503 when a worker has to note it and none does.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/alerts/{fingerprint}/ack", tag = "alerts", operation_id = "acknowledge_alert", params(("fingerprint" = String, Path)),
    request_body = NewAcknowledgement,
    responses((status = 204))
))]
pub(crate) async fn acknowledge(
    State(service): State<Arc<EvaluationService>>,
    principal: Principal,
    Path(fingerprint): Path<String>,
    Json(request): Json<NewAcknowledgement>,
) -> Result<StatusCode, ApiError> {
    let acknowledged = request.check(principal.name(), service.now_ms()).map_err(ApiError::problems)?;
    set_acknowledged(service, &principal, fingerprint, Some(acknowledged)).await
}

/// Withdraw the acknowledgement of an alert.
///
/// # Errors
/// 404 when no episode of such an alert runs, 503 when a worker has to note it and none does.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/alerts/{fingerprint}/ack", tag = "alerts", operation_id = "unacknowledge_alert", params(("fingerprint" = String, Path)),
    responses((status = 204))
))]
pub(crate) async fn give_back(
    State(service): State<Arc<EvaluationService>>,
    principal: Principal,
    Path(fingerprint): Path<String>,
) -> Result<StatusCode, ApiError> {
    set_acknowledged(service, &principal, fingerprint, None).await
}

async fn set_acknowledged(
    service: Arc<EvaluationService>,
    principal: &Principal,
    fingerprint: String,
    acknowledged: Option<Acknowledgement>,
) -> Result<StatusCode, ApiError> {
    let action = if acknowledged.is_some() { "acknowledge alert" } else { "give back alert" };
    let detail = acknowledged.as_ref().and_then(|it| serde_json::to_value(it).ok()).unwrap_or_default();
    let done = blocking({
        let (service, fingerprint) = (Arc::clone(&service), fingerprint.clone());
        move || acknowledge::acknowledge(&service, &fingerprint, acknowledged)
    });
    match done.await.map_err(|panic| StoreError::Database { detail: panic.to_string() })?? {
        Acknowledged::Written => {}
        Acknowledged::NoSuchAlert => return Err(ApiError::not_found("alert that lasts", &fingerprint)),
        Acknowledged::NoWorker => {
            let why = "no worker evaluates this alert's rule at the moment, and it is the worker's to note; try again, or silence it";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, why));
        }
    }
    service.state.audit(service.now_ms(), principal.name(), action, &fingerprint, detail)?.await?;
    service.wakeup.ring();
    Ok(StatusCode::NO_CONTENT)
}

/// Which evaluations are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluationQuery {
    rule: Option<String>,
    from: Option<When>,
    to: Option<When>,
    #[serde(default)]
    limit: Limit<100, 10_000>,
}

/// List evaluations, newest first.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/evaluations", tag = "alerts", operation_id = "list_evaluations",
    params(
        ("rule" = Option<String>, Query, description = "id of a rule"),
        ("from" = Option<When>, Query, description = "windows that end at or after this time"),
        ("to" = Option<When>, Query, description = "windows that end before this time"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 100"),
    ),
    responses((status = 200, body = Vec<EvaluationView>))
))]
pub(crate) async fn evaluations(
    State(service): State<Arc<EvaluationService>>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Json<Vec<EvaluationView>>, ApiError> {
    let now_ms = service.now_ms();
    let filter = EvaluationFilter {
        rule: query.rule.map(Arc::from),
        from_ms: query.from.map(|from| from.resolve(now_ms)),
        to_ms: query.to.map(|to| to.resolve(now_ms)),
        limit: query.limit.0,
        ..EvaluationFilter::default()
    };
    Ok(Json(service.state.evaluations(&filter)?.iter().map(EvaluationView::from).collect()))
}
