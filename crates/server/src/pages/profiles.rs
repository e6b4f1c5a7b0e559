//! Behaviour of hosts: the list of profiles, and one with what its events say.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use lanner_core::TimeRange;
use lanner_core::event::lookup;
use lanner_core::time::parse_duration_ms;
use lanner_page::profiles::{self as page, One, Rare, SPANS, Step};
use lanner_page::tree::Tree;
use lanner_profile::Part;
use lanner_profile::read::{Format, object_of};
use lanner_wire::api::{ProfileDetail, ProfileView, Time};
use serde_json::{Map, Value};

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::http::{ApiError, Json, Path, blocking};
use crate::processors::profiles as api;
use crate::services::Services;

/// Events that a page is made of.
const MAX_EVENTS: usize = 100_000;
/// Rare events that are listed.
const MAX_RARE: usize = 200;
/// The longest text of an event that is shown, characters.
const MAX_TEXT: usize = 300;

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who) -> Shown {
    let Json(profiles) = api::list(State(Arc::clone(&services.processors))).await?;
    Ok(Html(page::list(&who.visitor, &profiles)))
}

/// One of them.
pub(super) async fn show(
    State(services): State<Services>,
    who: Who,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let Json(detail) = api::show(State(Arc::clone(&services.processors)), Path(id)).await?;
    let asked = fields.get("span");
    let (span, step_ms) = SPANS.into_iter().find(|(span, _)| *span == asked).unwrap_or(SPANS[1]);
    let now_ms = services.evaluation.now_ms();
    let length_ms = parse_duration_ms(span).unwrap_or(0);
    let data = Arc::clone(&services.expressions.data);
    let read = move || -> Result<One, ApiError> {
        // The last step is not over yet.
        let end_ms = (now_ms.div_euclid(step_ms) + 1) * step_ms;
        let range = TimeRange::new(end_ms - length_ms, end_ms);
        let mut gathered = Gathered::new(&detail.profile, range, step_ms);
        data.events(&detail.profile.stream.clone(), range, &mut |time_ms, json| {
            gathered.event(time_ms, json)
        })?;
        Ok(gathered.into_page(detail.clone(), span))
    };
    Ok(Html(page::one(&who.visitor, &blocking(read).await??)))
}

/// What is gathered from events.
struct Gathered {
    into: String,
    parts: Vec<Part>,
    start_ms: i64,
    step_ms: i64,
    steps: Vec<Step>,
    rare: VecDeque<Rare>,
    tree: Tree,
    n_events: usize,
}

impl Gathered {
    fn new(profile: &ProfileView, range: TimeRange, step_ms: i64) -> Self {
        let n_steps = usize::try_from(range.length_ms() / step_ms).unwrap_or(0);
        let step = |nth: usize| Step { start_ms: range.start_ms + nth as i64 * step_ms, ..Step::default() };
        Self {
            into: profile.into.clone(),
            parts: profile.fields.iter().filter_map(|field| Part::parse(field).ok()).collect(),
            start_ms: range.start_ms,
            step_ms,
            steps: (0..n_steps).map(step).collect(),
            rare: VecDeque::new(),
            tree: Tree::default(),
            n_events: 0,
        }
    }

    fn event(&mut self, time_ms: i64, json: &[u8]) -> ControlFlow<()> {
        if self.n_events >= MAX_EVENTS {
            return ControlFlow::Break(());
        }
        let Ok(mut event) = serde_json::from_slice::<Map<String, Value>>(json) else {
            return ControlFlow::Continue(());
        };
        let Some(Value::Object(said)) = event.remove(&self.into) else { return ControlFlow::Continue(()) };
        self.n_events += 1;
        let is_rare = said.get("rare") == Some(&Value::Bool(true));
        let is_new = said.get("seen").and_then(|seen| seen["ever"].as_u64()) == Some(0);
        let nth = usize::try_from((time_ms - self.start_ms) / self.step_ms).unwrap_or(usize::MAX);
        if let Some(step) = self.steps.get_mut(nth) {
            step.n_events += 1;
            step.n_new += usize::from(is_new);
            step.n_rare += usize::from(is_rare);
        }
        let Ok(host) = object_of(event, Format::Auto) else { return ControlFlow::Continue(()) };
        let ancestors = ancestors(&host.fields);
        let own = text(&host.fields, "proc.name");
        let lineage: Vec<&str> = ancestors.iter().rev().chain(&own).map(String::as_str).collect();
        self.tree.add(&lineage, is_rare);
        if is_rare {
            self.rare.push_front(rare(time_ms, &said, &host.fields, &self.parts, ancestors));
            self.rare.truncate(MAX_RARE);
        }
        ControlFlow::Continue(())
    }

    fn into_page(self, detail: ProfileDetail, span: &str) -> One {
        One {
            detail,
            span: span.to_owned(),
            steps: self.steps,
            rare: self.rare.into(),
            tree: self.tree,
            cut_at: (self.n_events >= MAX_EVENTS).then_some(MAX_EVENTS),
        }
    }
}

fn rare(
    time_ms: i64,
    said: &Map<String, Value>,
    event: &Map<String, Value>,
    parts: &[Part],
    ancestors: Vec<String>,
) -> Rare {
    let names = |name: &str| said.get(name).and_then(Value::as_array).into_iter().flatten();
    let is_new = |part: &Part| names("new_values").chain(names("new_with")).any(|it| it == part.text());
    let part = |part: &Part| (part.to_string(), short(&part.show(event)), is_new(part));
    let what = ["proc.cmdline", "fd.name", "proc.exepath", "proc.name"];
    let parts: Vec<_> = parts.iter().map(part).collect();
    let values = || parts.iter().map(|(_, value, _)| value.as_str()).collect::<Vec<_>>().join(" | ");
    Rare {
        time: Time(time_ms),
        host: text(event, "evt.hostname"),
        what: what.iter().find_map(|name| text(event, name)).unwrap_or_else(values),
        reason: short(said.get("reason").and_then(Value::as_str).unwrap_or_default()),
        parts,
        ancestors,
        seen: said.get("seen").and_then(|seen| seen["ever"].as_u64()).unwrap_or(0),
        rarity_bits: said.get("rarity").and_then(Value::as_f64).unwrap_or(0.0),
        fleet: said.get("fleet").and_then(fleet),
    }
}

fn fleet(said: &Value) -> Option<(bool, String)> {
    let (seen_on, hosts) = (said["seen_on"].as_u64()?, said["hosts"].as_u64()?);
    Some((said["common"] == true, format!("{seen_on} of {hosts} hosts")))
}

/// The names of ancestors, the nearest first.
fn ancestors(event: &Map<String, Value>) -> Vec<String> {
    match lookup(event, "proc.aname") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(short).collect(),
        _ => text(event, "proc.pname").into_iter().collect(),
    }
}

fn text(event: &Map<String, Value>, name: &str) -> Option<String> {
    lookup(event, name)?.as_str().map(short)
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_TEXT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
