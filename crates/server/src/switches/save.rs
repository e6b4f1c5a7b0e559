//! Changes of switches: checked, judged, in force, then made durable with their place in the audit.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use axum::http::StatusCode;
use lanner_core::document::Check;
use lanner_core::time::format_time;
use lanner_core::{Cause, Node, Problem, Problems};
use lanner_io::store::{Author, StoreError, StoredDocument};
use lanner_switch::{Document, Switch, SwitchSet, change};
use serde_json::Value;

use super::enact::{self, Otherwise, enact};
use super::guard;
use super::service::{Lock, SwitchService};
use super::unwritten;
use crate::documents::{Applied, ApplyError, ApplyOptions, Prune, SWITCH, cause};
use crate::http::ApiError;

/// How one switch is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// On from now, for so many milliseconds if given.
    Activate(Option<i64>),
    /// Off.
    Deactivate,
    /// What it was before its last change.
    Revert,
    /// Gone.
    Delete,
}

/// Who changes a switch, and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct By {
    /// Who.
    pub actor: String,
    /// Why, for the history.
    pub message: String,
    /// Whether to do it though the guard objects.
    pub force: bool,
    /// The version that was looked at: any other is left as it is.
    pub expect: Option<u32>,
}

/// So many switches are written at once; between two such pieces others get their turn.
const PIECE: usize = 200;
/// So often a change is judged anew because its switches changed meanwhile; then while everybody waits.
const MAX_TRIES: usize = 3;

/// Makes the switches what is sent: all or none, as far as anything in them is wrong. Which switches that are not sent
/// are deleted, `options` say; with [`Prune::Own`], as a configuration that is read at each start, switches that somebody
/// else changed since are left as they are. With `force`, what the guard objects to is done all the same, and the
/// history says so.
///
/// More than a few hundred are changed in pieces, so that nobody who turns a switch on or off waits for them.
///
/// # Errors
/// Every problem in what is sent; failures of the store, and then a part of it may be in force.
pub(crate) async fn apply(
    service: &Arc<SwitchService>,
    mut documents: Vec<Value>,
    options: &ApplyOptions,
) -> Result<Applied, ApplyError> {
    let now_ms = service.now_ms();
    let ids = checked(&mut documents)?;
    let sent: Vec<(String, Value)> = ids.into_iter().zip(documents).collect();
    for n_tries in 1.. {
        let set = service.current();
        expected_all(service, &options.expect)?;
        let plan = planned(service, &set.set, &sent, options, now_ms)?;
        // Judged while others go on, and again if they changed what was judged.
        let lock = if n_tries > MAX_TRIES { Some(service.lock_in_time().await?) } else { None };
        let objections = objections(service, &plan).await?;
        // Also of a dry run: what would be refused is told.
        if !options.force && !objections.is_empty() {
            return Err(ApplyError::Problems(Problems(objections)));
        }
        if options.dry_run {
            return Ok(plan.applied);
        }
        let lock = match lock {
            Some(lock) => lock,
            None => service.lock_in_time().await?,
        };
        if plan.still_holds(&service.current().set) {
            let told = told(&objections);
            let message = forced(&options.message, &told);
            let author =
                Author { actor: options.actor.clone(), message, cause: options.cause.clone(), now_ms };
            let applied = plan.applied.clone();
            write(service, lock, author, plan, !told.is_empty()).await?;
            return Ok(applied);
        }
    }
    Err(ApplyError::Store(StoreError::Closed)) // not reached: with the lock, a plan holds
}

/// Switches that are to be changed together with other things, and what that makes of them.
pub(crate) struct PlannedSwitches {
    plan: Plan,
    message: String,
    prepared: Option<SwitchSet>,
}

impl PlannedSwitches {
    /// What becomes of them.
    pub(crate) const fn applied(&self) -> &Applied {
        &self.plan.applied
    }

    /// Whether there is nothing to change.
    pub(crate) const fn is_empty(&self) -> bool {
        self.plan.changes.is_empty()
    }

    /// Whether the switches are still what they were when this was planned; the caller holds the lock for changes.
    pub(crate) fn still_holds(&self, service: &SwitchService) -> bool {
        self.plan.still_holds(&service.current().set)
    }

    /// The change, for the author that `author` makes of its message, and what was prepared of it.
    pub(crate) fn into_change(
        self,
        author: impl FnOnce(String) -> Author,
    ) -> (unwritten::Change, Option<SwitchSet>) {
        (unwritten::Change::of(author(self.message), self.plan.documents()), self.prepared)
    }
}

/// What [`apply`] would change.
pub(crate) async fn plan(
    service: &Arc<SwitchService>,
    mut documents: Vec<Value>,
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<PlannedSwitches, ApplyError> {
    let ids = checked(&mut documents)?;
    let sent: Vec<(String, Value)> = ids.into_iter().zip(documents).collect();
    let plan = planned(service, &service.current().set, &sent, options, now_ms)?;
    let objections = objections(service, &plan).await?;
    if !options.force && !objections.is_empty() {
        return Err(ApplyError::Problems(Problems(objections)));
    }
    let message = forced(&options.message, &told(&objections));
    let prepared = if options.dry_run { None } else { enact::prepared(service, &plan.documents()).await? };
    Ok(PlannedSwitches { plan, message, prepared })
}

/// So many objections stand in the history of each switch; of the rest only how many.
const MAX_TOLD: usize = 3;

fn told(objections: &[Problem]) -> Vec<String> {
    let first = objections.iter().take(MAX_TOLD);
    let mut told: Vec<String> =
        first.map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    if objections.len() > MAX_TOLD {
        told.push(format!("and {} more", objections.len() - MAX_TOLD));
    }
    told
}

/// What an application comes to.
struct Plan {
    applied: Applied,
    /// By id: what each switch is now, and what it is to be.
    changes: Vec<(String, Option<Value>, Option<Value>)>,
}

impl Plan {
    /// By id: what each switch is to be.
    fn documents(&self) -> Vec<(String, Option<Document>)> {
        let document = |document: &Option<Value>| document.clone().map(Document::new);
        self.changes.iter().map(|(id, _, after)| (id.clone(), document(after))).collect()
    }

    /// Whether the switches are still what they were when this was made.
    fn still_holds(&self, set: &SwitchSet) -> bool {
        self.changes.iter().all(|(id, before, _)| stored(set, id) == before.as_ref())
    }
}

/// What is in force of a switch, as it is written.
fn stored<'s>(set: &'s SwitchSet, id: &str) -> Option<&'s Value> {
    set.snapshot().find(id).map(Document::value)
}

fn planned(
    service: &SwitchService,
    set: &SwitchSet,
    sent: &[(String, Value)],
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<Plan, StoreError> {
    let all = if options.prune == Prune::Nothing { Vec::new() } else { service.documents(SWITCH)? };
    let is_own = |stored: &StoredDocument| {
        options.prune.takes(|sections| sections.switches, cause::of(stored) == options.cause)
    };
    let others: HashSet<&str> = match options.prune {
        Prune::Own => all.iter().filter(|stored| !is_own(stored)).map(|stored| stored.id.as_str()).collect(),
        Prune::Nothing | Prune::All(_) => HashSet::new(),
    };
    let (mut applied, mut changes) = (Applied::default(), Vec::new());
    for (id, document) in sent {
        let (old, mut document) = (stored(set, id), document.clone());
        change::end_emergency(&mut document, old, now_ms);
        if others.contains(id.as_str()) {
            tracing::warn!(switch = id, "was changed by somebody else since, and is kept");
            applied.unchanged.push(id.clone());
            continue;
        }
        match old {
            None => applied.created.push(id.clone()),
            Some(old) if *old == document => {
                applied.unchanged.push(id.clone());
                continue;
            }
            Some(_) => applied.changed.push(id.clone()),
        }
        changes.push((id.clone(), old.cloned(), Some(document)));
    }
    let kept: HashSet<&str> = sent.iter().map(|(id, _)| id.as_str()).collect();
    let absent = set.snapshot().switches().map(|document| document.id().to_owned());
    let absent: BTreeSet<String> = absent.chain(all.iter().map(|stored| stored.id.clone())).collect();
    let gone = all.iter().filter(|stored| is_own(stored)).map(|stored| stored.id.as_str());
    let gone: HashSet<&str> = gone.collect();
    for id in absent.into_iter().filter(|id| !kept.contains(id.as_str())) {
        if gone.contains(id.as_str()) { &mut applied.deleted } else { &mut applied.kept }.push(id);
    }
    changes.extend(applied.deleted.iter().map(|id| (id.clone(), stored(set, id).cloned(), None)));
    Ok(Plan { applied, changes })
}

async fn write(
    service: &Arc<SwitchService>,
    lock: Lock,
    author: Author,
    plan: Plan,
    is_forced: bool,
) -> Result<(), ApplyError> {
    let (mut lock, documents) = (Some(lock), plan.documents());
    for piece in documents.chunks(PIECE) {
        let prepared = enact::prepared(service, piece).await?;
        let held = match lock.take() {
            Some(held) => held,
            None => service.lock_in_time().await?,
        };
        let change = unwritten::Change::of(author.clone(), piece.to_vec());
        let (lock, recording) = enact(service, held, prepared, change, Otherwise::Kept).await?;
        if is_forced {
            service.lately.accept();
        }
        drop(lock);
        recording.done().await?;
    }
    Ok(())
}

/// What the guard says of changes, a problem for each that it objects to.
async fn objections(service: &Arc<SwitchService>, plan: &Plan) -> Result<Vec<Problem>, StoreError> {
    let changes: Vec<_> = plan
        .changes
        .iter()
        .filter_map(|(id, before, after)| Some((id.as_str(), before.as_ref(), after.as_ref()?)))
        .collect();
    let judged = guard::objections(
        service,
        &changes.iter().map(|(_, before, after)| (*before, *after)).collect::<Vec<_>>(),
    )
    .await?;
    let objections = changes.into_iter().zip(judged).filter_map(|((id, ..), why)| Some((id, why?)));
    let hint =
        "force it (--force), or apply it inactive and ask a second person (lanner switch activate --request)"
            .to_owned();
    let problem = |(id, message): (&str, String)| Problem {
        at: None,
        path: format!("switches.{id}"),
        message,
        hint: Some(hint.clone()),
    };
    Ok(objections.map(problem).collect())
}

/// The message of a change that the guard objected to and that was done all the same.
fn forced(message: &str, objections: &[String]) -> String {
    if objections.is_empty() {
        return message.to_owned();
    }
    let dash = if message.is_empty() { "" } else { " - " };
    format!("{message}{dash}forced: {}", objections.join("; "))
}

/// The ids of documents without a problem, which become what is stored.
fn checked(documents: &mut [Value]) -> Result<Vec<String>, ApplyError> {
    let (mut check, mut ids) = (Check::default(), Vec::with_capacity(documents.len()));
    let mut seen = HashSet::new();
    for (at, document) in documents.iter_mut().enumerate() {
        let path = format!("switches[{at}]");
        *document = Switch::document(&Node::from_json(document));
        // What is stored is what is checked, so that it reads back.
        match Switch::check(&Node::from_json(document), &path) {
            Ok(switch) if !seen.insert(Arc::clone(&switch.id)) => {
                check.push(None, &path, format!("\"{}\" is the id of two switches", switch.id), None);
            }
            Ok(switch) => ids.push(switch.id.to_string()),
            Err(Problems(problems)) => check.problems.extend(problems),
        }
    }
    if check.problems.is_empty() { Ok(ids) } else { Err(ApplyError::Problems(Problems(check.problems))) }
}

/// Changes one switch.
///
/// # Errors
/// 404, 409 where the guard objects, 422 where the change makes no sense, failures of the store.
pub(crate) async fn change(
    service: &Arc<SwitchService>,
    id: &str,
    change: Change,
    by: &By,
) -> Result<(), ApiError> {
    for n_tries in 1.. {
        let now_ms = service.now_ms();
        let lock = if n_tries > MAX_TRIES { Some(service.lock_in_time().await?) } else { None };
        // What it is, and what it was before.
        let versions = service.last_versions(SWITCH, id, 2)?;
        expected(&versions, id, by)?;
        let document = changed(&versions, id, change, now_ms)?;
        if let Some(document) = &document {
            Switch::from_json(document).map_err(ApiError::from)?;
        }
        let before = versions.first().and_then(|stored| stored.document.as_ref());
        let objection = match &document {
            Some(document) => guard::objection(service, before, document).await?,
            None => None,
        };
        if let Some(why) = objection.as_ref().filter(|_| !by.force) {
            let message = format!(
                "the switch \"{id}\" is unchanged: {why}; force it (--force), or ask a second person (--request)"
            );
            return Err(ApiError::new(StatusCode::CONFLICT, message));
        }
        let lock = match lock {
            Some(lock) => lock,
            None => service.lock_in_time().await?,
        };
        let version = versions.first().map(|stored| stored.version);
        let latest = service.latest(SWITCH, id)?;
        if latest.map(|stored| stored.version) != version {
            continue; // somebody changed it while it was judged
        }
        let message = forced(&by.message, objection.as_slice());
        let author = Author { actor: by.actor.clone(), message, cause: Cause::Person, now_ms };
        let change = unwritten::Change::of(author, vec![(id.to_owned(), document.map(Document::new))]);
        let (lock, recording) = enact(service, lock, None, change, Otherwise::Kept).await?;
        if objection.is_some() {
            service.lately.accept();
        }
        drop(lock);
        recording.done().await?;
        break;
    }
    Ok(())
}

/// Refuses a change of a version that is no longer the latest, where the caller says which one was looked at.
fn expected(versions: &[StoredDocument], id: &str, by: &By) -> Result<(), ApiError> {
    let conflict = by.expect.and_then(|expected| conflict(versions.first(), id, expected));
    conflict.map_or(Ok(()), |why| Err(ApiError::new(StatusCode::CONFLICT, why)))
}

/// As [`expected`], of many switches; all that were changed since are named.
fn expected_all(service: &SwitchService, expect: &BTreeMap<String, u32>) -> Result<(), ApplyError> {
    let mut conflicts = Vec::new();
    for (id, expected) in expect {
        conflicts.extend(conflict(service.latest(SWITCH, id)?.as_ref(), id, *expected));
    }
    if conflicts.is_empty() { Ok(()) } else { Err(ApplyError::Conflict(conflicts.join("; "))) }
}

/// Why a version is not the latest, 0 being that of a switch that never was.
fn conflict(latest: Option<&StoredDocument>, id: &str, expected: u32) -> Option<String> {
    let Some(StoredDocument { version, document, actor, message, changed_ms, .. }) = latest else {
        let why =
            format!("the switch \"{id}\" is unchanged: it never existed, and version {expected} is expected");
        return (expected != 0).then_some(why);
    };
    let what = if document.is_some() { "changed" } else { "deleted" };
    let why = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let time = format_time(*changed_ms);
    (*version != expected).then(|| {
        format!(
            "the switch \"{id}\" is unchanged: it is at version {version}, not {expected}; {actor} {what} it at \
             {time}{why}"
        )
    })
}

/// What the switch is after the change; `versions` are the newest first.
fn changed(
    versions: &[StoredDocument],
    id: &str,
    change: Change,
    now_ms: i64,
) -> Result<Option<Value>, ApiError> {
    let not_found = || ApiError::not_found("switch", id);
    let refused = |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let latest = versions.first().ok_or_else(not_found)?;
    if change == Change::Revert {
        let before =
            versions.get(1).ok_or_else(|| refused(format!("the switch \"{id}\" was never changed")))?;
        return Ok(before.document.clone());
    }
    let document = latest.document.as_ref().ok_or_else(not_found)?;
    match change {
        Change::Activate(for_ms) => change::activate(document, now_ms, for_ms)
            .map(Some)
            .map_err(|why| refused(format!("the switch \"{id}\" cannot be activated: {why}"))),
        Change::Deactivate => Ok(Some(change::deactivate(document))),
        Change::Revert | Change::Delete => Ok(None),
    }
}
