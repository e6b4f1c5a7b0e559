//! What people are told of switches, as the watch over the server itself finds it: an alert has activated one, one waits for
//! an approval, one ends soon; and how each of these came to an end. The engine decides what of it is new.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use lanner_core::Cause;
use lanner_core::time::{HOUR_MS, format_time};
use lanner_engine::vitals::{SwitchNews, SwitchVitals};
use lanner_io::store::{StoreError, StoredDocument};
use lanner_switch::{Phase, Status, Switch};
use serde_json::Value;

use super::requests::{self, REQUEST};
use super::{SWITCH, cause};
use crate::app::App;
use crate::sync::locked;

/// How long before its end people are told of a switch, if nothing else is said, milliseconds.
pub const NOTICE_MS: i64 = HOUR_MS;
/// A switch that is on for a short while is told of when this part of it is left: not as soon as it begins.
const LAST_PART: i64 = 4;
/// People are told of so many switches one by one at most.
const MAX_TOLD: usize = 1_000;
/// A longer condition is cut, characters.
const MAX_CONDITION: usize = 300;

/// The latest versions of the switches that were looked at, so that each is read once.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<Arc<str>, Version>>);

/// A switch in force, and the version that it is.
type Version = (Arc<Switch>, StoredDocument);

impl Known {
    fn of(&self, app: &App, switch: &Arc<Switch>) -> Result<Option<StoredDocument>, StoreError> {
        let known = locked(&self.0).get(&switch.id).cloned();
        if let Some((_, stored)) = known.filter(|(seen, _)| Arc::ptr_eq(seen, switch)) {
            return Ok(Some(stored));
        }
        let latest = app.store.document_latest(SWITCH, &switch.id)?;
        if let Some(stored) = &latest {
            locked(&self.0).insert(Arc::clone(&switch.id), (Arc::clone(switch), stored.clone()));
        }
        Ok(latest)
    }

    fn keep(&self, wanted: impl Fn(&str) -> bool) {
        locked(&self.0).retain(|id, _| wanted(id));
    }
}

/// What is to be told now. Cost: a look at every switch, and at the versions of those that are told of.
///
/// # Errors
/// Failures of the store.
pub(crate) fn news(app: &App, now_ms: i64) -> Result<SwitchVitals, StoreError> {
    let current = app.switches.current();
    let notice_ms = app.live.get().switch_notice_ms;
    let mut now = BTreeMap::new();
    let blocks = |switch: &&Arc<Switch>| switch.flag.is_none() && switch.phase(now_ms) == Phase::Blocking;
    let switches = current.set.switches().iter().filter(blocks);
    let switches = switches.filter(|switch| may_be_told(switch, notice_ms, now_ms)).take(MAX_TOLD);
    let switches: Vec<&Arc<Switch>> = switches.collect();
    for switch in &switches {
        let Some(stored) = app.switches.known.of(app, switch)? else { continue };
        if let Some(text) = activated(switch, &stored) {
            now.insert((Arc::clone(&switch.id), SwitchNews::Activated), text);
        }
        if let Some(text) = ends(switch, &stored, notice_ms, now_ms) {
            now.insert((Arc::clone(&switch.id), SwitchNews::Ends), text);
        }
    }
    for waiting in requests::all(app)?.iter().take(MAX_TOLD) {
        now.insert((waiting.id.as_str().into(), SwitchNews::Waits), waits(waiting));
    }
    let looked_at: HashSet<&str> = switches.iter().map(|switch| &*switch.id).collect();
    app.switches.known.keep(|id| looked_at.contains(id));
    let told: Vec<(Arc<str>, SwitchNews)> =
        app.engine().switch_news().map(|(id, news)| (id.into(), news)).collect();
    let mut over = BTreeMap::new();
    for (id, news) in told.into_iter().filter(|key| !now.contains_key(key)) {
        let how = match news {
            SwitchNews::Waits => decided(&id, app.store.document_latest(REQUEST, &id)?),
            SwitchNews::Activated | SwitchNews::Ends => {
                ended(&id, app.store.document_latest(SWITCH, &id)?, now_ms)
            }
        };
        over.insert((id, news), how);
    }
    Ok(SwitchVitals { now, over })
}

/// Whether it is worth a look at the versions of the switch.
fn may_be_told(switch: &Switch, notice_ms: i64, now_ms: i64) -> bool {
    switch.labels.get("thrown_by").is_some() || switch.valid.end_ms.saturating_sub(now_ms) <= notice_ms
}

fn activated(switch: &Switch, stored: &StoredDocument) -> Option<String> {
    let Cause::Alert { rule, .. } = cause::of(stored) else { return None };
    let id = &switch.id;
    Some(format!(
        "the alert of {rule} activated the switch {id}{}, which blocks {} {}; to turn it off: lanner switch deactivate {id}",
        because(switch),
        condition(stored.document.as_ref()),
        until(switch),
    ))
}

fn ends(switch: &Switch, stored: &StoredDocument, notice_ms: i64, now_ms: i64) -> Option<String> {
    let begin_ms = switch.valid.start_ms.max(stored.changed_ms);
    let whole_ms = switch.valid.end_ms.saturating_sub(begin_ms);
    let left_ms = switch.valid.end_ms.saturating_sub(now_ms);
    let id = &switch.id;
    (left_ms <= notice_ms.min(whole_ms / LAST_PART)).then(|| {
        format!(
            "the switch {id}{} ends by itself at {} and then stops blocking {}; to keep it active: lanner switch \
             activate {id} --for 2h",
            because(switch),
            format_time(switch.valid.end_ms),
            condition(stored.document.as_ref()),
        )
    })
}

fn waits(waiting: &StoredDocument) -> String {
    let request = waiting.document.as_ref();
    let because =
        request.and_then(|request| request.get("because")?.as_str()).unwrap_or("no reason is known");
    let (id, actor) = (&waiting.id, &waiting.actor);
    format!(
        "{actor} asks to activate the switch {id}, which would block {}, and somebody has to decide: {because}; lanner \
         switch approve {id}, or lanner switch deny {id}",
        condition(request.and_then(|request| request.get("switch"))),
    )
}

/// How a switch that blocked came to an end.
fn ended(id: &str, latest: Option<StoredDocument>, now_ms: i64) -> String {
    let Some(latest) = latest else { return format!("the switch {id} is gone") };
    let by = by(&latest);
    let Some(document) = &latest.document else { return format!("the switch {id} was deleted {by}") };
    let Ok(switch) = Switch::from_json(document) else { return format!("the switch {id} was changed {by}") };
    match switch.status {
        Status::Inactive => format!("the switch {id} blocks no more: it was turned off {by}"),
        Status::Active if switch.valid.end_ms <= now_ms => {
            let end = format_time(switch.valid.end_ms);
            format!("the switch {id} blocks no more: it ended by itself at {end}")
        }
        Status::Active | Status::Shadow => {
            format!(
                "the switch {id} is {} {}: it was changed {by}",
                switch.phase(now_ms).name(),
                until(&switch)
            )
        }
    }
}

/// What became of a request.
fn decided(id: &str, latest: Option<StoredDocument>) -> String {
    let Some(latest) = latest else { return format!("nobody requests the switch {id} any more") };
    match cause::of(&latest) {
        Cause::Approved { .. } => format!("{} approved the switch {id}, which is activated", latest.actor),
        Cause::Alert { rule, .. } => {
            format!("the switch {id} is not needed any more: the alert of {rule} is over")
        }
        _ => format!("the switch {id} is unchanged: the request was denied {}", by(&latest)),
    }
}

/// `by ann: the bank is up again`
fn by(latest: &StoredDocument) -> String {
    let StoredDocument { actor, message, .. } = latest;
    if message.is_empty() { format!("by {actor}") } else { format!("by {actor}: {message}") }
}

fn because(switch: &Switch) -> String {
    switch.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}

fn until(switch: &Switch) -> String {
    match switch.valid.end_ms {
        i64::MAX => "until somebody turns it off".to_owned(),
        end_ms => format!("until {}", format_time(end_ms)),
    }
}

/// What is written under `when`, on one line.
fn condition(document: Option<&Value>) -> String {
    let texts: Vec<&str> = match document.and_then(|document| document.get("when")) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    let text = texts.join(" and ");
    let mut cut: String = text.chars().take(MAX_CONDITION).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    cut
}
