//! The bounds of windows as values of PostgreSQL.

use std::time::{Duration, SystemTime};

use tokio_postgres::types::{ToSql, Type as SqlType};

use super::RequestError;

/// A bound of a window, of the type that the query compares it with.
pub(super) fn bound(kind: &SqlType, at_ms: i64) -> Result<Box<dyn ToSql + Sync + Send>, RequestError> {
    match *kind {
        SqlType::TIMESTAMPTZ | SqlType::TIMESTAMP => Ok(Box::new(time(at_ms))),
        SqlType::INT8 => Ok(Box::new(at_ms)),
        _ => Err(RequestError::permanent(format!(
            "the query compares the bounds of the window with the type {kind}; write :from::timestamptz, or :from::bigint for milliseconds"
        ))),
    }
}

fn time(at_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(at_ms.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    if at_ms < 0 { epoch - distance } else { epoch + distance }
}
