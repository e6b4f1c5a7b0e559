//! The audit as a chain: entries that are only added, each with a hash over itself and the entry before it.
//!
//! Whoever changes, inserts or removes an entry in the middle breaks the chain at that place, and whoever rewrites
//! the rest of it changes its last hash: keep a copy of that hash elsewhere, and a [`Walk`] proves the whole history.
//! Every version of a document is in the audit with the hash of its body, and every version that the audit names is there.
//!
//! Pure: every store of state keeps its audit this way.

use std::collections::HashMap;

use lanner_core::content;
use serde_json::{Value, json};

use super::StoreError;

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

/// The hash by which the audit knows a version of a document; a deletion has no body.
pub(crate) fn body_hash(body: Option<&str>) -> String {
    body.map_or_else(String::new, |body| content::sha256(body.as_bytes()))
}

/// A version of a document as it is written.
pub(crate) struct WrittenVersion {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) body: Option<String>,
    pub(crate) changed_ms: i64,
    pub(crate) actor: String,
    pub(crate) message: String,
    pub(crate) cause: Option<String>,
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

/// Walks all entries in their order, then all versions of documents.
#[derive(Default)]
pub(crate) struct Walk {
    n_entries: u64,
    last_hash: String,
    problem: Option<String>,
    versions: HashMap<VersionKey, Noted>,
}

impl Walk {
    /// The next entry.
    pub(crate) fn entry(&mut self, entry: AuditEntry) {
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

    /// Whether something is wrong already; what comes after the first is not told.
    pub(crate) const fn has_problem(&self) -> bool {
        self.problem.is_some()
    }

    /// A version of a document, which must be what the audit says of it.
    ///
    /// # Errors
    /// When its cause is no JSON.
    pub(crate) fn version(&mut self, written: WrittenVersion) -> Result<(), StoreError> {
        if self.problem.is_some() {
            return Ok(());
        }
        let WrittenVersion { kind, id, version, body, changed_ms, actor, message, cause } = written;
        let cause = cause.map(|cause| serde_json::from_str(&cause)).transpose()?.unwrap_or_default();
        let meta = Meta { time_ms: changed_ms, actor, message: Value::String(message), cause };
        let key: VersionKey = (kind, id, version);
        self.problem = match self.versions.remove(&key) {
            None => Some(format!("{} is not in the audit", name(&key))),
            Some(noted) => {
                // The first releases wrote no hashes.
                let is_body = noted.sha256.is_none_or(|sha256| sha256 == body_hash(body.as_deref()));
                let is_noted = is_body && meta == noted.meta;
                (!is_noted).then(|| format!("{} is not what the audit says it is", name(&key)))
            }
        };
        Ok(())
    }

    /// What all of it comes to: a version that the audit names and that did not come is gone.
    pub(crate) fn finish(self) -> AuditCheck {
        let first_gone = self.versions.iter().min_by_key(|(_, noted)| noted.seq);
        let gone =
            first_gone.map(|(key, noted)| format!("{} is gone: entry {} names it", name(key), noted.seq));
        AuditCheck { n_entries: self.n_entries, last_hash: self.last_hash, problem: self.problem.or(gone) }
    }
}

fn name((kind, id, version): &VersionKey) -> String {
    format!("version {version} of the {kind} {id}")
}
