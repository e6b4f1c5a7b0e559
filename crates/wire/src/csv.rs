//! Samples as CSV, for import and export.
//!
//! Reading order: [`read`], [`Options`], [`Writer`] (long form). The first row names the columns, in any case and
//! order; comma, semicolon or tab is told from it. Two forms are known:
//!
//! - **long**: a column `name`, `series` or `metric`, a column `value`, a time; every other column is a label;
//! - **wide**: a time, and every other column is a series called like the column.
//!
//! The time column is `time`, `timestamp`, `@timestamp`, `datetime`, `date` or `ts`, else the first one; what it may hold is
//! in [`crate::instant`]. An empty cell, `NaN`, `null` or `NA` is a gap, counted as skipped.

mod header;
pub mod rows;
mod write;

use std::io::{self, Read};

use ::csv::ByteRecord;
use lanner_core::{Labels, Sample, SeriesKey};

use crate::report::shown;
use crate::{Report, instant};
use header::Layout;
use rows::{RowReader, cell, is_blank};

pub use header::HeaderError;
pub use write::{WriteError, Writer};

/// The longest row, in bytes; reading ends with an error at a longer one, whose quote is not closed most likely.
pub const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The column that holds the time, if it is not called as usual.
    pub time_column: Option<&'a str>,
    /// What separates cells, if it is not to be told from the first row.
    pub delimiter: Option<u8>,
}

/// Why a file was not read, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The first row cannot be used.
    #[error("line 1: {0}")]
    Header(#[from] HeaderError),
    /// A row longer than [`MAX_ROW_BYTES`].
    #[error("after line {line}: a row is longer than 4 MiB; is a quote not closed?")]
    RowTooLong {
        /// The line of the row before.
        line: u64,
    },
    /// The input failed.
    #[error("after line {line}: {error}")]
    Input {
        /// The line of the row before.
        line: u64,
        /// What the input said.
        error: io::Error,
    },
}

/// Reads samples a row at a time, calling `on_sample` for each.
///
/// A row whose time cannot be read or that has too few or too many cells is refused, in wide form a cell
/// that is not a number costs only itself; either, and what `on_sample` refuses, is counted and explained in
/// `report` with the line and, as the column, the cell. Memory: one row, and the names of the columns.
///
/// # Errors
/// [`ReadError`] when the first row cannot be used, a row has no end, or `input` fails.
///
/// ```
/// use lanner_wire::{Report, csv};
/// let input = "time;cpu;mem\n2026-01-01 00:00;1.5;\n2026-01-01 00:01;2.5;80\n";
/// let mut report = Report::default();
/// let mut seen = Vec::new();
/// csv::read(input.as_bytes(), csv::Options::default(), &mut report, |key, sample| {
///     seen.push((key.to_string(), sample.value));
///     Ok(())
/// })?;
/// assert_eq!(seen, [("cpu".into(), 1.5), ("cpu".into(), 2.5), ("mem".into(), 80.0)]);
/// assert_eq!((report.accepted, report.skipped), (3, 1));
/// # Ok::<(), csv::ReadError>(())
/// ```
pub fn read(
    input: impl Read,
    options: Options<'_>,
    report: &mut Report,
    on_sample: impl FnMut(&SeriesKey, Sample) -> Result<(), String>,
) -> Result<(), ReadError> {
    let delimiter = |start: &[u8]| options.delimiter.unwrap_or_else(|| header::guess_delimiter(start));
    let mut reader = RowReader::new(input, delimiter)?;
    let mut row = ByteRecord::new();
    let layout = loop {
        match reader.next_row(&mut row)? {
            None => return Err(HeaderError::Empty.into()),
            Some(_) if is_blank(&row) => {}
            Some(_) => break header::layout(&row, options.time_column)?,
        }
    };
    let mut rows = Rows { layout, n_cells: row.len(), report, on_sample, last_key: None };
    while let Some(line) = reader.next_row(&mut row)? {
        if !is_blank(&row) {
            rows.row(&row, line);
        }
    }
    Ok(())
}

struct Rows<'r, F> {
    layout: Layout,
    n_cells: usize,
    report: &'r mut Report,
    on_sample: F,
    /// Long form: the cells that made the last row's key, and the key. Exports are often in order of series.
    last_key: Option<(Vec<u8>, SeriesKey)>,
}

impl<F: FnMut(&SeriesKey, Sample) -> Result<(), String>> Rows<'_, F> {
    fn row(&mut self, row: &ByteRecord, line: u64) {
        if row.len() != self.n_cells {
            let message = format!("{} cells, but the first row has {}", row.len(), self.n_cells);
            self.report.reject(line, None, message);
            return;
        }
        let time_at = self.layout.time();
        match text(cell(row, time_at)).and_then(instant::parse_guessing) {
            Ok(time_ms) => self.samples(row, line, time_ms),
            Err(why) => self.report.reject(line, Some(time_at as u64 + 1), why),
        }
    }

    fn samples(&mut self, row: &ByteRecord, line: u64, time_ms: i64) {
        match &self.layout {
            Layout::Wide { columns, .. } => {
                for (at, key) in columns {
                    deliver(key, time_ms, cell(row, *at), *at, line, self.report, &mut self.on_sample);
                }
            }
            Layout::Long { name, value, labels, .. } => {
                let mut cells = Vec::new();
                for at in [name].into_iter().chain(labels.iter().map(|(at, _)| at)) {
                    cells.extend_from_slice(&(row[*at].len() as u64).to_le_bytes());
                    cells.extend_from_slice(&row[*at]);
                }
                if self.last_key.as_ref().is_none_or(|(last, _)| *last != cells) {
                    match long_key(row, *name, labels) {
                        Ok(key) => self.last_key = Some((cells, key)),
                        Err((at, why)) => return self.report.reject(line, Some(at as u64 + 1), why),
                    }
                }
                if let Some((_, key)) = &self.last_key {
                    deliver(key, time_ms, cell(row, *value), *value, line, self.report, &mut self.on_sample);
                }
            }
        }
    }
}

fn long_key(row: &ByteRecord, name: usize, labels: &[(usize, String)]) -> Result<SeriesKey, (usize, String)> {
    let cell = |at: usize| text(cell(row, at)).map_err(|why| (at, why));
    let series_name = cell(name)?;
    if series_name.is_empty() {
        return Err((name, "the series has no name".to_owned()));
    }
    let mut pairs = Vec::with_capacity(labels.len());
    for (at, label) in labels {
        pairs.push((label.as_str(), cell(*at)?));
    }
    Ok(SeriesKey::new(series_name, Labels::new(pairs)))
}

fn deliver(
    key: &SeriesKey,
    time_ms: i64,
    cell: &[u8],
    at: usize,
    line: u64,
    report: &mut Report,
    on_sample: &mut impl FnMut(&SeriesKey, Sample) -> Result<(), String>,
) {
    let sent = match number(cell) {
        Ok(None) => {
            report.skipped += 1;
            return;
        }
        Ok(Some(value)) => on_sample(key, Sample::new(time_ms, value)),
        Err(why) => Err(why),
    };
    match sent {
        Ok(()) => report.accepted += 1,
        Err(why) => report.reject(line, Some(at as u64 + 1), why),
    }
}

/// A cell's number; `None` for a gap.
fn number(cell: &[u8]) -> Result<Option<f64>, String> {
    let cell = text(cell)?.trim();
    if ["", "nan", "null", "na"].iter().any(|gap| cell.eq_ignore_ascii_case(gap)) {
        return Ok(None);
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        Ok(value) if value.is_nan() => Ok(None),
        Ok(_) => Err(format!("{} is not a finite number; leave the cell empty for a gap", shown(cell))),
        Err(_) if cell.contains(',') && cell.replace(',', ".").parse::<f64>().is_ok() => {
            Err(format!("\"{}\" is not a number; write a decimal point", shown(cell)))
        }
        Err(_) => Err(format!("\"{}\" is not a number; leave the cell empty for a gap", shown(cell))),
    }
}

fn text(cell: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(cell).map_err(|_| "not UTF-8 text; save the file as UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
