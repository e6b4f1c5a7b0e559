//! Graphite's events: what happened, when, with tags. They are events of the stream `graphite.events`.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_core::TimeRange;
use lanner_io::store::{Batch, NewEvent, Store, StoreError};
use lanner_series::graphite::at_time;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Invalid;
use super::parameters::Parameters;
use crate::app::App;

/// The stream they lie in.
const STREAM: &str = "graphite.events";
/// Events of one answer.
const MAX_EVENTS: usize = 10_000;

/// One event.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub when: i64,
    pub what: String,
    pub tags: Vec<String>,
    pub data: String,
}

/// Tags come as a list, or as words in one text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Words(String),
}

impl Tags {
    fn list(self) -> Vec<String> {
        match self {
            Self::List(list) => list,
            Self::Words(words) => words.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Posted {
    what: String,
    tags: Option<Tags>,
    #[serde(default)]
    data: serde_json::Value,
    when: Option<f64>,
}

/// Visits the stored events in `[from_s, until_s]`, in order of time.
pub(super) fn visit(
    store: &Store,
    from_s: i64,
    until_s: i64,
    mut each: impl FnMut(Event) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let range = TimeRange::new(from_s.saturating_mul(1000), until_s.saturating_add(1).saturating_mul(1000));
    store.events(STREAM, range, &mut |time_ms, json| {
        // Written by `add` below, or by somebody who writes to this stream: what is no such event is skipped.
        let Ok(posted) = serde_json::from_slice::<Posted>(json) else { return ControlFlow::Continue(()) };
        let data = posted.data.as_str().map_or_else(|| posted.data.to_string(), str::to_owned);
        let tags = posted.tags.map(Tags::list).unwrap_or_default();
        each(Event { when: time_ms / 1000, what: posted.what, tags, data })
    })
}

/// `POST /events/`: something happened.
pub(super) async fn add(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    let posted: Posted = match serde_json::from_slice(&parameters.body) {
        Ok(posted) => posted,
        Err(error) => {
            return Invalid::new(format_args!(
                "the body should be JSON with what, tags, data and when: {error}"
            ))
            .into_response();
        }
    };
    let when_s = posted.when.filter(|when| when.is_finite()).map_or(app.now_ms() / 1000, |when| when as i64);
    let tags = posted.tags.map(Tags::list).unwrap_or_default();
    let json = json!({ "what": posted.what, "tags": tags, "data": posted.data }).to_string();
    let event = NewEvent { stream: STREAM.into(), time_ms: when_s.saturating_mul(1000), json: json.into() };
    let written = match app.store.append(Batch { samples: Vec::new(), events: vec![event] }) {
        Ok(receipt) => receipt.await,
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => super::text(StatusCode::OK, ""),
        Err(error) => crate::api::ApiError::from(error).into_text(),
    }
}

/// `GET /events/get_data`: what happened in a time range.
pub(super) async fn list(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    let now_s = app.now_ms() / 1000;
    let zone = jiff::tz::TimeZone::UTC;
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
    super::blocking(move || {
        let wanted: Vec<String> =
            parameters.all("tags").flat_map(|tags| tags.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        // `union` wants one of the tags, otherwise an event must have them all.
        let union = parameters.last("set") == Some("union");
        let mut found = Vec::new();
        let visited = visit(&app.store, from_s, until_s, |event| {
            let has = |tag: &String| event.tags.contains(tag);
            let fits = wanted.is_empty() || if union { wanted.iter().any(has) } else { wanted.iter().all(has) };
            if fits {
                found.push(json!({ "id": found.len() + 1, "when": event.when, "what": event.what, "tags": event.tags, "data": event.data }));
            }
            if found.len() < MAX_EVENTS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match visited {
            Ok(()) => super::json(&parameters, json!(found).to_string()),
            Err(error) => crate::api::ApiError::from(error).into_text(),
        }
    })
    .await
}
