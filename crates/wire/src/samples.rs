//! Samples in whatever format people have them, found by looking at the text: one reader for all commands.
//!
//! The formats are [`crate::format`]; tables have a module of their own, [`crate::table`].

use std::io::Read;

use lanner_core::SeriesKey;

use crate::Report;
use crate::format::{self, Format, Hints, Opening, Rows};
use crate::table::{Options, ReadError, Row, Table, TableError, start};

/// Samples being read, a [`Row`] at a time.
///
/// Memory: that of [`Table`] for tables, a piece of 1 MiB for formats with a line for each sample, and for JSON documents (at
/// most 512 MiB) and Whisper files (at most 1 GiB) the whole; besides the names of all series.
///
/// ```
/// use lanner_wire::format::Hints;
/// use lanner_wire::samples::Samples;
/// use lanner_wire::table::{Options, Row};
/// let input = "up{job=\"api\"} 1 1767225600000\nup{job=\"api\"} 0 1767225660000\n";
/// let mut samples = Samples::open(input.as_bytes(), &Options::default(), None, Hints::default())?;
/// let mut row = Row::default();
/// assert!(samples.next_row(&mut row)?);
/// assert_eq!((row.at, row.values[0]), (1_767_225_600_000, 1.0));
/// assert_eq!(samples.keys(row.group)[0].to_string(), r#"up{job="api"}"#);
/// # Ok::<(), lanner_wire::table::TableError>(())
/// ```
pub struct Samples<'a> {
    format: &'static Format,
    rows: Box<dyn Rows + 'a>,
}

impl<'a> Samples<'a> {
    /// Finds the format, unless it is given, and reads the start.
    ///
    /// # Errors
    /// [`TableError`] when the input cannot be understood, leaves open what it means, or is of a format without samples.
    pub fn open(
        input: impl Read + 'a,
        options: &Options<'_>,
        format: Option<&'static Format>,
        hints: Hints,
    ) -> Result<Self, TableError> {
        let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
        let (start, input) = start::peek(input).map_err(failed)?;
        let format = format.unwrap_or_else(|| format::of_samples(&start));
        let rows = format.open(Opening { start: &start, input, options, hints })?;
        Ok(Self { format, rows })
    }

    /// The format that was given or found.
    #[must_use]
    pub const fn format(&self) -> &'static Format {
        self.format
    }

    /// Reads the next row into `row`; whether there was one. Rows of formats other than tables hold one value.
    ///
    /// # Errors
    /// [`ReadError`] when the input fails, or a row has no end.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        self.rows.next_row(row)
    }

    /// The names of the series in a row of this group, one for each of its values.
    #[must_use]
    pub fn keys(&self, group: usize) -> &[SeriesKey] {
        self.rows.keys(group)
    }

    /// The table, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table<'_>> {
        self.rows.table()
    }

    /// Whether there are times.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.table().is_none_or(|table| table.layout.time.is_some())
    }

    /// Whether the values at `at` of a row are a counter's; `None` where each series is to be looked at by itself.
    #[must_use]
    pub fn is_total(&self, at: usize) -> Option<bool> {
        self.table().and_then(|table| table.is_total(at))
    }

    /// What was wrong with single rows and cells since this was last asked, and how many gaps there were.
    pub fn take_report(&mut self) -> Report {
        std::mem::take(self.rows.report())
    }
}

#[cfg(test)]
mod tests;
