//! Trained models: immutable, and known by the hash of what they are.

use lanner_core::content;
use tokio_postgres::Row;

use super::session::{Failure, Session, column, json, text};
use crate::state::{Model, ModelInfo};
use crate::store::StoreError;

const COLUMNS: &str = "id, kind, data, threshold, metrics, created_ms";

/// Keeps a model, if it is not kept already, within a transaction.
pub(super) async fn put(db: &Session, id: &str, model: &Model) -> Result<(), Failure> {
    let Model { info, body } = model;
    let sql = format!(
        "INSERT INTO model ({COLUMNS}, body) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"
    );
    let metrics = info.metrics.to_string();
    let values: super::session::Values<'_> =
        &[&id, &text(&info.kind), &text(&info.data), &info.threshold, &metrics, &info.created_ms, body];
    db.execute(&sql, values).await?;
    Ok(())
}

/// A model, checked against its id.
pub(super) async fn get(db: &Session, id: &str) -> Result<Option<Model>, Failure> {
    let row = db.query_opt(&format!("SELECT {COLUMNS}, body FROM model WHERE id = $1"), &[&text(id)]).await?;
    let Some(row) = row else { return Ok(None) };
    let (info, body): (ModelInfo, Vec<u8>) = (info(&row)?, column(&row, 6)?);
    if content::sha256(&body) != id {
        let detail = format!("the model {id} is not what was written; import or train it again");
        return Err(StoreError::Corrupt { detail }.into());
    }
    Ok(Some(Model { info, body }))
}

/// Drops a model, within a transaction.
pub(super) async fn delete(db: &Session, id: &str) -> Result<(), Failure> {
    db.execute("DELETE FROM model WHERE id = $1", &[&text(id)]).await?;
    Ok(())
}

/// The models of a kind, and of the kinds below it, without their bodies, the latest first.
pub(super) async fn list(db: &Session, kind: &str) -> Result<Vec<ModelInfo>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model WHERE kind = $1 OR left(kind, length($1) + 1) = $1 || '/' \
         ORDER BY created_ms DESC, id"
    );
    db.query(&sql, &[&text(kind)]).await?.iter().map(info).collect()
}

fn info(row: &Row) -> Result<ModelInfo, Failure> {
    Ok(ModelInfo {
        id: column(row, 0)?,
        kind: column(row, 1)?,
        data: column(row, 2)?,
        threshold: column(row, 3)?,
        metrics: json(row, 4)?,
        created_ms: column(row, 5)?,
    })
}
