//! Times as scanners write them. A time without zone is taken as UTC.

use jiff::civil::DateTime;
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

/// Milliseconds since 1970 from a text: Unix seconds, RFC 3339, `Tue Mar 11 10:22:33 2025`, `2020-11-16 03:45:07`.
///
/// Times before 1990 are none: scanners write the start of 1970 for "not yet".
pub(crate) fn time_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let ms = unix(text).or_else(|| zoned(text)).or_else(|| civil(text))?;
    (ms >= 631_152_000_000).then_some(ms)
}

fn unix(text: &str) -> Option<i64> {
    let seconds: i64 = text.parse().ok()?;
    seconds.checked_mul(1000).filter(|ms| Timestamp::from_millisecond(*ms).is_ok())
}

fn zoned(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn civil(text: &str) -> Option<i64> {
    // "Tue Mar  4 01:00:00 2025" pads the day with blanks.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parsed = text.parse::<DateTime>().ok().or_else(|| {
        let formats = ["%a %b %d %H:%M:%S %Y", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"];
        formats.iter().find_map(|format| strtime::parse(format, &text).ok()?.to_datetime().ok())
    });
    parsed?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::time_ms;

    #[test]
    fn all_spellings_are_read() {
        for text in ["1741688553", "Tue Mar 11 10:22:33 2025", "2025-03-11 10:22:33", "2025-03-11T10:22:33Z"]
        {
            assert_eq!(time_ms(text), Some(1_741_688_553_000), "{text}");
        }
        assert_eq!(time_ms("Tue Mar  4 01:00:00 2025"), Some(1_741_050_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "mar. 11 mars 2025 10:22:33", "Wed Dec 31 19:00:00 1969", "99999999999999999999", "1"]
        {
            assert_eq!(time_ms(text), None, "{text}");
        }
    }
}
