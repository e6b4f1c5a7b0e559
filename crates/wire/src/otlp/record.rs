//! What every record has: a time, and an outcome.

use super::error::OtlpError;
use crate::Report;

/// A time in nanoseconds, as milliseconds; 0 means that there is none.
pub(super) fn time_ms(ns: u64, received_ms: i64) -> Result<i64, OtlpError> {
    if ns == 0 {
        return Ok(received_ms);
    }
    let time_ms = i64::try_from(ns / 1_000_000).ok().and_then(crate::instant::within_bounds);
    time_ms.ok_or(OtlpError::Time { ns })
}

/// Counts what became of the `number`-th record.
pub(super) fn note(report: &mut Report, number: u64, taken: Result<(), String>) {
    match taken {
        Ok(()) => report.accepted += 1,
        Err(why) => report.reject(number, None, why),
    }
}
