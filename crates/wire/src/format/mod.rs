//! Formats of files that can come in, one file each, and the list of them.
//!
//! A format says what it is called, how its files are recognised, and how what they hold is read: samples, events or either.
//! To add one: a file here with a `FORMAT`, and an entry in [`FORMATS`]. `lanner import` and `lanner detect` walk the list for
//! what they read and for what they say of it.
//!
//! Reading order: [`Format`], `start` (what is looked at to recognise a file), `rows` (samples one after the other), `lines`
//! and `points` (what formats other than tables share), then the formats.

mod csv;
mod hints;
mod json;
mod kind;
mod line;
mod lines;
mod ndjson;
mod points;
mod prometheus;
mod raw;
mod rows;
mod start;
mod text;
mod whisper;

pub use hints::Hints;
pub(crate) use kind::Opening;
pub use kind::{EventReader, Format, OnEvent, ParseEvents};
pub(crate) use rows::Rows;
pub(crate) use start::Start;

/// All formats. The first that recognises a file reads it: tables take whatever nothing else does.
pub const FORMATS: &[Format] = &[
    ndjson::FORMAT,
    json::FORMAT,
    line::FORMAT,
    prometheus::FORMAT,
    raw::FORMAT,
    whisper::FORMAT,
    csv::FORMAT,
    text::FORMAT,
];

/// The format of a name, such as `ndjson`.
#[must_use]
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// What the name of a file says about its format: that of its ending, before which `.gz` is left out. `None` for endings that
/// several formats share, such as `.json`.
///
/// ```
/// use lanner_wire::format;
/// assert_eq!(format::of_file("measurements.CSV.gz").map(|format| format.name), Some("csv"));
/// assert!(format::of_file("answer.json").is_none());
/// ```
#[must_use]
pub fn of_file(name: &str) -> Option<&'static Format> {
    let name = name.to_lowercase();
    let (_, ending) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
    FORMATS.iter().find(|format| format.endings.contains(&ending))
}

/// The format of samples that begin like this; a table, if nothing else fits.
///
/// - `start`: the first 64 KiB, or all of a shorter text.
///
/// ```
/// use lanner_wire::format;
/// assert_eq!(format::of_samples(b"time,value\n2026-01-01,1\n").name, "csv");
/// assert_eq!(format::of_samples(b"cpu,host=a usage=1 1767225600000000000\n").name, "line");
/// assert_eq!(format::of_samples(b"# TYPE up gauge\nup 1 1767225600000\n").name, "prometheus");
/// ```
#[must_use]
pub fn of_samples(start: &[u8]) -> &'static Format {
    const TABLE: &Format = &csv::FORMAT;
    let start = Start::new(start);
    FORMATS.iter().find(|format| format.samples.is_some() && (format.is_one)(&start)).unwrap_or(TABLE)
}

#[cfg(test)]
mod tests;
