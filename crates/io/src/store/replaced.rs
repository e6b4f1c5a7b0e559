//! A restored file takes the place of what the folder holds, which moves to a folder of its own inside it,
//! `lanner.replaced-1`, that opens as a store.
//!
//! Each step may be the last one before the power goes: whoever opens the folder next goes on.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::open::FILE_NAME;
use super::private::{self, FOLDERS};

/// The name of a restored file that was checked, until what it replaces is out of its way.
pub(super) const RESTORED: &str = "lanner.db.restored";

/// Puts a restored file in the place of what the folder holds, as far as that has not happened.
pub(super) fn finish(folder: &Path) -> io::Result<()> {
    let restored = folder.join(RESTORED);
    if !restored.exists() {
        return Ok(());
    }
    if holds_data(folder) {
        let aside = aside(folder);
        private::make_folder(&aside)?;
        // The file last: while it is here, the next attempt goes on with the same folder.
        for name in FOLDERS.into_iter().chain(["lanner.db-wal", FILE_NAME]) {
            settled(fs::rename(folder.join(name), aside.join(name)))?;
        }
        settled(fs::remove_file(folder.join("lanner.db-shm")))?;
    }
    fs::rename(&restored, folder.join(FILE_NAME))?;
    // Where a folder cannot be flushed, the names may be lost with the power; then this is done once more.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Whether there is anything to replace.
pub(super) fn holds_data(folder: &Path) -> bool {
    FOLDERS.into_iter().chain([FILE_NAME, "lanner.db-wal"]).any(|name| folder.join(name).exists())
}

/// Where what the folder holds goes: the first folder without a store, which may hold a part of it already.
pub(super) fn aside(folder: &Path) -> PathBuf {
    let mut folders = (1_u32..).map(|n| folder.join(format!("lanner.replaced-{n}")));
    let is_free = |aside: &PathBuf| !aside.join(FILE_NAME).exists();
    folders.find(is_free).unwrap_or_else(|| folder.join("lanner.replaced"))
}

/// What is not there needs nothing done.
fn settled(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
