//! Versioned JSON documents: rules, receivers, switches, ...
//!
//! A change makes a new version and never touches an old one; deleting is a version without a body. Each
//! change has its row in the audit, written in the same transaction.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::audit::{body_hash, note};
use super::{Receipt, Store, StoreError};

/// The kind under which rules are stored.
pub(super) const RULE: &str = "rule";

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

/// A rule to change.
pub type RuleChange = DocumentChange;
/// A rule as stored.
pub type StoredRule = StoredDocument;

/// One version of a document.
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
    /// Why.
    pub message: String,
}

impl Store {
    /// Saves or deletes documents of one kind, all or none, each with its row in the audit.
    ///
    /// A document that did not change keeps its version and gets no row. Returns, in the given order, the
    /// version that each id has now (0 for deleting what never was).
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn save_documents(
        &self,
        kind: &str,
        actor: &str,
        message: &str,
        now_ms: i64,
        changes: Vec<DocumentChange>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        self.save_batches(
            actor,
            now_ms,
            vec![DocumentBatch { kind: kind.into(), message: message.into(), changes }],
        )
    }

    /// [`Self::save_documents`] of several kinds: all or none.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn save_batches(
        &self,
        actor: &str,
        now_ms: i64,
        batches: Vec<DocumentBatch>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        let changes = batches.iter().flat_map(|batch| &batch.changes);
        let bytes: usize = changes.map(|change| 200 + change.document.as_ref().map_or(0, rough_size)).sum();
        let actor = actor.to_owned();
        self.write(bytes, move |db| {
            let mut versions = Vec::new();
            for DocumentBatch { kind, message, changes } in batches {
                let author = Author { kind, actor: actor.clone(), message, now_ms };
                for change in changes {
                    versions.push(author.save(db, change)?);
                }
            }
            Ok(versions)
        })
    }

    /// The latest version of each document of a kind, deleted ones left out, in order of their ids.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn documents(&self, kind: &str) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, version, body, changed_ms, actor, message FROM document AS this
                 WHERE kind = ?1 AND body IS NOT NULL AND version =
                   (SELECT max(version) FROM document WHERE kind = ?1 AND id = this.id)
                 ORDER BY id",
            )?;
            let mut rows = statement.query([kind])?;
            collect(&mut rows, stored)
        })
    }

    /// All versions of one document, the latest first.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn document_history(&self, kind: &str, id: &str) -> Result<Vec<StoredDocument>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, version, body, changed_ms, actor, message FROM document
                 WHERE kind = ?1 AND id = ?2 ORDER BY version DESC",
            )?;
            let mut rows = statement.query([kind, id])?;
            collect(&mut rows, stored)
        })
    }

    /// [`Store::save_documents`] for rules.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn save_rules(
        &self,
        actor: &str,
        message: &str,
        now_ms: i64,
        changes: Vec<RuleChange>,
    ) -> Result<Receipt<Vec<(String, u32)>>, StoreError> {
        self.save_documents(RULE, actor, message, now_ms, changes)
    }

    /// All rules, in order of their ids.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn rules(&self) -> Result<Vec<StoredRule>, StoreError> {
        self.documents(RULE)
    }

    /// All versions of a rule, the latest first.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn rule_history(&self, id: &str) -> Result<Vec<StoredRule>, StoreError> {
        self.document_history(RULE, id)
    }

    /// How many versions of documents of a kind were ever made: grows with every change, and only then.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn document_revision(&self, kind: &str) -> Result<u64, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached("SELECT count(*) FROM document WHERE kind = ?1")?;
            Ok(statement.query_row([kind], |row| row.get(0))?)
        })
    }
}

/// Who changes documents of which kind, when and why.
struct Author {
    kind: String,
    actor: String,
    message: String,
    now_ms: i64,
}

impl Author {
    fn save(&self, db: &Connection, change: DocumentChange) -> Result<(String, u32), StoreError> {
        let DocumentChange { id, document } = change;
        let latest: Option<(u32, Option<Value>)> = db
            .prepare_cached(
                "SELECT version, body FROM document WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1",
            )?
            .query_row([&self.kind, &id], |row| Ok((row.get(0)?, body(row, 1)?)))
            .optional()?;
        let (version, before) = latest.unwrap_or((0, None));
        if before == document {
            return Ok((id, version));
        }
        let body = document.as_ref().map(serde_json::to_string).transpose()?;
        let version = version + 1;
        db.prepare_cached(
            "INSERT INTO document (kind, id, version, body, actor, message, changed_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![self.kind, id, version, body, self.actor, self.message, self.now_ms])?;
        let what = match (&before, &document) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "update",
        };
        let sha256 = body_hash(body.as_deref());
        let detail = json!({"version": version, "message": self.message, "sha256": sha256});
        note(db, self.now_ms, &self.actor, &format!("{}.{what}", self.kind), &id, detail)?;
        Ok((id, version))
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
    Ok(StoredDocument {
        id: row.get(0)?,
        version: row.get(1)?,
        document: body(row, 2)?,
        changed_ms: row.get(3)?,
        actor: row.get(4)?,
        message: row.get(5)?,
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
