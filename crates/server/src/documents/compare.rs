//! Documents as they are stored and as they are written, compared by id.

use std::collections::{BTreeMap, HashSet};

use lanner_io::store::{DocumentChange, StoredDocument};
use serde_json::Value;

use super::applied::Applied;

/// What becomes of documents that are called by the field `key`; `goes` says of one that is not written whether it is
/// deleted.
pub(crate) fn compare(
    stored: &[StoredDocument],
    written: &[Value],
    key: &str,
    goes: impl Fn(&StoredDocument) -> bool,
) -> Applied {
    let before: BTreeMap<&str, &StoredDocument> = stored.iter().map(|stored| (&*stored.id, stored)).collect();
    let mut applied = Applied::default();
    let mut kept = HashSet::new();
    for item in written {
        let id = name_of(item, key);
        kept.insert(id);
        match before.get(id) {
            None => applied.created.push(id.to_owned()),
            Some(stored) if stored.document.as_ref() == Some(item) => applied.unchanged.push(id.to_owned()),
            Some(_) => applied.changed.push(id.to_owned()),
        }
    }
    for stored in stored.iter().filter(|stored| !kept.contains(&*stored.id)) {
        let absent = if goes(stored) { &mut applied.deleted } else { &mut applied.kept };
        absent.push(stored.id.clone());
    }
    applied
}

/// What is to be written of them.
pub(crate) fn changes(written: &[Value], key: &str, deleted: &[String]) -> Vec<DocumentChange> {
    let change =
        |item: &Value| DocumentChange { id: name_of(item, key).to_owned(), document: Some(item.clone()) };
    let gone = deleted.iter().map(|id| DocumentChange { id: id.clone(), document: None });
    written.iter().map(change).chain(gone).collect()
}

/// What a document is called.
pub(crate) fn name_of<'d>(item: &'d Value, key: &str) -> &'d str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}
