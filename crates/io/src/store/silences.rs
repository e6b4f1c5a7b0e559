//! Silences: mutes by people.

use lanner_core::Silence;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::json;
use super::sums::Table;
use super::{Receipt, Store, StoreError};

/// A silence's id, and the silence or why it cannot be read.
type ReadSilence = (String, Result<Silence, String>);

impl Store {
    /// Adds a silence, or replaces the one with the same id.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn add_silence(&self, silence: Silence) -> Result<Receipt, StoreError> {
        self.write(500, move |db| put(db, &silence))
    }

    /// All silences, those that end last first; ended ones stay listed as long as measured values.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        Ok(self.all_silences()?.into_iter().filter_map(|(_, silence)| silence.ok()).collect())
    }

    /// Silences that cannot be read, and why; they mute nobody.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn unreadable_silences(&self) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.all_silences()?.into_iter();
        Ok(all.filter_map(|(id, silence)| Some((id, silence.err()?))).collect())
    }

    fn all_silences(&self) -> Result<Vec<ReadSilence>, StoreError> {
        self.look(|db| {
            let sql = format!(
                "SELECT id, {} FROM silence ORDER BY end_ms DESC, id",
                Table::Silence.body_of("silence")
            );
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            let mut silences = Vec::new();
            while let Some(row) = rows.next()? {
                silences.push((row.get(0)?, json(row, 1).map_err(|error| error.to_string())));
            }
            Ok(silences)
        })
    }

    /// Ends a silence at `now_ms`, if it would end later. One that cannot be read is deleted.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn expire_silence(&self, id: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        let id = id.to_owned();
        self.write(100, move |db| {
            let sql = format!("SELECT {} FROM silence WHERE id = ?1", Table::Silence.body_of("silence"));
            let body: Option<String> = db.query_row(&sql, [&id], |row| row.get(0)).optional()?;
            let name = id.clone();
            let body = body.ok_or(StoreError::NotFound { what: "silence", name: id })?;
            let Ok(mut silence) = serde_json::from_str::<Silence>(&body) else {
                db.execute("DELETE FROM silence WHERE id = ?1", [&name])?;
                return Ok(());
            };
            silence.end_ms = silence.end_ms.min(now_ms);
            put(db, &silence)
        })
    }
}

pub(super) fn put(db: &Connection, silence: &Silence) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO silence (id, end_ms, body, sum) VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))",
    )?
    .execute(params![silence.id, silence.end_ms, serde_json::to_string(silence)?])?;
    Ok(())
}
