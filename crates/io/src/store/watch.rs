//! Records when the server was running.
//!
//! The last moment is noted with whatever else is written, and now and then when nothing is; so the end of a process,
//! however sudden, is known to within a few seconds. What lies between that and the next start is a gap.

use lanner_core::TimeRange;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Receipt, Store, StoreError};

/// Gaps kept, the latest ones.
const MAX_GAPS: usize = 10_000;

impl Store {
    /// The last moment at which the server was noted to be there, milliseconds since the Unix epoch; `None` if it never
    /// was.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn watched_ms(&self) -> Result<Option<i64>, StoreError> {
        self.look(|db| meta(db, "watched_ms"))
    }

    /// The times in which the server was away, as they were noted.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn gaps(&self) -> Result<Vec<TimeRange>, StoreError> {
        self.look(gaps)
    }

    /// Notes that the server was away.
    ///
    /// # Errors
    /// From the receipt: failures of the file.
    pub fn add_gap(&self, gap: TimeRange) -> Result<Receipt, StoreError> {
        self.write(100, move |db| {
            let mut all = gaps(db)?;
            all.push(gap);
            all.drain(..all.len().saturating_sub(MAX_GAPS));
            let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('gaps', ?1)";
            db.execute(sql, [serde_json::to_string(&all)?])?;
            note(db, gap.end_ms)
        })
    }
}

/// Notes that the server is there; never earlier than what was noted before, as a clock may go back.
pub(super) fn note(db: &Connection, watched_ms: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (key, value) VALUES ('watched_ms', ?1)
               ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)";
    db.prepare_cached(sql)?.execute(params![watched_ms])?;
    Ok(())
}

fn gaps(db: &Connection) -> Result<Vec<TimeRange>, StoreError> {
    let text: Option<String> = meta(db, "gaps")?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

fn meta<T: rusqlite::types::FromSql>(db: &Connection, key: &str) -> Result<Option<T>, StoreError> {
    let mut statement = db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}
