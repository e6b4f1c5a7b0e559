//! Damage in an open store: found when it is read, reported once, and read around from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use lanner_core::content;
use lanner_core::time::format_time;
use lanner_core::{Alert, Notification};
use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::lock::locked;
use super::repair::Repair;
use super::sums::Table;
use super::{StoreError, bytes, open, sums};
use crate::metrics::METRICS;

/// What is damaged, and which repairs there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// What was stored and cannot be read, a line each.
    pub unreadable: Vec<String>,
    /// Repairs, the oldest first.
    pub repairs: Vec<Repair>,
}

/// What a block is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Samples,
    Events,
}

/// What was found to be damaged since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What a copy for reading had to leave out.
    lost: Vec<String>,
    blocks: Mutex<BTreeMap<(Of, i64), String>>,
}

impl Found {
    pub(super) fn new(lost: Vec<String>) -> Self {
        Self { lost, blocks: Mutex::default() }
    }

    /// Whether a block is known to be damaged.
    pub(super) fn knows(&self, of: Of, id: i64) -> bool {
        locked(&self.blocks).contains_key(&(of, id))
    }

    /// Takes note of a damaged block, and says so the first time.
    pub(super) fn note(&self, of: Of, id: i64, name: &str, n: usize, span_ms: (i64, i64), why: &str) {
        let unit = if of == Of::Samples { "samples" } else { "events" };
        let (from, to) = (format_time(span_ms.0), format_time(span_ms.1));
        let line = format!("{name}: {n} {unit} from {from} to {to} ({why})");
        let mut blocks = locked(&self.blocks);
        if blocks.insert((of, id), line.clone()).is_none() {
            METRICS.damaged_blocks.set(blocks.len() as f64);
            tracing::error!("damaged data is left out: {line}");
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let blocks = locked(&self.blocks);
        self.lost.iter().chain(blocks.values()).cloned().collect()
    }
}

/// Up to this size all trees and checksums of a file are looked at when it is opened, which takes about a second; of a larger one
/// those that are read when it is opened anyway.
const CHECKED_WHOLE_BYTES: u64 = 256 << 20;

/// Looks at a file that SQLite could open: [`StoreError::Corrupt`] when something is damaged that must not be built upon.
pub(super) fn check(db: &Connection, path: &Path) -> Result<(), StoreError> {
    check_schema(db)?;
    let n_bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    if n_bytes <= CHECKED_WHOLE_BYTES {
        check_all(db)?;
    } else {
        let mut names = db.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('block', 'event_block')",
        )?;
        for name in names.query_map([], |row| row.get::<_, String>(0))? {
            is_ok(db, &format!("PRAGMA quick_check('{}')", name?))?;
        }
    }
    check_state(db)
}

/// Looks at everything in a file, however large: what lies in it is to be built upon.
pub(super) fn check_whole(db: &Connection) -> Result<(), StoreError> {
    check_schema(db)?;
    check_all(db)?;
    let mut statement = db.prepare("SELECT body FROM journal")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        bytes::unseal(row.get_ref(0)?.as_blob().unwrap_or_default(), "a batch in the journal")?;
    }
    check_state(db)
}

/// What the engine and delivery go on from.
fn check_state(db: &Connection) -> Result<(), StoreError> {
    check_json::<Alert>(db, "an alert", "SELECT body FROM alert")?;
    check_json::<serde_json::Value>(db, "a record of who was notified", "SELECT record FROM told")?;
    // Documents and silences that cannot be read are set aside one by one, and shown.
    check_json::<Notification>(db, "a message", "SELECT body FROM outbox")
}

/// Whether the file describes its tables as a new store does; what else it describes is somebody else's.
fn check_schema(db: &Connection) -> Result<(), StoreError> {
    let fresh = Connection::open_in_memory()?;
    sums::equip(&fresh)?;
    open::make_tables(&fresh)?;
    let described = |db: &Connection| -> Result<BTreeSet<[Option<String>; 4]>, StoreError> {
        let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('table', 'index')";
        let mut statement = db.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    if described(db)?.is_superset(&described(&fresh)?) {
        Ok(())
    } else {
        Err(StoreError::corrupt("the description of the tables is not what was written"))
    }
}

/// Looks at all pages and checksums, and whether tables and their indexes say the same: an index that names a row that is
/// not there fails only when that row is asked for.
pub(super) fn check_all(db: &Connection) -> Result<(), StoreError> {
    is_ok(db, "PRAGMA integrity_check(1)")?;
    check_bodies(db)?;
    check_models(db)?;
    check_sums(db)
}

/// Whether all models are what was written, which their ids say.
fn check_models(db: &Connection) -> Result<(), StoreError> {
    let mut statement = db.prepare("SELECT id, body FROM model")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        if content::sha256(row.get_ref(1)?.as_bytes().unwrap_or_default()) != id {
            return Err(changed_model(&id));
        }
    }
    Ok(())
}

/// What is wrong with a model whose id is not that of its bytes.
pub(super) fn changed_model(id: &str) -> StoreError {
    StoreError::corrupt(format!("model {id} is not what was written"))
}

fn is_ok(db: &Connection, check: &str) -> Result<(), StoreError> {
    let mut statement = db.prepare(check)?;
    let mut rows = statement.query([])?;
    let said: String = rows.next()?.map(|row| row.get(0)).transpose()?.unwrap_or_default();
    if said == "ok" { Ok(()) } else { Err(StoreError::corrupt(said)) }
}

/// The checksums of all blocks.
fn check_bodies(db: &Connection) -> Result<(), StoreError> {
    for (what, sql) in [
        ("a block of samples", "SELECT body FROM block"),
        ("a block of events", "SELECT body FROM event_block"),
    ] {
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            bytes::unseal(row.get_ref(0)?.as_blob().unwrap_or_default(), what)?;
        }
    }
    Ok(())
}

/// The sums of all rows that have one, but for those that are set aside one by one.
fn check_sums(db: &Connection) -> Result<(), StoreError> {
    for table in Table::ALL.into_iter().filter(|table| !table.is_set_aside()) {
        let (name, is_whole) = (table.name(), table.is_whole());
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {name} WHERE NOT {is_whole})");
        if db.query_row(&sql, [], |row| row.get(0))? {
            return Err(StoreError::corrupt(format!("a row of {name} is not what was written")));
        }
    }
    Ok(())
}

fn check_json<T: DeserializeOwned>(db: &Connection, what: &str, sql: &str) -> Result<(), StoreError> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().unwrap_or_default();
        serde_json::from_str::<T>(text)
            .map_err(|error| StoreError::corrupt(format!("{what} is not what was written: {error}")))?;
    }
    Ok(())
}
