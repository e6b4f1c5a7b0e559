//! All switches at one revision: sent from server to client, and stored on the client's disk.

use std::sync::{Arc, OnceLock};

use lanner_core::{Node, content};
use serde_json::{Value, json};

use crate::sorted::{Keyed, Sorted};
use crate::switch::Switch;

/// The version of the form below.
pub(crate) const FORMAT: u64 = 1;

/// A switch as it is written, and a hash of that. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Document {
    /// Beside the rest: the hash of a snapshot is made of those of all its documents.
    hash: [u8; 32],
    written: Arc<Written>,
}

#[derive(Debug)]
struct Written {
    value: Value,
    id: String,
}

impl Document {
    /// A document. Cost: writing and hashing it.
    #[must_use]
    pub fn new(value: Value) -> Self {
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let hash = content::digest(content::canonical(&value).as_bytes());
        Self { hash, written: Arc::new(Written { value, id }) }
    }

    /// The document as it was written.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.written.value
    }

    /// The switch's id; empty if it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.written.id
    }
}

impl Keyed for Document {
    fn id(&self) -> &str {
        self.id()
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.written, &other.written)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.hash == other.hash
    }
}

/// What a server signs to say what its clock says, to who asked with this nonce and so knows that it is no old answer.
#[must_use]
pub fn signed_time(now_ms: i64, nonce: &str) -> String {
    format!("lanner time {now_ms} {nonce}")
}

/// All switches at one revision, with a hash that says whether they are whole and as they were sent.
///
/// ```
/// use lanner_switch::Snapshot;
/// let snapshot = Snapshot::new(3, vec![serde_json::json!({"id": "a", "when": "x == 1"})]);
/// let text = snapshot.to_text();
/// assert_eq!(Snapshot::from_text(&text).unwrap(), snapshot);
/// assert!(Snapshot::from_text(&text.replace("x == 1", "x == 2")).is_err());
/// ```
///
/// Cheap to clone. A later one shares with it what did not change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    revision: u64,
    /// Once somebody wants it: of many switches it takes a while, and what is only in force needs none.
    hash: OnceLock<String>,
    switches: Sorted<Document>,
    signature: Option<String>,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        (self.revision, &self.signature, self.hash()) == (other.revision, &other.signature, other.hash())
    }
}

/// Why a text is no snapshot. A client that reads one keeps what it had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is cut short, or something else altogether.
    #[error("is not a snapshot of switches: {0}")]
    Unreadable(String),
    /// A later release wrote it.
    #[error("is a snapshot of form {found}, and this release reads form 1; update the client")]
    TooNew {
        /// The form it says it has.
        found: u64,
    },
    /// What it holds is not what its hash was made of.
    #[error("is damaged or was changed: its hash should be {expected} and says {found}")]
    WrongHash {
        /// The hash of what it holds.
        expected: String,
        /// The hash that it names.
        found: String,
    },
}

impl Snapshot {
    /// The snapshot of these documents; their order does not matter.
    #[must_use]
    pub fn new(revision: u64, switches: Vec<Value>) -> Self {
        Self::of(revision, switches.into_iter().map(Document::new).collect())
    }

    /// The same, of documents that have a hash already.
    #[must_use]
    pub fn of(revision: u64, switches: Vec<Document>) -> Self {
        Self::in_order(revision, Sorted::of(switches))
    }

    const fn in_order(revision: u64, switches: Sorted<Document>) -> Self {
        Self { revision, hash: OnceLock::new(), switches, signature: None }
    }

    /// A later snapshot, in which some switches are others: each change is a switch's id and its new document, if it
    /// still has one. Of several changes of one switch the last counts. Cost: that of the changes, and of a short look at a few hundred
    /// others.
    ///
    /// ```
    /// use lanner_switch::{Document, Snapshot};
    /// use serde_json::json;
    /// let [a, b] = ["a", "b"].map(|id| json!({"id": id, "when": "x"}));
    /// let before = Snapshot::new(1, vec![a.clone()]);
    /// let changes = vec![("a".to_owned(), None), ("b".to_owned(), Some(Document::new(b.clone())))];
    /// assert_eq!(before.with(2, changes), Snapshot::new(2, vec![b]));
    /// ```
    #[must_use]
    pub fn with(&self, revision: u64, changes: Vec<(String, Option<Document>)>) -> Self {
        Self::in_order(revision, self.switches.with(changes.into_iter().collect()))
    }

    /// The text that a signature is made of: words that nothing else is signed with, and the hash, which covers revision
    /// and documents.
    #[must_use]
    pub fn signed_text(&self) -> String {
        format!("lanner switches {}", self.hash())
    }

    /// The same, with a signature of [`Snapshot::signed_text`] that travels along. Nothing here looks at it.
    #[must_use]
    pub fn with_signature(self, signature: String) -> Self {
        Self { signature: Some(signature), ..self }
    }

    /// The signature that came with it, not verified.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The revision: counted up with every change, and never down.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// SHA-256 of the revision in decimal digits, a line feed, and for each switch, in order of their ids, the 32 bytes of the
    /// SHA-256 of its document in canonical JSON; as hexadecimal digits. Cost: hashing those, once.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.hash.get_or_init(|| hash_of(self.revision, &self.switches))
    }

    /// The documents, in order of their ids.
    pub fn switches(&self) -> impl Iterator<Item = &Document> {
        self.switches.iter()
    }

    /// How many switches there are.
    #[must_use]
    pub const fn n_switches(&self) -> usize {
        self.switches.len()
    }

    /// The document of the switch called `id`, if it is among them. Cost: O(log n).
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Document> {
        self.switches.find(id)
    }

    /// The documents as a list that knows what it shares with others.
    pub(crate) const fn sorted(&self) -> &Sorted<Document> {
        &self.switches
    }

    /// A tag for HTTP, without quotes: the revision and the beginning of the hash.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}-{}", self.revision, &self.hash()[..16])
    }

    /// The canonical text: the same bytes for the same switches.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (Self { revision, signature, .. }, hash) = (self, self.hash());
        let switches: Vec<&Value> = self.switches().map(Document::value).collect();
        let mut fields = json!({
            "format": FORMAT, "hash": hash, "revision": revision, "switches": switches,
        });
        if let Some(signature) = signature {
            fields["signature"] = json!(signature);
        }
        content::canonical(&fields)
    }

    /// Reads a text and checks its hash.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn from_text(text: &str) -> Result<Self, SnapshotError> {
        let read = serde_json::from_str(text);
        Self::from_json(&read.map_err(|error| SnapshotError::Unreadable(error.to_string()))?)
    }

    /// Reads a document and checks its hash.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn from_json(fields: &Value) -> Result<Self, SnapshotError> {
        let unreadable = |why: &str| SnapshotError::Unreadable(why.to_owned());
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        match number("format") {
            Some(FORMAT) => {}
            Some(found) => return Err(SnapshotError::TooNew { found }),
            None => return Err(unreadable("it has no format")),
        }
        let revision = number("revision").ok_or_else(|| unreadable("it has no revision"))?;
        let found = fields.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned();
        let switches = fields.get("switches").and_then(Value::as_array);
        let switches = switches.ok_or_else(|| unreadable("it has no switches"))?.clone();
        let signature = fields.get("signature").and_then(Value::as_str).map(str::to_owned);
        Self::new(revision, switches).checked(&found, signature)
    }

    /// This one, if its hash is the one that was named.
    pub(crate) fn checked(self, hash: &str, signature: Option<String>) -> Result<Self, SnapshotError> {
        if self.hash() == hash {
            Ok(Self { signature, ..self })
        } else {
            Err(SnapshotError::WrongHash { expected: self.hash().to_owned(), found: hash.to_owned() })
        }
    }

    /// Reads what somebody has in hand: a snapshot as it was sent, whose hash is checked, or an object with a list
    /// `switches` and nothing else.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn from_document(document: &Value) -> Result<Self, SnapshotError> {
        match document.get("switches").and_then(Value::as_array) {
            Some(switches) if document.get("format").is_none() => {
                // As people write them: an id may look like a number.
                let switches = switches.iter().map(|written| Switch::document(&Node::from_json(written)));
                Ok(Self::new(0, switches.collect()))
            }
            _ => Self::from_json(document),
        }
    }
}

fn hash_of(revision: u64, switches: &Sorted<Document>) -> String {
    let mut hashed = format!("{revision}\n").into_bytes();
    hashed.reserve(32 * switches.len());
    for document in switches.iter() {
        hashed.extend(document.hash);
    }
    content::sha256(&hashed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_snapshot_says_what_is_wrong_with_it() {
        #[track_caller]
        fn check(text: &str, part: &str) {
            let error = Snapshot::from_text(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let text = Snapshot::new(7, vec![json!({"id": "b", "priority": 0.1}), json!({"id": "a"})]).to_text();
        assert!(text.find("\"a\"") < text.find("\"b\""), "{text}");
        check("", "not a snapshot");
        check(&text[..text.len() - 3], "not a snapshot");
        check("[]", "not a snapshot");
        check("{\"format\":2}", "update the client");
        check(&text.replace("\"revision\":7", "\"revision\":8"), "damaged");
        check(&text.replace("0.1", "0.2"), "damaged");
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,200}") {
            let _ = Snapshot::from_text(&text);
        }

        #[test]
        fn numbers_survive(revision in any::<u64>(), number in any::<f64>()) {
            let snapshot = Snapshot::new(revision, vec![json!({"id": "a", "n": number})]);
            prop_assert_eq!(Snapshot::from_text(&snapshot.to_text()), Ok(snapshot));
        }
    }
}
