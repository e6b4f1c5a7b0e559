//! `/render` as JSON: datapoints, and the forms that Dygraph and Rickshaw charts read. All may be wrapped as JSONP.
//!
//! Byte for byte what Python's `json` module writes, with `, ` and `: ` between items and all but ASCII escaped. One
//! difference: infinity is 1e9999 everywhere, which readers of JSON accept; graphite-web does so in datapoints only.

use super::Rendered;
use super::number::{Clock, push_float, push_integer};

/// Bytes of a datapoint with a value of usual length, for the first size of the buffer.
const TYPICAL_POINT_BYTES: usize = 28;

/// The largest table that [`write_dygraph`] makes, in cells.
pub const MAX_DYGRAPH_CELLS: usize = 10_000_000;

/// How datapoints are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Leave out gaps, and series that have nothing else.
    pub no_null_points: bool,
    /// The function to call with the answer.
    pub jsonp: Option<&'a str>,
}

/// The series have times so different that a table of them would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the table would have {n_rows} rows and {n_series} columns; ask for fewer series, or for format=json"
)]
pub struct TableTooLarge {
    /// Different times.
    pub n_rows: usize,
    /// Series.
    pub n_series: usize,
}

/// Whether `name` may be used for JSONP: a JavaScript name such as `cb` or `jQuery.cb_1`. Others could be script.
///
/// ```
/// use lanner_wire::render::json::is_callback;
/// assert!(is_callback("jQuery.cb_1") && !is_callback("alert(1);cb") && !is_callback(""));
/// ```
#[must_use]
pub fn is_callback(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    !name.is_empty() && name.len() <= 200 && name.bytes().all(allowed)
}

/// `[{"target": "a", "tags": {..}, "datapoints": [[1.0, 60], ..]}, ..]`, appended to `out`.
pub fn write(series: &[Rendered<'_>], options: &Options<'_>, out: &mut Vec<u8>) {
    let n_points: usize = series.iter().map(|series| series.values.len()).sum();
    out.reserve(n_points * TYPICAL_POINT_BYTES + series.len() * 200);
    wrap(options.jsonp, out, |out| {
        out.push(b'[');
        // Graphite answers an empty list when no series has a value.
        let series = if n_points == 0 { &[] } else { series };
        let mut is_first = true;
        for series in series {
            if options.no_null_points && series.points_until(series.end_s).all(|(_, value)| value.is_nan()) {
                continue;
            }
            separate(&mut is_first, out);
            out.extend_from_slice(b"{\"target\": ");
            push_text(out, series.name);
            push_tags(out, series);
            out.extend_from_slice(b", \"datapoints\": [");
            push_points(out, series, options.no_null_points);
            out.extend_from_slice(b"]}");
        }
        out.push(b']');
    });
}

/// `[{"target": "a", "datapoints": [{"x": 60, "y": 1.0}, ..]}, ..]`, appended to `out`.
pub fn write_rickshaw(series: &[Rendered<'_>], jsonp: Option<&str>, out: &mut Vec<u8>) {
    wrap(jsonp, out, |out| {
        out.push(b'[');
        let mut is_first = true;
        for series in series {
            separate(&mut is_first, out);
            out.extend_from_slice(b"{\"target\": ");
            push_text(out, series.name);
            out.extend_from_slice(b", \"datapoints\": [");
            let mut is_first = true;
            for (time_s, value) in points(series) {
                separate(&mut is_first, out);
                out.extend_from_slice(b"{\"x\": ");
                push_integer(out, time_s);
                out.extend_from_slice(b", \"y\": ");
                push_value(out, value);
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        }
        out.push(b']');
    });
}

/// `{"labels" : ["Time", "a", ..], "data" : [[60000, 1.0, ..], ..]}`, appended to `out`: a row for each time.
///
/// Where series have different times, each time of any of them has a row, with `null` for those without a value;
/// graphite-web fails there.
///
/// # Errors
/// [`TableTooLarge`] above [`MAX_DYGRAPH_CELLS`]; nothing was written then.
pub fn write_dygraph(
    series: &[Rendered<'_>],
    jsonp: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), TableTooLarge> {
    let times_s = all_times(series);
    if times_s.len().saturating_mul(series.len()) > MAX_DYGRAPH_CELLS {
        return Err(TableTooLarge { n_rows: times_s.len(), n_series: series.len() });
    }
    wrap(jsonp, out, |out| {
        if series.is_empty() {
            return out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"{\"labels\" : [\"Time\"");
        for series in series {
            out.extend_from_slice(b", ");
            push_text(out, series.name);
        }
        out.extend_from_slice(b"], \"data\" : [");
        let mut columns: Vec<_> = series.iter().map(|series| points(series).peekable()).collect();
        let mut is_first = true;
        for time_s in times_s {
            separate(&mut is_first, out);
            out.push(b'[');
            push_integer(out, time_s.saturating_mul(1_000));
            for column in &mut columns {
                out.extend_from_slice(b", ");
                let here = column.next_if(|point| point.0 == time_s);
                push_value(out, here.map_or(f64::NAN, |point| point.1));
            }
            out.push(b']');
        }
        out.extend_from_slice(b"]}");
    });
    Ok(())
}

/// The points of a series before its end.
fn points<'a>(series: &'a Rendered<'_>) -> impl Iterator<Item = (i64, f64)> + 'a {
    series.points_until(series.end_s.saturating_sub(1))
}

/// The times of all series, each once, oldest first.
fn all_times(series: &[Rendered<'_>]) -> Vec<i64> {
    fn times<'a>(series: &'a Rendered<'_>) -> impl Iterator<Item = i64> + 'a {
        points(series).map(|point| point.0)
    }
    let Some((first, others)) = series.split_first() else { return Vec::new() };
    let mut all: Vec<i64> = times(first).collect();
    for series in others {
        if !times(series).eq(times(first)) {
            all.extend(times(series));
        }
    }
    all.sort_unstable(); // quick where they are the first one's, in order
    all.dedup();
    all
}

/// The inner loop of most answers: between two values only one piece of a fixed size is appended.
fn push_points(out: &mut Vec<u8>, series: &Rendered<'_>, no_null_points: bool) {
    const BETWEEN: &[u8] = b", [";
    let (mut clock, mut between) = (Clock::new(), *b", 0123456789], [");
    out.push(b'[');
    let start = out.len();
    for (time_s, value) in series.points_until(series.end_s) {
        if no_null_points && value.is_nan() {
            continue;
        }
        push_value(out, value);
        if let Some(text) = clock.text(time_s) {
            between[2..12].copy_from_slice(text);
            out.extend_from_slice(&between);
        } else {
            out.extend_from_slice(b", ");
            push_integer(out, time_s);
            out.push(b']');
            out.extend_from_slice(BETWEEN);
        }
    }
    // What was begun is taken back.
    let surplus = if out.len() == start { 1 } else { BETWEEN.len() };
    out.truncate(out.len() - surplus);
}

fn push_tags(out: &mut Vec<u8>, series: &Rendered<'_>) {
    out.extend_from_slice(b", \"tags\": {");
    let mut is_first = true;
    for (name, value) in series.tags {
        separate(&mut is_first, out);
        push_text(out, name);
        out.extend_from_slice(b": ");
        push_text(out, value);
    }
    out.push(b'}');
}

fn push_value(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        push_float(out, value);
    } else {
        out.extend_from_slice(match value {
            f64::INFINITY => b"1e9999",
            f64::NEG_INFINITY => b"-1e9999",
            _ => b"null",
        });
    }
}

/// A string of JSON in ASCII; what lies beyond is written in UTF-16, as Python does.
fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            ' '..='\u{7f}' => out.push(character as u8),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let digit = |shift: u16| HEX[usize::from(*unit >> shift & 15)];
                    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
            }
        }
    }
    out.push(b'"');
}

fn separate(is_first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        out.extend_from_slice(b", ");
    }
}

fn wrap(jsonp: Option<&str>, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if let Some(callback) = jsonp {
        out.extend_from_slice(callback.as_bytes());
        out.push(b'(');
    }
    write(out);
    if jsonp.is_some() {
        out.push(b')');
    }
}

#[cfg(test)]
mod tests;
