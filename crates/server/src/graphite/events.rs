//! Graphite's events: what happened, when, with tags. They are events of the stream `graphite.events`.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_graphite::at_time;
use serde_json::{Value, json};

use super::answer::{self, Invalid};
use super::parameters::Parameters;
use crate::expressions::Expressions;
use crate::expressions::events::{Event, Posted, STREAM, visit};
use crate::http::{ApiError, blocking};
use crate::intake::events::take_one;
use crate::intake::service::IntakeService;

/// Events of one answer: the newest of them.
const MAX_EVENTS: usize = 10_000;

/// `POST /events/`: something happened.
pub(super) async fn add(State(intake): State<Arc<IntakeService>>, parameters: Parameters) -> Response {
    // Whatever the content type says: Graphite's manual posts the JSON with a form's.
    let Posted { what, tags, data, when } = match Posted::read(&parameters.body) {
        Ok(posted) => posted,
        Err(why) => return Invalid::new(why).into_response(),
    };
    let when_s = when.map_or(intake.now_ms() / 1000, |when| when as i64);
    let event = json!({ "what": what, "tags": tags, "data": data });
    let write = move || {
        let Value::Object(event) = event else { return Ok(()) };
        take_one(&intake, &STREAM.into(), when_s.saturating_mul(1000), event)
    };
    match blocking(write).await {
        Ok(Ok(())) => answer::text(StatusCode::OK, ""),
        Ok(Err(error)) => ApiError::from(error).into_text(),
        Err(panic) => ApiError::from(panic).into_text(),
    }
}

/// `GET /events/get_data`: what happened in a time range.
pub(super) async fn list(State(expressions): State<Arc<Expressions>>, parameters: Parameters) -> Response {
    let now_s = expressions.now_ms() / 1000;
    let zone = expressions.zone.clone();
    let time = |name: &str, default_s: i64| match parameters.last(name) {
        Some(text) => {
            at_time(text, now_s, &zone).map_err(|problem| Invalid::new(format_args!("{name}: {problem}")))
        }
        None => Ok(default_s),
    };
    let (from_s, until_s) = match (time("from", 0), time("until", now_s)) {
        (Ok(from_s), Ok(until_s)) => (from_s, until_s),
        (Err(invalid), _) | (_, Err(invalid)) => return invalid.into_response(),
    };
    answer::blocking(move || {
        let wanted: Vec<String> = parameters
            .all("tags")
            .flat_map(|tags| tags.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        // `union` wants one of the tags, otherwise an event must have them all.
        let union = parameters.last("set") == Some("union");
        let mut n_found = 0_usize;
        let mut newest = VecDeque::new();
        let visited = visit(&*expressions.data, from_s, until_s, |event| {
            let has = |tag: &String| event.tags.contains(tag);
            let fits =
                wanted.is_empty() || if union { wanted.iter().any(has) } else { wanted.iter().all(has) };
            if fits {
                n_found += 1;
                if newest.len() == MAX_EVENTS {
                    newest.pop_front();
                }
                let Event { when, what, tags, data } = event;
                newest.push_back(
                    json!({ "id": n_found, "when": when, "what": what, "tags": tags, "data": data }),
                );
            }
            ControlFlow::Continue(())
        });
        match visited {
            Ok(()) => parameters.json(json!(newest).to_string()),
            Err(error) => ApiError::from(error).into_text(),
        }
    })
    .await
}
