//! Reads stored documents one by one: those that can be put in force, and those that are set aside.
//!
//! Everything is checked before it is stored, so only damage, an older release or another program can have left a
//! document that cannot be read. It costs nobody else anything: it is named in the log, in the list and in the status,
//! can be shown and deleted, and the rest is in force.

use lanner_core::Node;
use lanner_core::document::{Content, Key};
use lanner_engine::source::Elsewhere;
use lanner_engine::{Config, Rule};
use lanner_io::state::{StateStore, StoreError, StoredDocument};
use serde_json::Value;

use crate::documents::{Aside, INHIBITION, RECEIVER, RULE, misplaced};
use crate::notify::receivers::check_receivers;

/// What is stored, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// What is put in force; rules with their versions.
    pub config: Config,
    /// Why the others are not, by id.
    pub set_aside: Aside,
}

/// Reads every rule, receiver and inhibition.
///
/// - `streams`: those that lie elsewhere, and are asked there.
///
/// # Errors
/// Failures of the store.
pub(crate) fn read(store: &dyn StateStore, streams: &Elsewhere) -> Result<Stored, StoreError> {
    let mut stored = read_receivers(store)?;
    stored.add_rules(store.documents(RULE)?, streams);
    Ok(stored)
}

/// Reads the rules with these ids; those that are not stored, or cannot be read, are not among them.
///
/// # Errors
/// Failures of the store.
pub(crate) fn read_rules<'i>(
    store: &dyn StateStore,
    ids: impl IntoIterator<Item = &'i str>,
    streams: &Elsewhere,
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    stored.add_rules(store.documents_of(RULE, &ids.into_iter().collect::<Vec<_>>())?, streams);
    Ok(stored)
}

/// Reads every rule, and nothing else.
///
/// # Errors
/// Failures of the store.
pub(crate) fn read_all_rules(store: &dyn StateStore, streams: &Elsewhere) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    stored.add_rules(store.documents(RULE)?, streams);
    Ok(stored)
}

/// Reads every receiver and inhibition.
///
/// # Errors
/// Failures of the store.
pub(crate) fn read_receivers(store: &dyn StateStore) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    for (kind, section) in [(RECEIVER, "receivers"), (INHIBITION, "inhibit")] {
        for found in store.documents(kind)? {
            let Some(document) = &found.document else { continue };
            let n_before = stored.config.receivers.len();
            let mut problems = stored.config.read(&alone(section, document));
            let new = &stored.config.receivers[n_before..];
            problems.extend(check_receivers(new));
            let stands_elsewhere = new.iter().any(|receiver| *receiver.name != *found.id);
            let why = match problems.first() {
                Some(problem) => Some(problem.message.clone()),
                None => stands_elsewhere.then(|| misplaced(document, "name")),
            };
            if let Some(why) = why {
                stored.put_aside(kind, found.id, why);
            }
        }
    }
    Ok(stored)
}

impl Stored {
    fn add_rules(&mut self, found: Vec<StoredDocument>, streams: &Elsewhere) {
        for found in found {
            let Some(document) = &found.document else { continue };
            match rule(document, &found, streams) {
                Ok(rule) => self.config.rules.push(rule),
                Err(why) => self.put_aside(RULE, found.id, why),
            }
        }
    }

    fn put_aside(&mut self, kind: &'static str, id: String, why: String) {
        self.set_aside.insert((kind, id), why);
    }
}

/// A rule that stands under its own id, asked where its streams lie.
fn rule(document: &Value, found: &StoredDocument, streams: &Elsewhere) -> Result<Rule, String> {
    let rule = Rule::from_json(document, found.version).map_err(|problems| problems.to_string())?;
    if *rule.id != *found.id {
        return Err(misplaced(document, "id"));
    }
    rule.located(streams).map_err(|problem| problem.to_string())
}

/// A configuration of one document.
fn alone(section: &str, document: &Value) -> Node {
    let list = Node::new(None, Content::List(vec![Node::from_json(document)]));
    Node::new(None, Content::Map(vec![(Key { at: None, name: section.to_owned() }, list)]))
}

/// The configuration that is stored, without what cannot be read, and wherever its streams lie.
///
/// # Errors
/// Failures of the store.
pub(crate) fn stored_config(store: &dyn StateStore) -> Result<Config, StoreError> {
    read(store, &Elsewhere::default()).map(|stored| stored.config)
}
