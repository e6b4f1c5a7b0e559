//! Repairs a data folder that nobody has open.

use std::fs::File;
use std::path::Path;

use super::repair::{self, Repaired};
use super::{Loaded, Store, StoreError, StoreOptions, damage, open, replaced, tolerated};

impl Store {
    /// Repairs the store in `folder`, which nobody may have open: looks through all of it, and when something is damaged
    /// copies what is whole into a fresh file and keeps the damaged one beside it. Documents and silences that are not what was
    /// written stay, for somebody to see and to write anew.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn repair(folder: &Path, options: &StoreOptions) -> Result<Repaired, StoreError> {
        let _lock = open::lock_folder(folder)?;
        let path = folder.join(open::FILE_NAME);
        repair::finish(folder)
            .and_then(|()| replaced::finish(folder))
            .map_err(|error| open::folder_error(folder.to_owned(), &error))?;
        let checked = match open::refuse_emptied(&path) {
            Err(StoreError::Emptied { log_bytes: 1.., .. }) => {
                // What the log holds may be everything.
                let file = File::options().create(true).append(true).open(&path);
                file.map_err(|error| open::folder_error(folder.to_owned(), &error))?;
                Err(StoreError::corrupt("the file is empty, and its log is not"))
            }
            Err(error) => Err(error),
            Ok(()) => Self::tolerated(folder, options),
        };
        match checked {
            Ok(set_aside) => Ok(Repaired { repair: None, set_aside }),
            Err(StoreError::Corrupt { detail }) => {
                let repair = Some(repair::replace(folder, &detail)?);
                Ok(Repaired { repair, set_aside: Self::tolerated(folder, options)? })
            }
            Err(error) => Err(error),
        }
    }

    /// Looks through all of a file that is whole: what in it is not what was written and stays all the same.
    fn tolerated(folder: &Path, options: &StoreOptions) -> Result<Vec<String>, StoreError> {
        let loaded = Loaded::to_write(folder, options)?;
        damage::check_all(&loaded.db)?;
        tolerated::tolerated(&loaded.db)
    }
}
