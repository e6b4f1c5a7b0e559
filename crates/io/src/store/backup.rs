//! Copies the store while it runs.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open::FILE_NAME;
use super::{Store, StoreError, private};

/// Pages copied between two reports of progress: 4 MB.
const PAGES_PER_STEP: std::ffi::c_int = 1_024;

impl Store {
    /// Copies the store as it is now, with the files beside it, into the new folder `to`, which opens as a store of its own.
    ///
    /// Everything acknowledged before the call is in the copy; nothing waits for it. `progress` is told the
    /// pages copied and the pages in total. Cost: reading the file once; the write-ahead log grows by what is
    /// written meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the copy is not whole, [`StoreError::BackupExists`] when `to` holds a store or is a file, [`StoreError::Folder`],
    /// [`StoreError::DiskFull`] and other failures of either file; what was copied until then is removed.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let target = to.join(FILE_NAME);
        if target.exists() || to.is_file() {
            return Err(StoreError::BackupExists { path: to.to_owned() });
        }
        let folder =
            |error: std::io::Error| StoreError::Folder { path: to.to_owned(), detail: error.to_string() };
        private::make_folder(to).map_err(folder)?;
        // Under another name until it is whole, so that half a copy is never taken for a store.
        let partial = to.join("lanner.db.partial");
        let copied = self
            .backup_file(&partial, progress)
            .and_then(|()| std::fs::rename(&partial, &target).map_err(folder));
        if copied.is_err() {
            // The copy's error says more than one from tidying up.
            let _ = std::fs::remove_file(&partial);
        }
        copied
    }

    /// Copies the store as it is now into one file, which is empty or does not exist. What was copied before a failure
    /// is left to the caller.
    ///
    /// # Errors
    /// Failures of either file.
    pub fn backup_file(&self, file: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let failed =
            |error: std::io::Error| StoreError::Folder { path: file.to_owned(), detail: error.to_string() };
        // Made before SQLite would make it, for the owner alone.
        private::options().write(true).create(true).truncate(true).open(file).map_err(failed)?;
        self.copy_into(file, progress)?;
        // A copy of damage would be found when it is needed.
        let copy = Connection::open(file)?;
        super::sums::equip(&copy)?;
        super::revision::release_copied(&copy)?;
        super::beside::pack(&copy, &self.core().folder)?;
        super::damage::check_all(&copy)?;
        drop(copy);
        std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(failed)
    }

    fn copy_into(&self, partial: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let source = self.core().readers.connect()?;
        // An open transaction pins what is copied; otherwise each commit would start the copy anew.
        source.execute_batch("BEGIN; SELECT count(*) FROM meta;")?;
        let mut copy = Connection::open(partial)?;
        copy.pragma_update(None, "synchronous", "OFF")?; // flushed once, when it is whole
        let backup = Backup::new(&source, &mut copy)?;
        loop {
            let step = backup.step(PAGES_PER_STEP)?;
            let state = backup.progress();
            let total = u64::try_from(state.pagecount).unwrap_or(0);
            progress(total.saturating_sub(u64::try_from(state.remaining).unwrap_or(0)), total);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // Only when something else opened the half copy: give way.
                _ => std::thread::sleep(std::time::Duration::from_millis(50)),
            }
        }
    }
}
