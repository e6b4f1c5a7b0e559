//! The data folder: its lock, the file's schema, and connections to it.
//!
//! Durability: the file is in write-ahead mode with `synchronous=FULL`, so a commit returns after the
//! log was flushed to the device.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, locked};

/// The store's one file inside the data folder.
pub(super) const FILE_NAME: &str = "lanner.db";
const LOCK_NAME: &str = "lanner.lock";

/// `LANR`: tells a store from other SQLite files.
const APPLICATION_ID: i64 = 0x4c41_4e52;

/// The scripts that lead from version `n` to `n + 1`; never edit one that was released, add one.
const MIGRATIONS: &[&str] =
    &[include_str!("schema.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")];

/// Makes the folder if needed and takes its lock, which ends with the file handle.
pub(super) fn lock_folder(folder: &Path) -> Result<File, StoreError> {
    let path = folder.to_owned();
    std::fs::create_dir_all(folder).map_err(|error| folder_error(path.clone(), &error))?;
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK_NAME))
        .map_err(|error| folder_error(path.clone(), &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The other process writes its number after taking the lock; without it the message is shorter.
            let _ = (&file).take(20).read_to_string(&mut text);
            return Err(StoreError::InUse { path, pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(folder_error(path, &error)),
    }
    // Only for the message above: a disk without room must not stop the store from opening.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

fn folder_error(path: PathBuf, error: &std::io::Error) -> StoreError {
    let detail = error.to_string();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path, detail },
        ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::Folder { path, detail },
    }
}

/// Opens the writing connection, making or upgrading the tables.
pub(super) fn open_writer(folder: &Path, max_page_count: Option<u32>) -> Result<Connection, StoreError> {
    let path = folder.join(FILE_NAME);
    let name = |error: StoreError| in_file(error, &path);
    let mut db = Connection::open(&path).map_err(|error| name(sqlite_open_error(folder, &error)))?;
    prepare(&mut db, &path).map_err(name)?;
    if let Some(pages) = max_page_count {
        db.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(db)
}

fn prepare(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let n_tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || n_tables > 0) {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    let known = MIGRATIONS.len() as i64;
    if version > known || version < 0 {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, known });
    }
    if n_tables == 0 {
        // Only possible while the file is empty: room freed by retention can go back to the disk.
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "wal_autocheckpoint", 4_000)?; // 16 MB
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    db.pragma_update(None, "cache_size", -32_000)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(db, version)
}

fn migrate(db: &mut Connection, version: i64) -> Result<(), StoreError> {
    let missing = MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0));
    if missing.len() == 0 {
        return Ok(());
    }
    let tx = db.transaction()?;
    for script in missing {
        tx.execute_batch(script)?;
    }
    tx.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', randomblob(192))", [])?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(tx.commit()?)
}

fn sqlite_open_error(folder: &Path, error: &rusqlite::Error) -> StoreError {
    let (path, detail) = (folder.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly { path, detail }
        }
        Some(rusqlite::ErrorCode::CannotOpen) => StoreError::Folder { path, detail },
        _ => StoreError::Database { detail },
    }
}

/// Names the file in errors that do not say which file.
fn in_file(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Corrupt { detail } => {
            StoreError::Corrupt { detail: format!("{}: {detail}", path.display()) }
        }
        StoreError::Database { detail } if detail.contains("readonly") => {
            StoreError::ReadOnly { path: path.to_owned(), detail }
        }
        error => error,
    }
}

/// Connections for reading. Each look at the data takes one and gives it back.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Option<Vec<Connection>>>,
}

const IDLE_READERS: usize = 8;

impl Readers {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE_NAME), idle: Mutex::new(Some(Vec::new())) }
    }

    /// Runs `look` on a connection that cannot write.
    pub(super) fn with<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = locked(&self.idle).as_mut().ok_or(StoreError::Closed)?.pop();
        let db = idle.map_or_else(|| self.connect(), Ok)?;
        let result = look(&db);
        if let Some(idle) = locked(&self.idle).as_mut()
            && idle.len() < IDLE_READERS
        {
            idle.push(db);
        }
        result
    }

    /// A connection of its own, outside the pool.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        // Opened for writing as the write-ahead log's index needs it; statements are refused to write.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.pragma_update(None, "query_only", true)?;
        db.pragma_update(None, "cache_size", -8_000)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(db)
    }

    /// Ends all connections; later looks are refused.
    pub(super) fn close(&self) {
        *locked(&self.idle) = None;
    }
}
