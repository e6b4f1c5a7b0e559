//! What a configuration makes of rules, receivers and inhibitions, which depend on one another.

use std::collections::{BTreeMap, HashSet};

use lanner_core::{Node, Problem, Problems};
use lanner_engine::Config;
use lanner_engine::source::Elsewhere;
use lanner_io::state::{DocumentBatch, StateStore, StoreError, StoredDocument};
use lanner_io::store::DocumentChange;
use serde_json::Value;

use super::document::document_of;
use crate::documents::{
    Applied, ApplyError, ApplyOptions, INHIBITION, Prune, RECEIVER, RULE, cause, changes, compare, name_of,
};
use crate::notify::receivers::check_receivers;

/// The sections whose parts depend on one another.
pub(crate) const JOINED: [&str; 4] = ["rules", "receivers", "inhibit", "time_intervals"];

/// What is to be written, and what that makes of them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What becomes of rules.
    pub(crate) rules: Applied,
    /// What becomes of receivers.
    pub(crate) receivers: Applied,
    /// What becomes of inhibitions.
    pub(crate) inhibitions: Applied,
    /// What is to be written.
    pub(crate) batches: Vec<DocumentBatch>,
}

/// Plans all of it.
///
/// - `sources`: the names of the sources that queries may ask.
/// - `streams`: the streams that lie in them.
///
/// # Errors
/// Every problem in the document; failures of the store.
pub(crate) fn plan(
    store: &dyn StateStore,
    (sources, streams): (&[String], &Elsewhere),
    document: &Value,
    options: &ApplyOptions,
) -> Result<Plan, ApplyError> {
    let mut plan = Plan::default();
    let receivers = store.documents(RECEIVER)?;
    let document = check(&receivers, (sources, streams), document)?;
    let stored = Stored {
        rules: stored_rules(store, &document, options)?,
        receivers,
        inhibitions: store.documents(INHIBITION)?,
    };
    let rules = compare(&stored.rules, section(&document, "rules"), "id", |stored| {
        options.prune.takes(|sections| sections.rules, cause::of(stored) == options.cause)
    });
    let mut receivers = compare(&stored.receivers, section(&document, "receivers"), "name", |stored| {
        options.prune.takes(|sections| sections.receivers, cause::of(stored) == options.cause)
    });
    stored.check_gone(&document, &rules.deleted, &mut receivers.deleted, options.prune)?;
    let own = |stored: &StoredDocument| options.prune == Prune::Own && cause::of(stored) == options.cause;
    let inhibitions = match document.get("inhibit").and_then(Value::as_array) {
        Some(new) => Some(new.clone()),
        None if stored.inhibitions.iter().any(own) => {
            let others = stored.inhibitions.iter().filter(|stored| !own(stored));
            Some(others.filter_map(|stored| stored.document.clone()).collect())
        }
        None => None,
    };
    let batch = |kind: &str, changes| DocumentBatch {
        kind: kind.to_owned(),
        message: options.message.clone(),
        changes,
    };
    plan.batches.push(batch(RECEIVER, changes(section(&document, "receivers"), "name", &receivers.deleted)));
    if let Some(new) = &inhibitions {
        plan.inhibitions = compare_unnamed(&stored.inhibitions, new);
        plan.batches.push(batch(INHIBITION, unnamed(&stored.inhibitions, new)));
    }
    plan.batches.push(batch(RULE, changes(section(&document, "rules"), "id", &rules.deleted)));
    plan.rules = rules;
    plan.receivers = receivers;
    Ok(plan)
}

/// The stored rules that matter: those that the document names, or all where others may go or are spoken of.
fn stored_rules(
    store: &dyn StateStore,
    document: &Value,
    options: &ApplyOptions,
) -> Result<Vec<StoredDocument>, StoreError> {
    if options.dry_run || options.prune.may_take(|sections| sections.rules || sections.receivers) {
        return store.documents(RULE);
    }
    let ids: Vec<&str> = section(document, "rules").iter().map(|rule| name_of(rule, "id")).collect();
    store.documents_of(RULE, &ids)
}

/// What is stored of the sections that depend on one another.
struct Stored {
    rules: Vec<StoredDocument>,
    receivers: Vec<StoredDocument>,
    inhibitions: Vec<StoredDocument>,
}

impl Stored {
    /// Refuses that receivers go which rules name that stay; where a configuration drops only its own, they stay too.
    fn check_gone(
        &self,
        document: &Value,
        rules_gone: &[String],
        receivers_gone: &mut Vec<String>,
        prune: Prune,
    ) -> Result<(), ApplyError> {
        if receivers_gone.is_empty() {
            return Ok(());
        }
        let mut replaced: HashSet<&str> = rules_gone.iter().map(String::as_str).collect();
        replaced.extend(section(document, "rules").iter().map(|rule| name_of(rule, "id")));
        let stays = |stored: &&StoredDocument| !replaced.contains(&*stored.id);
        let stored = self.rules.iter().filter(stays).filter_map(|stored| stored.document.as_ref());
        let mut named: BTreeMap<&str, &str> = BTreeMap::new();
        for rule in stored.chain(section(document, "rules")) {
            named.extend(receivers_of(rule).map(|receiver| (receiver, name_of(rule, "id"))));
        }
        let mut problems = Vec::new();
        receivers_gone.retain(|receiver| {
            let Some(rule) = named.get(receiver.as_str()) else { return true };
            if prune == Prune::Own {
                tracing::warn!(
                    receiver,
                    rule,
                    "is no longer in the configuration, and is kept because a rule names it"
                );
            } else {
                let message = format!("names the receiver \"{receiver}\", which would be deleted");
                let hint = Some("keep it in the files, or delete the rule as well".to_owned());
                problems.push(Problem { at: None, path: format!("rules.{rule}.receivers"), message, hint });
            }
            false
        });
        if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(Problems(problems))) }
    }
}

/// The items of one section of a configuration document.
fn section<'d>(document: &'d Value, name: &str) -> &'d [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The document as it will be stored, if there is nothing wrong with it beside what is stored, and it reads back to the
/// same. Every problem at once.
fn check(
    receivers: &[StoredDocument],
    (sources, streams): (&[String], &Elsewhere),
    document: &Value,
) -> Result<Value, ApplyError> {
    let known = receivers.iter().map(|stored| &*stored.id);
    let known: HashSet<&str> = known.collect();
    let read = |document: &Value| {
        let mut config = Config::default();
        let mut problems = config.read(&Node::from_json(document));
        problems.extend(check_receivers(&config.receivers));
        problems.extend(config.cross_check_with(&known));
        problems.extend(config.unknown_sources(sources));
        problems.extend(config.misplaced(streams));
        let sections = document_of(&config, document.get("inhibit").is_some());
        if problems.is_empty() { Ok(sections) } else { Err(ApplyError::Problems(Problems(problems))) }
    };
    let stored = read(&joined_sections(document))?;
    let again = serde_json::from_str(&stored.to_string()).map_err(StoreError::from)?;
    if read(&again)? == stored {
        return Ok(stored);
    }
    let message = "would not read back as written; this is a bug in Lanner, please report it".to_owned();
    Err(ApplyError::Problems(Problems(vec![Problem { at: None, path: String::new(), message, hint: None }])))
}

/// The sections that depend on one another.
fn joined_sections(document: &Value) -> Value {
    let sections = JOINED.iter().filter_map(|name| Some(((*name).to_owned(), document.get(name)?.clone())));
    Value::Object(sections.collect())
}

/// Inhibitions have no names; they are compared, and replaced, as a whole.
fn compare_unnamed(stored: &[StoredDocument], new: &[Value]) -> Applied {
    let name = |document: &Value| document.to_string();
    let before: Vec<String> = stored.iter().filter_map(|stored| stored.document.as_ref()).map(name).collect();
    let after: Vec<String> = new.iter().map(name).collect();
    let (unchanged, created) = after.iter().cloned().partition(|item| before.contains(item));
    let deleted = before.into_iter().filter(|item| !after.contains(item)).collect();
    Applied { created, changed: Vec::new(), unchanged, deleted, kept: Vec::new() }
}

fn unnamed(stored: &[StoredDocument], new: &[Value]) -> Vec<DocumentChange> {
    let ids: Vec<String> = (0..new.len()).map(|at| format!("{at:04}")).collect();
    let gone = stored.iter().filter(|stored| !ids.contains(&stored.id));
    let gone = gone.map(|old| DocumentChange { id: old.id.clone(), document: None });
    let new =
        ids.iter().zip(new).map(|(id, item)| DocumentChange { id: id.clone(), document: Some(item.clone()) });
    new.chain(gone).collect()
}

/// The receivers that a stored rule names; one alone may stand without a list.
pub(crate) fn receivers_of(rule: &Value) -> impl Iterator<Item = &str> {
    let names = rule.get("receivers");
    let names = names.map(|names| names.as_array().map_or(std::slice::from_ref(names), Vec::as_slice));
    names.unwrap_or_default().iter().filter_map(Value::as_str)
}
