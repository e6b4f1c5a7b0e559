//! Dry runs: what alerts do with a switch is only reported until a person enforces it, and again once too much of it was wrong.
//!
//! In a dry run alerts make switches in shadow, which report what they would block wherever switches are asked. So what is
//! tried is what is enforced later. Whether a switch is enforced is a document of its own, with its versions and its rows in the
//! audit; there is none until a person enforces it, so a dry run always comes first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::time::DAY_MS;
use lanner_core::{Cause, WrongBudget};
use lanner_engine::config::RECEIVER as RECEIVER_FIELDS;
use lanner_io::receiver::ReceiverConfig;
use lanner_io::state::{Author, DocumentBatch, DocumentChange, StoredDocument};
use lanner_io::store::StoreError;
use lanner_switch::{Document, Phase, Switch};
use serde_json::{Value, json};

use super::budget::Account;
use super::decisions::{Decision, SessionLabel, THROWN_BY, decisions};
use super::enact::{Otherwise, enact};
use super::service::SwitchService;
use super::thrown::is_after;
use super::unwritten::Change;
use crate::documents::{ApplyError, RECEIVER, SESSION_LABEL, SWITCH, broke_off, cause};
use crate::http::blocking;

/// The kind of documents that say whether a switch is enforced; each has the id of its switch.
pub(super) const ENFORCEMENT: &str = "switch_enforcement";
/// The alert that tells people of a step back.
const STEPPED_BACK: &str = "lanner:dry-run";
/// How often it is looked at whether enforcement ends.
const EVERY: Duration = Duration::from_secs(1);

/// Whether a switch is enforced, since when, and who or what said so.
#[derive(Debug, Clone, Default)]
pub(super) struct Mode {
    pub(super) is_enforced: bool,
    /// The version that says so; `None` where nobody ever enforced it.
    pub(super) said: Option<StoredDocument>,
}

impl Mode {
    /// Whether the server ended enforcement by itself.
    pub(super) fn is_step_back(&self) -> bool {
        let by_itself = |stored: &StoredDocument| matches!(cause::of(stored), Cause::Alert { .. });
        !self.is_enforced && self.said.as_ref().is_some_and(by_itself)
    }

    fn since_ms(&self) -> i64 {
        self.said.as_ref().map_or(i64::MIN, |stored| stored.changed_ms)
    }
}

/// Whether what alerts make of a switch is enforced.
///
/// # Errors
/// Failures of the store.
pub(super) fn mode(service: &SwitchService, model: &str) -> Result<Mode, StoreError> {
    let said = service.state.document_latest(ENFORCEMENT, model)?;
    let written = said.as_ref().is_some_and(is_enforced);
    let is_enforced = written && !service.stepped_back.contains(model);
    Ok(Mode { is_enforced, said })
}

/// The budgets of receivers with a dry run, by switch; of several about one switch the smallest counts.
///
/// # Errors
/// Failures of the store.
pub(super) fn budgets(service: &SwitchService) -> Result<BTreeMap<String, WrongBudget>, StoreError> {
    let mut budgets: BTreeMap<String, WrongBudget> = BTreeMap::new();
    for stored in service.state.documents(RECEIVER)? {
        let Some((switch, budget)) = stored.document.as_ref().and_then(budget_in) else { continue };
        let of_one = budgets.entry(switch).or_insert(budget);
        if budget.per_day < of_one.per_day {
            *of_one = budget;
        }
    }
    Ok(budgets)
}

fn budget_in(receiver: &Value) -> Option<(String, WrongBudget)> {
    if receiver.get("kind").and_then(Value::as_str) != Some("switch") {
        return None;
    }
    let mut own = receiver.clone();
    let fields = own.as_object_mut()?;
    // What all receivers have is not the kind's own.
    for field in RECEIVER_FIELDS.iter().filter(|field| field.name != "kind") {
        fields.shift_remove(field.name);
    }
    let plan = ReceiverConfig::from_value(&own).ok()?.plan()?;
    Some((plan.switch().to_owned(), plan.budget()?))
}

/// The decisions of the days that a budget is about, and a day more, which tells how long they go on already.
///
/// # Errors
/// Failures of the store.
pub(super) fn recent(
    service: &SwitchService,
    model: Option<&str>,
    n_days: u32,
) -> Result<Vec<Decision>, StoreError> {
    let since_ms = service.now_ms() - i64::from(n_days + 1) * DAY_MS;
    let labels = service.state.documents(SESSION_LABEL)?;
    let labels: Vec<SessionLabel> = labels.iter().filter_map(SessionLabel::read).collect();
    let versions = service.state.documents_since(SWITCH, since_ms)?;
    Ok(decisions(model, &versions, &labels))
}

/// Runs until the server stops: ends enforcement where too much of it was wrong.
pub(crate) async fn watch(service: Arc<SwitchService>) {
    let mut seen = None;
    while !service.shutdown.has_begun() {
        match look(&service, &mut seen).await {
            Ok(()) => {}
            Err(error) => tracing::debug!("whether switches stay enforced: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
    }
}

/// What may change whether enforcement ends: what is written of enforced switches, labels, modes and receivers.
type Revisions = [u64; 4];

async fn look(service: &Arc<SwitchService>, seen: &mut Option<Revisions>) -> Result<(), ApplyError> {
    let shared = Arc::clone(service);
    let known = *seen;
    let look = move || -> Result<(Revisions, Vec<(String, String)>), StoreError> {
        let kinds = [SESSION_LABEL, ENFORCEMENT, RECEIVER];
        let mut now = [shared.watched.n_written(), 0, 0, 0];
        for (revision, kind) in now[1..].iter_mut().zip(kinds) {
            *revision = shared.state.document_revision(kind)?;
        }
        // Time alone makes nothing wrong.
        if known == Some(now) { Ok((now, Vec::new())) } else { Ok((now, excesses(&shared)?)) }
    };
    let (now, over) = blocking(look).await.unwrap_or_else(broke_off)?;
    for (switch, why) in over {
        tracing::warn!(switch, "steps back to a dry run: {why}");
        let author = Author {
            actor: "lanner".to_owned(),
            message: why,
            cause: Cause::Alert { rule: STEPPED_BACK.to_owned(), episode_ms: service.now_ms() },
            now_ms: service.now_ms(),
        };
        set(service, &switch, false, author).await?;
    }
    *seen = Some(now);
    Ok(())
}

/// Switches whose enforcement is to end, each with the reason.
fn excesses(service: &SwitchService) -> Result<Vec<(String, String)>, StoreError> {
    let mut enforced = Vec::new();
    for (switch, budget) in budgets(service)? {
        let mode = mode(service, &switch)?;
        if mode.is_enforced {
            enforced.push((switch, budget, mode));
        }
    }
    service.watched.watch(enforced.iter().map(|(switch, ..)| switch.clone()).collect());
    let mut over = Vec::new();
    for (switch, budget, mode) in enforced {
        let recent = recent(service, Some(&switch), budget.n_days)?;
        // What went wrong before was known to whoever enforced it.
        let since = recent.iter().filter(|it| it.is_enforced && it.began_ms >= mode.since_ms());
        over.extend(Account::of(since, budget, service.now_ms()).excess(budget).map(|why| (switch, why)));
    }
    Ok(over)
}

/// Enforces a switch, or ends that: then what alerts activated reports from now on.
///
/// # Errors
/// Failures of the store. That a switch blocks no more is in force all the same.
pub(super) async fn set(
    service: &Arc<SwitchService>,
    model: &str,
    is_enforced: bool,
    author: Author,
) -> Result<(), ApplyError> {
    let lock = service.lock().await;
    let switches = if is_enforced { Vec::new() } else { in_shadow(service, model) };
    if !is_enforced {
        service.stepped_back.insert(model);
    }
    let document = Some(json!({ "enforced": is_enforced }));
    let change = DocumentChange { id: model.to_owned(), document };
    let message = author.message.clone();
    let batch = DocumentBatch { kind: ENFORCEMENT.to_owned(), message, changes: vec![change] };
    let change = Change { others: vec![batch], ..Change::of(author, switches) };
    let (lock, recording) = enact(service, lock, None, change, Otherwise::Kept).await?;
    drop(lock);
    recording.done().await?;
    service.stepped_back.remove(model);
    Ok(())
}

/// What alerts made after a switch and blocks, as it would only report.
fn in_shadow(service: &SwitchService, model: &str) -> Vec<(String, Option<Document>)> {
    let (current, now_ms) = (service.current(), service.now_ms());
    let snapshot = current.set.snapshot();
    let is_own = |switch: &&Arc<Switch>| {
        let is_thrown = switch.labels.get(THROWN_BY).is_some();
        is_thrown && is_after(model, &switch.id) && switch.phase(now_ms) == Phase::Blocking
    };
    let shadowed = |switch: &Arc<Switch>| {
        let mut document = snapshot.find(&switch.id)?.value().clone();
        document["status"] = json!("shadow");
        Some((switch.id.to_string(), Some(Document::new(document))))
    };
    current.set.iter().filter(is_own).filter_map(shadowed).collect()
}

/// Switches that the server put back to a dry run, each with what people are told.
///
/// # Errors
/// Failures of the store.
pub(super) fn steps_back(service: &SwitchService) -> Result<Vec<(String, String)>, StoreError> {
    let mut told = Vec::new();
    for stored in service.state.documents(ENFORCEMENT)? {
        let (id, why) = (stored.id.clone(), stored.message.clone());
        let is_enforced = is_enforced(&stored);
        if (Mode { is_enforced, said: Some(stored) }).is_step_back() {
            let text = format!(
                "the switch {id} is in a dry run again and blocks nothing for alerts: {why}; lanner switch dry-run {id} shows what \
                 was wrong, lanner switch enforce {id} enforces it again"
            );
            told.push((id, text));
        }
    }
    Ok(told)
}

/// What became of a step back that people were told of.
///
/// # Errors
/// Failures of the store.
pub(super) fn decided(service: &SwitchService, id: &str) -> Result<String, StoreError> {
    let Mode { is_enforced, said } = mode(service, id)?;
    let actor = said.map_or_else(|| "somebody".to_owned(), |stored| stored.actor);
    Ok(if is_enforced {
        format!("{actor} enforces the switch {id} again")
    } else {
        format!("{actor} leaves the switch {id} in a dry run")
    })
}

fn is_enforced(stored: &StoredDocument) -> bool {
    stored.document.as_ref().and_then(|document| document.get("enforced")?.as_bool()).unwrap_or(false)
}
