//! What people are notified of about switches, as the watch over the server itself finds it: alerts were wrong about one too often,
//! an alert has activated one, one waits for an approval, one ends soon; and how each of these came to an end. The engine decides what of it is new.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lanner_core::Cause;
use lanner_core::time::format_time;
use lanner_io::store::{StoreError, StoredDocument};
use lanner_switch::{Phase, Status, Switch};
use serde_json::Value;

use super::enforcement;
use super::requests;
use super::service::SwitchService;
use crate::documents::{REQUEST, SWITCH, cause};

/// A switch that is on for a short while is told of when this part of it is left: not as soon as it begins.
const LAST_PART: i64 = 4;
/// People are notified of so many switches one by one at most.
const MAX_TOLD: usize = 1_000;
/// A longer condition is cut, characters.
const MAX_CONDITION: usize = 300;

/// What there is to tell of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Alerts were wrong about it too often, so it only reports.
    SteppedBack,
    /// An alert has activated it.
    Activated,
    /// It waits for an approval.
    Waits,
    /// It ends soon.
    Ends,
}

/// What there is to tell of switches, each with a sentence.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// What holds now.
    pub now: BTreeMap<(Arc<str>, Kind), String>,
    /// How what was told came to an end.
    pub over: BTreeMap<(Arc<str>, Kind), String>,
}

/// What is to be told now, after `told`. Cost: a look at every switch, and at the versions of those that are told of.
///
/// # Errors
/// Failures of the store.
pub(crate) fn news(
    service: &SwitchService,
    told: Vec<(Arc<str>, Kind)>,
    now_ms: i64,
) -> Result<News, StoreError> {
    let current = service.current();
    let notice_ms = service.live.get().switch_notice_ms;
    let mut now = BTreeMap::new();
    let blocks = |switch: &&Arc<Switch>| switch.flag.is_none() && switch.phase(now_ms) == Phase::Blocking;
    let switches = current.set.iter().filter(blocks);
    let switches = switches.filter(|switch| may_be_told(switch, notice_ms, now_ms));
    let mut switches: Vec<&Arc<Switch>> = switches.collect();
    switches.sort_by_key(|switch| Reverse(switch.priority));
    switches.truncate(MAX_TOLD);
    for switch in &switches {
        let Some(stored) = service.known.of(switch, || service.latest(SWITCH, &switch.id))? else { continue };
        if let Some(text) = activated(switch, &stored) {
            now.insert((Arc::clone(&switch.id), Kind::Activated), text);
        }
        if let Some(text) = ends(switch, &stored, notice_ms, now_ms) {
            now.insert((Arc::clone(&switch.id), Kind::Ends), text);
        }
    }
    for waiting in requests::all(service)?.iter().take(MAX_TOLD) {
        now.insert((waiting.id.as_str().into(), Kind::Waits), waits(waiting));
    }
    for (id, text) in enforcement::steps_back(service)? {
        now.insert((id.as_str().into(), Kind::SteppedBack), text);
    }
    let looked_at: HashSet<&str> = switches.iter().map(|switch| &*switch.id).collect();
    service.known.keep(|id| looked_at.contains(id));
    let mut over = BTreeMap::new();
    for (id, news) in told.into_iter().filter(|key| !now.contains_key(key)) {
        let how = match news {
            Kind::SteppedBack => enforcement::decided(service, &id)?,
            Kind::Waits => decided(&id, service.latest(REQUEST, &id)?),
            Kind::Activated | Kind::Ends => ended(&id, service.latest(SWITCH, &id)?, now_ms),
        };
        over.insert((id, news), how);
    }
    Ok(News { now, over })
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
