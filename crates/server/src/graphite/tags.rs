//! Tags: `/tags` and what lies below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_graphite::TagCondition;
use lanner_wire::carbon;
use serde_json::{Value, json};

use super::answer::{self, Invalid};
use super::find::with_paths;
use super::parameters::Parameters;
use crate::expressions::Expressions;
use crate::expressions::paths::{Tagged, full_name};
use crate::http::Path;

/// How many names or values complete what is typed, unless asked otherwise.
const N_COMPLETIONS: usize = 100;

/// A test of names by `filter`, an expression anchored at the start.
fn filter(parameters: &Parameters) -> Result<impl Fn(&str) -> bool + use<>, Invalid> {
    let condition = parameters.last("filter").map(|pattern| TagCondition::parse(&format!("name=~{pattern}")));
    let condition = condition.transpose().map_err(Invalid)?;
    Ok(move |text: &str| condition.as_ref().is_none_or(|condition| condition.accepts(text)))
}

/// The conditions in `expr`.
fn conditions(parameters: &Parameters) -> Result<Vec<TagCondition>, Invalid> {
    let written: Vec<&str> = parameters.all("expr").collect();
    if written.is_empty() {
        return Ok(Vec::new());
    }
    TagCondition::parse_all(&written).map_err(Invalid)
}

/// All tags.
pub(super) async fn tags(State(expressions): State<Arc<Expressions>>, parameters: Parameters) -> Response {
    let wanted = match filter(&parameters) {
        Ok(wanted) => wanted,
        Err(invalid) => return invalid.into_response(),
    };
    with_paths(expressions, move |paths| {
        let tags: BTreeSet<&str> = paths.tags_where(&[]).flat_map(Tagged::tags).collect();
        let tags: Vec<Value> = (1..)
            .zip(tags.into_iter().filter(|tag| wanted(tag)))
            .map(|(id, tag)| json!({"id": id, "tag": tag}))
            .collect();
        parameters.json(json!(tags).to_string())
    })
    .await
}

/// The values of one tag, and how many series have each.
pub(super) async fn tag(
    State(expressions): State<Arc<Expressions>>,
    Path(tag): Path<String>,
    parameters: Parameters,
) -> Response {
    let wanted = match filter(&parameters) {
        Ok(wanted) => wanted,
        Err(invalid) => return invalid.into_response(),
    };
    with_paths(expressions, move |paths| {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for value in paths.tags_where(&[]).filter_map(|tagged| tagged.tag(&tag)).filter(|value| wanted(value))
        {
            *counts.entry(value).or_default() += 1;
        }
        let values: Vec<Value> = (1..)
            .zip(counts)
            .map(|(id, (value, count))| json!({"id": id, "value": value, "count": count}))
            .collect();
        parameters.json(json!({"id": 1, "tag": tag, "values": values}).to_string())
    })
    .await
}

/// The full names of the series that fulfil conditions.
pub(super) async fn find_series(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Response {
    let conditions = match conditions(&parameters) {
        Ok(conditions) if conditions.is_empty() => {
            return Invalid::new("no tag expressions specified").into_response();
        }
        Ok(conditions) => conditions,
        Err(invalid) => return invalid.into_response(),
    };
    with_paths(expressions, move |paths| {
        let names: Vec<String> = paths.with_tags(&conditions).collect();
        parameters.json(json!(names).to_string())
    })
    .await
}

/// The tags that complete what is typed: those of the series that fulfil the conditions, but not tags already used.
pub(super) async fn complete_tags(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Response {
    complete(expressions, parameters, |parameters, conditions, tagged| {
        let prefix = parameters.last("tagPrefix").unwrap_or_default();
        let free = |tag: &&str| !conditions.iter().any(|condition| condition.tag() == *tag);
        tagged.tags().filter(|tag| tag.starts_with(prefix)).filter(free).collect()
    })
    .await
}

/// The values that complete what is typed.
pub(super) async fn complete_values(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Response {
    if parameters.last("tag").is_none() {
        return Invalid::new("no tag specified").into_response();
    }
    complete(expressions, parameters, |parameters, _, tagged| {
        let prefix = parameters.last("valuePrefix").unwrap_or_default();
        let value = parameters.last("tag").and_then(|tag| tagged.tag(tag));
        value.filter(|value| value.starts_with(prefix)).into_iter().collect()
    })
    .await
}

async fn complete(
    expressions: Arc<Expressions>,
    parameters: Parameters,
    of: impl for<'t> Fn(&Parameters, &[TagCondition], &'t Tagged) -> Vec<&'t str> + Send + 'static,
) -> Response {
    let (conditions, limit) = match (conditions(&parameters), parameters.number("limit")) {
        (Ok(conditions), Ok(limit)) => (conditions, limit.unwrap_or(N_COMPLETIONS)),
        (Err(invalid), _) | (_, Err(invalid)) => return invalid.into_response(),
    };
    with_paths(expressions, move |paths| {
        let found: BTreeSet<&str> =
            paths.tags_where(&conditions).flat_map(|tagged| of(&parameters, &conditions, tagged)).collect();
        let found: Vec<&str> = found.into_iter().take(limit).collect();
        parameters.json(json!(found).to_string())
    })
    .await
}

/// Registers a series by its path; it is listed from now on and has no values yet.
pub(super) async fn tag_series(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Response {
    match parameters
        .last("path")
        .ok_or_else(|| "no path specified".to_owned())
        .and_then(|path| register(&expressions, path))
    {
        Ok(name) => parameters.json(json!(name).to_string()),
        Err(problem) => Invalid::new(problem).into_response(),
    }
}

/// Registers several series by their paths.
pub(super) async fn tag_multi_series(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Response {
    match parameters.all("path").map(|path| register(&expressions, path)).collect::<Result<Vec<_>, _>>() {
        Ok(names) if names.is_empty() => Invalid::new("no paths specified").into_response(),
        Ok(names) => parameters.json(json!(names).to_string()),
        Err(problem) => Invalid::new(problem).into_response(),
    }
}

fn register(expressions: &Expressions, path: &str) -> Result<String, String> {
    let key = carbon::series_key(path).map_err(|error| error.to_string())?;
    expressions.data.series_id(&key).map_err(|error| error.to_string())?;
    Ok(full_name(&key))
}

/// Series go when retention has emptied them; nothing deletes them before.
pub(super) async fn delete_series(parameters: Parameters) -> Response {
    drop(parameters);
    let message =
        "series cannot be deleted: one goes when its last value is older than the retention of its name";
    answer::text(StatusCode::NOT_IMPLEMENTED, message)
}
