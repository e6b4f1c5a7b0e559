//! `/api/checks`: create, list, replace, delete.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::{check, form};
use crate::configuration::service::ConfigurationService;
use crate::http::{ApiError, Json, Path, Principal};
use crate::rules::delete::delete_rule;

/// All checks, or those with one of the `state`s, `enabled` or not, whose `fields` match the `regexes`.
pub(super) async fn list(
    State(service): State<Arc<ConfigurationService>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = query.unwrap_or_default();
    let all = |name: &'static str| {
        form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name).map(|(_, value)| value)
    };
    let states: Vec<_> = all("state").collect();
    let enabled = all("enabled").last().map(|enabled| enabled.eq_ignore_ascii_case("true"));
    let (fields, regexes): (Vec<_>, Vec<_>) = (all("fields").collect(), all("regexes").collect());
    let patterns = patterns(&fields, &regexes)?;
    let wanted = |check: &Value| {
        let state = check["state"].as_str().unwrap_or_default();
        (states.is_empty() || states.iter().any(|wanted| wanted == state))
            && enabled.is_none_or(|enabled| check["enabled"] == json!(enabled))
            && patterns
                .iter()
                .all(|(field, pattern)| check[*field].as_str().is_some_and(|text| pattern.is_match(text)))
    };
    let checks = check::stored(&service)?;
    let values: Vec<Value> = checks.iter().map(|rule| check::view(&service, rule)).filter(wanted).collect();
    Ok(Json(form::page(&values, 0, values.len())))
}

/// Which field must match which expression: the first the first, and so on. As in Seyren, one list alone asks for nothing.
fn patterns<'q>(
    fields: &'q [Cow<'_, str>],
    regexes: &[Cow<'_, str>],
) -> Result<Vec<(&'q str, Regex)>, ApiError> {
    if fields.is_empty() || regexes.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |what: String| ApiError::new(StatusCode::BAD_REQUEST, what);
    let (n_fields, n_regexes) = (fields.len(), regexes.len());
    if n_fields != n_regexes {
        return Err(wrong(format!(
            "each of `fields` needs one of `regexes`, in the same order; there are {n_fields} and {n_regexes}"
        )));
    }
    let compile = |(field, regex): (&'q Cow<'_, str>, &Cow<'_, str>)| {
        let compiled = RegexBuilder::new(regex).size_limit(1 << 20).build();
        Ok((&**field, compiled.map_err(|error| wrong(format!("regexes: {error}")))?))
    };
    fields.iter().zip(regexes).map(compile).collect()
}

/// A new check; the id that was posted is replaced.
pub(super) async fn create(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Json(posted): Json<Value>,
) -> Result<Response, ApiError> {
    let id = form::new_id(&service, "check");
    let rule = check::rule(&service, &id, &posted, None)?;
    check::save(&service, &principal, rule).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("checks/{id}"))]).into_response())
}

/// One check.
pub(super) async fn show(
    State(service): State<Arc<ConfigurationService>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(check::view(&service, &check::find(&service, &id)?)))
}

/// Replaces one check.
pub(super) async fn replace(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(posted): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let before = check::find(&service, &id)?;
    let rule = check::rule(&service, &id, &posted, Some(&before))?;
    check::save(&service, &principal, rule).await?;
    Ok(Json(check::view(&service, &check::find(&service, &id)?)))
}

/// Deletes one check. Its running alerts end, and people are notified.
pub(super) async fn delete(
    State(service): State<Arc<ConfigurationService>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    check::find(&service, &id)?;
    delete_rule(&service.rules, &id, principal.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
