//! The data folder: its lock, the file's schema, and connections to it.
//!
//! Durability: the file is in write-ahead mode with `synchronous=FULL`, so a commit returns after the
//! log was flushed to the device. The folder and its files are the owner's alone: secrets of receivers lie in them.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::lock::locked;
use super::{StoreError, private, sums};

/// The store's one file inside the data folder.
pub(super) const FILE_NAME: &str = "lanner.db";
const LOCK_NAME: &str = "lanner.lock";
const PATIENCE_WITH_READERS: std::time::Duration = std::time::Duration::from_secs(10);

/// `LANR`: tells a store from other SQLite files.
pub(super) const APPLICATION_ID: i64 = 0x4c41_4e52;

/// The scripts that lead from version `n` to `n + 1`; never edit one that was released, add one.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
    include_str!("schema-9.sql"),
    include_str!("schema-10.sql"),
    include_str!("schema-11.sql"),
    include_str!("schema-12.sql"),
];

/// Makes the folder if needed and takes its lock, which ends with the file handle.
pub(super) fn lock_folder(folder: &Path) -> Result<File, StoreError> {
    let path = folder.to_owned();
    private::make_folder(folder).map_err(|error| folder_error(path.clone(), &error))?;
    let mut file = private::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK_NAME))
        .map_err(|error| folder_error(path.clone(), &error))?;
    take(&file, &path)?;
    private::tighten(folder);
    // Only for the message above: a disk without room must not stop the store from opening.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

/// Takes the lock for writing. Commands that only read are waited for, for a while: they must not keep a server from
/// starting again.
fn take(file: &File, path: &Path) -> Result<(), StoreError> {
    let started = std::time::Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(folder_error(path.to_owned(), &error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let is_read = file.try_lock_shared().is_ok();
        if is_read {
            file.unlock().map_err(|error| folder_error(path.to_owned(), &error))?;
        }
        if !is_read || started.elapsed() > PATIENCE_WITH_READERS {
            // The number in the file is that of the last one who wrote.
            let pid = if is_read { None } else { owner(file) };
            return Err(StoreError::InUse { path: path.to_owned(), pid });
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Shares the folder with others who read, and keeps writers out. `None` where there is no lock to take: the folder was
/// never served, or lies where nobody may write.
pub(super) fn share_folder(folder: &Path) -> Result<Option<File>, StoreError> {
    let Ok(file) = File::open(folder.join(LOCK_NAME)) else { return Ok(None) };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Served { path: folder.to_owned(), pid: owner(&file) })
        }
        // A file system without locks has no writers that could be kept out.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Whose lock it is: the other process writes its number after taking the lock.
fn owner(file: &File) -> Option<u32> {
    let mut text = String::new();
    let _ = file.take(20).read_to_string(&mut text);
    text.trim().parse().ok()
}

pub(super) fn folder_error(path: PathBuf, error: &std::io::Error) -> StoreError {
    let detail = error.to_string();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path, detail },
        ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::Folder { path, detail },
    }
}

/// Opens the writing connection, making or upgrading the tables, and says how others are opened beside it.
///
/// A disk without room has none for the index of the write-ahead log either. That index then lies in memory, and the store
/// is read as always: whoever crashed on a full disk must not stay away because of it.
pub(super) fn open_writer(
    folder: &Path,
    max_page_count: Option<u32>,
) -> Result<(Connection, Access), StoreError> {
    let path = folder.join(FILE_NAME);
    let name = |error: StoreError| in_file(error, &path);
    if !path.exists() {
        create(folder).map_err(name)?;
    }
    let open = |access: Access| {
        let db = access.connect(&path).map_err(|error| name(sqlite_open_error(folder, &error)))?;
        sums::equip(&db)?;
        prepare(&db, &path).map_err(name)?;
        Ok((db, access))
    };
    let (db, access) = match open(Access::Shared) {
        Err(StoreError::DiskFull) if cfg!(unix) => {
            tracing::warn!("the disk that holds the store is full; it is opened with its index in memory");
            open(Access::Roomless)?
        }
        opened => opened?,
    };
    if let Some(pages) = max_page_count {
        db.pragma_update(None, "max_page_count", pages)?;
    }
    Ok((db, access))
}

/// A new store comes to be under another name and gets its own when it is whole, so a file without content is never one
/// of ours: it was emptied.
fn create(folder: &Path) -> Result<(), StoreError> {
    let partial = folder.join("lanner.db.new");
    create_file(&partial, MIGRATIONS.len())?.close().map_err(|(_, error)| StoreError::from(error))?;
    std::fs::rename(&partial, folder.join(FILE_NAME))
        .map_err(|error| folder_error(folder.to_owned(), &error))?;
    // Where a folder cannot be flushed its new name may be lost with the power, and nothing else.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The version whose tables a file has, as its header says; this release's where that is no version.
pub(super) fn stated_version(header: &[u8]) -> usize {
    let stated = header.get(60..64).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let stated = stated.and_then(|version| usize::try_from(version).ok());
    stated.filter(|version| (1..=MIGRATIONS.len()).contains(version)).unwrap_or(MIGRATIONS.len())
}

/// Makes an empty store at `path` with the tables of `version`, in the place of what a process left there that ended too
/// soon.
pub(super) fn create_file(path: &Path, version: usize) -> Result<Connection, StoreError> {
    let failed = |error: std::io::Error| folder_error(path.to_owned(), &error);
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    for left_over in [path.to_owned(), PathBuf::from(journal)] {
        match std::fs::remove_file(left_over) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    private::options().write(true).create_new(true).open(path).map_err(failed)?;
    let db = Connection::open(path).map_err(|error| sqlite_open_error(path, &error))?;
    sums::equip(&db)?;
    make_tables_of(&db, version)?;
    Ok(db)
}

/// Makes the tables of an empty store.
pub(super) fn make_tables(db: &Connection) -> Result<(), StoreError> {
    make_tables_of(db, MIGRATIONS.len())
}

fn make_tables_of(db: &Connection, version: usize) -> Result<(), StoreError> {
    // Only possible while the file is empty: room freed by retention can go back to the disk.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    migrate(db, 0, version)
}

/// Brings tables of `version` to what this release has.
pub(super) fn upgrade(db: &Connection, version: usize) -> Result<(), StoreError> {
    migrate(db, version, MIGRATIONS.len())
}

/// Opens the copy of a store at `path`, and brings its tables to what this release has; errors name `original`.
pub(super) fn upgrade_file(path: &Path, original: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open(path)?;
    sums::equip(&db)?;
    let version = checked_version(&db, original)?;
    // Nothing of it may lie beside the file when it gets another name.
    db.pragma_update(None, "journal_mode", "DELETE")?;
    upgrade(&db, usize::try_from(version).unwrap_or(0))?;
    Ok(db)
}

/// Refuses what stands in the place of a file and is none. Whoever opens a pipe waits for ever, and a link that leads
/// nowhere leads to data on a disk that is not there now.
fn refuse_no_file(path: &Path) -> Result<(), StoreError> {
    let what = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(found) if found.is_dir() => "a folder",
        Ok(_) => "no file",
        Err(_) if path.is_symlink() => "a link that leads nowhere",
        Err(_) => return Ok(()),
    };
    Err(StoreError::NotAFile { path: path.to_owned(), what })
}

/// Refuses to begin anew where data was, and what is no file at all.
pub(super) fn refuse_emptied(path: &Path) -> Result<(), StoreError> {
    let log = path.with_extension("db-wal");
    [path, &log, &path.with_extension("db-shm")].into_iter().try_for_each(refuse_no_file)?;
    let size = |path: &Path| std::fs::metadata(path).map(|file| file.len()).ok();
    match (size(path), size(&log)) {
        (Some(0), log_bytes) => {
            Err(StoreError::Emptied { path: path.to_owned(), log_bytes: log_bytes.unwrap_or(0) })
        }
        (None, Some(log_bytes @ 1..)) => Err(StoreError::Emptied { path: path.to_owned(), log_bytes }),
        _ => Ok(()),
    }
}

/// The version of the file's tables, if it is a store that this release knows.
pub(super) fn checked_version(db: &Connection, path: &Path) -> Result<i64, StoreError> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    let sql = "SELECT value FROM meta WHERE key = 'schema'";
    let noted: Option<i64> = db.query_row(sql, [], |row| row.get(0)).optional()?;
    let known = MIGRATIONS.len() as i64;
    // A version that nobody wrote, or that differs in one bit from the one that was.
    let is_flipped = |noted: i64| (noted ^ version).count_ones() == 1;
    if version <= 0 || noted.is_some_and(is_flipped) {
        return Err(StoreError::corrupt(format!("the header of the file is damaged (version {version})")));
    }
    if version > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

fn prepare(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let version = checked_version(db, path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "wal_autocheckpoint", 4_000)?; // 16 MB
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    db.pragma_update(None, "cache_size", -32_000)?;
    db.set_prepared_statement_cache_capacity(64);
    keep_plans(db)?;
    upgrade(db, usize::try_from(version).unwrap_or(0))
}

/// Has a statement planned once, whatever values are bound to it later. SQLite is built with statistics of values, and
/// would plan many of them anew at each call, for statistics that nobody gathers.
fn keep_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn migrate(db: &Connection, from: usize, to: usize) -> Result<(), StoreError> {
    let missing = MIGRATIONS.get(from..to).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let tx = db.unchecked_transaction()?;
    for script in missing {
        tx.execute_batch(script)?;
    }
    tx.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', randomblob(192))", [])?;
    // Said twice, so that a damaged header is not taken for another release's.
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', ?1)", [to])?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", to)?;
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

/// How the file is opened for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Beside the store's own writer.
    Shared,
    /// As [`Access::Shared`], where the disk has no room for the index of the write-ahead log.
    Roomless,
    /// Nothing is written, not even beside the file. Everything lies in the file itself.
    Settled,
    /// Nothing is written. A part lies in the write-ahead log that a process left which ended suddenly.
    Unsettled,
}

/// The smallest index of a write-ahead log.
const INDEX_BYTES: u64 = 32 << 10;

impl Access {
    /// How to read the file at `path`, which no process writes; `None` when that cannot be done without writing.
    pub(super) fn of_unserved(path: &Path) -> Option<Self> {
        let beside = |extension: &str| std::fs::metadata(path.with_extension(extension));
        match (beside("db-wal"), beside("db-shm")) {
            // The index says nothing where it lay in memory: see `Roomless`.
            (Ok(log), Ok(index)) if log.len() > 0 && index.len() >= INDEX_BYTES => Some(Self::Unsettled),
            (Ok(log), _) if log.len() > 0 => None,
            _ => Some(Self::Settled),
        }
    }

    fn connect(self, path: &Path) -> rusqlite::Result<Connection> {
        // Opened for writing as the write-ahead log's index needs it; statements of those who read are refused to write.
        let for_both = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let how = match self {
            Self::Shared => return Connection::open_with_flags(path, for_both),
            // All connections of this process share one index in memory, and no other process gets in.
            Self::Roomless => return Connection::open_with_flags_and_vfs(path, for_both, c"unix-excl"),
            Self::Settled => "immutable=1",
            Self::Unsettled => "readonly_shm=1",
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(uri(path, how), flags | OpenFlags::SQLITE_OPEN_URI)
    }
}

/// A path as SQLite's URIs want it.
pub(super) fn uri(path: &Path, parameters: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{uri}?{parameters}")
}

/// Connections for reading. Each look at the data takes one and gives it back.
pub(super) struct Readers {
    path: PathBuf,
    access: Access,
    idle: Mutex<Option<Vec<Connection>>>,
}

const IDLE_READERS: usize = 8;

impl Readers {
    pub(super) fn new(folder: &Path, access: Access) -> Self {
        Self { path: folder.join(FILE_NAME), access, idle: Mutex::new(Some(Vec::new())) }
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
        let db = self.access.connect(&self.path)?;
        keep_plans(&db)?;
        sums::equip(&db)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.pragma_update(None, "query_only", true)?;
        db.pragma_update(None, "cache_size", -8_000)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(db)
    }

    /// Refuses a file that this release cannot read as it is.
    pub(super) fn check_version(&self) -> Result<(), StoreError> {
        let known = MIGRATIONS.len() as i64;
        let checked = self.with(|db| {
            let found = checked_version(db, &self.path)?;
            let path = self.path.clone();
            if found < known { Err(StoreError::TooOld { path, found, known }) } else { Ok(()) }
        });
        checked.map_err(|error| in_file(error, &self.path))
    }

    /// Ends all connections; later looks are refused.
    pub(super) fn close(&self) {
        *locked(&self.idle) = None;
    }
}
