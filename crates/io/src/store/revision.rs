//! Revisions: a number for all documents of a kind, which grows with every change.
//!
//! Who shows revisions to others before they are written reserves them first, so that none comes twice after a crash.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::audit::note;
use super::writer::Urgency;
use super::{Receipt, Store, StoreError};

impl Store {
    /// How many versions of documents of a kind were ever made, or what was [raised](Store::raise_revision) to since:
    /// grows with every change.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn document_revision(&self, kind: &str) -> Result<u64, StoreError> {
        self.look(|db| revision(db, kind))
    }

    /// Raises the revision of a kind of documents to `at_least`, with a row in the audit. Returns what it is then.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn raise_revision(
        &self,
        kind: &str,
        at_least: u64,
        actor: &str,
        now_ms: i64,
    ) -> Result<Receipt<u64>, StoreError> {
        let (kind, actor) = (kind.to_owned(), actor.to_owned());
        let work = move |db: &Connection| {
            let before = revision(db, &kind)?;
            let after = before.max(at_least);
            set_revision(db, &kind, after)?;
            let detail = json!({"from": before, "to": after});
            note(db, now_ms, &actor, &format!("{kind}.raise_revision"), &kind, detail)?;
            Ok(after)
        };
        self.writer()?.submit(Urgency::Now, 300, work, |revision| revision)
    }

    /// Reserves the revisions of a kind of documents up to `up_to`: any of them may be shown before it is written. They
    /// stay reserved, also after a crash, until they are [released](Store::release_revisions).
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn reserve_revisions(&self, kind: &str, up_to: u64) -> Result<Receipt, StoreError> {
        let key = reserved_key(kind);
        let work = move |db: &Connection| put(db, &key, up_to);
        self.writer()?.submit(Urgency::Now, 100, work, |()| ())
    }

    /// The last revision of a kind of documents that is reserved, where one is: any up to it may have been shown.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn reserved_revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        self.look(|db| get(db, &reserved_key(kind)))
    }

    /// Ends a reservation: the revision is at least `shown`, and none above it was shown.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn release_revisions(&self, kind: &str, shown: u64) -> Result<Receipt, StoreError> {
        let kind = kind.to_owned();
        let work = move |db: &Connection| {
            set_revision(db, &kind, revision(db, &kind)?.max(shown))?;
            release(db, &reserved_key(&kind))
        };
        self.writer()?.submit(Urgency::Now, 100, work, |()| ())
    }
}

/// Where the revision of a kind of documents is kept.
fn revision_key(kind: &str) -> String {
    format!("revision.{kind}")
}

const RESERVED: &str = "reserved_revision.";

fn reserved_key(kind: &str) -> String {
    format!("{RESERVED}{kind}")
}

fn get(db: &Connection, key: &str) -> Result<Option<u64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

fn put(db: &Connection, key: &str, value: u64) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    statement.execute(params![key, value])?;
    Ok(())
}

fn release(db: &Connection, key: &str) -> Result<(), StoreError> {
    db.execute("DELETE FROM meta WHERE key = ?1", [key])?;
    Ok(())
}

/// Forgets what the original of a copy has reserved: what the copy becomes has shown nothing yet.
pub(super) fn release_copied(copy: &Connection) -> Result<(), StoreError> {
    let reserved = "SELECT key FROM meta WHERE substr(key, 1, length(?1)) = ?1";
    let mut statement = copy.prepare(reserved)?;
    let keys = statement.query_map([RESERVED], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    keys.iter().try_for_each(|key| release(copy, key))
}

pub(super) fn revision(db: &Connection, kind: &str) -> Result<u64, StoreError> {
    if let Some(revision) = get(db, &revision_key(kind))? {
        return Ok(revision);
    }
    // Nothing was ever saved; or what says so was lost with a damaged page.
    let mut statement = db.prepare_cached("SELECT count(*) FROM document WHERE kind = ?1")?;
    Ok(statement.query_row([kind], |row| row.get(0))?)
}

pub(super) fn set_revision(db: &Connection, kind: &str, revision: u64) -> Result<(), StoreError> {
    put(db, &revision_key(kind), revision)
}
