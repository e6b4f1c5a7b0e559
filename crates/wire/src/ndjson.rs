//! Samples as NDJSON, for import and export: `{"name":"cpu","labels":{"host":"a"},"time":"...","value":1.5}`.
//!
//! The one format that holds every series name and every value without loss. A time is RFC 3339 or, as a number,
//! milliseconds since 1970 (no guess here: what was exported must read back). A value of `null` is a gap.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use lanner_core::time::{format_time, parse_time_ms};
use lanner_core::{Labels, Sample, SeriesKey};
use serde::{Deserialize, Serialize};

use crate::Report;
use crate::events::json_message;
use crate::instant::within_bounds;

/// The longest line, in bytes; a longer one is refused, and never held in memory whole.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    labels: Labels,
    #[serde(borrow)]
    time: Time<'a>,
    value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "time must be RFC 3339 text or whole milliseconds since 1970")]
enum Time<'a> {
    Milliseconds(i64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

/// Reads samples a line at a time, calling `on_sample` for each.
///
/// A bad line, or one for which `on_sample` returns a reason, is counted and explained in `report`, and costs
/// only itself. Memory: one line, of at most [`MAX_LINE_BYTES`].
///
/// # Errors
/// Only what `input` returns.
///
/// ```
/// use lanner_wire::{Report, ndjson};
/// let input = br#"{"name":"cpu","labels":{"host":"a"},"time":"2026-01-01T00:00:00Z","value":1.5}"#;
/// let mut report = Report::default();
/// ndjson::read(&input[..], &mut report, |key, sample| {
///     assert_eq!((key.to_string().as_str(), sample.value), (r#"cpu{host="a"}"#, 1.5));
///     Ok(())
/// })?;
/// assert_eq!(report.accepted, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read(
    mut input: impl BufRead,
    report: &mut Report,
    mut on_sample: impl FnMut(&SeriesKey, Sample) -> Result<(), String>,
) -> io::Result<()> {
    let mut line = Vec::new();
    for line_number in 1_u64.. {
        line.clear();
        let n_read = (&mut input).take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if n_read == 0 {
            break;
        }
        if line.len() > MAX_LINE_BYTES {
            report.reject(line_number, None, "the line is longer than 1 MiB");
            if !line.ends_with(b"\n") {
                input.skip_until(b'\n')?;
            }
            continue;
        }
        match parse_line(&line) {
            Ok(None) => {}
            Ok(Some((_, _, None))) => report.skipped += 1,
            Ok(Some((key, time_ms, Some(value)))) => match on_sample(&key, Sample::new(time_ms, value)) {
                Ok(()) => report.accepted += 1,
                Err(reason) => report.reject(line_number, None, reason),
            },
            Err((column, why)) => report.reject(line_number, column, why),
        }
    }
    Ok(())
}

type Parsed = Option<(SeriesKey, i64, Option<f64>)>;

fn parse_line(line: &[u8]) -> Result<Parsed, (Option<u64>, String)> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let parsed: SampleLine<'_> =
        serde_json::from_slice(line).map_err(|error| (Some(error.column() as u64), json_message(&error)))?;
    if parsed.name.is_empty() {
        return Err((None, "name is empty".to_owned()));
    }
    let time_ms = match parsed.time {
        Time::Text(text) => parse_time_ms(&text).map_err(|why| (None, format!("time: {why}")))?,
        Time::Milliseconds(number) => within_bounds(number)
            .ok_or_else(|| (None, format!("time: {number} ms is outside 1900 to 2200")))?,
    };
    Ok(Some((SeriesKey::new(parsed.name, parsed.labels), time_ms, parsed.value)))
}

/// Appends one sample as a line. [`read`] reads the same series and value back.
///
/// ```
/// use lanner_core::{Labels, Sample, SeriesKey};
/// let mut out = Vec::new();
/// let key = SeriesKey::new("cpu", Labels::new([("host", "a")]));
/// lanner_wire::ndjson::write_sample(&mut out, &key, Sample::new(1_500, 2.0))?;
/// let line = r#"{"name":"cpu","labels":{"host":"a"},"time":"1970-01-01T00:00:01.5Z","value":2.0}"#;
/// assert_eq!(String::from_utf8_lossy(&out), format!("{line}\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Only what `out` returns.
pub fn write_sample(mut out: impl io::Write, key: &SeriesKey, sample: Sample) -> io::Result<()> {
    #[derive(Serialize)]
    struct Written<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Labels::is_empty")]
        labels: &'a Labels,
        time: String,
        value: f64,
    }
    let Sample { time_ms, value } = sample;
    let line = Written { name: &key.name, labels: &key.labels, time: format_time(time_ms), value };
    serde_json::to_writer(&mut out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(input: &[u8]) -> (Vec<(SeriesKey, Sample)>, Report) {
        let mut report = Report::default();
        let mut samples = Vec::new();
        read(input, &mut report, |key, sample| {
            samples.push((key.clone(), sample));
            Ok(())
        })
        .unwrap();
        (samples, report)
    }

    #[test]
    fn lines() {
        #[track_caller]
        fn check(line: &str, expected: Result<&str, &str>) {
            let (samples, report) = read_all(line.as_bytes());
            let actual: Vec<String> =
                samples.iter().map(|(key, s)| format!("{key} {} {}", s.time_ms, s.value)).collect();
            match expected {
                Ok(text) => {
                    assert_eq!(report.problems, [], "{line}");
                    assert_eq!(actual.join(";"), text, "{line}");
                }
                Err(why) => {
                    assert!(report.problems[0].message.contains(why), "{line}: {:?}", report.problems);
                }
            }
        }
        check(r#"{"name":"a","time":5,"value":1}"#, Ok("a 5 1"));
        check(r#"{"value":-1e3,"time":"1970-01-01","name":"a b\n"}"#, Ok("a b\n 0 -1000"));
        check(r#"{"name":"a","labels":{"x":"y"},"time":5,"value":1}"#, Ok(r#"a{x="y"} 5 1"#));
        check(r#"{"name":"a","time":5,"value":null}"#, Ok(""));
        check(" \n", Ok(""));
        check("\u{feff}{\"name\":\"a\",\"time\":5,\"value\":1}\r\n", Ok("a 5 1"));
        check(r#"{"name":"","time":5,"value":1}"#, Err("name is empty"));
        check(r#"{"name":"a","value":1}"#, Err("missing field `time`"));
        check(r#"{"name":"a","time":5,"value":1,"host":"a"}"#, Err("unknown field `host`"));
        check(r#"{"name":"a","time":1.5,"value":1}"#, Err("RFC 3339"));
        check(r#"{"name":"a","time":"soon","value":1}"#, Err("is not a time"));
        check(r#"{"name":"a","time":9999999999999999,"value":1}"#, Err("outside 1900 to 2200"));
        check(r#"{"name":"a","time":5,"value":"1"}"#, Err("invalid type"));
        check("[1]", Err("")); // any reason will do
    }

    #[test]
    fn a_line_that_is_too_long_costs_only_itself() {
        let good = r#"{"name":"a","time":5,"value":1}"#;
        for length in [MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 3 * MAX_LINE_BYTES] {
            let input = format!("{good}\n{}\n{good}\n", "x".repeat(length));
            let (samples, report) = read_all(input.as_bytes());
            assert_eq!((samples.len(), report.rejected, report.problems[0].line), (2, 1, 2), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            read_all(&body);
        }

        #[test]
        fn written_samples_read_back(
            name in ".{1,10}",
            labels in proptest::collection::vec((".{0,6}", ".{0,6}"), 0..4),
            time_ms in lanner_core::time::MIN_TIME_MS..lanner_core::time::MAX_TIME_MS,
            value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL,
        ) {
            let key = SeriesKey::new(name, Labels::new(labels));
            let mut out = Vec::new();
            write_sample(&mut out, &key, Sample::new(time_ms, value)).unwrap();
            let (samples, report) = read_all(&out);
            prop_assert_eq!(samples, [(key, Sample::new(time_ms, value))], "{:?}", report.problems);
        }
    }
}
