//! Instants written as strings: what `d"..."` accepts, and what it equals.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The instant that an ISO 8601 text names: `2026-12-01T08:00:00+01:00`, `2026-12-01 08:00`, `2026-12-01`.
/// Without an offset it is UTC, without a time the start of the day. Never longer than 64 bytes.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    // Most texts are no times; seen at a glance.
    if !matches!(text.as_bytes(), [b'0'..=b'9' | b'+' | b'-', .., _] if text.len() <= 64) {
        return None;
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let local: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// An instant as a float, for tables of intervals: keeps order, but instants that differ may become equal.
pub(crate) fn as_f64(time: Timestamp) -> f64 {
    time.as_nanosecond() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        #[track_caller]
        fn check(text: &str, utc: Option<&str>) {
            assert_eq!(read_time(text).map(|time| time.to_string()).as_deref(), utc, "{text}");
        }
        check("2026-12-01T08:00:00+01:00", Some("2026-12-01T07:00:00Z"));
        check("2026-12-01T08:00:00.250Z", Some("2026-12-01T08:00:00.25Z"));
        check("2026-12-01 08:00", Some("2026-12-01T08:00:00Z"));
        check("2026-12-01", Some("2026-12-01T00:00:00Z"));
        check("2026-13-01", None);
        check("noon", None);
        check("5", None);
        check("", None);
    }
}
