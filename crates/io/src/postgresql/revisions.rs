//! Revisions: a number for all documents of a kind, which grows with every change; and other single values.

use serde_json::json;

use super::audit::{self, Deed};
use super::session::{Failure, Session, column, text};

/// Where the revision of a kind of documents is kept.
fn revision_key(kind: &str) -> String {
    format!("revision.{}", text(kind))
}

/// Where the last reserved one is.
fn reserved_key(kind: &str) -> String {
    format!("reserved_revision.{}", text(kind))
}

/// A single value.
pub(super) async fn get(db: &Session, key: &str) -> Result<Option<String>, Failure> {
    let row = db.query_opt("SELECT value FROM meta WHERE key = $1", &[&key]).await?;
    row.map(|row| column(&row, 0)).transpose()
}

/// Writes a single value, within a transaction.
pub(super) async fn put(db: &Session, key: &str, value: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    db.execute(sql, &[&key, &value]).await?;
    Ok(())
}

async fn number(db: &Session, key: &str) -> Result<Option<u64>, Failure> {
    Ok(get(db, key).await?.and_then(|value| value.parse().ok()))
}

/// The revision of a kind of documents.
pub(super) async fn revision(db: &Session, kind: &str) -> Result<u64, Failure> {
    if let Some(revision) = number(db, &revision_key(kind)).await? {
        return Ok(revision);
    }
    // Nothing was ever saved.
    let row = db.query_opt("SELECT count(*) FROM document WHERE kind = $1", &[&text(kind)]).await?;
    Ok(row.map_or(Ok(0), |row| column::<i64>(&row, 0))?.unsigned_abs())
}

/// Sets it, within a transaction.
pub(super) async fn set(db: &Session, kind: &str, revision: u64) -> Result<(), Failure> {
    put(db, &revision_key(kind), &revision.to_string()).await
}

/// Raises it, with an entry in the audit, within a transaction. Returns what it is then.
pub(super) async fn raise(
    db: &Session,
    kind: &str,
    at_least: u64,
    actor: &str,
    now_ms: i64,
) -> Result<u64, Failure> {
    let before = revision(db, kind).await?;
    let after = before.max(at_least);
    set(db, kind, after).await?;
    let deed = Deed {
        time_ms: now_ms,
        actor: actor.to_owned(),
        action: format!("{kind}.raise_revision"),
        subject: kind.to_owned(),
        detail: json!({"from": before, "to": after}),
    };
    audit::note(db, vec![deed]).await?;
    Ok(after)
}

/// Reserves revisions, within a transaction.
pub(super) async fn reserve(db: &Session, kind: &str, up_to: u64) -> Result<(), Failure> {
    put(db, &reserved_key(kind), &up_to.to_string()).await
}

/// The last one that is reserved.
pub(super) async fn reserved(db: &Session, kind: &str) -> Result<Option<u64>, Failure> {
    number(db, &reserved_key(kind)).await
}

/// Ends a reservation, within a transaction.
pub(super) async fn release(db: &Session, kind: &str, shown: u64) -> Result<(), Failure> {
    let revision = revision(db, kind).await?.max(shown);
    set(db, kind, revision).await?;
    db.execute("DELETE FROM meta WHERE key = $1", &[&reserved_key(kind)]).await?;
    Ok(())
}
