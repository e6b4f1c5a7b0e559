//! Samples in whatever form people have them, found by looking at the text: one reader for all commands.
//!
//! Reading order: [`Samples`], [`Form`] (which form it is), then `points` (what is kept of forms that are no tables),
//! `lines` (forms with a sample a line) and `json` (documents that are read whole). Tables have a module of their own:
//! [`crate::table`].

mod form;
mod graphite;
mod influx;
mod json;
mod lines;
mod points;
mod records;

use std::io::{BufReader, Read};

use lanner_core::SeriesKey;

use crate::Report;
use crate::table::{Options, ReadError, Row, Table, TableError, start};
use json::Document;
use lines::Lines;
use points::Points;

pub use form::{Form, Hints};

/// Samples being read, a [`Row`] at a time.
///
/// Memory: that of [`Table`] for tables, a piece of 1 MiB for forms with a line for each sample, and for JSON documents
/// the whole (at most 512 MiB); besides the names of all series.
///
/// ```
/// use lanner_wire::samples::{Hints, Samples};
/// use lanner_wire::table::{Options, Row};
/// let input = "up{job=\"api\"} 1 1767225600000\nup{job=\"api\"} 0 1767225660000\n";
/// let mut samples = Samples::open(input.as_bytes(), &Options::default(), Hints::default())?;
/// let mut row = Row::default();
/// assert!(samples.next_row(&mut row)?);
/// assert_eq!((row.at, row.values[0]), (1_767_225_600_000, 1.0));
/// assert_eq!(samples.keys(row.group)[0].to_string(), r#"up{job="api"}"#);
/// # Ok::<(), lanner_wire::table::TableError>(())
/// ```
pub struct Samples<'a>(Kind<'a>);

enum Kind<'a> {
    Table(Box<Table<'a>>),
    Lines(Lines<'a>),
    Whole(Points),
}

impl<'a> Samples<'a> {
    /// Finds the form and reads the start.
    ///
    /// # Errors
    /// [`TableError`] when the input cannot be understood, or leaves open what it means.
    pub fn open(input: impl Read + 'a, options: &Options<'_>, hints: Hints) -> Result<Self, TableError> {
        let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
        let (start, input) = start::peek(input).map_err(failed)?;
        let form = hints.form.unwrap_or_else(|| Form::of(&start));
        Ok(Self(match form {
            Form::Table => Kind::Table(Box::new(Table::open_decoded(&start, input, *options)?)),
            Form::Line | Form::Prometheus | Form::Ndjson => {
                Kind::Lines(Lines::new(Box::new(BufReader::new(input)), form, hints))
            }
            Form::Json => match json::open(input, &start, options)? {
                Document::Points(points) => Kind::Whole(points),
                Document::Table(table) => Kind::Table(table),
            },
        }))
    }

    /// Reads the next row into `row`; whether there was one. Rows of forms other than tables hold one value.
    ///
    /// # Errors
    /// [`ReadError`] when the input fails, or a row has no end.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        match &mut self.0 {
            Kind::Table(table) => table.next_row(row),
            Kind::Lines(lines) => lines.next_row(row),
            Kind::Whole(points) => Ok(points.next_row(row)),
        }
    }

    /// The names of the series in a row of this group, one for each of its values.
    #[must_use]
    pub fn keys(&self, group: usize) -> &[SeriesKey] {
        match &self.0 {
            Kind::Table(table) => table.keys(group),
            Kind::Lines(lines) => lines.points.keys(group),
            Kind::Whole(points) => points.keys(group),
        }
    }

    /// The table, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table<'a>> {
        if let Kind::Table(table) = &self.0 { Some(table) } else { None }
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

    /// What was wrong with single rows and cells so far, and how many gaps there were.
    #[must_use]
    pub const fn report(&self) -> &Report {
        match &self.0 {
            Kind::Table(table) => &table.report,
            Kind::Lines(lines) => &lines.points.report,
            Kind::Whole(points) => &points.report,
        }
    }

    /// The same, and forgets it.
    pub fn take_report(&mut self) -> Report {
        std::mem::take(match &mut self.0 {
            Kind::Table(table) => &mut table.report,
            Kind::Lines(lines) => &mut lines.points.report,
            Kind::Whole(points) => &mut points.report,
        })
    }
}

#[cfg(test)]
mod tests;
