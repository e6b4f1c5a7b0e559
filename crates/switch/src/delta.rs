//! The difference between two snapshots, sent to clients that hold the earlier one.

use std::collections::HashSet;

use lanner_core::content;
use serde_json::{Value, json};

use crate::snapshot::{Document, FORMAT, Snapshot, SnapshotError};
use crate::sorted::side_by_side;

/// The switches that differ between two snapshots.
///
/// It is believed no more than a snapshot is: what it makes must have the hash that the server names, which a
/// signature covers.
///
/// ```
/// use lanner_switch::{Delta, Snapshot};
/// use serde_json::json;
///
/// let before = Snapshot::new(1, vec![json!({"id": "a", "when": "x"}), json!({"id": "b", "when": "y"})]);
/// let after = Snapshot::new(2, vec![json!({"id": "a", "when": "z"})]);
/// let delta = Delta::between(&before, &after);
/// assert_eq!((delta.changed().len(), delta.removed()), (1, &["b".to_owned()][..]));
///
/// let read = Delta::from_json(&delta.to_json()).unwrap();
/// assert_eq!(read.apply(&before), Ok(after));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    from: String,
    revision: u64,
    hash: String,
    signature: Option<String>,
    changed: Vec<Document>,
    removed: Vec<String>,
}

impl Delta {
    /// What makes `after` of `before`. Cost: that of what differs, where one came of the other, and the hashes of both.
    #[must_use]
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for (old, new) in side_by_side(before.sorted(), after.sorted()) {
            match new {
                Some(new) if old != Some(new) => changed.push(new.clone()),
                Some(_) => {}
                None => removed.extend(old.map(|gone| gone.id().to_owned())),
            }
        }
        Self {
            from: before.tag(),
            revision: after.revision(),
            hash: after.hash().to_owned(),
            signature: after.signature().map(str::to_owned),
            changed,
            removed,
        }
    }

    /// This difference and then `next`, as one: what `next` touches counts as it says. `next` has to start where this one
    /// ends.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        let removed = next.removed.iter().map(String::as_str);
        let touched: HashSet<&str> = removed.chain(next.changed.iter().map(Document::id)).collect();
        self.changed.retain(|document| !touched.contains(document.id()));
        self.removed.retain(|id| !touched.contains(id.as_str()));
        self.changed.extend(next.changed.iter().cloned());
        self.removed.extend(next.removed.iter().cloned());
        let (revision, hash, signature) = (next.revision, next.hash.clone(), next.signature.clone());
        Self { revision, hash, signature, ..self }
    }

    /// The tag of the snapshot that it starts from.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Documents that are new, or that replace the one of the same id.
    #[must_use]
    pub fn changed(&self) -> &[Document] {
        &self.changed
    }

    /// Ids of switches that are gone.
    #[must_use]
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// The difference as clients are sent it: where it starts, the revision, hash and signature it leads to, and what
    /// changed.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { from, revision, hash, signature, changed, removed } = self;
        let changed: Vec<&Value> = changed.iter().map(Document::value).collect();
        let mut fields = json!({
            "format": FORMAT, "from": from, "hash": hash, "revision": revision, "changed": changed, "removed": removed,
        });
        if let Some(signature) = signature {
            fields["signature"] = json!(signature);
        }
        fields
    }

    /// The canonical text of [`Self::to_json`].
    #[must_use]
    pub fn to_text(&self) -> String {
        content::canonical(&self.to_json())
    }

    /// Whether a document is one of these rather than a snapshot.
    #[must_use]
    pub fn is_one(document: &Value) -> bool {
        document.get("from").is_some()
    }

    /// Reads what was sent.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn from_json(document: &Value) -> Result<Self, SnapshotError> {
        let unreadable = |why: &str| SnapshotError::Unreadable(why.to_owned());
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| {
            document
                .get(name)
                .and_then(Value::as_array)
                .ok_or_else(|| unreadable(&format!("it has no {name}")))
        };
        match document.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(found) => return Err(SnapshotError::TooNew { found }),
            None => return Err(unreadable("it has no format")),
        }
        let removed = list("removed")?.iter().map(|id| id.as_str().map(str::to_owned));
        Ok(Self {
            from: text("from").ok_or_else(|| unreadable("it has no from"))?,
            revision: document
                .get("revision")
                .and_then(Value::as_u64)
                .ok_or_else(|| unreadable("it has no revision"))?,
            hash: text("hash").ok_or_else(|| unreadable("it has no hash"))?,
            signature: text("signature"),
            changed: list("changed")?.iter().cloned().map(Document::new).collect(),
            removed: removed.collect::<Option<_>>().ok_or_else(|| unreadable("ids should be texts"))?,
        })
    }

    /// The later snapshot. Cost: hashing what changed, and the hashes of all.
    ///
    /// # Errors
    /// When `before` is not what it starts from, or what comes of it is not what the server has.
    pub fn apply(&self, before: &Snapshot) -> Result<Snapshot, SnapshotError> {
        if before.tag() != self.from {
            let why = format!("it changes {}, and {} is held", self.from, before.tag());
            return Err(SnapshotError::Unreadable(why));
        }
        let removed = self.removed.iter().map(|id| (id.clone(), None));
        let changed = self.changed.iter().map(|document| (document.id().to_owned(), Some(document.clone())));
        let after = before.with(self.revision, removed.chain(changed).collect());
        after.checked(&self.hash, self.signature.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_snapshot(revision: u64) -> impl Strategy<Value = Snapshot> {
        prop::collection::btree_map(0..6_u8, 0..3_u8, 0..6).prop_map(move |switches| {
            let document = |(id, n)| json!({"id": format!("s{id}"), "when": "x", "priority": n});
            Snapshot::new(revision, switches.into_iter().map(document).collect())
        })
    }

    proptest! {
        #[test]
        fn what_changed_makes_the_later_of_the_earlier(
            a in any_snapshot(1), b in any_snapshot(2), c in any_snapshot(3),
        ) {
            let b = b.with_signature("ab".to_owned());
            let (ab, bc) = (Delta::between(&a, &b), Delta::between(&b, &c));
            let read = Delta::from_json(&serde_json::from_str(&ab.to_text()).unwrap()).unwrap();
            prop_assert_eq!(&read.apply(&a).unwrap(), &b);
            prop_assert_eq!(ab.then(&bc).apply(&a).unwrap(), c);
            // To anything else it does nothing, and what was changed on the way is seen.
            prop_assert!(bc.apply(&a).is_err());
            let mut changed = bc.to_json();
            changed["revision"] = json!(4);
            prop_assert!(Delta::from_json(&changed).unwrap().apply(&b).is_err());
        }
    }

    #[test]
    fn what_is_none_says_why() {
        #[track_caller]
        fn check(document: &Value, part: &str) {
            let error = Delta::from_json(document).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let delta = Delta::between(&Snapshot::new(1, vec![]), &Snapshot::new(2, vec![json!({"id": "a"})]));
        check(&json!([]), "no format");
        check(&json!({"format": 2}), "update the client");
        for name in ["from", "hash", "revision", "changed", "removed"] {
            let mut document = delta.to_json();
            document.as_object_mut().unwrap().remove(name);
            check(&document, name);
        }
        let mut document = delta.to_json();
        document["removed"] = json!([1]);
        check(&document, "ids should be texts");
    }
}
