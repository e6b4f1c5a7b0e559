//! Where the server is that holds the lease on evaluation, for servers that hand requests on to it.

use super::PostgreSqlState;
use super::revisions::{get, put};
use crate::store::StoreError;

const KEY: &str = "place";

impl PostgreSqlState {
    /// Notes where this server is reached, such as `http://10.0.0.1:9797`. For the one that holds the lease.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn note_place(&self, url: &str) -> Result<(), StoreError> {
        self.pool.look(async |db| put(db, KEY, url).await)
    }

    /// Where the server is reached that held the lease last.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn noted_place(&self) -> Result<Option<String>, StoreError> {
        self.pool.look(async |db| get(db, KEY).await)
    }
}
