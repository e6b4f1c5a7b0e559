//! Puts a backup in the place of what a data folder holds.
//!
//! The backup is copied under another name, brought to this release's tables and checked whole. Then the copy is named
//! [`RESTORED`], which decides; the rest is `replaced`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::open::{self, Access, folder_error};
use super::replaced::{RESTORED, aside, finish, holds_data};
use super::{Store, StoreError, damage, private, repair, tolerated};

/// The name of a backup while it is copied and checked.
const PARTIAL: &str = "lanner.db.new";

/// Why a file is no backup that is not even a store.
const OTHER: &str =
    "it is a database of another program or no database at all; name a file that `lanner backup` wrote";

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The size of the file now, bytes.
    pub n_bytes: u64,
    /// What in it is not what was written and was taken over all the same, a line each: documents and silences, which are set aside when
    /// they are read, and the audit.
    pub damaged: Vec<String>,
    /// Where the data lies that was there before; `None` where there was none.
    pub replaced: Option<PathBuf>,
}

impl Store {
    /// Makes the backup `file` the store of `folder`, which nobody may have open. The backup stays as it is, and may be of
    /// an earlier release. With `may_replace` what the folder holds is moved aside; without it such a folder is refused.
    ///
    /// Either the folder holds all of the backup afterwards or it is unchanged, also when the process ends meanwhile.
    /// Cost: writing the file once, and reading it three times, documents and audit once more.
    ///
    /// # Errors
    /// [`StoreError::NotABackup`], [`StoreError::TooNew`] and [`StoreError::DamagedBackup`] of the backup;
    /// [`StoreError::HoldsData`], [`StoreError::InUse`], [`StoreError::NoRoom`] and [`StoreError::Folder`] of the folder.
    pub fn restore(file: &Path, folder: &Path, may_replace: bool) -> Result<Restored, StoreError> {
        // Before anything is written, so that a wrong name leaves nothing behind.
        refuse_other(file)?;
        Self::put(file, folder, may_replace).map_err(|error| match error {
            StoreError::DiskFull => StoreError::NoRoom {
                folder: folder.to_owned(),
                backup: file.to_owned(),
                needed_bytes: fs::metadata(file).map_or(0, |file| file.len()),
            },
            error => error,
        })
    }

    /// Puts what is a backup into `folder`.
    fn put(file: &Path, folder: &Path, may_replace: bool) -> Result<Restored, StoreError> {
        let _lock = open::lock_folder(folder)?;
        let failed = |error: io::Error| folder_error(folder.to_owned(), &error);
        repair::finish(folder).and_then(|()| finish(folder)).map_err(failed)?;
        if holds_data(folder) && !may_replace {
            return Err(StoreError::HoldsData { path: folder.to_owned() });
        }
        let partial = folder.join(PARTIAL);
        let checked = copy(file, &partial).map_err(failed).and_then(|()| check(&partial, file));
        let damaged = checked.inspect_err(|_| remove_with_logs(&partial))?;
        let n_bytes = fs::metadata(&partial).map_or(0, |file| file.len());
        let replaced = holds_data(folder).then(|| aside(folder));
        fs::rename(&partial, folder.join(RESTORED)).and_then(|()| finish(folder)).map_err(failed)?;
        Ok(Restored { n_bytes, damaged, replaced })
    }
}

/// Refuses what is no backup that this release reads.
fn refuse_other(file: &Path) -> Result<(), StoreError> {
    let refuse = |why: &str| Err(StoreError::NotABackup { path: file.to_owned(), why: why.to_owned() });
    let opened = File::open(file).and_then(|opened| opened.metadata());
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return refuse(&error.to_string()),
    };
    if opened.is_dir() {
        return refuse("it is a folder; make a backup of it with `lanner backup --data FOLDER FILE`");
    }
    if opened.len() == 0 {
        return refuse("it is empty (0 bytes)");
    }
    if Access::of_unserved(file) != Some(Access::Settled) {
        return refuse(
            "a part of its data lies in a log beside it; make a backup with `lanner backup --data FOLDER FILE`",
        );
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(open::uri(file, "immutable=1"), flags)?;
    match open::checked_version(&db, file) {
        Err(StoreError::NotAStore { .. }) => refuse(OTHER),
        Err(StoreError::Corrupt { .. }) if !is_sqlite(file) => refuse(OTHER),
        checked => checked.map(drop).map_err(|error| named(error, file)),
    }
}

/// Damage of a backup is told by the backup's name.
fn named(error: StoreError, backup: &Path) -> StoreError {
    match error {
        StoreError::Corrupt { detail } => StoreError::DamagedBackup { path: backup.to_owned(), detail },
        error => error,
    }
}

fn is_sqlite(file: &Path) -> bool {
    let mut start = [0_u8; 16];
    File::open(file).and_then(|mut file| io::Read::read_exact(&mut file, &mut start)).is_ok()
        && &start == b"SQLite format 3\0"
}

fn copy(file: &Path, to: &Path) -> io::Result<()> {
    remove_with_logs(to);
    let mut target = private::options().write(true).create_new(true).open(to)?;
    io::copy(&mut File::open(file)?, &mut target)?;
    target.sync_all()
}

/// Brings a copy of `backup` to this release's tables, and refuses it when something is damaged that must not be built upon. Returns
/// what else is.
fn check(copy: &Path, backup: &Path) -> Result<Vec<String>, StoreError> {
    let checked = open::upgrade_file(copy, backup).and_then(|db| {
        damage::check_whole(&db)?;
        tolerated::tolerated(&db)
    });
    let damaged = checked.map_err(|error| named(error, backup))?;
    let flushed = File::open(copy).and_then(|file| file.sync_all());
    flushed.map(|()| damaged).map_err(|error| folder_error(copy.to_owned(), &error))
}

fn remove_with_logs(file: &Path) {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        // What is not there is as good.
        let _ = fs::remove_file(name);
    }
}
