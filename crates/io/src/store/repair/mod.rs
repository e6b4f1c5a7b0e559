//! Repairs a damaged store: copies the intact rows into a new file, and keeps the damaged one beside it.
//!
//! Nothing here trusts SQLite's reading of the file: `pages` reads file and log, `trees` the rows on the pages that are
//! whole, `rows` says of each row whether it is what was written. Reading order: `inspect`, [`into_fresh`], [`Repair`].
//!
//! The damaged file is replaced in steps of which each may be the last one before the power goes: the fresh file gets the
//! name `lanner.db.repaired` when it is whole, and whoever opens the folder next finishes what that begins ([`finish`]).

mod failed;
mod inspect;
mod pages;
mod rows;
mod schema;
mod trees;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

use super::open::{self, FILE_NAME};
use super::{StoreError, private};
use failed::Failed;
pub(super) use inspect::inspect;
use pages::Pages;
use rows::Checks;
use schema::{Schema, Table};
use trees::{Kind, Record, Trees};

/// What a repair kept and what it lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// What was found.
    pub reason: String,
    /// The name that the damaged file has now; empty when it is where it was.
    pub kept_as: String,
    /// Rows that were read whole, by table.
    pub kept: BTreeMap<String, u64>,
    /// Rows that are known to be lost, by table.
    pub lost: BTreeMap<String, u64>,
    /// Pages that could not be read, by table; what lay on them is lost, and how much that was cannot always be known.
    pub damaged_pages: BTreeMap<String, u64>,
    /// Stretches of series and streams that are lost, a sentence each; the first thousand.
    pub stretches: Vec<String>,
}

const MAX_STRETCHES: usize = 1_000;

/// What was found to be damaged in a folder, and done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The repair, if one was needed.
    #[serde(flatten)]
    pub repair: Option<Repair>,
    /// What is not what was written and stays all the same, a line each: documents and silences, which are set aside when they are
    /// read, and the audit.
    pub set_aside: Vec<String>,
}

impl Repaired {
    /// Whether nothing is lost or changed.
    #[must_use]
    pub fn is_without_loss(&self) -> bool {
        self.set_aside.is_empty() && self.repair.as_ref().is_none_or(Repair::is_without_loss)
    }
}

impl Repair {
    /// Whether nothing is lost: no row is missing, and every page could be read.
    #[must_use]
    pub fn is_without_loss(&self) -> bool {
        self.lost.values().all(|n| *n == 0) && self.damaged_pages.values().all(|n| *n == 0)
    }

    /// What is lost, a line for each kind of data, for people; empty when nothing is.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let tables: std::collections::BTreeSet<&String> =
            self.lost.keys().chain(self.damaged_pages.keys()).collect();
        let mut lines = Vec::new();
        for table in tables {
            let n_rows = self.lost.get(table).copied().unwrap_or(0);
            let n_pages = self.damaged_pages.get(table).copied().unwrap_or(0);
            let kept = self.kept.get(table).copied().unwrap_or(0);
            let what = schema::noun(table);
            let mut parts = Vec::new();
            if n_rows > 0 {
                parts.push(format!("{n_rows} lost"));
            }
            if n_pages > 0 {
                parts.push(format!("what lay on {n_pages} damaged pages lost"));
            }
            if !parts.is_empty() {
                lines.push(format!("{what}: {}, {kept} kept", parts.join(", ")));
            }
        }
        lines.extend(self.stretches.iter().cloned());
        lines
    }
}

/// Copies all that is whole in the damaged file at `source` into a new store at `target`, which remembers under which name
/// the damaged one is kept.
///
/// # Errors
/// Failures of the disk, and of the file `target`.
pub(super) fn into_fresh(
    source: &Path,
    target: &Path,
    reason: &str,
    kept_as: &str,
) -> Result<Repair, StoreError> {
    let failed = |error: io::Error| StoreError::Folder { path: source.to_owned(), detail: error.to_string() };
    let mut pages = Pages::open(source).map_err(failed)?;
    // Row by row into tables as the file has them; then all of them are brought to this release's.
    let first = pages.read(1).map_err(failed)?;
    let version = open::stated_version(first.as_ref().map_or(&[], |page| &page[..]));
    let mut fresh = open::create_file(target, version)?;
    fresh.pragma_update(None, "synchronous", "OFF")?; // flushed once, when it is whole
    fresh.pragma_update(None, "cache_size", -64_000)?;
    let schema = Schema::read(&fresh)?;
    fresh.execute("DELETE FROM meta WHERE key = 'secret'", [])?; // the installation has its own
    let mut repair = Repair { reason: reason.to_owned(), kept_as: kept_as.to_owned(), ..Repair::default() };
    if pages.n_lost_frames > 0 {
        repair.damaged_pages.insert("log".to_owned(), pages.n_lost_frames as u64);
    }
    let tx = fresh.transaction()?;
    Copying { db: &tx, schema: &schema, checks: Checks::default(), repair: &mut repair }.all(&mut pages)?;
    tx.commit()?;
    open::upgrade(&fresh, version)?;
    name_rules(&fresh)?;
    note(&fresh, &repair)?;
    fresh.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(repair)
}

/// Adds to the repairs that the store remembers.
fn note(db: &Connection, repair: &Repair) -> Result<(), StoreError> {
    let mut repairs = repairs(db)?;
    repairs.push(repair.clone());
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('repairs', ?1)";
    db.execute(sql, [serde_json::to_string(&repairs)?])?;
    Ok(())
}

/// The repairs that the store remembers, the oldest first.
pub(super) fn repairs(db: &Connection) -> Result<Vec<Repair>, StoreError> {
    let mut statement = db.prepare("SELECT value FROM meta WHERE key = 'repairs'")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(Vec::new()) };
    // What another release wrote there says nothing to this one.
    Ok(serde_json::from_str(row.get_ref(0)?.as_str().unwrap_or("")).unwrap_or_default())
}

struct Copying<'c> {
    db: &'c Connection,
    schema: &'c Schema,
    checks: Checks,
    repair: &'c mut Repair,
}

impl Copying<'_> {
    fn all(&mut self, pages: &mut Pages) -> Result<(), StoreError> {
        let mut trees = Trees::new(pages);
        let roots = self.schema.roots(&mut trees)?;
        // Indexes first: they tell which rows there should be.
        for (index, root) in roots.iter().filter(|(name, _)| schema::is_telling_index(name)) {
            let checks = &mut self.checks;
            let read = trees.walk(*root, Kind::Index, &mut |record| {
                checks.expect(index, &record.values);
                Ok::<_, Failed>(())
            });
            read?;
        }
        let mut lost_roots = HashMap::new();
        for table in &self.schema.tables {
            let Some(root) = roots.get(&table.name) else { continue };
            let walked = trees.walk(*root, table.kind, &mut |record| self.take(table, record))?;
            if !walked.damaged.is_empty() {
                self.repair.damaged_pages.insert(table.name.clone(), walked.damaged.len() as u64);
            }
            self.lose(table, walked.n_damaged_rows);
            lost_roots.insert(*root, table.kind);
        }
        let tables: HashMap<u32, &Table> =
            self.schema.tables.iter().filter_map(|table| Some((*roots.get(&table.name)?, table))).collect();
        trees.walk_lost(&lost_roots, &mut |root, record| match tables.get(&root) {
            Some(table) => self.take(table, record),
            None => Ok(()),
        })?;
        self.name_nameless()?;
        self.tell_missing()
    }

    fn lose(&mut self, table: &Table, n: u64) {
        if n > 0 {
            *self.repair.lost.entry(table.name.clone()).or_default() += n;
        }
    }

    /// Takes a row over, if it is what was written.
    fn take(&mut self, table: &Table, record: Record) -> Result<(), Failed> {
        let Some(values) = table.in_order(record) else {
            self.lose(table, 1);
            return Ok(());
        };
        if let Err(why) = self.checks.check(table, &values) {
            // The index knows it as well, and counts it.
            if !self.checks.is_expected(&table.name, &values) {
                self.lose(table, 1);
            }
            tracing::debug!(table = table.name, "a row is lost: {why}");
            return Ok(());
        }
        let inserted = self
            .db
            .prepare_cached(&table.insert)
            .and_then(|mut insert| insert.execute(params_from_iter(&values)));
        match inserted {
            Ok(0) => {}
            Ok(_) => {
                self.checks.found(&table.name, &values);
                *self.repair.kept.entry(table.name.clone()).or_default() += 1;
            }
            Err(error) => match StoreError::from(error) {
                error @ (StoreError::DiskFull | StoreError::Corrupt { .. }) => {
                    return Err(Failed::Store(error));
                }
                // Not a row that the tables allow.
                _ => self.lose(table, 1),
            },
        }
        Ok(())
    }

    /// Says what the indexes know and the tables have no more.
    fn tell_missing(&mut self) -> Result<(), StoreError> {
        for (table, missing) in self.checks.missing() {
            *self.repair.lost.entry(table.to_owned()).or_default() += missing.len() as u64;
            let names = schema::names(self.db, table)?;
            for stretch in missing {
                if self.repair.stretches.len() < MAX_STRETCHES
                    && let Some(text) = stretch.text(table, &names)
                {
                    self.repair.stretches.push(text);
                }
            }
        }
        Ok(())
    }

    /// Gives names to series and streams whose own are lost: otherwise others would get their numbers, and their data.
    fn name_nameless(&mut self) -> Result<(), StoreError> {
        let known: HashSet<u32> = {
            let mut statement = self.db.prepare("SELECT id FROM series")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let mut nameless = rows::series_of_data(self.db)?;
        nameless.retain(|id| !known.contains(id));
        for id in &nameless {
            self.db
                .prepare_cached(
                    "INSERT INTO series (id, name, labels) VALUES (?1, 'lost.series.' || ?1, '{}')",
                )?
                .execute([id])?;
        }
        let n_streams = self.db.execute(
            "INSERT INTO stream (id, name) SELECT DISTINCT stream, 'lost.stream.' || stream FROM event_block
             WHERE stream NOT IN (SELECT id FROM stream)",
            [],
        )?;
        for (n, table, what) in [(nameless.len(), "series", "series"), (n_streams, "stream", "streams")] {
            if n > 0 {
                *self.repair.lost.entry(table.to_owned()).or_default() += n as u64;
                let prefix = if table == "series" { "lost.series" } else { "lost.stream" };
                let text = format!("the names of {n} {what}; their data is kept under {prefix}.1 and so on");
                self.repair.stretches.push(text);
            }
        }
        self.db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', randomblob(192))", [])?;
        Ok(())
    }
}

/// Finds the names of rules whose own are lost in what they left behind.
fn name_rules(db: &Connection) -> Result<(), StoreError> {
    Ok(db.execute_batch(
        "INSERT OR IGNORE INTO cursor (number, rule, first_ms, last_ms)
           SELECT number, rule, min(end_ms), max(end_ms) FROM evaluation
           WHERE number NOT IN (SELECT number FROM cursor) GROUP BY number;
         INSERT OR IGNORE INTO cursor (number, rule)
           SELECT number, body ->> 'rule' FROM alert WHERE number NOT IN (SELECT number FROM cursor) GROUP BY number",
    )?)
}

const REPAIRED: &str = "lanner.db.repaired";

/// Replaces the damaged file in `folder`. The folder must be locked.
///
/// # Errors
/// [`StoreError::Unrepaired`], and [`StoreError::DiskFull`].
pub(super) fn replace(folder: &Path, reason: &str) -> Result<Repair, StoreError> {
    let (source, fresh) = (folder.join(FILE_NAME), folder.join("lanner.db.new"));
    let failed = |error: io::Error| StoreError::Folder { path: folder.to_owned(), detail: error.to_string() };
    let kept_as = free_name(folder);
    let repaired = into_fresh(&source, &fresh, reason, &kept_as);
    let repair = match repaired {
        Ok(repair) => repair,
        Err(error) => {
            // The error says more than one from tidying up.
            let _ = std::fs::remove_file(&fresh);
            let (path, cause) = (source, error.to_string());
            return Err(StoreError::Unrepaired { path, reason: reason.to_owned(), cause });
        }
    };
    std::fs::File::open(&fresh).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, folder.join(REPAIRED)).map_err(failed)?;
    finish(folder).map_err(failed)?;
    Ok(repair)
}

/// Puts a repaired file in the place of the damaged one, as far as that has not happened.
pub(super) fn finish(folder: &Path) -> io::Result<()> {
    let repaired = folder.join(REPAIRED);
    if !repaired.exists() {
        return Ok(());
    }
    let kept_as = folder.join(free_name(folder));
    let aside = |suffix: &str| {
        let mut from = folder.join(FILE_NAME).into_os_string();
        from.push(suffix);
        let mut to = kept_as.clone().into_os_string();
        to.push(suffix);
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    };
    // The log before its file: what is missing then is the file, and the next attempt goes on here.
    aside("-wal")?;
    match std::fs::remove_file(folder.join("lanner.db-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    aside("")?;
    std::fs::rename(&repaired, folder.join(FILE_NAME))?;
    // Where a folder cannot be flushed, the names may be lost with the power; then this is done once more.
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    private::tighten(folder);
    Ok(())
}

/// The first name for a damaged file that is not taken.
fn free_name(folder: &Path) -> String {
    let taken = |name: &String| {
        let path: PathBuf = folder.join(name);
        path.exists()
    };
    let mut names = (1_u32..).map(|n| format!("lanner.db.damaged-{n}"));
    names.find(|name| !taken(name)).unwrap_or_else(|| "lanner.db.damaged".to_owned())
}
