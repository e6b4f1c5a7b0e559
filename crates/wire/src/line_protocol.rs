//! InfluxDB line protocol: `cpu,host=a,region=eu usage=12.5 1700000000000000000`.
//!
//! Reading order: [`parse`], [`Line`], [`series_key`] (what the raw names mean), [`write_sample`], then
//! `scan.rs` (one line). The hot path allocates nothing per line: a store looks the raw bytes of series and
//! field up in a map, and calls [`series_key`] only for a series that it has not seen.
//!
//! What becomes of the parts: the series is called like the measurement, followed by `.field` unless the field
//! is called `value`; tags become labels. Integers and unsigned integers become floating-point numbers (exact
//! up to 2^53), booleans 1 and 0. Text fields are not kept: they are counted as skipped. A text may run over
//! line breaks.

mod key;
mod line;
mod scan;
mod write;

use crate::Report;
use line::OnLine;

pub use key::series_key;
pub use line::{Field, Line, LineError, MAX_SERIES_BYTES, Options, Precision};
pub use write::{Unwritable, write_sample};

/// Reads a batch, calling `on_line` for each good line that holds a number.
///
/// A bad line, or one for which `on_line` returns a reason, is counted and explained in `report`, and costs
/// only itself. `accepted` counts fields, `rejected` lines, `skipped` text fields. Cost: O(length), no
/// allocation per line.
///
/// ```
/// use lanner_wire::{Report, line_protocol::{self, Options, Precision, series_key}};
/// let body = b"cpu,host=a usage=12.5,idle=87i 1700000000000000000\ncpu usage=oops\n";
/// let options = Options { precision: Precision::Nanoseconds, received_ms: 0 };
/// let mut report = Report::default();
/// let mut seen = Vec::new();
/// line_protocol::parse(body, options, &mut report, |line| {
///     for field in line.fields {
///         let key = series_key(line.raw_series, field.raw_key).map_err(|error| error.to_string())?;
///         seen.push((key.to_string(), line.time_ms, field.value));
///     }
///     Ok(())
/// });
/// assert_eq!(seen[0], (r#"cpu.usage{host="a"}"#.to_owned(), 1_700_000_000_000, 12.5));
/// assert_eq!((report.accepted, report.rejected, report.problems[0].line), (2, 1, 2));
/// ```
pub fn parse(
    body: &[u8],
    options: Options,
    report: &mut Report,
    mut on_line: impl FnMut(&Line<'_>) -> Result<(), String>,
) {
    read(body, options, report, &mut on_line);
}

fn read(body: &[u8], options: Options, report: &mut Report, on_line: OnLine<'_>) {
    let mut rest = body;
    let mut line_number = 1;
    while !rest.is_empty() {
        let Err(error) = std::str::from_utf8(rest).map(|text| {
            scan::read_lines(text, options, &mut line_number, report, on_line);
        }) else {
            return;
        };
        // All lines before the one that holds the bad byte are good text.
        let valid = &rest[..error.valid_up_to()];
        let bad_line = memchr::memrchr(b'\n', valid).map_or(0, |at| at + 1);
        let text = std::str::from_utf8(&rest[..bad_line]).unwrap_or_default();
        scan::read_lines(text, options, &mut line_number, report, on_line);
        let column = (error.valid_up_to() - bad_line) as u64 + 1;
        report.reject(line_number, Some(column), LineError::NotUtf8);
        line_number += 1;
        let bad_length = memchr::memchr(b'\n', &rest[bad_line..]).map_or(rest.len() - bad_line, |at| at + 1);
        rest = &rest[bad_line + bad_length..];
    }
}

#[cfg(test)]
mod tests;
