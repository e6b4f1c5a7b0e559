//! Columns of JSON.

use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::StoreError;

/// The same text for the same group; JSON, so that it can be read back.
pub(super) fn group_key(group: &impl serde::Serialize) -> Result<String, StoreError> {
    Ok(serde_json::to_string(group)?)
}

/// A column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    Ok(serde_json::from_str(row.get_ref(column)?.as_str().unwrap_or(""))?)
}
