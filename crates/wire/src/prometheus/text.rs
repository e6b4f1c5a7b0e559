//! Prometheus's text format and OpenMetrics, a sample a line: `up{job="api"} 1 1767225600000`.
//!
//! Prometheus writes whole milliseconds since 1970, OpenMetrics seconds; the size of the number tells which. Comments,
//! types and exemplars are left out.

use super::series::end_of_series;
use crate::Report;
use crate::instant::within_bounds;
use crate::report::shown;

/// Numbers of this size and more are milliseconds: as seconds they would be after the year 5000.
const SMALLEST_MS: f64 = 1e11;

/// One sample as it stands in a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextSample<'a> {
    /// Name and labels as written; [`series_key`](super::series_key) reads them.
    pub raw_series: &'a str,
    /// The value; NaN where there is none, as in a marker of staleness.
    pub value: f64,
    /// Milliseconds since 1970, if the line says it.
    pub time_ms: Option<i64>,
}

/// Reads a batch, calling `on_sample` for each line that holds a sample.
///
/// A bad line, or one for which `on_sample` returns a reason, is counted and explained in `report`, and costs only itself.
/// Cost: O(length), no allocation per line.
///
/// ```
/// use lanner_wire::{Report, prometheus::text};
/// let body = b"# TYPE up gauge\nup{job=\"a b\"} 1 1767225600000\nup 0 1767225660.5 # {id=\"7\"} 1\noops\n";
/// let (mut report, mut seen) = (Report::default(), Vec::new());
/// text::parse(body, &mut report, |sample| {
///     seen.push((sample.raw_series.to_owned(), sample.value, sample.time_ms));
///     Ok(())
/// });
/// assert_eq!(seen[0], (r#"up{job="a b"}"#.to_owned(), 1.0, Some(1_767_225_600_000)));
/// assert_eq!(seen[1], ("up".to_owned(), 0.0, Some(1_767_225_660_500)));
/// assert_eq!((report.accepted, report.rejected, report.problems[0].line), (2, 1, 4));
/// ```
pub fn parse<'a>(
    body: &'a [u8],
    report: &mut Report,
    mut on_sample: impl FnMut(TextSample<'a>) -> Result<(), String>,
) {
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let number = at as u64 + 1;
        let read = match std::str::from_utf8(line) {
            Ok(text) => sample(text),
            Err(error) => Err((error.valid_up_to(), "not UTF-8 text".to_owned())),
        };
        match read {
            Ok(None) => {}
            Ok(Some(sample)) => match on_sample(sample) {
                Ok(()) => report.accepted += 1,
                Err(why) => report.reject(number, None, why),
            },
            Err((offset, why)) => report.reject(number, Some(column(line, offset)), why),
        }
    }
}

/// The character at a byte, counted from 1.
fn column(line: &[u8], offset: usize) -> u64 {
    String::from_utf8_lossy(&line[..offset.min(line.len())]).chars().count() as u64 + 1
}

/// The sample in a line; `None` in an empty line or a comment.
///
/// # Errors
/// The byte at which reading stopped, counted from 0, and what is wrong.
pub fn sample(line: &str) -> Result<Option<TextSample<'_>>, (usize, String)> {
    let line = line.trim_end();
    let start = line.len() - line.trim_start().len();
    if line.len() == start || line[start..].starts_with('#') {
        return Ok(None);
    }
    let end = end_of_series(&line[start..]).map(|end| start + end);
    let end = end.ok_or_else(|| (line.len(), "a value is missing after the series".to_owned()))?;
    let (at, word) =
        word(line, end).ok_or_else(|| (end, "a value is missing after the series".to_owned()))?;
    let value = value(word)
        .ok_or_else(|| (at, format!("\"{}\" is not a value; write a number or NaN", shown(word))))?;
    let mut sample = TextSample { raw_series: &line[start..end], value, time_ms: None };
    let Some((at, word)) = next_word(line, at + word.len()) else { return Ok(Some(sample)) };
    sample.time_ms = Some(time_ms(word).ok_or_else(|| {
        (at, format!("\"{}\" is not a time; write milliseconds or seconds since 1970", shown(word)))
    })?);
    match next_word(line, at + word.len()) {
        None => Ok(Some(sample)),
        Some((at, word)) => {
            Err((at, format!("\"{}\" is too much: a line holds series, value and time", shown(word))))
        }
    }
}

/// The word at or after a byte, and where it begins.
fn word(line: &str, from: usize) -> Option<(usize, &str)> {
    let rest = &line[from..];
    let at = from + rest.len() - rest.trim_start().len();
    let word = line[at..].split_ascii_whitespace().next()?;
    Some((at, word))
}

/// The same, unless an exemplar begins there.
fn next_word(line: &str, from: usize) -> Option<(usize, &str)> {
    word(line, from).filter(|(_, word)| !word.starts_with('#'))
}

/// A number; NaN for what no store can keep.
pub(super) fn value(word: &str) -> Option<f64> {
    let number: f64 = word.parse().ok()?;
    Some(if number.is_finite() { number } else { f64::NAN })
}

/// A number since 1970, in milliseconds; seconds may have a fraction.
pub(super) fn time_ms(word: &str) -> Option<i64> {
    let number: f64 = word.parse().ok().filter(|number: &f64| number.is_finite())?;
    if number.abs() >= SMALLEST_MS && !word.contains('.') {
        return within_bounds(number as i64);
    }
    ms_of_seconds(number)
}

/// Seconds since 1970 in milliseconds; `None` outside 1900 to 2200.
pub(super) fn ms_of_seconds(seconds: f64) -> Option<i64> {
    // Rounded to microseconds first: 1.001 s is a little less than that in binary, and means 1001 ms.
    within_bounds(((seconds * 1e6).round() / 1e3).floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(&str, f64, Option<i64>)>) {
        let found = sample(line).map(|found| found.map(|it| (it.raw_series, it.value, it.time_ms)));
        assert_eq!(format!("{found:?}"), format!("{:?}", Ok::<_, ()>(expected)), "{line}");
    }

    #[track_caller]
    fn refused(line: &str, at: usize, part: &str) {
        let (found, why) = sample(line).unwrap_err();
        assert!(found == at && why.contains(part), "{line}: {found} {why}");
    }

    #[test]
    fn lines() {
        const AT: Option<i64> = Some(1_767_225_600_000);
        check("", None);
        check("  # HELP up whether it is", None);
        check("# EOF", None);
        check("up 1", Some(("up", 1.0, None)));
        check("up 1 1767225600000", Some(("up", 1.0, AT)));
        check("up\t-1.5e3  1767225600", Some(("up", -1500.0, AT)));
        check("up 1 1767225600.001", Some(("up", 1.0, Some(1_767_225_600_001))));
        check("up 1 1.7672256e9", Some(("up", 1.0, AT)));
        check(r#"up{a="} 7"} 1 1767225600000"#, Some((r#"up{a="} 7"}"#, 1.0, AT)));
        check(r#"up{a="b"}1"#, Some((r#"up{a="b"}"#, 1.0, None)));
        check(
            r#"x_bucket{le="+Inf"} 3 # {id="7"} 0.5 1767225600"#,
            Some((r#"x_bucket{le="+Inf"}"#, 3.0, None)),
        );
        check(r#"x 3 1767225600 # {id="7"} 0.5"#, Some(("x", 3.0, AT)));
        check("x NaN 1767225600", Some(("x", f64::NAN, AT)));
        check("x +Inf", Some(("x", f64::NAN, None)));
        refused("up", 2, "a value is missing");
        refused("up{", 3, "a value is missing");
        refused("up one", 3, "\"one\" is not a value");
        refused("up 1 soon", 5, "\"soon\" is not a time");
        refused("up 1 1767225600 7", 16, "\"7\" is too much");
        refused("up 1 99999999999999", 5, "not a time");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            parse(&body, &mut Report::default(), |_| Ok(()));
        }
    }
}
