//! Sessions of API clients: the unusual ones of a time, and the models that judge them.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use lanner_core::TimeRange;
use lanner_core::time::parse_duration_ms;
use lanner_engine::processor::SESSION_NAMES;
use lanner_page::sessions::{self as page, Processor, SPANS, Session, Sessions};
use lanner_wire::api::Time;
use serde_json::{Map, Value};

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::http::{ApiError, Json, blocking};
use crate::models::handlers as models;
use crate::processors::sessions as api;
use crate::services::Services;

/// Sessions that a page is made of, of each stream.
const MAX_SESSIONS: usize = 100_000;
/// Unusual sessions that are listed.
const MAX_FLAGGED: usize = 200;
/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let asked = fields.get("span");
    let span = SPANS.into_iter().find(|span| *span == asked).unwrap_or(SPANS[1]);
    let Json(mut models) = models::list(State(Arc::clone(&services.models))).await?;
    models.retain(|model| !model.kind.starts_with("detector/"));
    let Json(drift) = api::drift(State(Arc::clone(&services.processors))).await?;
    let now_ms = services.evaluation.now_ms();
    let range = TimeRange::new(now_ms - parse_duration_ms(span).unwrap_or(0), now_ms.saturating_add(1));
    let (data, in_force) = (Arc::clone(&services.expressions.data), services.processors.in_force());
    let read = move || -> Result<Sessions, ApiError> {
        let mut shown = Sessions { span: span.to_owned(), models, drift, ..Sessions::default() };
        let mut gathered = Gathered::default();
        for one in in_force.all().iter().filter(|one| one.processor.kind() == "sessions") {
            shown.processors.push(Processor {
                id: one.id.to_string(),
                stream: one.stream.to_string(),
                note: one.processor.in_words(),
            });
            for stream in one.processor.copies_to() {
                let mut n_left = MAX_SESSIONS;
                data.events(stream, range, &mut |time_ms, json| {
                    gathered.event(time_ms, json);
                    n_left -= 1;
                    if n_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                shown.cut_at = shown.cut_at.or((n_left == 0).then_some(MAX_SESSIONS));
            }
        }
        (shown.flagged, shown.n_judged) = (gathered.flagged.into(), gathered.n_judged);
        Ok(shown)
    };
    Ok(Html(page::page(&who.visitor, &blocking(read).await??)))
}

#[derive(Default)]
struct Gathered {
    flagged: VecDeque<Session>,
    n_judged: usize,
}

impl Gathered {
    fn event(&mut self, time_ms: i64, json: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Map<String, Value>>(json) else { return };
        self.n_judged += usize::from(event.get("over") == Some(&Value::Bool(true)));
        if event.get("flagged") != Some(&Value::Bool(true)) {
            return;
        }
        // What is told of a session when it is over takes the place of what was told before.
        let started = event.get("started_ms").cloned();
        let client = client(&event);
        self.flagged.retain(|known| {
            known.client != client || Some(&Value::from(known.started_ms)) != started.as_ref()
        });
        self.flagged.push_front(session(time_ms, &event, client));
        self.flagged.truncate(MAX_FLAGGED);
    }
}

/// The fields that tell a client apart.
fn client(event: &Map<String, Value>) -> Vec<(String, String)> {
    let own = event.iter().filter(|(name, _)| {
        !SESSION_NAMES.contains(&name.as_str()) && !name.starts_with('_') && *name != "time"
    });
    own.filter_map(|(name, value)| Some((name.clone(), short(value.as_str()?)))).collect()
}

fn session(time_ms: i64, event: &Map<String, Value>, client: Vec<(String, String)>) -> Session {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let number = |name: &str| event.get(name).and_then(Value::as_u64).unwrap_or(0);
    let reasons = text("reason").into_iter().flat_map(|reason| reason.split("; "));
    Session {
        id: text("id").map(str::to_owned),
        time: Time(time_ms),
        started_ms: event.get("started_ms").and_then(Value::as_i64).unwrap_or(0),
        client,
        finding: text("finding").map(str::to_owned),
        reasons: reasons.map(short).collect(),
        score: event.get("score").and_then(Value::as_f64),
        kind: text("client_kind").map(str::to_owned),
        counts: [number("requests"), number("errors"), number("endpoints")],
        is_over: event.get("over") == Some(&Value::Bool(true)),
    }
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
