//! Trained models: immutable, and known by the hash of what they are.

use lanner_core::content;
use rusqlite::{Row, params};

use super::rows::json;
use super::{Receipt, Store, StoreError, damage};
use crate::state::{Model, ModelInfo};

const COLUMNS: &str = "id, kind, data, threshold, metrics, created_ms";

impl Store {
    /// Keeps a model, if it is not kept already; its id is the SHA-256 of its body.
    pub(super) fn put_model(&self, model: Model) -> Result<Receipt<String>, StoreError> {
        let id = content::sha256(&model.body);
        self.write(model.body.len() + 500, move |db| {
            let info = model.info;
            db.prepare_cached(&format!(
                "INSERT OR IGNORE INTO model ({COLUMNS}, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))?
            .execute(params![
                id,
                info.kind,
                info.data,
                info.threshold,
                info.metrics.to_string(),
                info.created_ms,
                model.body
            ])?;
            Ok(id)
        })
    }

    /// A model, checked against its id.
    pub(super) fn model(&self, id: &str) -> Result<Option<Model>, StoreError> {
        self.look(|db| {
            let mut statement =
                db.prepare_cached(&format!("SELECT {COLUMNS}, body FROM model WHERE id = ?1"))?;
            let mut rows = statement.query([id])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (info, body): (ModelInfo, Vec<u8>) = (info(row)?, row.get(6)?);
            if content::sha256(&body) != id {
                return Err(damage::changed_model(id));
            }
            Ok(Some(Model { info, body }))
        })
    }

    /// Drops a model.
    pub(super) fn delete_model(&self, id: &str) -> Result<Receipt, StoreError> {
        let id = id.to_owned();
        self.write(id.len(), move |db| {
            db.prepare_cached("DELETE FROM model WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
    }

    /// The models of a kind, and of the kinds below it, without their bodies, the latest first.
    pub(super) fn models(&self, kind: &str) -> Result<Vec<ModelInfo>, StoreError> {
        self.look(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM model WHERE kind = ?1 OR substr(kind, 1, length(?1) + 1) = ?1 || '/' \
                 ORDER BY created_ms DESC, id"
            );
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query([kind])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(info(row)?);
            }
            Ok(found)
        })
    }
}

fn info(row: &Row<'_>) -> Result<ModelInfo, StoreError> {
    Ok(ModelInfo {
        id: row.get(0)?,
        kind: row.get(1)?,
        data: row.get(2)?,
        threshold: row.get(3)?,
        metrics: json(row, 4)?,
        created_ms: row.get(5)?,
    })
}
