//! Models are asked: named features, a graph, a batch of them, or a form.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use lanner_wire::api::{ChallengerView, ProblemView, ScoreRequest, ScoreResponse, ScoreRow, ScoreView};
use serde_json::Value;

use super::kinds::{API, Loaded, Scorer};
use super::rows;
use super::service::ModelService;
use crate::http::{ApiError, Json, Received, blocking};

/// Rows of a batch, at most.
const MAX_BATCH: usize = 10_000;

/// Larger graphs are not scored beside answering others.
const MAX_QUICK_EDGES: usize = 1_000;

/// Reasons for each, unless another number is asked for, and at most.
const REASONS: (usize, usize) = (3, 20);

/// Score named features, a call graph, or a batch of them by a model: how likely each is anomalous, and why.
/// A form with the features as its fields is answered with a sentence, as a page.
///
/// # Errors
/// 404 if there is no such model, or no champion of the kind; 413, 422 with every field that is wrong.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/score", tag = "models", operation_id = "score", request_body = ScoreRequest,
    responses((status = 200, body = ScoreResponse))
))]
pub(crate) async fn score(
    State(service): State<Arc<ModelService>>,
    headers: HeaderMap,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let request = if is_form { form(&body) } else { json(&body)? };
    // Handing a row to another thread takes longer than scoring it.
    let answered = match is_quick(&service, &request) {
        true => answer(&service, request)?,
        false => blocking(move || answer(&service, request)).await??,
    };
    Ok(if is_form { page(&answered).into_response() } else { Json(answered).into_response() })
}

/// Whether scoring takes some microseconds, and waits for nothing.
fn is_quick(service: &ModelService, request: &ScoreRequest) -> bool {
    let is_small = request.batch.is_none()
        && request.call_graph.as_ref().is_none_or(|edges| edges.len() <= MAX_QUICK_EDGES);
    is_small && service.is_at_hand(request.kind.as_deref().unwrap_or(API), request.model.as_deref())
}

fn json(body: &[u8]) -> Result<ScoreRequest, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (Some(error.line() as u64), Some(error.column() as u64));
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        ApiError::problems(vec![ProblemView { line, column, message, ..ProblemView::default() }])
    })
}

/// The fields of a form as features.
fn form(body: &[u8]) -> ScoreRequest {
    let fields = form_urlencoded::parse(body);
    let features: BTreeMap<String, Value> =
        fields.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    ScoreRequest {
        kind: Some("trees".to_owned()),
        features: Some(features),
        reasons: Some(0),
        ..ScoreRequest::default()
    }
}

fn page(answered: &ScoreResponse) -> Html<String> {
    let said = answered.results.first().map(|result| {
        let ScoreView { probability, verdict, .. } = result;
        let verdict = if verdict == "normal" { "normal" } else { "anomalous" };
        format!("Probability of anomaly is {probability:.2}; this behavior is classified as {verdict}")
    });
    Html(format!("<!doctype html><title>Score</title><p>{}</p>\n", said.unwrap_or_default()))
}

fn answer(service: &ModelService, request: ScoreRequest) -> Result<ScoreResponse, ApiError> {
    let kind = request.kind.clone().unwrap_or_else(|| API.to_owned());
    let in_use = service.in_use_lately(&kind)?;
    let id = request.model.clone().or(in_use.champion);
    let Some(id) = id else {
        let message = format!(
            "there is no champion of the kind \"{kind}\"; keep a model with POST /api/v1/models and promote it, or name one in model"
        );
        return Err(ApiError::new(StatusCode::NOT_FOUND, message));
    };
    let found = asked_for(service, &id)?;
    let (rows, n_reasons) = asked(request)?;
    let results = score_all(&*found, &rows, n_reasons)?;
    let challenger = match in_use.challenger.filter(|challenger| *challenger != id) {
        None => None,
        // Other features than the champion's are not asked for.
        Some(id) => asked_for(service, &id).ok().and_then(|scorer| {
            let results = score_all(&*scorer, &rows, 0).ok()?;
            Some(ChallengerView { model: id, threshold: scorer.threshold(), results })
        }),
    };
    Ok(ScoreResponse { model: id, threshold: found.threshold(), results, challenger })
}

/// The model that is asked.
fn asked_for(service: &ModelService, id: &str) -> Result<Arc<dyn Scorer>, ApiError> {
    match service.loaded(id)? {
        Some((_, Loaded::Rows(_, scorer))) => Ok(scorer),
        Some((_, Loaded::Detector(_))) => {
            let message = "is a detector, which scores rows in their order; ask it in a rule, by query: { model: NAME, columns: ... }";
            Err(ApiError::problems(vec![ProblemView::at("model", message)]))
        }
        None => Err(ApiError::not_found("model", id)),
    }
}

/// What is to be scored, each with the path of its fields, and how many reasons are wanted.
fn asked(request: ScoreRequest) -> Result<(Vec<(String, ScoreRow)>, usize), ApiError> {
    let ScoreRequest { features, call_graph, batch, reasons, .. } = request;
    let n_reasons = reasons.unwrap_or(REASONS.0);
    let mut problems = Vec::new();
    if n_reasons > REASONS.1 {
        problems
            .push(ProblemView::at("reasons", format!("should be at most {}, found {n_reasons}", REASONS.1)));
    }
    let is_single = features.is_some() || call_graph.is_some();
    let rows = match batch {
        Some(_) if is_single => {
            problems.push(ProblemView::at("batch", "stands beside features or call_graph; send one of them"));
            Vec::new()
        }
        Some(batch) if batch.len() > MAX_BATCH => {
            let message = format!("has {} rows; at most {MAX_BATCH} are scored at once", batch.len());
            problems.push(ProblemView::at("batch", message));
            Vec::new()
        }
        Some(batch) => (0..).zip(batch).map(|(i, row): (usize, _)| (format!("batch[{i}]"), row)).collect(),
        None => vec![(String::new(), ScoreRow { features, call_graph })],
    };
    if problems.is_empty() { Ok((rows, n_reasons)) } else { Err(ApiError::problems(problems)) }
}

fn score_all(
    scorer: &dyn Scorer,
    rows: &[(String, ScoreRow)],
    n_reasons: usize,
) -> Result<Vec<ScoreView>, ApiError> {
    let (mut results, mut problems) = (Vec::with_capacity(rows.len()), Vec::new());
    for (path, row) in rows {
        match rows::read(row, path, scorer) {
            Err(more) => problems.extend(more),
            Ok(row) => {
                let (probability, reasons) = scorer.score(&row, n_reasons);
                let threshold = scorer.threshold();
                let verdict = if probability >= threshold { "anomalous" } else { "normal" }.to_owned();
                results.push(ScoreView { score: probability / threshold, probability, verdict, reasons });
            }
        }
    }
    if problems.is_empty() { Ok(results) } else { Err(ApiError::problems(problems)) }
}
