//! Where the state of a data folder is kept, if not in it: noted in the file, for those who open it without a server's settings.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError};

const KEY: &str = "state";

impl Store {
    /// Notes in the folder where its state is kept; `None` for in the folder itself.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn note_state(&self, place: Option<&str>) -> Result<(), StoreError> {
        let place = place.map(str::to_owned);
        self.write(100, move |db| {
            let written = match place {
                Some(place) => {
                    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [KEY, &place])
                }
                None => db.execute("DELETE FROM meta WHERE key = ?1", [KEY]),
            };
            Ok(written.map(drop)?)
        })?
        .wait()
    }

    /// Where the state of the folder is kept; `None` when it is in the folder itself.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn noted_state(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        self.look(|db| Ok(db.query_row(sql, [KEY], |row| row.get(0)).optional()?))
    }
}
