//! Times as values of MySQL.

use mysql_async::Value;

use super::RequestError;

/// A time as DATETIME(6) in UTC.
pub(super) fn time(at_ms: i64) -> Result<Value, RequestError> {
    let time =
        jiff::Timestamp::from_millisecond(at_ms).ok().map(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let part = |n: i8| u8::try_from(n).unwrap_or_default();
    let value = time.and_then(|time| {
        let (year, micros) = (u16::try_from(time.year()).ok()?, time.millisecond().unsigned_abs());
        let (month, day) = (part(time.month()), part(time.day()));
        let (hour, minute, second) = (part(time.hour()), part(time.minute()), part(time.second()));
        Some(Value::Date(year, month, day, hour, minute, second, u32::from(micros) * 1_000))
    });
    value.ok_or_else(|| RequestError::permanent(format!("{at_ms} ms is not a time that MySQL knows")))
}
