//! Values that were measured, so that they need not be measured again.

use lanner_core::{Measured, TimeRange};
use rusqlite::{Connection, params};

use super::rows::{group_key, json};
use super::sums::Table;
use super::{Store, StoreError};

impl Store {
    /// All values of a query, of all groups, whose windows begin in `range`; in order of the windows.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn measured_range(&self, query: u64, range: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT start_ms, end_ms, grp, value FROM history
                 WHERE query = ?1 AND start_ms >= ?2 AND start_ms < ?3 AND {} ORDER BY start_ms, end_ms, grp",
                Table::History.is_whole()
            ))?;
            let mut rows = statement.query(params![query as i64, range.start_ms, range.end_ms])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let window = TimeRange::new(row.get(0)?, row.get(1)?);
                found.push(Measured { query, group: json(row, 2)?, window, value: row.get(3)? });
            }
            Ok(found)
        })
    }

    /// The values measured in exactly one window, for all groups.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn measured_window(&self, query: u64, window: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT grp, value FROM history WHERE query = ?1 AND start_ms = ?2 AND end_ms = ?3 AND {} ORDER BY grp",
                Table::History.is_whole()
            ))?;
            let mut rows = statement.query(params![query as i64, window.start_ms, window.end_ms])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(Measured { query, group: json(row, 0)?, window, value: row.get(1)? });
            }
            Ok(found)
        })
    }

    /// Forgets what was measured for `query` in windows that touch `range` and are at most `window_ms` long; each of
    /// `wrong` says so. Blocks until that is durable; what it forgets it forgets in many commits, so that others are
    /// written in between however much that is.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn forget_measured(&self, wrong: &[(u64, TimeRange, i64)]) -> Result<(), StoreError> {
        let mut rest = wrong;
        while !rest.is_empty() {
            let next = rest[..rest.len().min(1_000)].to_vec();
            let n_done = self.write(100 * next.len(), move |db| forget_some(db, &next))?.wait()?;
            rest = &rest[n_done..];
        }
        Ok(())
    }
}

/// Keeps values, within the caller's transaction.
pub(super) fn put(db: &Connection, history: &[Measured]) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO history (query, start_ms, end_ms, grp, value, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, row_sum(?1, ?2, ?3, ?4, ?5))",
    )?;
    for Measured { query, group, window, value } in history {
        let group = group_key(group)?;
        insert.execute(params![*query as i64, window.start_ms, window.end_ms, group, value])?;
    }
    Ok(())
}

/// Forgets up to 10,000 measured values; returns how many of `wrong` are done with.
fn forget_some(db: &Connection, wrong: &[(u64, TimeRange, i64)]) -> Result<usize, StoreError> {
    let mut delete = db.prepare_cached(
        "DELETE FROM history WHERE (query, start_ms, end_ms, grp) IN (
           SELECT query, start_ms, end_ms, grp FROM history
           WHERE query = ?1 AND start_ms > ?2 AND start_ms < ?3 AND end_ms > ?4 LIMIT ?5)",
    )?;
    let mut left: i64 = 10_000;
    for (at, (query, range, window_ms)) in wrong.iter().enumerate() {
        let from_ms = range.start_ms.saturating_sub(*window_ms);
        left -= delete.execute(params![*query as i64, from_ms, range.end_ms, range.start_ms, left])? as i64;
        if left == 0 {
            return Ok(at);
        }
    }
    Ok(wrong.len())
}
