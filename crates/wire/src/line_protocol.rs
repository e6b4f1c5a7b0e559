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
mod scan;
mod write;

use crate::Report;
use crate::report::shown;

pub use key::series_key;
pub use write::{Unwritable, write_sample};

/// The longest measurement with its tags, in bytes.
pub const MAX_SERIES_BYTES: usize = 64 * 1024;

/// The unit of the timestamps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nanoseconds.
    #[default]
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl Precision {
    /// Reads the query parameter `precision`: `ns`, `us`, `ms`, `s`, or of version 1 `n`, `u`, `m`, `h`.
    ///
    /// # Errors
    /// A sentence that lists what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "" | "ns" | "n" => Self::Nanoseconds,
            "us" | "u" | "µ" | "µs" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            _ => return Err(format!("precision \"{}\" is unknown; write ns, us, ms or s", shown(text))),
        })
    }

    /// `number` of this unit in milliseconds, rounded down; `None` when that overflows.
    const fn to_ms(self, number: i64) -> Option<i64> {
        match self {
            Self::Nanoseconds => Some(number.div_euclid(1_000_000)),
            Self::Microseconds => Some(number.div_euclid(1_000)),
            Self::Milliseconds => Some(number),
            Self::Seconds => number.checked_mul(1_000),
            Self::Minutes => number.checked_mul(60_000),
            Self::Hours => number.checked_mul(3_600_000),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "nanoseconds",
            Self::Microseconds => "microseconds",
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
}

/// How a batch is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The unit of the timestamps.
    pub precision: Precision,
    /// The time of lines without a timestamp, milliseconds since the Unix epoch.
    pub received_ms: i64,
}

/// One field that holds a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The field's name as written, escapes included.
    pub raw_key: &'a str,
    /// Its value: finite.
    pub value: f64,
}

/// One line with at least one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Measurement and tags as written, escapes included: `cpu,host=a,region=eu`.
    pub raw_series: &'a str,
    /// The fields that hold numbers, in the order written; never empty.
    pub fields: &'a [Field<'a>],
    /// Milliseconds since the Unix epoch, rounded down.
    pub time_ms: i64,
}

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

/// What is called for each good line; `dyn`, so that the code that reads is made here, once, and for speed.
type OnLine<'a> = &'a mut dyn FnMut(&Line<'_>) -> Result<(), String>;

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

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A byte that is not text.
    #[error("not UTF-8 text; send line protocol encoded as UTF-8")]
    NotUtf8,
    /// The line begins with a comma or a space.
    #[error("the measurement has no name; write for example cpu,host=a usage=12.5")]
    NoMeasurement,
    /// Nothing after measurement and tags.
    #[error("there are no fields; write a space and for example usage=12.5 after the tags")]
    NoFields,
    /// Measurement and tags exceed [`MAX_SERIES_BYTES`].
    #[error("measurement and tags are longer than 64 KiB")]
    SeriesTooLong,
    /// A tag without `=`, name or value.
    #[error("a tag is not name=value; leave tags without a value out, and write \\, for a comma in a name")]
    MalformedTag,
    /// A tag's value with an unescaped `=`.
    #[error("a tag's value holds an equals sign; write it as \\=")]
    EqualsInTagValue,
    /// A field without `=` or name.
    #[error("a field is not name=value; write for example usage=12.5, and \\  for a space in a name")]
    MalformedField,
    /// A text that does not end.
    #[error("the text has no closing quote")]
    UnclosedText,
    /// Something right after a closing quote.
    #[error("after the closing quote must come a comma, a space or the line's end; write \\\" for a quote")]
    AfterText,
    /// No value after `=`.
    #[error("the field has no value")]
    NoValue,
    /// NaN.
    #[error("NaN is not a value that can be kept; leave the field out")]
    Nan,
    /// Infinity.
    #[error("infinity is not a value that can be kept; leave the field out")]
    Infinite,
    /// Neither number, boolean nor text.
    #[error("\"{text}\" is not a value; write a number, 12i, 12u, true, false, or text in double quotes")]
    NotAValue {
        /// What was written.
        text: String,
    },
    /// A number that is too large for its type.
    #[error("{text} is too large")]
    TooLarge {
        /// What was written.
        text: String,
    },
    /// A timestamp that is not an integer.
    #[error("\"{text}\" is not a timestamp; write an integer, or write \\  for a space in a name")]
    NotATimestamp {
        /// What was written.
        text: String,
    },
    /// A timestamp outside 1900 to 2200.
    #[error("the time {text} is outside 1900 to 2200 when read in {unit}; is precision right?")]
    TimeOutside {
        /// What was written.
        text: String,
        /// The unit it was read in.
        unit: &'static str,
    },
    /// Something after the timestamp.
    #[error("there is something after the timestamp; begin a new line")]
    AfterTimestamp,
}

#[cfg(test)]
mod tests;
