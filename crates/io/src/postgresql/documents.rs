//! Versioned JSON documents: rules, receivers, switches, ...
//!
//! A change makes a new version and never touches an old one; deleting is a version without a body. Each change has its
//! entry in the audit, written in the same transaction. Configurations are applied thousands of documents at a time, so
//! each table is read once and written once for all of a batch.

use std::collections::HashMap;

use lanner_core::Silence;
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::audit::{self, Deed};
use super::session::{Failure, Session, column, text};
use super::{revisions, silences};
use crate::metrics::METRICS;
use crate::state::SavedVersions;
use crate::store::{DocumentBatch, DocumentChange, StoredDocument, body_hash};

const COLUMNS: &str = "id, version, body, changed_ms, actor, message, cause";

/// The latest version of each document of a kind, deleted ones left out: those after `after`, at most `limit`.
pub(super) async fn latest(
    db: &Session,
    kind: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StoredDocument>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM document AS this
         WHERE kind = $1 AND ($2::text IS NULL OR id > $2) AND body IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM document WHERE kind = $1 AND id = this.id AND version > this.version)
         ORDER BY id LIMIT $3"
    );
    let rows = db.query(&sql, &[&text(kind), &after.map(text), &whole(limit)]).await?;
    rows.iter().map(stored).collect()
}

/// The latest version of each of these documents, deleted ones left out, in the order of `ids`.
pub(super) async fn latest_of(
    db: &Session,
    kind: &str,
    ids: &[&str],
) -> Result<Vec<StoredDocument>, Failure> {
    let sql = format!(
        "SELECT found.* FROM unnest($2::text[]) WITH ORDINALITY AS asked (id, at), LATERAL (
             SELECT {COLUMNS} FROM document WHERE kind = $1 AND document.id = asked.id ORDER BY version DESC LIMIT 1) AS found
         WHERE found.body IS NOT NULL ORDER BY asked.at"
    );
    let ids: Vec<String> = ids.iter().map(|id| text(id)).collect();
    db.query(&sql, &[&text(kind), &ids]).await?.iter().map(stored).collect()
}

/// The last `n` versions of one document, the latest first.
pub(super) async fn versions(
    db: &Session,
    kind: &str,
    id: &str,
    n: usize,
) -> Result<Vec<StoredDocument>, Failure> {
    let sql =
        format!("SELECT {COLUMNS} FROM document WHERE kind = $1 AND id = $2 ORDER BY version DESC LIMIT $3");
    db.query(&sql, &[&text(kind), &text(id), &whole(n)]).await?.iter().map(stored).collect()
}

/// All versions of documents of a kind that were made after `since_ms`, the oldest first.
pub(super) async fn since(db: &Session, kind: &str, since_ms: i64) -> Result<Vec<StoredDocument>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM document WHERE kind = $1 AND changed_ms > $2 ORDER BY changed_ms, id, version"
    );
    db.query(&sql, &[&text(kind), &since_ms]).await?.iter().map(stored).collect()
}

/// The number of the latest version of each of these documents, in their order; 0 for one that never was.
pub(super) async fn numbers(db: &Session, kind: &str, ids: &[&str]) -> Result<Vec<u32>, Failure> {
    let sql =
        "SELECT (SELECT coalesce(max(version), 0) FROM document WHERE kind = $1 AND document.id = asked.id)
               FROM unnest($2::text[]) WITH ORDINALITY AS asked (id, at) ORDER BY at";
    let ids: Vec<String> = ids.iter().map(|id| text(id)).collect();
    let rows = db.query(sql, &[&text(kind), &ids]).await?;
    rows.iter().map(|row| Ok(column::<i32>(row, 0)?.unsigned_abs())).collect()
}

/// What is saved together.
pub(super) struct Saving {
    pub(super) actor: String,
    /// As it is written.
    pub(super) cause: Value,
    pub(super) now_ms: i64,
    pub(super) batches: Vec<DocumentBatch>,
    pub(super) silences: Vec<Silence>,
}

/// Saves or deletes documents and silences, each with its entry in the audit, within a transaction.
pub(super) async fn save(db: &Session, saving: &Saving) -> Result<SavedVersions, Failure> {
    let (mut versions, mut deeds) = (Vec::new(), Vec::new());
    for batch in &saving.batches {
        versions.extend(save_batch(db, saving, batch, &mut deeds).await?);
    }
    for silence in &saving.silences {
        silences::put(db, silence).await?;
        deeds.push(Deed {
            time_ms: saving.now_ms,
            actor: saving.actor.clone(),
            action: "silence".to_owned(),
            subject: silence.id.clone(),
            detail: serde_json::to_value(silence)?,
        });
    }
    audit::note(db, deeds).await?;
    Ok(versions)
}

/// New versions, column by column.
#[derive(Default)]
struct New {
    ids: Vec<String>,
    versions: Vec<i32>,
    bodies: Vec<Option<String>>,
}

async fn save_batch(
    db: &Session,
    saving: &Saving,
    batch: &DocumentBatch,
    deeds: &mut Vec<Deed>,
) -> Result<SavedVersions, Failure> {
    let DocumentBatch { kind, message, changes } = batch;
    let (kind, message) = (text(kind), text(message));
    // Versions and the revision are counted up by one at a time.
    db.query("SELECT pg_advisory_xact_lock(hashtext($1))", &[&kind]).await?;
    let mut latest = latest_bodies(db, &kind, changes).await?;
    let (mut saved, mut new) = (Vec::with_capacity(changes.len()), New::default());
    for DocumentChange { id, document } in changes {
        let stored_id = text(id);
        let (version, before) = latest.remove(&stored_id).unwrap_or((0, None));
        if before == *document {
            saved.push((id.clone(), version.unsigned_abs()));
            latest.insert(stored_id, (version, before));
            continue;
        }
        let body = document.as_ref().map(serde_json::to_string).transpose()?;
        let version = version + 1;
        let what = match (&before, &document) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "update",
        };
        let sha256 = body_hash(body.as_deref());
        let number = version.unsigned_abs();
        deeds.push(Deed {
            time_ms: saving.now_ms,
            actor: saving.actor.clone(),
            action: format!("{kind}.{what}"),
            subject: stored_id.clone(),
            detail: json!({"version": number, "message": message, "sha256": sha256, "cause": saving.cause}),
        });
        saved.push((id.clone(), number));
        new.ids.push(stored_id.clone());
        new.versions.push(version);
        new.bodies.push(body);
        latest.insert(stored_id, (version, document.clone()));
    }
    insert(db, saving, &kind, &message, &new).await?;
    Ok(saved)
}

/// The number and the body of the latest version of each document that is to be changed.
async fn latest_bodies(
    db: &Session,
    kind: &str,
    changes: &[DocumentChange],
) -> Result<HashMap<String, (i32, Option<Value>)>, Failure> {
    let ids: Vec<String> = changes.iter().map(|change| text(&change.id)).collect();
    let sql = "SELECT DISTINCT ON (id) id, version, body FROM document WHERE kind = $1 AND id = ANY($2)
               ORDER BY id, version DESC";
    let rows = db.query(sql, &[&kind, &ids]).await?;
    rows.iter().map(|row| Ok((column(row, 0)?, (column(row, 1)?, body(row, 2)?)))).collect()
}

async fn insert(db: &Session, saving: &Saving, kind: &str, message: &str, new: &New) -> Result<(), Failure> {
    let n_new = new.ids.len() as u64;
    if n_new == 0 {
        return Ok(());
    }
    let before = revisions::revision(db, kind).await?;
    let sql = "INSERT INTO document (kind, id, version, body, actor, message, changed_ms, cause)
               SELECT $1::text, id, version, body, $2::text, $3::text, $4::bigint, $5::text FROM unnest($6::text[], $7::integer[], $8::text[])
                   AS new (id, version, body)";
    let cause = saving.cause.to_string();
    let values: super::session::Values<'_> = &[
        &kind,
        &text(&saving.actor),
        &message,
        &saving.now_ms,
        &cause,
        &new.ids,
        &new.versions,
        &new.bodies,
    ];
    db.execute(sql, values).await?;
    revisions::set(db, kind, before + n_new).await
}

/// What a document says. One that is no JSON is kept as text, so that it can be shown and deleted beside all others.
fn body(row: &Row, at: usize) -> Result<Option<Value>, Failure> {
    let text: Option<String> = column(row, at)?;
    Ok(text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

fn stored(row: &Row) -> Result<StoredDocument, Failure> {
    METRICS.documents_read.inc();
    let cause: String = column(row, 6)?;
    Ok(StoredDocument {
        id: column(row, 0)?,
        version: column::<i32>(row, 1)?.unsigned_abs(),
        document: body(row, 2)?,
        changed_ms: column(row, 3)?,
        actor: column(row, 4)?,
        message: column(row, 5)?,
        // One that a later release wrote is nobody's here.
        cause: serde_json::from_str(&cause).ok(),
    })
}

/// Bytes of what is saved, roughly.
pub(super) fn rough_size(batches: &[DocumentBatch]) -> usize {
    let changes = batches.iter().flat_map(|batch| &batch.changes);
    changes.map(|change| 200 + change.document.as_ref().map_or(0, |it| it.to_string().len())).sum()
}

fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
