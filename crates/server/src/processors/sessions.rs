//! Sessions that processors put together, over the API: one in full, what people say of it, and how far traffic has moved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_traffic::{Amount, FEATURES, ModelDrift, Role, Unit, Waterfall, in_words};
use lanner_wire::api::{
    AmountView, EndpointUseView, FeatureShiftView, ModelDriftView, NewSessionLabel, ScoreAccountView,
    SessionDetail, SessionFindingView, SessionLabelView, StepView, Time, When,
};
use serde::Deserialize;
use serde_json::Value;

use super::labels;
use super::retold::{Found, Told};
use super::service::ProcessorService;
use crate::http::{ApiError, Json, Path, Principal, Query, blocking};

type Service = State<Arc<ProcessorService>>;

/// Where a session is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    /// When it began.
    pub(crate) at: Option<When>,
}

/// Show one session in full: its graph beside what is usual, its findings, and what its scores are made of.
///
/// It is told again from the requests that are stored, by what is known now.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/sessions/{id}", tag = "sessions", operation_id = "show_session",
    params(
        ("id" = String, Path, description = "id of the session, as its events have it"),
        ("at" = Option<When>, Query, description = "when it began; by default the last 8 days are looked through"),
    ),
    responses((status = 200, body = SessionDetail))
))]
pub(crate) async fn show(
    State(service): Service,
    Path(id): Path<String>,
    Query(place): Query<Where>,
) -> Result<Json<SessionDetail>, ApiError> {
    // Never closed, so it always comes; who went away waits no more.
    let turn = Arc::clone(&service.telling).acquire_owned().await;
    let detail = blocking(move || -> Result<SessionDetail, ApiError> {
        let _turn = turn;
        let found = find(&service, &id, &place)?;
        let label = service.label_of(&id)?;
        Ok(detail(id, service.tell(found)?, label))
    });
    detail.await?.map(Json)
}

fn find(service: &ProcessorService, id: &str, place: &Where) -> Result<Found, ApiError> {
    let at_ms = place.at.map(|at| at.resolve(service.now_ms()));
    service.session(id, at_ms)?.ok_or_else(|| ApiError::not_found("session", id))
}

/// List what people said of sessions, those of the first session first: the table from which `lanner api learn` learns.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/sessions/labels", tag = "sessions", operation_id = "list_session_labels",
    responses((status = 200, body = Vec<SessionLabelView>))
))]
pub(crate) async fn labels(State(service): Service) -> Result<Json<Vec<SessionLabelView>>, ApiError> {
    Ok(Json(blocking(move || service.labels()).await??))
}

/// Say of a session whether it was anomalous, and why. What was said before gives way, and stays in its history.
///
/// # Errors
/// 404 for a session that does not exist, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/sessions/{id}/label", tag = "sessions", operation_id = "label_session", request_body = NewSessionLabel,
    params(
        ("id" = String, Path, description = "id of the session"),
        ("at" = Option<When>, Query, description = "when it began; by default the last 8 days are looked through"),
    ),
    responses((status = 200, body = SessionLabelView))
))]
pub(crate) async fn label(
    State(service): Service,
    principal: Principal,
    Path(id): Path<String>,
    Query(place): Query<Where>,
    Json(new): Json<NewSessionLabel>,
) -> Result<Json<SessionLabelView>, ApiError> {
    labels::check(&new).map_err(ApiError::problems)?;
    let (reader, wanted) = (Arc::clone(&service), id.clone());
    let turn = Arc::clone(&service.telling).acquire_owned().await;
    let look = move || {
        let _turn = turn;
        find(&reader, &wanted, &place)
    };
    let found = blocking(look).await??;
    let kept = service.label((&id, &found), new, principal.name()).await?;
    kept.map(Json).ok_or_else(|| ApiError::not_found("label of the session", &id))
}

/// Take back what was said of a session.
///
/// # Errors
/// 404 where nothing was said.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/sessions/{id}/label", tag = "sessions", operation_id = "unlabel_session",
    params(("id" = String, Path, description = "id of the session")), responses((status = 204))
))]
pub(crate) async fn unlabel(
    State(service): Service,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if service.unlabel(&id, principal.name()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("label of the session", &id))
}

/// Show how far sessions have moved from those that the models in use were learned from.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/sessions/drift", tag = "sessions", operation_id = "show_drift",
    responses((status = 200, body = Vec<ModelDriftView>))
))]
pub(crate) async fn drift(State(service): Service) -> Result<Json<Vec<ModelDriftView>>, ApiError> {
    let views = blocking(move || {
        let in_force = service.in_force();
        let of_one = in_force.all().iter().filter_map(|one| Some((one, one.processor.retold()?)));
        let all =
            of_one.flat_map(|(one, retold)| retold.drift().into_iter().map(|it| drift_view(&one.id, &it)));
        all.collect()
    });
    Ok(Json(views.await?))
}

fn drift_view(processor: &str, it: &ModelDrift) -> ModelDriftView {
    let is_large = it.drift.as_ref().map(lanner_traffic::Drift::is_large);
    let shift = |&(feature, index): &(usize, f64)| FeatureShiftView { feature: name(feature), index };
    ModelDriftView {
        processor: processor.to_owned(),
        model: it.model.to_string(),
        role: match it.role {
            Role::Champion => "champion",
            Role::Challenger => "challenger",
        }
        .to_owned(),
        sessions: it.n_sessions as u64,
        flagged_share: it.flagged_share,
        expected_share: it.expected_share,
        score_index: it.score_index,
        new_share: it.drift.as_ref().map(|drift| drift.new_share),
        features: it.drift.iter().flat_map(|drift| &drift.features).map(shift).collect(),
        large: is_large,
    }
}

fn name(feature: usize) -> String {
    FEATURES.get(feature).map(|info| info.name.to_owned()).unwrap_or_default()
}

fn detail(id: String, told: Told, label: Option<SessionLabelView>) -> SessionDetail {
    let Told { processor, stream, client, event, account, n_requests, is_cut } = told;
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| Time(event.get(name).and_then(Value::as_i64).unwrap_or(0));
    let is = |name: &str| event.get(name) == Some(&Value::Bool(true));
    let endpoint = |it: &lanner_traffic::EndpointUse| EndpointUseView {
        endpoint: it.name.clone(),
        calls: it.n_calls,
        refused: it.n_refused,
        objects: it.n_objects as u64,
        usual_share: it.share,
        unusual: it.is_unusual(),
    };
    let step = |it: &lanner_traffic::Step| StepView {
        from: it.from,
        to: it.to,
        times: it.n,
        usual_share: it.share,
        unusual: it.is_unusual(),
    };
    let finding = |it: &lanner_traffic::Finding| SessionFindingView {
        finding: it.kind.name().to_owned(),
        evidence: it.evidence.clone(),
    };
    SessionDetail {
        id,
        processor: processor.to_string(),
        stream: stream.to_string(),
        client: client.into_iter().collect(),
        client_kind: text("client_kind"),
        started: time("started_ms"),
        ended: time("ended_ms"),
        over: is("over"),
        status: text("status").unwrap_or_default(),
        flagged: is("flagged"),
        requests: event.get("requests").and_then(Value::as_u64).unwrap_or(0),
        stored_requests: n_requests as u64,
        cut: is_cut,
        endpoints: account.endpoints.iter().map(endpoint).collect(),
        steps: account.steps.iter().map(step).collect(),
        usual_sessions: account.n_usual,
        findings: account.findings.iter().map(finding).collect(),
        scores: account.scores.iter().map(score).collect(),
        label,
    }
}

fn score(it: &Waterfall) -> ScoreAccountView {
    let amount = |&Amount { feature, value, normal, amount }: &Amount| AmountView {
        feature: name(feature),
        text: in_words(feature, value, normal),
        amount,
    };
    ScoreAccountView {
        model: it.model.as_deref().map(str::to_owned),
        decides: it.decides,
        unit: match it.unit {
            Unit::LogOdds => "log_odds",
            Unit::Bits => "bits",
        }
        .to_owned(),
        base: it.base,
        amounts: it.amounts.iter().map(amount).collect(),
        total: it.total,
        threshold: Some(it.threshold).filter(|threshold| threshold.is_finite()),
    }
}
