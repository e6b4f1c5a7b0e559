//! `/api/checks/{id}/subscriptions`: create, replace, delete, test.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};

use super::{check, form, subscription};
use crate::api::messages;
use crate::configuration::service::ConfigurationService;
use crate::http::{ApiError, Json, Path, Principal};
use crate::rules::document;

async fn save(
    service: &Arc<ConfigurationService>,
    principal: &Principal,
    rule: Value,
    all: Vec<Value>,
) -> Result<(), ApiError> {
    check::save(service, principal, check::with_subscriptions(rule, all)).await
}

/// The check with its subscriptions, and the place of one of them.
fn find(service: &ConfigurationService, id: &str, sid: &str) -> Result<(Value, Vec<Value>, usize), ApiError> {
    let rule = check::find(service, id)?;
    let all = check::subscriptions(&rule);
    let at = all.iter().position(|subscription| subscription["id"].as_str() == Some(sid));
    let at = at.ok_or_else(|| ApiError::not_found("subscription", sid))?;
    Ok((rule, all, at))
}

/// A new subscription.
pub(super) async fn create(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(mut posted): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let rule = check::find(&service, &id)?;
    let sid = form::new_id(&service, &id);
    posted.insert("id".to_owned(), sid.as_str().into());
    let mut all = check::subscriptions(&rule);
    all.push(subscription::read(&service, Value::Object(posted))?);
    save(&service, &principal, rule, all).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("checks/{id}/subscriptions/{sid}"))])
        .into_response())
}

/// Replaces one subscription.
pub(super) async fn replace(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path((id, sid)): Path<(String, String)>,
    Json(mut posted): Json<Map<String, Value>>,
) -> Result<StatusCode, ApiError> {
    let (rule, mut all, at) = find(&service, &id, &sid)?;
    posted.insert("id".to_owned(), sid.into());
    all[at] = subscription::read(&service, Value::Object(posted))?;
    save(&service, &principal, rule, all).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one subscription.
pub(super) async fn delete(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path((id, sid)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (rule, mut all, at) = find(&service, &id, &sid)?;
    all.remove(at);
    save(&service, &principal, rule, all).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test message to the receiver of one subscription.
pub(super) async fn test(
    State(service): State<Arc<ConfigurationService>>,
    Path((id, sid)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, all, at) = find(&service, &id, &sid)?;
    let stored = document::stored_document(&*service.state)?;
    let known = stored["receivers"].as_array().cloned().unwrap_or_default();
    let receiver = subscription::receiver(&service, &all[at], &known);
    let receiver = receiver
        .map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, format!("nothing is delivered: {why}")))?;
    let name = receiver["name"].as_str().unwrap_or_default().to_owned();
    messages::test(State(Arc::clone(&service.rules)), Path(name)).await
}
