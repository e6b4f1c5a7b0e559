//! Silences: mutes by people.

use lanner_core::Silence;

use super::session::{Failure, Session, column, text};
use crate::store::StoreError;

/// A silence's id, and the silence or why it cannot be read.
pub(super) type ReadSilence = (String, Result<Silence, String>);

/// All silences, those that end last first.
pub(super) async fn all(db: &Session) -> Result<Vec<ReadSilence>, Failure> {
    let rows = db.query("SELECT id, body FROM silence ORDER BY end_ms DESC, id", &[]).await?;
    let read = |row: &tokio_postgres::Row| {
        let (id, body): (String, String) = (column(row, 0)?, column(row, 1)?);
        let read = serde_json::from_str(&body).map_err(|error| StoreError::from(error).to_string());
        Ok((id, read))
    };
    rows.iter().map(read).collect()
}

/// Adds a silence, or replaces the one with the same id, within a transaction.
pub(super) async fn put(db: &Session, silence: &Silence) -> Result<(), Failure> {
    let sql = "INSERT INTO silence (id, end_ms, body) VALUES ($1, $2, $3)
               ON CONFLICT (id) DO UPDATE SET end_ms = excluded.end_ms, body = excluded.body";
    db.execute(sql, &[&text(&silence.id), &silence.end_ms, &serde_json::to_string(silence)?]).await?;
    Ok(())
}

/// Ends a silence, within a transaction. One that cannot be read is deleted.
pub(super) async fn expire(db: &Session, id: &str, now_ms: i64) -> Result<(), Failure> {
    let row = db.query_opt("SELECT body FROM silence WHERE id = $1", &[&text(id)]).await?;
    let row = row.ok_or_else(|| StoreError::NotFound { what: "silence", name: id.to_owned() })?;
    let Ok(mut silence) = serde_json::from_str::<Silence>(column(&row, 0)?) else {
        db.execute("DELETE FROM silence WHERE id = $1", &[&text(id)]).await?;
        return Ok(());
    };
    silence.end_ms = silence.end_ms.min(now_ms);
    put(db, &silence).await
}
