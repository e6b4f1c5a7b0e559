//! Findings in the one file.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::sums::{Table, columns};
use super::{Receipt, Store, StoreError};
use crate::findings::{FindingFilter, FindingKey, FindingPlace, FindingRow, FindingStore, ScanRow};

const PLACE: &str =
    "key, scanner, host, chk, port, level, policy, first_seen_ms, last_seen_ms, last_missed_ms";
/// What stands for the values of a finding, in the order in which they are summed up.
const VALUES: &str = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11";

impl FindingStore for Store {
    fn put_findings(&self, removed: Vec<FindingKey>, rows: Vec<FindingRow>) -> Result<Receipt, StoreError> {
        let bytes = rows.iter().map(|row| row.body.len() + 200).sum::<usize>() + 100;
        self.write(bytes, move |db| {
            let mut delete = db.prepare_cached("DELETE FROM finding WHERE key = ?1")?;
            for key in removed {
                delete.execute([key])?;
            }
            rows.iter().try_for_each(|row| put(db, row))
        })
    }

    fn miss_findings(&self, missed: Vec<(FindingKey, i64)>) -> Result<Receipt, StoreError> {
        self.write(missed.len() * 40 + 100, move |db| {
            let is_whole = Table::Finding.is_whole();
            let mut update = db.prepare_cached(&format!(
                "UPDATE finding SET last_missed_ms = max(coalesce(last_missed_ms, ?2), ?2) WHERE key = ?1 AND {is_whole}"
            ))?;
            let mut sum_up = db.prepare_cached(&format!(
                "UPDATE finding SET sum = row_sum({}) WHERE key = ?1",
                columns(Table::Finding)
            ))?;
            for (key, at_ms) in missed {
                if update.execute(params![key, at_ms])? > 0 {
                    sum_up.execute([key])?;
                }
            }
            Ok(())
        })
    }

    fn findings(&self, keys: &[FindingKey]) -> Result<Vec<FindingRow>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {PLACE}, body FROM finding WHERE key = ?1 AND {}",
                Table::Finding.is_whole()
            ))?;
            let mut found = Vec::new();
            for key in keys {
                found.extend(statement.query_row([key], row).optional()?);
            }
            Ok(found)
        })
    }

    fn each_finding(
        &self,
        filter: FindingFilter<'_>,
        each: &mut dyn FnMut(FindingRow) -> bool,
    ) -> Result<(), StoreError> {
        self.look(|db| {
            let sql = format!("SELECT {PLACE}, body FROM finding {} ORDER BY key", condition(filter));
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query(params![filter.scanner, filter.host])?;
            while let Some(next) = rows.next()? {
                if !each(row(next)?) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn finding_places(&self, filter: FindingFilter<'_>) -> Result<Vec<FindingPlace>, StoreError> {
        self.look(|db| {
            let mut statement =
                db.prepare_cached(&format!("SELECT {PLACE} FROM finding {}", condition(filter)))?;
            let places = statement.query_map(params![filter.scanner, filter.host], place)?;
            Ok(places.collect::<Result<_, _>>()?)
        })
    }

    fn put_finding_scan(&self, scan: ScanRow) -> Result<Receipt, StoreError> {
        self.write(scan.body.len() + 200, move |db| {
            let sql = "INSERT OR REPLACE INTO finding_scan (id, scanner, at_ms, body, sum)
                       VALUES (?1, ?2, ?3, ?4, row_sum(?1, ?2, ?3, ?4))";
            db.prepare_cached(sql)?.execute(params![scan.id, scan.scanner, scan.at_ms, scan.body])?;
            Ok(())
        })
    }

    fn finding_scan(&self, id: &str) -> Result<Option<ScanRow>, StoreError> {
        self.look(|db| {
            let is_whole = Table::FindingScan.is_whole();
            let sql =
                format!("SELECT id, scanner, at_ms, body FROM finding_scan WHERE id = ?1 AND {is_whole}");
            Ok(db.prepare_cached(&sql)?.query_row([id], scan).optional()?)
        })
    }

    fn finding_scans(&self, after: Option<(&str, i64)>) -> Result<Vec<ScanRow>, StoreError> {
        self.look(|db| {
            let (scanner, after_ms) = after.unzip();
            let mut statement = db.prepare_cached(&format!(
                "SELECT id, scanner, at_ms, body FROM finding_scan
                 WHERE (?1 IS NULL OR (scanner = ?1 AND at_ms > ?2)) AND {} ORDER BY at_ms DESC, id",
                Table::FindingScan.is_whole()
            ))?;
            let scans = statement.query_map(params![scanner, after_ms], scan)?;
            Ok(scans.collect::<Result<_, _>>()?)
        })
    }

    fn put_host_names(&self, names: Vec<(String, String)>) -> Result<Receipt, StoreError> {
        self.write(names.len() * 60 + 100, move |db| {
            let sql =
                "INSERT OR IGNORE INTO finding_host (name, address, sum) VALUES (?1, ?2, row_sum(?1, ?2))";
            let mut insert = db.prepare_cached(sql)?;
            for (name, address) in names {
                insert.execute([name, address])?;
            }
            Ok(())
        })
    }

    fn host_address(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.look(|db| {
            let is_whole = Table::FindingHost.is_whole();
            let sql = format!("SELECT address FROM finding_host WHERE name = ?1 AND {is_whole}");
            let mut statement = db.prepare_cached(&sql)?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        })
    }

    fn put_list(
        &self,
        list: &str,
        whole: bool,
        entries: Vec<(String, String)>,
    ) -> Result<Receipt, StoreError> {
        let list = list.to_owned();
        let bytes = entries.iter().map(|(id, body)| id.len() + body.len() + 40).sum::<usize>() + 100;
        self.write(bytes, move |db| {
            if whole {
                db.prepare_cached("DELETE FROM finding_list WHERE list = ?1")?.execute([&list])?;
            }
            let sql = "INSERT OR REPLACE INTO finding_list (list, id, body, sum)
                       VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))";
            let mut insert = db.prepare_cached(sql)?;
            for (id, body) in entries {
                insert.execute([&list, &id, &body])?;
            }
            Ok(())
        })
    }

    fn list_entries(&self, list: &str, ids: &[&str]) -> Result<Vec<(String, String)>, StoreError> {
        self.look(|db| {
            let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let select = format!(
                "SELECT id, body FROM finding_list WHERE {} AND list = ?1",
                Table::FindingList.is_whole()
            );
            if ids.is_empty() {
                let mut all = db.prepare_cached(&format!("{select} ORDER BY id"))?;
                let entries = all.query_map([list], pair)?;
                return Ok(entries.collect::<Result<_, _>>()?);
            }
            let mut one = db.prepare_cached(&format!("{select} AND id = ?2"))?;
            let mut entries = Vec::new();
            for id in ids {
                entries.extend(one.query_row([list, id], pair).optional()?);
            }
            Ok(entries)
        })
    }
}

fn condition(filter: FindingFilter<'_>) -> String {
    // Each parameter is named in each text, as all of them are bound.
    let place = match (filter.scanner, filter.host) {
        (Some(_), Some(_)) => "WHERE scanner = ?1 AND host = ?2",
        (Some(_), None) => "WHERE scanner = ?1 AND ?2 IS NULL",
        (None, Some(_)) => "WHERE ?1 IS NULL AND host = ?2",
        (None, None) => "WHERE ?1 IS NULL AND ?2 IS NULL",
    };
    format!("{place} AND {}", Table::Finding.is_whole())
}

fn put(db: &Connection, row: &FindingRow) -> Result<(), StoreError> {
    let FindingRow { place, body } = row;
    let sql = format!(
        "INSERT OR REPLACE INTO finding ({PLACE}, body, sum)
         VALUES ({VALUES}, row_sum({VALUES}))"
    );
    db.prepare_cached(&sql)?.execute(params![
        place.key,
        place.scanner,
        place.host,
        place.check,
        place.port,
        place.level,
        place.policy,
        place.first_seen_ms,
        place.last_seen_ms,
        place.last_missed_ms,
        body,
    ])?;
    Ok(())
}

fn place(row: &Row<'_>) -> rusqlite::Result<FindingPlace> {
    Ok(FindingPlace {
        key: row.get(0)?,
        scanner: row.get(1)?,
        host: row.get(2)?,
        check: row.get(3)?,
        port: row.get(4)?,
        level: row.get(5)?,
        policy: row.get(6)?,
        first_seen_ms: row.get(7)?,
        last_seen_ms: row.get(8)?,
        last_missed_ms: row.get(9)?,
    })
}

fn row(row: &Row<'_>) -> rusqlite::Result<FindingRow> {
    Ok(FindingRow { place: place(row)?, body: row.get(10)? })
}

fn scan(row: &Row<'_>) -> rusqlite::Result<ScanRow> {
    Ok(ScanRow { id: row.get(0)?, scanner: row.get(1)?, at_ms: row.get(2)?, body: row.get(3)? })
}
