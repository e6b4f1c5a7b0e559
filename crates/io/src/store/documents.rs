//! Versioned JSON documents: rules, receivers, switches, ...
//!
//! A change makes a new version and never touches an old one; deleting is a version without a body. Each
//! change has its row in the audit, written in the same transaction.

use lanner_core::{Cause, Silence};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::audit::note;
use super::chain::body_hash;
use super::revision::{revision, set_revision};
use super::silences;
use super::sums::Table;
use super::writer::Urgency;
use super::{Receipt, Store, StoreError};
use crate::metrics::METRICS;

/// So many documents are written at once, before what else waits: some hundredths of a second.
const FEW: usize = 500;
/// One document to change.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    /// The document's id, unique within its kind.
    pub id: String,
    /// What it is from now on; `None` deletes it.
    pub document: Option<Value>,
}

/// Documents of one kind to change, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentBatch {
    /// Their kind.
    pub kind: String,
    /// Why, for the history.
    pub message: String,
    /// What each becomes.
    pub changes: Vec<DocumentChange>,
}

/// One version of a document. Versions are kept for ever, the last one counts.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StoredDocument {
    /// The document's id.
    pub id: String,
    /// Counted from 1 over the id's whole life, deletions included.
    pub version: u32,
    /// What it says; `None` in the version that deleted it.
    pub document: Option<Value>,
    /// When this version was made, milliseconds since the Unix epoch.
    pub changed_ms: i64,
    /// Who made it.
    pub actor: String,
    /// Why, for people.
    pub message: String,
    /// Why, for programs; `None` in versions that releases before causes wrote.
    pub cause: Option<Cause>,
}

/// Who changes documents, when and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Author {
    /// Who.
    pub actor: String,
    /// Why, for people.
    pub message: String,
    /// Why, for programs.
    pub cause: Cause,
    /// When, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl Store {
    /// As [`Store::save_documents_by`], by a person.
    ///
    /// # Errors
    /// As there.
    pub fn save_documents(
        &self,
        kind: &str,
        actor: &str,
        message: &str,
        now_ms: i64,
        changes: Vec<DocumentChange>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        let (actor, message) = (actor.to_owned(), message.to_owned());
        self.save_documents_by(kind, Author { actor, message, cause: Cause::Person, now_ms }, changes)
    }

    /// Saves or deletes documents of one kind, all or none, each with its row in the audit.
    ///
    /// A document that did not change keeps its version and gets no row. Returns, in the given order, the
    /// version that each id has now (0 for deleting what never was).
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn save_documents_by(
        &self,
        kind: &str,
        author: Author,
        changes: Vec<DocumentChange>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        let Author { actor, message, cause, now_ms } = author;
        self.save_batches(
            &actor,
            &cause,
            now_ms,
            vec![DocumentBatch { kind: kind.into(), message, changes }],
            Vec::new(),
        )
    }

    /// [`Self::save_documents_by`] of several kinds, and silences, each with its row in the audit: all or none.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn save_batches(
        &self,
        actor: &str,
        cause: &Cause,
        now_ms: i64,
        batches: Vec<DocumentBatch>,
        silences: Vec<Silence>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        let changes = || batches.iter().flat_map(|batch| &batch.changes);
        let bytes: usize = changes().map(|change| 200 + change.document.as_ref().map_or(0, rough_size)).sum();
        // A few documents go before what else waits: a kill switch may be among them.
        let urgency = if changes().count() <= FEW { Urgency::Now } else { Urgency::State };
        let (actor, cause) = (actor.to_owned(), serde_json::to_value(cause)?);
        let work = move |db: &Connection| {
            let mut versions = Vec::new();
            for DocumentBatch { kind, message, changes } in batches {
                let change = Change { kind, actor: actor.clone(), message, cause: cause.clone(), now_ms };
                versions.extend(change.save_all(db, changes)?);
            }
            for silence in silences {
                silences::put(db, &silence)?;
                note(db, now_ms, &actor, "silence", &silence.id, serde_json::to_value(&silence)?)?;
            }
            Ok(versions)
        };
        self.writer()?.submit(urgency, bytes, work, |versions| versions)
    }

    /// The latest version of each document of a kind, deleted ones left out, in order of their ids.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn documents(&self, kind: &str) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM document AS this
                 WHERE kind = ?1 AND body IS NOT NULL AND version =
                   (SELECT max(version) FROM document WHERE kind = ?1 AND id = this.id)
                 ORDER BY id",
                columns()
            ))?;
            let mut rows = statement.query([kind])?;
            collect(&mut rows, stored)
        })
    }

    /// As [`Store::documents`], of these ids alone, in their order. Cost: a look-up for each.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn documents_of<'i>(
        &self,
        kind: &str,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM document AS this
                 WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1",
                columns()
            ))?;
            let mut found = Vec::new();
            for id in ids {
                found.extend(statement.query_row([kind, id], |row| Ok(stored(row))).optional()?.transpose()?);
            }
            found.retain(|stored: &StoredDocument| stored.document.is_some());
            Ok(found)
        })
    }

    /// As [`Store::documents`], at most `limit`, and only those whose id comes after `after`, if that is given: the empty
    /// id is one as well, which only damage or an older release can have left.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn documents_after(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM document AS this
                 WHERE kind = ?1 AND id >= coalesce(?2, '') AND id IS NOT ?2 AND body IS NOT NULL AND version =
                   (SELECT max(version) FROM document WHERE kind = ?1 AND id = this.id)
                 ORDER BY id LIMIT ?3",
                columns()
            ))?;
            let mut rows = statement.query(params![kind, after, limit as i64])?;
            collect(&mut rows, stored)
        })
    }

    /// The last `n` versions of one document, the latest first. Cost: that of these, however many there are.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn last_versions(&self, kind: &str, id: &str, n: usize) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM document AS this
                 WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT ?3",
                columns()
            ))?;
            let mut rows = statement.query(params![kind, id, i64::try_from(n).unwrap_or(i64::MAX)])?;
            collect(&mut rows, stored)
        })
    }

    /// The latest version of one document, also one that deleted it.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn document_latest(&self, kind: &str, id: &str) -> Result<Option<StoredDocument>, StoreError> {
        Ok(self.last_versions(kind, id, 1)?.pop())
    }

    /// The number of the latest version of each of these documents, in their order; 0 for one that never was. Cost: a
    /// look-up each.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn version_numbers(&self, kind: &str, ids: &[&str]) -> Result<Vec<u32>, StoreError> {
        self.look(|db| {
            let sql = "SELECT coalesce(max(version), 0) FROM document WHERE kind = ?1 AND id = ?2";
            let mut statement = db.prepare_cached(sql)?;
            let numbers = ids.iter().map(|id| statement.query_row([kind, id], |row| row.get(0)));
            Ok(numbers.collect::<Result<_, _>>()?)
        })
    }

    /// All versions of documents of a kind that were made after `since_ms`, the oldest first. Cost: a look at every
    /// version.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn documents_since(&self, kind: &str, since_ms: i64) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM document AS this
                 WHERE kind = ?1 AND changed_ms > ?2 ORDER BY changed_ms",
                columns()
            ))?;
            let mut rows = statement.query(params![kind, since_ms])?;
            collect(&mut rows, stored)
        })
    }
}

/// What is read of a version, of the table as `this`: a damaged one is a text, which whoever reads it sets aside.
fn columns() -> String {
    format!("id, version, {}, changed_ms, actor, message, cause", Table::Document.body_of("this"))
}

/// A change of documents of one kind.
struct Change {
    kind: String,
    actor: String,
    message: String,
    /// As it is written.
    cause: Value,
    now_ms: i64,
}

impl Change {
    fn save_all(
        &self,
        db: &Connection,
        changes: Vec<DocumentChange>,
    ) -> Result<Vec<(String, u32)>, StoreError> {
        let (before, mut n_new) = (revision(db, &self.kind)?, 0);
        let mut versions = Vec::with_capacity(changes.len());
        for change in changes {
            let (id, version, is_new) = self.save(db, change)?;
            n_new += u64::from(is_new);
            versions.push((id, version));
        }
        if n_new > 0 {
            set_revision(db, &self.kind, before + n_new)?;
        }
        Ok(versions)
    }

    /// Returns the version that the document has now, and whether it is a new one.
    fn save(&self, db: &Connection, change: DocumentChange) -> Result<(String, u32, bool), StoreError> {
        let DocumentChange { id, document } = change;
        let Self { actor, message, now_ms, .. } = self;
        let latest: Option<(u32, Option<Value>)> = db
            .prepare_cached(&format!(
                "SELECT {} FROM document AS this WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1",
                columns()
            ))?
            .query_row([&self.kind, &id], |row| Ok((row.get(1)?, body(row, 2)?)))
            .optional()?;
        let (version, before) = latest.unwrap_or((0, None));
        if before == document {
            return Ok((id, version, false));
        }
        let body = document.as_ref().map(serde_json::to_string).transpose()?;
        let version = version + 1;
        db.prepare_cached(
            "INSERT INTO document (kind, id, version, body, actor, message, changed_ms, cause, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
        )?
        .execute(params![
            self.kind,
            id,
            version,
            body,
            actor,
            message,
            now_ms,
            self.cause.to_string()
        ])?;
        let what = match (&before, &document) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "update",
        };
        let sha256 = body_hash(body.as_deref());
        let detail = json!({"version": version, "message": message, "sha256": sha256, "cause": self.cause});
        note(db, *now_ms, actor, &format!("{}.{what}", self.kind), &id, detail)?;
        Ok((id, version, true))
    }
}

/// What a document says. One that is no JSON is kept as text, so that it can be shown and deleted beside all others.
fn body(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Value>> {
    let text = match row.get_ref(column)? {
        ValueRef::Null => return Ok(None),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes),
        ValueRef::Integer(number) => number.to_string().into(),
        ValueRef::Real(number) => number.to_string().into(),
    };
    Ok(Some(serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text))))
}

fn stored(row: &Row<'_>) -> Result<StoredDocument, StoreError> {
    METRICS.documents_read.inc();
    let cause: Option<String> = row.get(6)?;
    Ok(StoredDocument {
        id: row.get(0)?,
        version: row.get(1)?,
        document: body(row, 2)?,
        changed_ms: row.get(3)?,
        actor: row.get(4)?,
        message: row.get(5)?,
        // One that a later release wrote is nobody's here.
        cause: cause.and_then(|cause| serde_json::from_str(&cause).ok()),
    })
}

fn collect<T>(
    rows: &mut rusqlite::Rows<'_>,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Bytes of a document's text, without writing it.
fn rough_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 3,
        Value::Array(items) => items.iter().map(rough_size).sum::<usize>() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + 4 + rough_size(value)).sum::<usize>() + 2
        }
    }
}
