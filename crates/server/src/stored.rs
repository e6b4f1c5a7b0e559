//! Stored documents, read one by one: what can be put in force, and what is set aside.
//!
//! Everything is checked before it is stored, so only damage, an older release or another program can have left a
//! document that cannot be read. It costs nobody else anything: it is named in the log, in the list and in the status,
//! can be shown and deleted, and the rest is in force.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lanner_core::Node;
use lanner_core::document::{Content, Key};
use lanner_engine::{Config, Rule};
use lanner_io::store::{Store, StoreError, StoredDocument};
use serde_json::Value;

use crate::app::locked;
use crate::register::{INHIBITION, RECEIVER, RULE, check_receivers};

/// What is stored, as far as it can be read.
#[derive(Debug, Default)]
pub struct Stored {
    /// What is put in force; rules with their versions.
    pub config: Config,
    /// Why the others are not, by id.
    pub set_aside: Aside,
}

/// Why documents of each kind are not in force, by kind and id.
pub type Aside = BTreeMap<(&'static str, String), String>;

/// Reads every rule, receiver and inhibition.
///
/// # Errors
/// Failures of the store.
pub fn read(store: &Store) -> Result<Stored, StoreError> {
    let mut stored = read_receivers(store)?;
    stored.add_rules(store.rules()?);
    Ok(stored)
}

/// Reads the rules with these ids; those that are not stored, or cannot be read, are not among them.
///
/// # Errors
/// Failures of the store.
pub fn read_rules<'i>(store: &Store, ids: impl IntoIterator<Item = &'i str>) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    stored.add_rules(store.documents_of(RULE, ids)?);
    Ok(stored)
}

/// Reads every receiver and inhibition.
///
/// # Errors
/// Failures of the store.
pub fn read_receivers(store: &Store) -> Result<Stored, StoreError> {
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
    fn add_rules(&mut self, found: Vec<StoredDocument>) {
        for found in found {
            let Some(document) = &found.document else { continue };
            match rule(document, &found) {
                Ok(rule) => self.config.rules.push(rule),
                Err(why) => self.put_aside(RULE, found.id, why),
            }
        }
    }

    fn put_aside(&mut self, kind: &'static str, id: String, why: String) {
        self.set_aside.insert((kind, id), why);
    }
}

/// A rule that stands under its own id.
fn rule(document: &Value, found: &StoredDocument) -> Result<Rule, String> {
    let rule = Rule::from_json(document, found.version).map_err(|problems| problems.to_string())?;
    if *rule.id == *found.id { Ok(rule) } else { Err(misplaced(document, "id")) }
}

/// Why a document that names itself otherwise than it is stored is not in force.
pub(crate) fn misplaced(document: &Value, field: &str) -> String {
    let named = document.get(field).unwrap_or(&Value::Null);
    format!(
        "its {field} is {named}, and it is stored under another; delete it and apply it again with the {field} as text"
    )
}

/// A configuration of one document.
fn alone(section: &str, document: &Value) -> Node {
    let list = Node::new(None, Content::List(vec![Node::from_json(document)]));
    Node::new(None, Content::Map(vec![(Key { at: None, name: section.to_owned() }, list)]))
}

fn tell_new(aside: &Aside, found: &Aside) {
    for ((kind, id), why) in found {
        if aside.get(&(*kind, id.clone())) != Some(why) {
            tracing::error!("the stored {kind} \"{id}\" is set aside, the rest is in force: {why}");
        }
    }
}

/// What is set aside now, for lists and the status.
#[derive(Debug, Default)]
pub struct SetAside(Mutex<Aside>);

impl SetAside {
    /// Replaces what is set aside of these kinds; what is new is logged.
    pub fn replace(&self, kinds: &[&str], found: Aside) {
        let mut aside = locked(&self.0);
        tell_new(&aside, &found);
        aside.retain(|(kind, _), _| !kinds.contains(kind));
        aside.extend(found);
    }

    /// As [`Self::replace`], of these documents of one kind.
    pub fn replace_some<'i>(&self, kind: &'static str, ids: impl IntoIterator<Item = &'i str>, found: Aside) {
        tell_new(&locked(&self.0), &found);
        self.forget(kind, ids);
        locked(&self.0).extend(found);
    }

    /// Forgets what was said of documents that were written or deleted since.
    pub fn forget<'i>(&self, kind: &'static str, ids: impl IntoIterator<Item = &'i str>) {
        let mut aside = locked(&self.0);
        for id in ids {
            aside.remove(&(kind, id.to_owned()));
        }
    }

    /// Why a document is not in force, if it is not.
    #[must_use]
    pub fn problem(&self, kind: &'static str, id: &str) -> Option<String> {
        locked(&self.0).get(&(kind, id.to_owned())).cloned()
    }

    /// All that is set aside: kind, id and why.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, String, String)> {
        locked(&self.0).iter().map(|((kind, id), why)| (*kind, id.clone(), why.clone())).collect()
    }
}
