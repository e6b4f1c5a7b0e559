//! The errors of the store, with advice on what to do.

use std::path::PathBuf;
use std::time::Duration;

/// Why the store could not do what it was asked to.
///
/// Nothing that was acknowledged before is lost by any of these.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the folder open.
    #[error("the data folder {} is in use by {}; stop it, or choose another folder", .path.display(), owner(*.pid))]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// The other process, where it could be read.
        pid: Option<u32>,
    },
    /// A server has the folder open, whose data somebody wants to read.
    #[error(
        "the data folder {} is being served by {}; use that server (omit --data, or set its address with --url), or stop it",
        .path.display(), owner(*.pid)
    )]
    Served {
        /// The data folder.
        path: PathBuf,
        /// The other process, where it could be read.
        pid: Option<u32>,
    },
    /// The store was opened for reading only.
    #[error("the data folder {} was opened for reading; nothing in it is changed", .path.display())]
    OpenedToRead {
        /// The data folder.
        path: PathBuf,
    },
    /// The file was written by an earlier release, and reading alone does not upgrade it.
    #[error(
        "{} has schema version {found} and this release reads {known}; run `lanner serve` on the folder once, which upgrades it",
        .path.display()
    )]
    TooOld {
        /// The store's file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The version that this release reads.
        known: i64,
    },
    /// The file is damaged, and what is whole in it could not be copied into a fresh one.
    #[error(
        "{} is damaged: {reason}; copying the intact data failed: {cause}; make room or restore a backup, and keep the damaged file until then",
        .path.display()
    )]
    Unrepaired {
        /// The store's file.
        path: PathBuf,
        /// What is damaged.
        reason: String,
        /// Why it was not repaired.
        cause: String,
    },
    /// There is no data where data was.
    #[error("{}: {}", .path.display(), emptied(*.log_bytes))]
    Emptied {
        /// The store's file.
        path: PathBuf,
        /// The size of the write-ahead log beside it.
        log_bytes: u64,
    },
    /// The folder or its file cannot be written.
    #[error("the data folder {} cannot be written: {detail}", .path.display())]
    ReadOnly {
        /// The data folder.
        path: PathBuf,
        /// The operating system's words.
        detail: String,
    },
    /// The folder cannot be made or opened.
    #[error("the data folder {} cannot be opened: {detail}", .path.display())]
    Folder {
        /// The data folder.
        path: PathBuf,
        /// The operating system's words.
        detail: String,
    },
    /// The file was written by a later release.
    #[error(
        "{} has schema version {found} and this release knows {known}; use the release that wrote it",
        .path.display()
    )]
    TooNew {
        /// The store's file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The newest version that this release reads.
        known: i64,
    },
    /// What stands in the place of one of the store's files is no file.
    #[error("{}: it is {what}, where a file of the store belongs; put the file there, or move this away and restore a backup", .path.display())]
    NotAFile {
        /// Where it stands.
        path: PathBuf,
        /// What it is, for people.
        what: &'static str,
    },
    /// The file belongs to another program.
    #[error("{} is a database of another program or no database at all; move it away, or choose another data folder", .path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The file, or something in it, is damaged.
    #[error("the store is damaged: {detail}; `lanner repair` on its folder recovers the intact data")]
    Corrupt {
        /// What was found where.
        detail: String,
    },
    /// No room on the disk. Writing succeeds again when there is.
    #[error("the disk that holds the store is full; free some space, then writing continues by itself")]
    DiskFull,
    /// More waits to be written than the configured limit.
    #[error("the store has too much waiting to be written; try again in {} ms", .retry_after.as_millis())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// A sample is not a number that can be stored.
    #[error("series {series} has the value {value} at {time_ms} ms; only finite numbers can be stored")]
    NotFinite {
        /// The series' key.
        series: String,
        /// The value.
        value: f64,
        /// The sample's time.
        time_ms: i64,
    },
    /// A time lies outside 1900 to 2200.
    #[error("{what} has the time {time_ms} ms, which is outside 1900 to 2200; check the unit")]
    TimeOutOfRange {
        /// The series' key or the stream's name.
        what: String,
        /// The time.
        time_ms: i64,
    },
    /// A sample names a series that was never registered.
    #[error("series number {id} is not registered; ask the store for the number first")]
    UnknownSeries {
        /// The number.
        id: u32,
    },
    /// One more series would exceed the configured limit.
    #[error("{limit} series exist, which is the limit; remove a label with many values, or raise the limit")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// An evaluation with this identity was stored before; nothing of the set was written.
    #[error("rule {rule} was already evaluated on this window (evaluation {id})")]
    AlreadyEvaluated {
        /// The evaluation's identity.
        id: String,
        /// The rule's id.
        rule: String,
    },
    /// An evaluation's id is not the identity of its rule, version, group and window.
    #[error("evaluation {id} of rule {rule} should have the identity {expected}")]
    WrongIdentity {
        /// The id it came with.
        id: String,
        /// The rule's id.
        rule: String,
        /// What `Evaluation::identity` gives.
        expected: String,
    },
    /// Somebody else has claimed a shard since; nothing of the set was written.
    #[error(
        "shard {shard} was claimed by {owner} (epoch {current}), after the claim of epoch {epoch}; stop evaluating its rules"
    )]
    StaleEpoch {
        /// The shard.
        shard: u8,
        /// The epoch of the claim that was presented.
        epoch: u64,
        /// The epoch of the claim that holds.
        current: u64,
        /// Who made it.
        owner: String,
    },
    /// A rule belongs to a shard that the claim does not hold; nothing of the set was written.
    #[error("rule {rule} belongs to shard {shard}, which this claim does not hold")]
    NotInShard {
        /// The rule's id.
        rule: String,
        /// Its shard.
        shard: u8,
    },
    /// A regular expression in a matcher cannot be used.
    #[error("the matcher on label \"{label}\" is not a regular expression: {detail}")]
    BadMatcher {
        /// The label.
        label: String,
        /// Why.
        detail: String,
    },
    /// The options contradict themselves.
    #[error("store options: {detail}")]
    BadOptions {
        /// What to change.
        detail: String,
    },
    /// Something named does not exist.
    #[error("there is no {what} \"{name}\"")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A backup would overwrite something.
    #[error("{} exists already; name a new folder for the backup", .path.display())]
    BackupExists {
        /// What exists.
        path: PathBuf,
    },
    /// A restore would replace data, and was not told that it may.
    #[error("the data folder {} holds data; choose another folder, or replace what it holds (--force)", .path.display())]
    HoldsData {
        /// The data folder.
        path: PathBuf,
    },
    /// A file to be restored is none that a backup wrote.
    #[error("{} cannot be restored: {why}", .path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What it is instead, or the operating system's words.
        why: String,
    },
    /// The disk of a data folder has no room for a backup; the folder is as it was.
    #[error(
        "the disk of {} is full: restoring {} needs at least {} MB; nothing was changed; free some space and restore again",
        .folder.display(), .backup.display(), .needed_bytes.div_ceil(1_000_000)
    )]
    NoRoom {
        /// The data folder.
        folder: PathBuf,
        /// The backup.
        backup: PathBuf,
        /// The size of the backup.
        needed_bytes: u64,
    },
    /// A backup is damaged.
    #[error(
        "the backup {} is damaged: {detail}; restore another one, or put this one into a folder as lanner.db and run `lanner repair` on it, which keeps what is intact",
        .path.display()
    )]
    DamagedBackup {
        /// The file.
        path: PathBuf,
        /// What was found where.
        detail: String,
    },
    /// The database that holds the state is not there at the moment. Writing succeeds again when it is.
    #[error("the database of the state is away: {detail}; Lanner goes on by itself when it is back")]
    Unavailable {
        /// What was tried, and the database's or the operating system's words.
        detail: String,
    },
    /// The database that holds the state does not do what it is asked to, and would not if it were asked again.
    #[error("the database of the state, {place}, refuses: {detail}")]
    Refused {
        /// Which database.
        place: String,
        /// Its words, and what to do.
        detail: String,
    },
    /// The state of this data folder is kept elsewhere.
    #[error(
        "the state of the data folder {} (rules, alerts, switches, messages) is kept in {place}; use the server that has it in its \
         configuration (server.state), or write `state: file` there to go on with what the folder itself holds",
        .path.display()
    )]
    StateElsewhere {
        /// The data folder.
        path: PathBuf,
        /// The database.
        place: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The database refused for another reason.
    #[error("the store's database failed: {detail}")]
    Database {
        /// SQLite's words.
        detail: String,
    },
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another lanner".to_owned(), |pid| format!("another lanner (process {pid})"))
}

fn emptied(log_bytes: u64) -> String {
    if log_bytes > 0 {
        return format!(
            "the file is gone or empty, and its write-ahead log still holds {log_bytes} bytes; restore a backup, or move that log away to begin with an empty store"
        );
    }
    "the file is empty (0 bytes), which no store of Lanner's is; restore a backup, or remove the file to begin with an empty store"
        .to_owned()
}

impl StoreError {
    /// Whether the same succeeds by itself later: when a disk has room again, or a database is back.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Unavailable { .. })
    }

    /// A damaged place inside the file.
    pub(super) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        use rusqlite::ErrorCode as Code;
        let detail = error.to_string();
        if matches!(
            error,
            Sql::FromSqlConversionFailure(..)
                | Sql::InvalidColumnType(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::Utf8Error(..)
                // The statements are ours and right: it is the tables that are not.
                | Sql::SqlInputError { .. }
        ) {
            return Self::Corrupt { detail }; // what was never written so
        }
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
        {
            return Self::Corrupt { detail: "the file is truncated".to_owned() };
        }
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
        {
            return Self::DiskFull; // the index of the write-ahead log finds no room
        }
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::DiskFull,
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt { detail },
            _ => Self::Database { detail },
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::corrupt(format!("a stored document is not what it should be: {error}"))
    }
}
