//! Changes of switches: checked, made durable with their place in the audit, then in force.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::http::StatusCode;
use lanner_core::document::Check;
use lanner_core::{Node, Problem, Problems};
use lanner_io::store::{DocumentBatch, DocumentChange, StoreError, StoredDocument};
use lanner_switch::{Switch, change};
use serde_json::Value;

use super::{SWITCH, guard};
use crate::api::ApiError;
use crate::app::App;
use crate::apply::{Applied, ApplyError, ApplyOptions, Prune};

/// How one switch is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
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
pub struct By {
    /// Who.
    pub actor: String,
    /// Why, for the history.
    pub message: String,
    /// Whether to do it though the guard objects.
    pub force: bool,
}

/// What is to be written of switches, and what that makes of them.
pub(crate) struct PlannedSwitches {
    /// What becomes of them.
    pub(crate) applied: Applied,
    /// What is to be written.
    pub(crate) batch: DocumentBatch,
}

/// Makes the switches what is sent: all or none. Which switches that are not sent are deleted, `options` say; with
/// [`Prune::Own`], as a configuration that is read at each start, switches that somebody else changed since are left
/// as they are. With `force`, what the guard objects to is done all the same, and the history says so.
///
/// # Errors
/// Every problem in what is sent; failures of the store.
pub async fn apply(
    app: &Arc<App>,
    documents: Vec<Value>,
    options: &ApplyOptions,
) -> Result<Applied, ApplyError> {
    let _one_at_a_time = app.switches.changing.lock().await;
    let now_ms = app.now_ms();
    let PlannedSwitches { applied, batch } = plan(app, documents, options, now_ms).await?;
    if options.dry_run {
        return Ok(applied);
    }
    app.store.save_batches(&options.actor, now_ms, vec![batch])?.await?;
    app.switches.reload(&app.store, &app.set_aside, now_ms)?;
    Ok(applied)
}

/// What [`apply`] would write; the caller holds the lock for changes.
pub(crate) async fn plan(
    app: &Arc<App>,
    mut documents: Vec<Value>,
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<PlannedSwitches, ApplyError> {
    let ids = checked(&mut documents)?;
    let stored: BTreeMap<String, StoredDocument> =
        app.store.documents(SWITCH)?.into_iter().map(|stored| (stored.id.clone(), stored)).collect();
    let is_own = |stored: &StoredDocument| {
        options.prune.takes(|sections| sections.switches, &stored.actor, &options.actor)
    };
    let (mut applied, mut changes) = (Applied::default(), Vec::new());
    for (id, document) in ids.iter().zip(&mut documents) {
        let before = stored.get(id);
        let old = before.and_then(|before| before.document.as_ref());
        end_emergency(document, old, now_ms);
        if before.is_some_and(|before| options.prune == Prune::Own && !is_own(before)) {
            tracing::warn!(switch = id, "was changed since by somebody else, and stays as it is");
            applied.unchanged.push(id.clone());
            continue;
        }
        match old {
            None => applied.created.push(id.clone()),
            Some(old) if old == document => applied.unchanged.push(id.clone()),
            Some(_) => applied.changed.push(id.clone()),
        }
        changes.push(DocumentChange { id: id.clone(), document: Some(document.take()) });
    }
    let sent: HashSet<&String> = ids.iter().collect();
    for stored in stored.values().filter(|stored| !sent.contains(&stored.id)) {
        let absent = if is_own(stored) { &mut applied.deleted } else { &mut applied.kept };
        absent.push(stored.id.clone());
    }
    changes.extend(applied.deleted.iter().map(|id| DocumentChange { id: id.clone(), document: None }));
    // Also of a dry run: what would be refused is told.
    let objections = objections(app, &stored, &changes).await?;
    if !options.force && !objections.is_empty() {
        return Err(ApplyError::Problems(Problems(objections)));
    }
    let objections: Vec<String> =
        objections.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    let message = forced(&options.message, &objections);
    Ok(PlannedSwitches { applied, batch: DocumentBatch { kind: SWITCH.to_owned(), message, changes } })
}

/// What the guard says of changes, a problem for each that it objects to.
async fn objections(
    app: &Arc<App>,
    stored: &BTreeMap<String, StoredDocument>,
    changes: &[DocumentChange],
) -> Result<Vec<Problem>, StoreError> {
    let changes = changes.iter().filter_map(|change| Some((change.id.as_str(), change.document.as_ref()?)));
    let (ids, changes): (Vec<_>, Vec<_>) = changes
        .map(|(id, new)| (id, (stored.get(id).and_then(|stored| stored.document.as_ref()), new)))
        .unzip();
    let judged = guard::objections(app, &changes).await?;
    let objections = ids.into_iter().zip(judged).filter_map(|(id, why)| Some((id, why?)));
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

/// Gives an emergency switch an end: the one it was given before, if nothing else changed; else a day from now.
fn end_emergency(document: &mut Value, old: Option<&Value>, now_ms: i64) {
    if let Some((old, end)) = old.and_then(|old| Some((old, old.pointer("/valid/to")?))) {
        let mut same = document.clone();
        change::give_end_at(&mut same, end);
        if same == *old {
            *document = same;
        }
    }
    change::give_end(document, now_ms);
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
pub async fn change(app: &Arc<App>, id: &str, change: Change, by: &By) -> Result<(), ApiError> {
    let _one_at_a_time = app.switches.changing.lock().await;
    let now_ms = app.now_ms();
    let versions = app.store.document_history(SWITCH, id)?;
    let document = changed(&versions, id, change, now_ms)?;
    if let Some(document) = &document {
        Switch::from_json(document).map_err(ApiError::from)?;
    }
    let before = versions.first().and_then(|stored| stored.document.as_ref());
    let objection = match &document {
        Some(document) => guard::objection(app, before, document).await?,
        None => None,
    };
    if let Some(why) = objection.as_ref().filter(|_| !by.force) {
        let message = format!(
            "the switch \"{id}\" stays as it is: {why}; force it (--force), or ask a second person (--request)"
        );
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let message = forced(&by.message, objection.as_slice());
    let changes = vec![DocumentChange { id: id.to_owned(), document }];
    app.store.save_documents(SWITCH, &by.actor, &message, now_ms, changes)?.await?;
    app.switches.reload(&app.store, &app.set_aside, now_ms)?;
    Ok(())
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
