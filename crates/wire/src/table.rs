//! Tables of numbers as people have them: separator, encoding, columns, times and numbers are found.
//!
//! Reading order: [`Table`], [`Options`], then `layout` (which column is what), by what was `seen` of its cells; `heading` (what
//! columns are called), `time`, `order` and `number` (how a column writes them), `written` (one date) and `words` (in it), `parts` (year, month
//! and day apart), `groups` (which series), `start` (encoding and separator), `blanks` (columns without a separator), [`rows`]
//! and `across` (times in the heading).
//!
//! What is wrong with single cells costs only these, and is reported with line, column and text. What the table as a
//! whole leaves open, such as whether 01/02 is in January, is asked and never guessed. Memory: the first rows, by
//! which the layout is decided, then one row, and the names of all series.

mod across;
mod blanks;
mod error;
mod groups;
mod growth;
mod heading;
mod layout;
mod number;
mod options;
mod order;
mod parts;
pub mod rows;
mod seen;
pub mod start;
pub(crate) mod time;
mod words;
mod written;

use std::collections::VecDeque;
use std::io::Read;

use ::csv::ByteRecord;
use jiff::tz::TimeZone;
use lanner_core::SeriesKey;

use crate::Report;
use across::Records;
use blanks::Blanks;
use groups::Groups;
use rows::{RowReader, cell, is_blank};
use seen::text_of;
use time::TimeReader;

pub use error::{DatedCell, MAX_ROW_BYTES, ReadError, TableError};
pub use growth::Growth;
pub use layout::Layout;
pub use number::Decimal;
pub use options::Options;
pub use written::DateOrder;

/// Rows that the layout is decided by, unless they hold more bytes than the second number.
const MAX_FIRST_ROWS: usize = 1_000;
const MAX_FIRST_BYTES: usize = 4 * 1024 * 1024;

/// So much is held at most to find out whether days or months come first.
const MAX_AHEAD_BYTES: usize = 64 * 1024 * 1024;

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub line: u64,
    /// When, in milliseconds since 1970; the line where the table has no times.
    pub at: i64,
    /// How far the clocks that its time was written by are ahead of UTC, in milliseconds; 0 where nothing says so.
    pub offset_ms: i64,
    /// Rows of the same group have the same labels; counted from 0. The names are [`Table::keys`].
    pub group: usize,
    /// One for each column of values; NaN for a gap.
    pub values: Vec<f64>,
    /// Whether it is marked as an incident.
    pub is_marked: bool,
}

/// A table being read.
///
/// ```
/// use lanner_wire::table::{Options, Row, Table};
/// let input = "Datum;CPU;Mem\n31.12.2025 14:00;1,5;-\n31.12.2025 14:05;2,5;80\n";
/// let mut table = Table::open(input.as_bytes(), Options::default())?;
/// let mut row = Row::default();
/// assert!(table.next_row(&mut row)?);
/// assert_eq!((row.at, row.values[0]), (1_767_189_600_000, 1.5));
/// assert_eq!(table.keys(row.group)[1].name.as_ref(), "Mem");
/// # Ok::<(), lanner_wire::table::TableError>(())
/// ```
pub struct Table<'a> {
    rows: Records<Box<dyn Read + 'a>>,
    first: VecDeque<(u64, ByteRecord)>,
    /// Why there are no more rows than the first.
    broken: Option<ReadError>,
    record: ByteRecord,
    /// Which column is what.
    pub layout: Layout,
    times: Option<TimeReader>,
    groups: Groups,
    /// What was wrong with single rows and cells, and how many gaps there were.
    pub report: Report,
}

impl<'a> Table<'a> {
    /// Reads the first rows and decides what the columns are.
    ///
    /// # Errors
    /// [`TableError`] when the rows cannot be understood, or leave open what they mean.
    pub fn open(input: impl Read + 'a, options: Options<'_>) -> Result<Self, TableError> {
        let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
        let (start, input) = start::peek(input).map_err(failed)?;
        Self::open_decoded(&start, input, options)
    }

    /// The same for text of which the start was looked at.
    pub(crate) fn open_decoded(
        start: &[u8],
        input: Box<dyn Read + 'a>,
        options: Options<'_>,
    ) -> Result<Self, TableError> {
        // A label of our own exports may hold any character.
        if start::is_no_table(start) && !start::is_own(start) {
            return Err(TableError::NotText);
        }
        if start::is_json(start) {
            return Err(TableError::Json { why: "it is no table".to_owned() });
        }
        let blanks = if options.delimiter.is_none() { start::blanks(start) } else { None };
        let (input, delimiter): (Box<dyn Read + 'a>, u8) = match blanks {
            Some(apart) => (Box::new(Blanks::new(input, apart)), blanks::DELIMITER),
            None => (input, options.delimiter.unwrap_or_else(|| start::delimiter(start))),
        };
        let mut rows = Records::new(RowReader::new(input, delimiter));
        let (mut first, mut broken) = (Vec::new(), None);
        let mut n_bytes = 0;
        let mut wanted = (MAX_FIRST_ROWS, MAX_FIRST_BYTES);
        let (layout, first) = loop {
            let is_over = match fill(&mut rows, &mut first, &mut n_bytes, wanted) {
                Ok(is_over) => is_over,
                Err(error) if first.is_empty() => return Err(error.into()),
                // What was read before counts.
                Err(error) => {
                    broken = Some(error);
                    true
                }
            };
            match decide(&first, &options, delimiter) {
                // The next day, or the thirteenth of a month, may tell.
                Err(TableError::OpenOrder { .. }) if !is_over && n_bytes < MAX_AHEAD_BYTES => {
                    wanted = (first.len() * 4, MAX_AHEAD_BYTES);
                }
                decided => break (decided?, first),
            }
        };
        let first = VecDeque::from(first).split_off(layout.n_above);
        let of_heading = || layout.time.and_then(|at| time::zone_in(&layout.names[at]));
        let zone = options.zone.cloned().or_else(of_heading).unwrap_or(TimeZone::UTC);
        let times = layout.times.map(|(form, order)| TimeReader::new(form, order, zone));
        let groups = Groups::default();
        Ok(Self {
            rows,
            first,
            broken,
            record: ByteRecord::new(),
            layout,
            times,
            groups,
            report: Report::default(),
        })
    }

    /// For those who can do nothing without times.
    ///
    /// # Errors
    /// [`TableError::NoTimes`]
    pub fn need_times(&self) -> Result<(), TableError> {
        match self.layout.time {
            Some(_) => Ok(()),
            None => Err(TableError::NoTimes { why: self.layout.no_time.clone() }),
        }
    }

    /// How times are read, where their digits do not say it to everyone.
    #[must_use]
    pub fn says_of_times(&self) -> Option<String> {
        self.times.as_ref()?.says()
    }

    /// Reads the next row that can be used into `row`; whether there was one.
    ///
    /// # Errors
    /// [`ReadError`] when a row has no end or the input fails.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        loop {
            let line = match self.first.pop_front() {
                Some((line, record)) => {
                    self.record = record;
                    Some(line)
                }
                None => match self.broken.take() {
                    Some(error) => return Err(error),
                    None => self.rows.next_row(&mut self.record)?,
                },
            };
            let Some(line) = line else { return Ok(false) };
            row.line = line;
            if !is_blank(&self.record) && !self.is_heading() && self.fill(row) {
                return Ok(true);
            }
        }
    }

    /// The names of the series in a row of this group, one for each column of values.
    #[must_use]
    pub fn keys(&self, group: usize) -> &[SeriesKey] {
        self.groups.keys(group)
    }

    /// Whether the numbers of a column of values are a counter's; `None` where several series share the column, so that
    /// each is to be looked at by itself.
    #[must_use]
    pub fn is_total(&self, at: usize) -> Option<bool> {
        let is_shared = !(self.layout.series.is_empty() && self.layout.labels.is_empty());
        if is_shared { None } else { Some(self.layout.totals.get(at).copied().unwrap_or(false)) }
    }

    /// Whether the row begins another table of Influx's, whose columns are from now on those of the layout.
    fn is_heading(&mut self) -> bool {
        if !self.layout.is_influx {
            return false;
        }
        if is_annotation(&self.record) {
            return true;
        }
        if !is_influx(&self.record) {
            return false;
        }
        let heading: Vec<String> =
            (0..self.record.len()).map(|at| text_of(cell(&self.record, at)).into_owned()).collect();
        let layout = layout::long(&heading, 0);
        if let Some(Ok(layout)) =
            layout.map(|layout| layout::finish_long(layout, &[], &Options::default(), b','))
        {
            self.layout = layout;
            self.groups.begin_layout();
        }
        true
    }

    /// Whether the row could be used.
    fn fill(&mut self, row: &mut Row) -> bool {
        let Self { layout, record, report, .. } = self;
        let n_columns = layout.n_columns;
        if record.len() != n_columns {
            let found = record.len();
            let why = if found > n_columns { "; quote cells that hold the separator" } else { "" };
            let cells = if found == 1 { "cell" } else { "cells" };
            report.reject(row.line, None, format!("{found} {cells} where others have {n_columns}{why}"));
            return false;
        }
        match self.time(row.line) {
            Ok(at) => {
                row.at = at;
                row.offset_ms = self.times.as_ref().map_or(0, |times| times.offset_ms);
            }
            // As where files were put one behind the other.
            Err(_) if self.layout.heading.as_ref() == Some(&self.record) => return false,
            Err((at, why)) => {
                let said = format!("{}: {why}", self.layout.names[at]);
                self.report.reject(row.line, Some(at as u64 + 1), said);
                return false;
            }
        }
        let Self { layout, record, report, groups, .. } = self;
        match groups.of(record, layout) {
            Ok(group) => row.group = group,
            Err(at) => {
                report.reject(
                    row.line,
                    Some(at as u64 + 1),
                    format!("{}: the series has no name", layout.names[at]),
                );
                return false;
            }
        }
        row.values.clear();
        for (&at, form) in layout.values.iter().zip(&layout.numbers) {
            let number = form.read(&text_of(cell(record, at))).unwrap_or_else(|why| {
                report.reject(row.line, Some(at as u64 + 1), format!("{}: {why}", layout.names[at]));
                report.skipped = report.skipped.saturating_sub(1);
                f64::NAN
            });
            report.skipped += u64::from(number.is_nan());
            row.values.push(number);
        }
        row.is_marked = layout.marks.is_some_and(|at| {
            mark(&text_of(cell(record, at))).unwrap_or_else(|| {
                report.reject(row.line, Some(at as u64 + 1), "a mark is 0 or 1; taken as 0");
                false
            })
        });
        true
    }

    fn time(&mut self, line: u64) -> Result<i64, (usize, String)> {
        let (Some(times), Some(at)) = (&mut self.times, self.layout.time) else {
            return Ok(line.cast_signed());
        };
        if let Some(parts) = self.layout.parts.filter(|parts| parts.year() == Some(at)) {
            return times.read(&parts.text(&self.record), None).map_err(|why| (at, why));
        }
        let mut text = text_of(cell(&self.record, at));
        if let Some(zone_at) = self.layout.zone {
            text = format!("{text} {}", text_of(cell(&self.record, zone_at))).into();
        }
        let Some((clock_at, form)) = self.layout.time_of_day.zip(self.layout.clock) else {
            return times.read(&text, None).map_err(|why| (at, why));
        };
        let mut clock = text_of(cell(&self.record, clock_at));
        if let Some(half_at) = self.layout.half_of_day {
            clock = format!("{clock} {}", text_of(cell(&self.record, half_at))).into();
        }
        times.read(&text, Some((form, &clock))).map_err(|why| {
            let is_of_clock = why.contains("time of day");
            (if is_of_clock { clock_at } else { at }, why)
        })
    }
}

/// Reads rows until there are `wanted` ones or bytes; whether there are no more.
fn fill(
    rows: &mut Records<Box<dyn Read + '_>>,
    first: &mut Vec<(u64, ByteRecord)>,
    n_bytes: &mut usize,
    wanted: (usize, usize),
) -> Result<bool, ReadError> {
    let mut record = ByteRecord::new();
    while first.len() < wanted.0 && *n_bytes < wanted.1 {
        let Some(line) = rows.next_row(&mut record)? else { return Ok(true) };
        let is_separator = line == 1 && record.get(0).is_some_and(|cell| cell.starts_with(b"sep="));
        if !is_blank(&record) && !is_separator && !is_annotation(&record) {
            *n_bytes += record.as_slice().len() + 100;
            // A clone would take as much memory as the longest row so far.
            first.push((line, record.iter().collect()));
        }
    }
    Ok(false)
}

fn decide(first: &[(u64, ByteRecord)], options: &Options<'_>, delimiter: u8) -> Result<Layout, TableError> {
    let Some((_, heading)) = first.first().filter(|(_, row)| is_influx(row)) else {
        return layout::decide(first, options, delimiter);
    };
    // Several tables may follow one another, each with columns of its own.
    let width = heading.len();
    let n_rows = first.iter().take_while(|(_, row)| row.len() == width).count();
    layout::decide(&first[..n_rows], options, delimiter)
}

/// What Influx writes above the names of columns.
fn is_annotation(row: &ByteRecord) -> bool {
    let first = row.get(0).unwrap_or_default();
    [&b"#group"[..], b"#datatype", b"#default"].contains(&first)
}

fn is_influx(row: &ByteRecord) -> bool {
    let has = |name: &[u8]| row.iter().any(|cell| cell.trim_ascii() == name);
    has(b"_time") && has(b"_value")
}

/// The times in the cells of one column, whose first cell may be its name; `None` when it holds no times.
///
/// # Errors
/// [`TableError::OpenOrder`] when nothing tells days from months.
pub fn times_of(
    cells: &[&str],
    date_order: Option<DateOrder>,
    zone: Option<&TimeZone>,
) -> Result<Option<Vec<Option<i64>>>, TableError> {
    let look = |cells: &[&str]| {
        let mut seen = time::TimesSeen::default();
        (1..).zip(cells).for_each(|(line, cell)| seen.see(line, cell));
        seen.form("time", false).map(|(form, _)| (form, seen))
    };
    let found = look(cells).or_else(|| look(cells.get(1..).unwrap_or_default()));
    let Some((form, seen)) = found else { return Ok(None) };
    let name = cells.first().map_or_else(String::new, |cell| crate::report::shown(cell));
    let order = date_order.map_or_else(|| layout::decided(seen.order(), 1, &name), Ok)?;
    let mut reader = TimeReader::new(form, order, zone.cloned().unwrap_or(TimeZone::UTC));
    Ok(Some(cells.iter().map(|cell| reader.read(cell, None).ok()).collect()))
}

/// Whether an incident is marked: 1, 0, true, false and the like; a gap is no mark.
#[must_use]
pub fn mark(cell: &str) -> Option<bool> {
    let cell = cell.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "yes", "anomaly"]) {
        return Some(true);
    }
    if is_one_of(&["false", "no", "normal"]) || number::is_gap(cell) {
        return Some(false);
    }
    cell.parse::<f64>().ok().map(|number| number != 0.0 && !number.is_nan())
}

#[cfg(test)]
mod tests;
