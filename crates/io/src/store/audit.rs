//! Who did what: entries that are only added, each with a hash over itself and the entry before it.
//!
//! Whoever changes, inserts or removes an entry in the middle breaks the chain at that place, and whoever rewrites
//! the rest of it changes its last hash: keep a copy of that hash elsewhere, and [`Store::verify_audit`] proves
//! the whole history. Every version of a document is in the audit with the hash of its body, and every version that
//! the audit names is there.

use std::collections::HashMap;

use lanner_core::content;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

use super::{Receipt, Store, StoreError};

/// Who did what, and when: an entry of the audit log, chained to the one before by its hash.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AuditEntry {
    /// Counted up from 1, without gaps.
    pub seq: i64,
    /// When, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Who.
    pub actor: String,
    /// What was done, such as `rule.update`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Anything else worth knowing.
    pub detail: Value,
    /// SHA-256 over this entry and the hash of the one before; empty in entries of the first releases.
    pub hash: String,
}

impl AuditEntry {
    /// The hash this entry should have, after one with the hash `before`.
    #[must_use]
    pub(crate) fn chained(&self, before: &str) -> String {
        let Self { seq, time_ms, actor, action, subject, detail, hash: _ } = self;
        content::hash(&json!({
            "before": before, "seq": seq, "time_ms": time_ms, "actor": actor, "action": action,
            "subject": subject, "detail": detail,
        }))
    }
}

/// What a look through the whole audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many entries there are.
    pub n_entries: u64,
    /// The hash of the last one; keep a copy elsewhere. Empty when there are no entries.
    pub last_hash: String,
    /// The first thing that is wrong.
    pub problem: Option<String>,
}

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
        walk.take(entry(row)?);
    }
    if walk.problem.is_none() {
        walk.problem = documents_problem(db, std::mem::take(&mut walk.versions))?;
    }
    Ok(AuditCheck { n_entries: walk.n_entries, last_hash: walk.last_hash, problem: walk.problem })
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

/// What a version of a document is known by: kind, id and version.
type VersionKey = (String, String, u64);

/// What a version of a document says beside its body: when, who, and why for people and programs.
#[derive(Debug, PartialEq)]
struct Meta {
    time_ms: i64,
    actor: String,
    message: Value,
    /// Null where an earlier release wrote it.
    cause: Value,
}

/// What the audit says of a version of a document.
struct Noted {
    seq: i64,
    meta: Meta,
    /// The hash of its body; `None` in entries of the first releases.
    sha256: Option<String>,
}

#[derive(Default)]
struct Walk {
    n_entries: u64,
    last_hash: String,
    problem: Option<String>,
    versions: HashMap<VersionKey, Noted>,
}

impl Walk {
    fn take(&mut self, entry: AuditEntry) {
        self.n_entries += 1;
        let is_chained = !entry.hash.is_empty();
        // Entries of the first releases have no hash; once there is one, all have.
        let follows =
            if is_chained { entry.chained(&self.last_hash) == entry.hash } else { self.last_hash.is_empty() };
        if self.problem.is_none() && entry.seq != self.n_entries as i64 {
            self.problem = Some(format!("entry {} is missing", self.n_entries));
        }
        if self.problem.is_none() && !follows {
            let time = lanner_core::time::format_time(entry.time_ms);
            self.problem = Some(format!(
                "entry {} ({} of {} by {} at {time}) does not follow from the one before: it, or that one, was changed",
                entry.seq, entry.action, entry.subject, entry.actor,
            ));
        }
        if let Some((kind, "create" | "update" | "delete")) = entry.action.split_once('.')
            && let Some(version) = entry.detail.get("version").and_then(Value::as_u64)
        {
            let said = |name: &str| entry.detail.get(name).cloned().unwrap_or_default();
            let meta = Meta {
                time_ms: entry.time_ms,
                actor: entry.actor,
                message: said("message"),
                cause: said("cause"),
            };
            let sha256 = said("sha256").as_str().map(str::to_owned);
            let noted = Noted { seq: entry.seq, meta, sha256 };
            self.versions.insert((kind.to_owned(), entry.subject, version), noted);
        }
        self.last_hash = entry.hash;
    }
}

/// A version of a document that is not what the audit says of it, that it does not name, or that is gone.
fn documents_problem(
    db: &Connection,
    mut noted: HashMap<VersionKey, Noted>,
) -> Result<Option<String>, StoreError> {
    let name = |(kind, id, version): &VersionKey| format!("version {version} of the {kind} {id}");
    let mut statement = db.prepare(
        "SELECT kind, id, version, body, changed_ms, actor, message, cause FROM document ORDER BY kind, id, version",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key: VersionKey = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (body, cause): (Option<String>, Option<String>) = (row.get(3)?, row.get(7)?);
        let meta = Meta {
            time_ms: row.get(4)?,
            actor: row.get(5)?,
            message: Value::String(row.get(6)?),
            cause: cause.map(|cause| serde_json::from_str(&cause)).transpose()?.unwrap_or_default(),
        };
        let Some(noted) = noted.remove(&key) else {
            return Ok(Some(format!("{} is not in the audit", name(&key))));
        };
        // The first releases wrote no hashes.
        let is_body = noted.sha256.is_none_or(|sha256| sha256 == body_hash(body.as_deref()));
        if !is_body || meta != noted.meta {
            return Ok(Some(format!("{} is not what the audit says it is", name(&key))));
        }
    }
    let first_gone = noted.iter().min_by_key(|(_, noted)| noted.seq);
    Ok(first_gone.map(|(key, noted)| format!("{} is gone: entry {} names it", name(key), noted.seq)))
}

/// The hash by which the audit knows a version of a document; a deletion has no body.
pub(super) fn body_hash(body: Option<&str>) -> String {
    body.map_or_else(String::new, |body| content::sha256(body.as_bytes()))
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
