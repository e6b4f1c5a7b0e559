//! Changes that are in force and not yet written, in the order in which they are written.
//!
//! Whoever looks at a document finds the version that is in force, whether it is written yet or not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use lanner_core::Silence;
use lanner_io::state::StateStore;
use lanner_io::store::{Author, DocumentBatch, DocumentChange, StoreError, StoredDocument};
use lanner_switch::Document;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::documents::{ApplyError, REQUEST, SWITCH};
use crate::sync::locked;

/// So many changes wait at most while they cannot be written; further ones are refused.
const MAX_WAITING: usize = 1_000;

/// What is changed at once: in memory first, then in one transaction.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Who changes it, and why.
    pub(crate) author: Author,
    /// Switches by id, and what each is from now on.
    pub(crate) switches: Vec<(String, Option<Document>)>,
    /// A request for a switch, or its end.
    pub(crate) request: Option<RequestChange>,
    /// What else is written with them.
    pub(crate) others: Vec<DocumentBatch>,
    /// Silences that are written with them.
    pub(crate) silences: Vec<Silence>,
}

/// A request for a switch is made, or ends.
#[derive(Debug, Clone)]
pub(crate) struct RequestChange {
    pub(crate) id: String,
    /// What is asked for; nothing any more where it ends.
    pub(crate) document: Option<Value>,
    /// Why, for the history.
    pub(crate) message: String,
}

impl Change {
    /// A change of switches alone.
    pub(crate) fn of(author: Author, switches: Vec<(String, Option<Document>)>) -> Self {
        Self { author, switches, request: None, others: Vec::new(), silences: Vec::new() }
    }

    /// A change of a request alone.
    pub(crate) fn of_request(author: Author, id: &str, document: Option<Value>) -> Self {
        let message = author.message.clone();
        let request = Some(RequestChange { id: id.to_owned(), document, message });
        Self { request, ..Self::of(author, Vec::new()) }
    }

    /// As it is written.
    pub(crate) fn batches(&self) -> Vec<DocumentBatch> {
        let switch = |(id, document): &(String, Option<Document>)| DocumentChange {
            id: id.clone(),
            document: document.as_ref().map(|document| document.value().clone()),
        };
        let message = self.author.message.clone();
        let changes: Vec<_> = self.switches.iter().map(switch).collect();
        let switches = DocumentBatch { kind: SWITCH.to_owned(), message, changes };
        let request =
            self.request.iter().cloned().map(|RequestChange { id, document, message }| DocumentBatch {
                kind: REQUEST.to_owned(),
                message,
                changes: vec![DocumentChange { id, document }],
            });
        self.others.iter().cloned().chain([switches]).chain(request).collect()
    }

    /// The versions that it makes, after those with these numbers: one for each switch, then one for the request.
    pub(super) fn versions(&self, numbers: &[u32]) -> Vec<(Kind, StoredDocument)> {
        let Author { actor, message, cause, now_ms } = &self.author;
        let version = |id: &str, number: &u32, document: Option<&Value>, message: &str| StoredDocument {
            id: id.to_owned(),
            version: number + 1,
            document: document.cloned(),
            changed_ms: *now_ms,
            actor: actor.clone(),
            message: message.to_owned(),
            cause: Some(cause.clone()),
        };
        let switches = self.switches.iter().zip(numbers).map(|((id, document), number)| {
            (SWITCH, version(id, number, document.as_ref().map(Document::value), message))
        });
        let requests = self.request.iter().zip(numbers.iter().skip(self.switches.len()));
        let requests = requests.map(|(request, number)| {
            (REQUEST, version(&request.id, number, request.document.as_ref(), &request.message))
        });
        switches.chain(requests).collect()
    }
}

/// A kind of documents.
type Kind = &'static str;

/// Whom a change is told of once it is written, or cannot be.
type Told = oneshot::Sender<Result<(), ApplyError>>;

#[derive(Debug)]
struct Entry {
    change: Arc<Change>,
    keys: Vec<(Kind, String)>,
    /// What the switches were before, where the change is undone if it cannot be written.
    before: Option<Vec<(String, Option<Document>)>>,
    told: Option<Told>,
}

/// Changes that are in force and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Unwritten(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    /// The versions that they make of each document, the oldest first.
    versions: HashMap<(Kind, String), VecDeque<StoredDocument>>,
    /// Whether somebody writes them.
    is_writing: bool,
    /// Why the first of them is not written, if that failed.
    problem: Option<StoreError>,
}

impl Unwritten {
    /// Refuses a further change where too many wait already, or nothing is ever written again.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let queue = locked(&self.0);
        match &queue.problem {
            Some(error) if *error == StoreError::Closed || queue.entries.len() >= MAX_WAITING => {
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    /// Adds a change that is in force by now, and the versions that it makes. Also says whether nobody writes yet, so
    /// that the caller should.
    pub(super) fn push(
        &self,
        change: Change,
        versions: Vec<(Kind, StoredDocument)>,
        before: Option<Vec<(String, Option<Document>)>>,
    ) -> (oneshot::Receiver<Result<(), ApplyError>>, bool) {
        let (told, waiting) = oneshot::channel();
        let mut queue = locked(&self.0);
        let mut keys = Vec::with_capacity(versions.len());
        for (kind, version) in versions {
            keys.push((kind, version.id.clone()));
            queue.versions.entry((kind, version.id.clone())).or_default().push_back(version);
        }
        queue.entries.push_back(Entry { change: Arc::new(change), keys, before, told: Some(told) });
        (waiting, !std::mem::replace(&mut queue.is_writing, true))
    }

    /// What is to be written next; then there is somebody who writes for as long as there is anything.
    pub(super) fn first(&self) -> Option<Arc<Change>> {
        let mut queue = locked(&self.0);
        let first = queue.entries.front().map(|entry| Arc::clone(&entry.change));
        queue.is_writing = first.is_some();
        first
    }

    /// Whether the first change is undone if it cannot be written.
    pub(super) fn is_first_undone(&self) -> bool {
        locked(&self.0).entries.front().is_some_and(|entry| entry.before.is_some())
    }

    /// The first change is written.
    pub(super) fn written(&self) {
        let mut queue = locked(&self.0);
        queue.problem = None;
        let Some(entry) = queue.entries.pop_front() else { return };
        for key in entry.keys {
            queue.take(&key);
        }
        // Whoever gave up waiting is not told.
        let _ = entry.told.map(|told| told.send(Ok(())));
    }

    /// The first change cannot be written now, nor what comes after it: all who wait are told, and it stays.
    pub(super) fn failed(&self, error: &StoreError) {
        let mut queue = locked(&self.0);
        if queue.problem.as_ref() != Some(error) {
            tracing::error!("changes of switches are in force and cannot be recorded: {error}");
        }
        queue.problem = Some(error.clone());
        let kept = queue.entries.iter_mut().filter(|entry| entry.before.is_none());
        for told in kept.filter_map(|entry| entry.told.take()) {
            let _ = told.send(Err(ApplyError::Unwritten(error.clone())));
        }
    }

    /// Gives the first change up. Returns what the switches are instead that nobody changed after it, and whom to tell.
    pub(super) fn give_up(&self) -> (Vec<(String, Option<Document>)>, Option<Told>) {
        let mut queue = locked(&self.0);
        let Some(entry) = queue.entries.pop_front() else { return (Vec::new(), None) };
        let mut last = Vec::new();
        for key in entry.keys {
            match queue.take(&key) {
                None => last.push(key.1),
                // What comes after it is one version less.
                Some(later) => later.iter_mut().for_each(|version| version.version -= 1),
            }
        }
        let mut before = entry.before.unwrap_or_default();
        before.retain(|(id, _)| last.contains(id));
        (before, entry.told)
    }

    /// Versions of a document that are not written, the newest first.
    fn of(&self, kind: Kind, id: &str) -> Vec<StoredDocument> {
        let queue = locked(&self.0);
        if queue.entries.is_empty() {
            return Vec::new();
        }
        let versions = queue.versions.get(&(kind, id.to_owned()));
        versions.into_iter().flatten().rev().cloned().collect()
    }

    /// The last `n` versions of a document, the newest first, written or not.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn last_versions(
        &self,
        store: &dyn StateStore,
        kind: Kind,
        id: &str,
        n: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        // In this order: what is written meanwhile is found twice rather than not at all.
        let mut versions = self.of(kind, id);
        let oldest = versions.last().map_or(u32::MAX, |version| version.version);
        let stored = store.last_versions(kind, id, n.saturating_add(versions.len()))?;
        versions.extend(stored.into_iter().filter(|stored| stored.version < oldest));
        versions.truncate(n);
        Ok(versions)
    }

    /// The number of the latest version of each document, written or not; 0 for one that never was.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn numbers(
        &self,
        store: &dyn StateStore,
        kind: Kind,
        ids: &[&str],
    ) -> Result<Vec<u32>, StoreError> {
        let of = |id: &&str| self.of(kind, id).first().map_or(0, |version| version.version);
        let unwritten: Vec<u32> = ids.iter().map(of).collect();
        let stored = store.version_numbers(kind, ids)?;
        Ok(unwritten.into_iter().zip(stored).map(|(a, b)| a.max(b)).collect())
    }

    /// The documents of a kind as they are in force, in order of their ids: of those that are stored, from the id after
    /// `after` up to the last of `stored`, if `is_cut`.
    pub(super) fn over(
        &self,
        kind: Kind,
        after: Option<&str>,
        is_cut: bool,
        stored: Vec<StoredDocument>,
    ) -> Vec<StoredDocument> {
        let queue = locked(&self.0);
        if queue.entries.is_empty() {
            return stored;
        }
        let last = stored.last().map(|stored| stored.id.clone()).filter(|_| is_cut);
        let is_here =
            |id: &str| after.is_none_or(|after| id > after) && last.as_deref().is_none_or(|last| id <= last);
        let newest = queue.versions.iter().filter(|((of, id), _)| *of == kind && is_here(id));
        let newest = newest.filter_map(|(_, versions)| versions.back().cloned());
        let mut documents: std::collections::BTreeMap<String, StoredDocument> =
            stored.into_iter().map(|stored| (stored.id.clone(), stored)).collect();
        for version in newest {
            if documents.get(&version.id).is_none_or(|stored| stored.version < version.version) {
                documents.insert(version.id.clone(), version);
            }
        }
        documents.into_values().filter(|stored| stored.document.is_some()).collect()
    }

    /// Whether all is written.
    pub(super) fn is_empty(&self) -> bool {
        locked(&self.0).entries.is_empty()
    }

    /// Why changes are not recorded, if that failed.
    pub(crate) fn problem(&self) -> Option<String> {
        let queue = locked(&self.0);
        let error = queue.problem.as_ref()?;
        Some(format!(
            "{} changes of switches are in force and not recorded: {error}; they are lost if the server stops before \
             that",
            queue.entries.len()
        ))
    }
}

impl Queue {
    /// Takes the oldest version of a document away; those after it, if there are any.
    fn take(&mut self, key: &(Kind, String)) -> Option<&mut VecDeque<StoredDocument>> {
        self.versions.get_mut(key)?.pop_front();
        if self.versions.get(key)?.is_empty() {
            self.versions.remove(key);
            return None;
        }
        self.versions.get_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::Cause;
    use serde_json::json;

    use super::*;

    fn change(id: &str, priority: i64) -> Change {
        let author =
            Author { actor: "ann".to_owned(), message: String::new(), cause: Cause::Person, now_ms: 7 };
        let document = Document::new(json!({"id": id, "when": "x", "priority": priority}));
        Change::of(author, vec![(id.to_owned(), Some(document))])
    }

    fn push(unwritten: &Unwritten, id: &str, priority: i64, number: u32, is_undone: bool) -> bool {
        let change = change(id, priority);
        let versions = change.versions(&[number]);
        let before = is_undone.then(|| vec![(id.to_owned(), None)]);
        unwritten.push(change, versions, before).1
    }

    fn numbers(unwritten: &Unwritten, id: &str) -> Vec<u32> {
        unwritten.of(SWITCH, id).iter().map(|version| version.version).collect()
    }

    #[test]
    fn one_writes_and_all_are_shown_until_they_are_written() {
        let unwritten = Unwritten::default();
        assert!(push(&unwritten, "a", 1, 4, false));
        assert!(!push(&unwritten, "a", 2, 5, false) && !push(&unwritten, "b", 1, 0, false));
        assert_eq!((numbers(&unwritten, "a"), numbers(&unwritten, "b")), (vec![6, 5], vec![1]));
        unwritten.written();
        assert_eq!(numbers(&unwritten, "a"), [6]);
        unwritten.written();
        unwritten.written();
        assert!(unwritten.is_empty() && numbers(&unwritten, "b").is_empty());
        assert!(unwritten.first().is_none());
        assert!(push(&unwritten, "a", 3, 6, false), "the next one has to begin anew");
    }

    #[test]
    fn what_is_given_up_leaves_what_came_after_it() {
        let unwritten = Unwritten::default();
        push(&unwritten, "a", 1, 4, true);
        push(&unwritten, "a", 2, 5, false);
        assert_eq!(unwritten.give_up().0, [], "somebody changed it since");
        assert_eq!(numbers(&unwritten, "a"), [5]);
        let unwritten = Unwritten::default();
        push(&unwritten, "a", 1, 4, true);
        push(&unwritten, "b", 1, 4, false);
        assert_eq!(unwritten.give_up().0, [("a".to_owned(), None)]);
        assert_eq!(numbers(&unwritten, "b"), [5]);
    }

    #[test]
    fn lists_show_what_is_in_force() {
        let stored = |id: &str, version| StoredDocument {
            id: id.to_owned(),
            version,
            document: Some(json!({})),
            changed_ms: 0,
            actor: String::new(),
            message: String::new(),
            cause: None,
        };
        #[track_caller]
        fn check(documents: &[StoredDocument], expected: &[(&str, u32)]) {
            let found: Vec<_> = documents.iter().map(|stored| (stored.id.as_str(), stored.version)).collect();
            assert_eq!(found, expected);
        }
        let unwritten = Unwritten::default();
        for (id, number) in [("b", 1), ("d", 0), ("f", 0), ("g", 2)] {
            push(&unwritten, id, 1, number, false);
        }
        let gone = Change { switches: vec![("a".to_owned(), None)], ..change("a", 1) };
        let versions = gone.versions(&[1]);
        unwritten.push(gone, versions, None);
        let page = || vec![stored("a", 1), stored("b", 1), stored("e", 1)];
        check(
            &unwritten.over(SWITCH, None, false, page()),
            &[("b", 2), ("d", 1), ("e", 1), ("f", 1), ("g", 3)],
        );
        // A page that is full ends where it ends, and the next one begins there.
        check(&unwritten.over(SWITCH, None, true, page()), &[("b", 2), ("d", 1), ("e", 1)]);
        check(&unwritten.over(SWITCH, Some("e"), false, vec![stored("g", 4)]), &[("f", 1), ("g", 4)]);
        check(&unwritten.over(REQUEST, None, false, page()), &[("a", 1), ("b", 1), ("e", 1)]);
    }
}
