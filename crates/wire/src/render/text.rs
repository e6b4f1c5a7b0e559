//! `/render` as lines: CSV with a line for each value, and raw with a line for each series.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Rendered;
use super::number::{push_float, push_integer};

/// `name,2026-01-01 00:01:00,1.0` for each value, with `\r\n` behind it, appended to `out`; a gap is an empty cell.
///
/// Times are those of the wall clock in `tz`.
pub fn write_csv(series: &[Rendered<'_>], tz: &TimeZone, out: &mut Vec<u8>) {
    let mut name = Vec::new();
    for series in series {
        name.clear();
        push_cell(&mut name, series.name);
        for (time_s, value) in series.points_until(i64::MAX) {
            out.extend_from_slice(&name);
            out.push(b',');
            push_civil(out, time_s, tz);
            out.push(b',');
            push_value(out, value, b"");
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// `name,start,end,step|1.0,None,..` for each series, with a line break behind it, appended to `out`.
pub fn write_raw(series: &[Rendered<'_>], out: &mut Vec<u8>) {
    for series in series {
        out.extend_from_slice(series.name.as_bytes());
        for number in [series.start_s, series.end_s, series.step_s] {
            out.push(b',');
            push_integer(out, number);
        }
        for (at, value) in series.values.iter().enumerate() {
            out.push(if at == 0 { b'|' } else { b',' });
            push_value(out, *value, b"None");
        }
        if series.values.is_empty() {
            out.push(b'|');
        }
        out.push(b'\n');
    }
}

fn push_value(out: &mut Vec<u8>, value: f64, gap: &[u8]) {
    if value.is_finite() {
        push_float(out, value);
    } else {
        out.extend_from_slice(match value {
            f64::INFINITY => b"inf",
            f64::NEG_INFINITY => b"-inf",
            _ => gap,
        });
    }
}

/// A cell, in quotes where it holds a comma, a quote or a line break.
fn push_cell(out: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\r', '\n']) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// `2026-01-01 00:01:00`; a time that no calendar has is written as its number.
fn push_civil(out: &mut Vec<u8>, time_s: i64, tz: &TimeZone) {
    let Ok(timestamp) = Timestamp::from_second(time_s) else { return push_integer(out, time_s) };
    let civil: DateTime = tz.to_datetime(timestamp);
    let year = civil.year().unsigned_abs();
    push_two(out, (year / 100) as u8);
    push_two(out, (year % 100) as u8);
    for (separator, part) in [
        (b'-', civil.month()),
        (b'-', civil.day()),
        (b' ', civil.hour()),
        (b':', civil.minute()),
        (b':', civil.second()),
    ] {
        out.push(separator);
        push_two(out, part.unsigned_abs());
    }
}

fn push_two(out: &mut Vec<u8>, number: u8) {
    out.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv() {
        #[track_caller]
        fn check(name: &str, values: &[f64], zone: &str, expected: &str) {
            let tags = BTreeMap::new();
            let new = Rendered::new(name, &tags, values);
            let series = Rendered { start_s: 1_711_846_800, step_s: 3_600, ..new };
            let tz = TimeZone::get(zone).unwrap();
            assert_eq!(text(|out| write_csv(&[series], &tz, out)), expected);
        }
        check("a", &[1.0], "UTC", "a,2024-03-31 01:00:00,1.0\r\n");
        // The clock goes forward in this hour.
        let expected = "a,2024-03-31 03:00:00,1.5\r\na,2024-03-31 04:00:00,\r\n";
        check("a", &[1.5, f64::NAN], "Europe/Berlin", expected);
        check("f(a,\"b\")", &[f64::NEG_INFINITY], "UTC", "\"f(a,\"\"b\"\")\",2024-03-31 01:00:00,-inf\r\n");
        check("a b;c=d", &[1e-7], "UTC", "a b;c=d,2024-03-31 01:00:00,1e-07\r\n");
        check("a", &[], "UTC", "");
    }

    #[test]
    fn a_time_that_no_calendar_has() {
        let tags = BTreeMap::new();
        let series = Rendered { start_s: i64::MAX, ..Rendered::new("a", &tags, &[1.0]) };
        let expected = format!("a,{},1.0\r\n", i64::MAX);
        assert_eq!(text(|out| write_csv(&[series], &TimeZone::UTC, out)), expected);
    }

    #[test]
    fn raw() {
        #[track_caller]
        fn check(values: &[f64], expected: &str) {
            let tags = BTreeMap::new();
            let series =
                Rendered { start_s: 60, end_s: 180, step_s: 60, ..Rendered::new("f(a,b)", &tags, values) };
            assert_eq!(text(|out| write_raw(&[series], out)), expected);
        }
        check(&[1.0, f64::NAN], "f(a,b),60,180,60|1.0,None\n");
        check(&[f64::INFINITY], "f(a,b),60,180,60|inf\n");
        check(&[], "f(a,b),60,180,60|\n");
    }
}
