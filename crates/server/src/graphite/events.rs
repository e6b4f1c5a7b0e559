//! Graphite's events: what happened, when, with tags. They are events of the stream `graphite.events`.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_core::TimeRange;
use lanner_graphite::at_time;
use lanner_io::store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Invalid;
use super::parameters::Parameters;
use crate::app::App;
use crate::blocking::blocking;
use crate::{ingest, register};

/// The stream they lie in.
const STREAM: &str = "graphite.events";
/// Events of one answer: the newest of them.
const MAX_EVENTS: usize = 10_000;

/// One event.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub when: i64,
    pub what: String,
    pub tags: Vec<String>,
    pub data: String,
}

/// Tags come as a list, or in one text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Text(String),
}

impl Tags {
    /// The tags, each once, in the order in which they came.
    fn list(self) -> Vec<String> {
        let texts = match self {
            Self::List(texts) => texts,
            Self::Text(text) => vec![text],
        };
        let mut tags: Vec<String> = Vec::new();
        for tag in texts.iter().flat_map(|text| split_tags(text)) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }
}

/// Splits a text into tags as django-tagging does for Graphite: at commas where one stands outside of quotes,
/// otherwise at spaces; what double quotes hold is one tag.
fn split_tags(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('"').collect();
    // Every second part is quoted; a quote that is never closed quotes nothing.
    let is_quoted = |at: usize| at % 2 == 1 && at + 1 < parts.len();
    let has_comma = parts.iter().enumerate().any(|(at, part)| !is_quoted(at) && part.contains(','));
    let is_separator = |c: char| if has_comma { c == ',' } else { c.is_whitespace() };
    let split = |(at, part): (usize, &&str)| -> Vec<String> {
        let words = if is_quoted(at) { vec![*part] } else { part.split(is_separator).collect() };
        words.into_iter().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    parts.iter().enumerate().flat_map(split).collect()
}

#[derive(Debug, Deserialize)]
struct Posted {
    what: String,
    tags: Option<Tags>,
    #[serde(default)]
    data: Value,
    when: Option<f64>,
}

impl Posted {
    /// What was sent along: text as it is, nothing as no text, and anything else as JSON.
    fn data_text(&self) -> String {
        match &self.data {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
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
        let data = posted.data_text();
        let tags = posted.tags.map(Tags::list).unwrap_or_default();
        each(Event { when: time_ms / 1000, what: posted.what, tags, data })
    })
}

/// `POST /events/`: something happened.
pub(super) async fn add(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    // Whatever the content type says: Graphite's manual posts the JSON with a form's.
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
    let data = posted.data_text();
    let tags = posted.tags.map(Tags::list).unwrap_or_default();
    let event = json!({ "what": posted.what, "tags": tags, "data": data });
    let write = move || {
        let Value::Object(event) = event else { return Ok(()) };
        ingest::events::take_one(&app, &STREAM.into(), when_s.saturating_mul(1000), &event)
    };
    let written = blocking(write).await.unwrap_or_else(register::broke_off);
    match written {
        Ok(()) => super::text(StatusCode::OK, ""),
        Err(error) => crate::api::ApiError::from(error).into_text(),
    }
}

/// `GET /events/get_data`: what happened in a time range.
pub(super) async fn list(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    let now_s = app.now_ms() / 1000;
    let zone = app.settings.time_zone.clone();
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
        let wanted: Vec<String> = parameters
            .all("tags")
            .flat_map(|tags| tags.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        // `union` wants one of the tags, otherwise an event must have them all.
        let union = parameters.last("set") == Some("union");
        let mut n_found = 0_usize;
        let mut newest = VecDeque::new();
        let visited = visit(&app.store, from_s, until_s, |event| {
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
            Ok(()) => super::json(&parameters, json!(newest).to_string()),
            Err(error) => crate::api::ApiError::from(error).into_text(),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_split_as_graphite_splits_them() {
        #[track_caller]
        fn check(posted: Value, expected: &[&str]) {
            let tags: Tags = serde_json::from_value(posted).unwrap();
            assert_eq!(tags.list(), expected);
        }
        check(json!("deploy web"), &["deploy", "web"]);
        check(json!("deploy,web"), &["deploy", "web"]);
        check(json!(" deploy , big release,"), &["deploy", "big release"]);
        check(json!("\"big, release\" web"), &["big, release", "web"]);
        check(json!("\"big release\", web"), &["big release", "web"]);
        check(json!("\"never closed"), &["never", "closed"]);
        check(json!(["deploy", "web,big", "deploy"]), &["deploy", "web", "big"]);
        check(json!(""), &[]);
    }
}
