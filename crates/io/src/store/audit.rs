//! Who did what: entries that are only added, each with a hash over itself and the entry before it
//! (see [`chain`](super::chain)).

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::chain::{AuditCheck, AuditEntry, Walk, WrittenVersion};
use super::{Receipt, Store, StoreError};

impl Store {
    /// Notes that `actor` did `action` to `subject`.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn audit(
        &self,
        now_ms: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<Receipt, StoreError> {
        let (actor, action, subject) = (actor.to_owned(), action.to_owned(), subject.to_owned());
        self.write(300, move |db| note(db, now_ms, &actor, &action, &subject, detail))
    }

    /// The latest `limit` entries of the audit, the newest first; only those about `subject`, and only actions
    /// that begin with `action`, if given.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn audit_list(
        &self,
        subject: Option<&str>,
        action: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.look(|db| {
            let by_subject = if subject.is_some() { "subject = ?1" } else { "?1 IS NULL" };
            let sql = format!(
                "SELECT {COLUMNS} FROM audit
                 WHERE {by_subject} AND substr(action, 1, length(?2)) = ?2 ORDER BY seq DESC LIMIT ?3"
            );
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query(params![subject, action.unwrap_or_default(), limit as i64])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(entry(row)?);
            }
            Ok(found)
        })
    }

    /// Walks the whole audit: every entry follows from the one before, every version of every document is what its
    /// entry says, and none is missing. Cost: reading all of both.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn verify_audit(&self) -> Result<AuditCheck, StoreError> {
        self.look(verify)
    }
}

/// As [`Store::verify_audit`].
pub(super) fn verify(db: &Connection) -> Result<AuditCheck, StoreError> {
    let mut walk = Walk::default();
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        walk.entry(entry(row)?);
    }
    let mut statement = db.prepare(
        "SELECT kind, id, version, body, changed_ms, actor, message, cause FROM document ORDER BY kind, id, version",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if walk.has_problem() {
            break;
        }
        walk.version(WrittenVersion {
            kind: row.get(0)?,
            id: row.get(1)?,
            version: row.get(2)?,
            body: row.get(3)?,
            changed_ms: row.get(4)?,
            actor: row.get(5)?,
            message: row.get(6)?,
            cause: row.get(7)?,
        })?;
    }
    Ok(walk.finish())
}

const COLUMNS: &str = "seq, time_ms, actor, action, subject, detail, hash";

fn entry(row: &rusqlite::Row<'_>) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq: row.get(0)?,
        time_ms: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        detail: super::rows::json(row, 5)?,
        hash: row.get(6)?,
    })
}

/// Adds an entry, within the caller's transaction.
pub(super) fn note(
    db: &Connection,
    time_ms: i64,
    actor: &str,
    action: &str,
    subject: &str,
    detail: Value,
) -> Result<(), StoreError> {
    let last: Option<(i64, String)> = db
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (seq, before) = last.unwrap_or_default();
    let mut entry = AuditEntry {
        seq: seq + 1,
        time_ms,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail,
        hash: String::new(),
    };
    entry.hash = entry.chained(&before);
    db.prepare_cached(&format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?
        .execute(params![entry.seq, time_ms, actor, action, subject, entry.detail.to_string(), entry.hash])?;
    Ok(())
}
