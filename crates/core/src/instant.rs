//! Times in ingested data: RFC 3339, or a number since 1970 in a unit guessed from its size.
//!
//! The guess, by magnitude: below 10^11 seconds, below 10^14 milliseconds, below 10^17 microseconds, else
//! nanoseconds. Each unit thus covers 1973 to 5138 and no instant in that span is read in the wrong one;
//! what lies before 1973 must be written in seconds or as RFC 3339. Eight and twelve digits that are a date, `20261201`
//! and `202612010800`, would be instants of 1970 and 1976, which nobody means: they are refused.

use serde_json::Value;

use crate::time::{MAX_TIME_MS, MIN_TIME_MS, parse_time_ms};

const SECONDS_BELOW: u64 = 100_000_000_000;
const MILLIS_BELOW: u64 = 100_000_000_000_000;
const MICROS_BELOW: u64 = 100_000_000_000_000_000;

/// Reads RFC 3339, `2026-12-01 08:00[:00[.000]]` (UTC unless an offset is given), a date alone, or a number
/// since 1970 in the unit guessed from its size. Milliseconds, rounded down.
///
/// # Errors
/// A sentence that says what to write instead; also for instants outside 1900 to 2200.
///
/// ```
/// use lanner_core::instant::parse_guessing;
/// assert_eq!(parse_guessing("2026-01-01 00:00"), Ok(1_767_225_600_000));
/// assert_eq!(parse_guessing("1767225600"), parse_guessing("1767225600000000"));
/// ```
pub fn parse_guessing(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if is_number {
        if let Ok(number) = text.parse::<i64>() {
            return from_epoch(number);
        }
        if let Ok(number) = text.parse::<f64>() {
            return from_epoch_float(number);
        }
    }
    parse_time_ms(text)
}

/// A number since 1970, in the unit guessed from its size, as milliseconds rounded down.
///
/// # Errors
/// A sentence when the instant lies outside 1900 to 2200, or when the digits are rather those of a date.
pub fn from_epoch(number: i64) -> Result<i64, String> {
    if let Some(written) = as_date(number) {
        return Err(format!(
            "{number} looks like a date; write \"{written}\", or a number of milliseconds since 1970"
        ));
    }
    let time_ms = match number.unsigned_abs() {
        n if n < SECONDS_BELOW => number * 1_000,
        n if n < MILLIS_BELOW => number,
        n if n < MICROS_BELOW => number.div_euclid(1_000),
        _ => number.div_euclid(1_000_000),
    };
    within_bounds(time_ms).ok_or_else(|| outside(&number.to_string()))
}

/// [`from_epoch`] for a number with a fraction, such as `1767225600.25`; exact to the microsecond.
///
/// # Errors
/// A sentence when the instant lies outside 1900 to 2200, or is not a number.
pub fn from_epoch_float(number: f64) -> Result<i64, String> {
    let size = number.abs();
    let micros = match size {
        n if n < SECONDS_BELOW as f64 => number * 1e6,
        n if n < MILLIS_BELOW as f64 => number * 1e3,
        n if n < MICROS_BELOW as f64 => number,
        _ => number / 1e3,
    };
    // Rounded to microseconds first: 1.001 s is a little less than that in binary, and means 1001 ms.
    let time_ms = (micros.round() / 1e3).floor();
    if time_ms.is_finite() {
        within_bounds(time_ms as i64).ok_or_else(|| outside(&number.to_string()))
    } else {
        Err(outside(&number.to_string()))
    }
}

/// A JSON value as a time: text as in [`parse_guessing`], a number as in [`from_epoch`].
///
/// # Errors
/// A sentence that says what to write instead.
pub fn from_json(value: &Value) -> Result<i64, String> {
    match value {
        Value::String(text) => parse_guessing(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => from_epoch(number),
            None => from_epoch_float(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => Err("a time is text such as 2026-12-01T08:00:00Z or a number since 1970".to_owned()),
    }
}

/// Digits such as `20261201` or `202612010800`, written as the date that they are.
fn as_date(number: i64) -> Option<String> {
    let (date, clock) = match number {
        19_000_101..=21_991_231 => (number, None),
        190_001_010_000..=219_912_312_359 => (number / 10_000, Some(number % 10_000)),
        _ => return None,
    };
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let written = match clock {
        None => format!("{year}-{month:02}-{day:02}"),
        Some(clock) => format!("{year}-{month:02}-{day:02} {:02}:{:02}", clock / 100, clock % 100),
    };
    parse_time_ms(&written).is_ok().then_some(written)
}

/// `time_ms` (milliseconds since the Unix epoch) if it lies in the years 1900 to 2200, which is what is stored; else
/// `None`.
#[must_use]
pub fn within_bounds(time_ms: i64) -> Option<i64> {
    (MIN_TIME_MS..MAX_TIME_MS).contains(&time_ms).then_some(time_ms)
}

fn outside(written: &str) -> String {
    let shown: String = written.chars().take(40).collect();
    let more = if shown.len() < written.len() { "..." } else { "" };
    format!("the time {shown}{more} is outside 1900 to 2200; check its unit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(parse_guessing(text).ok(), expected, "{text}");
        }
        check("1700000000", Some(1_700_000_000_000));
        check("1700000000123", Some(1_700_000_000_123));
        check("1700000000123999", Some(1_700_000_000_123)); // rounded down
        check("1700000000123999999", Some(1_700_000_000_123));
        check("1700000000.123", Some(1_700_000_000_123));
        check("1.7e9", Some(1_700_000_000_000));
        check("0", Some(0));
        check("-1", Some(-1_000));
        check("-1.5", Some(-1_500));
        check("2023-11-14T22:13:20Z", Some(1_700_000_000_000));
        check("2023-11-14T22:13:20.5Z", Some(1_700_000_000_500));
        check("2023-11-14T23:13:20+01:00", Some(1_700_000_000_000));
        check("2023-11-14T23:13:20.000+0100", Some(1_700_000_000_000)); // as Wazuh writes
        check("2023-11-14 22:13:20", Some(1_700_000_000_000));
        check("2023-11-14 22:13", Some(1_699_999_980_000));
        check("2023-11-14 22:13:20.250", Some(1_700_000_000_250));
        check("2023-11-14", Some(1_699_920_000_000));
        check("99999999999", None); // seconds, in the year 5138
        check("20251020", None);
        check("202510200000", None);
        check("20251320", Some(20_251_320_000)); // no date
        check("20251020.5", Some(20_251_020_500));
        check("9999999999999999999999", None);
        check("", None);
        check("e", None);
        check("10:30", None);
        check("yesterday", None);
    }

    #[test]
    fn times_in_json() {
        assert_eq!(from_json(&serde_json::json!(1_700_000_000)), Ok(1_700_000_000_000));
        assert_eq!(from_json(&serde_json::json!(1_700_000_000.5)), Ok(1_700_000_000_500));
        assert_eq!(from_json(&serde_json::json!("1700000000")), Ok(1_700_000_000_000));
        assert!(from_json(&serde_json::json!(true)).is_err());
        let says = from_json(&serde_json::json!(202_510_200_830_i64)).unwrap_err();
        assert!(says.contains("write \"2025-10-20 08:30\""), "{says}");
        assert!(from_json(&serde_json::json!(u64::MAX)).is_err());
    }
}
