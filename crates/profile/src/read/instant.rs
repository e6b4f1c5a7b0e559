//! Times as programs write them.

use lanner_core::time::{MAX_TIME_MS, MIN_TIME_MS, parse_time_ms};
use serde_json::{Map, Value};

/// The first of these fields that holds a time, in milliseconds since 1970.
pub(super) fn first(fields: &Map<String, Value>, names: &[&str]) -> Option<i64> {
    names.iter().find_map(|name| read(fields.get(*name)?))
}

/// A time as text, or as seconds, milliseconds, microseconds or nanoseconds since 1970, which their size tells.
fn read(value: &Value) -> Option<i64> {
    let number = match value {
        Value::String(text) => match parse_time_ms(&text.replacen(' ', "T", 1)) {
            Ok(time_ms) => return Some(time_ms),
            Err(_) => text.parse().ok()?,
        },
        other => other.as_f64()?,
    };
    let per_ms = match number.abs() {
        size if size < 1e11 => 1e-3,
        size if size < 1e14 => 1.0,
        size if size < 1e17 => 1e3,
        _ => 1e6,
    };
    let time_ms = (number / per_ms).floor();
    (time_ms >= MIN_TIME_MS as f64 && time_ms < MAX_TIME_MS as f64).then_some(time_ms as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read() {
        let expected = Some(1_780_000_000_123);
        for value in [
            json!("2026-05-28T20:26:40.123Z"),
            json!("2026-05-28 20:26:40.123"),
            json!(1_780_000_000_123_i64),
            json!(1_780_000_000_123_456_i64),
            json!(1_780_000_000_123_456_789_i64),
            json!(1_780_000_000.123_4),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
        assert_eq!(read(&json!(0.0)), Some(0));
        assert_eq!(read(&json!("yesterday")), None);
        assert_eq!(read(&json!(true)), None);
    }
}
