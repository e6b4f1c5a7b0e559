//! A table, read row by row: when, the values, and whether it is marked as an incident.
//!
//! What is wrong with single rows costs only these rows, and is told. Memory: the first rows, by which the layout is
//! decided, then one row.

use std::collections::VecDeque;
use std::io::Read;

use csv::ByteRecord;
use lanner_wire::csv::ReadError;
use lanner_wire::csv::rows::{RowReader, cell as bytes_of, is_blank};

use super::cell;
use super::layout::{self, Layout, Wanted};
use crate::failure::{Failure, Result, remark};

/// Rows that the layout is decided by, unless they hold more bytes than the second number.
const MAX_FIRST_ROWS: usize = 1_000;
const MAX_FIRST_BYTES: usize = 4 * 1024 * 1024;

/// Problems shown; the others are counted.
const MAX_SHOWN: u64 = 10;

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    /// Counted from 1.
    pub(super) line: u64,
    /// When, in milliseconds since 1970; the line where the table has no times.
    pub(super) at: i64,
    /// One a series; NaN for a gap.
    pub(super) values: Vec<f64>,
    /// Whether it is marked as an incident.
    pub(super) is_marked: bool,
}

/// A table being read.
pub(super) struct Table<R> {
    name: String,
    rows: RowReader<R>,
    first: VecDeque<(u64, ByteRecord)>,
    record: ByteRecord,
    pub(super) layout: Layout,
    n_problems: u64,
    /// Whether problems are told: not when the same rows are read again.
    is_quiet: bool,
}

impl<R: Read> Table<R> {
    /// Reads the first rows and decides what the columns are.
    pub(super) fn open(name: &str, input: R, wanted: &Wanted, is_quiet: bool) -> Result<Self> {
        let mut delimiter = b',';
        let mut is_text = true;
        let mut rows = RowReader::new(input, |start| {
            is_text = !start.contains(&0);
            delimiter = layout::delimiter(start);
            delimiter
        })
        .map_err(|error| failed(name, &error))?;
        if !is_text {
            return Err(Failure::user(format!("{name} is not a table in UTF-8 text"))
                .hint("save it as CSV in UTF-8; gzip is fine, other archives and spreadsheets are not"));
        }
        let (mut first, mut n_bytes) = (Vec::new(), 0);
        let mut record = ByteRecord::new();
        while first.len() < MAX_FIRST_ROWS && n_bytes < MAX_FIRST_BYTES {
            let Some(line) = rows.next_row(&mut record).map_err(|error| failed(name, &error))? else { break };
            if !is_blank(&record) {
                n_bytes += record.as_slice().len();
                first.push((line, record.clone()));
            }
        }
        let layout = layout::decide(name, &first, wanted, delimiter == b';')?;
        let first = first.split_off(layout.n_above).into();
        Ok(Self { name: name.to_owned(), rows, first, record, layout, n_problems: 0, is_quiet })
    }

    /// Reads the next row that can be used into `row`; whether there was one.
    pub(super) fn next_row(&mut self, row: &mut Row) -> Result<bool> {
        loop {
            let line = match self.first.pop_front() {
                Some((line, record)) => {
                    self.record = record;
                    Some(line)
                }
                None => self.rows.next_row(&mut self.record).map_err(|error| failed(&self.name, &error))?,
            };
            let Some(line) = line else { return Ok(false) };
            row.line = line;
            if !is_blank(&self.record) && self.fill(row) {
                return Ok(true);
            }
        }
    }

    /// Whether the row could be used.
    fn fill(&mut self, row: &mut Row) -> bool {
        let n_columns = self.layout.n_columns;
        if self.record.len() != n_columns {
            let found = self.record.len();
            self.problem(
                row.line,
                None,
                &format!("{found} cells where others have {n_columns}; row left out"),
            );
            return false;
        }
        let text = |at: usize| String::from_utf8_lossy(bytes_of(&self.record, at));
        row.at = match self.layout.time.map(|at| (at, cell::time_ms(&text(at)))) {
            None => row.line.cast_signed(),
            Some((_, Some(time_ms))) => time_ms,
            Some((at, None)) => {
                let said = format!("\"{}\" is not a time; row left out", short(&text(at)));
                self.problem(row.line, Some(at), &said);
                return false;
            }
        };
        row.values.clear();
        let mut wrong = None;
        for &at in &self.layout.values {
            let text = text(at);
            let number = cell::number(&text, self.layout.has_decimal_comma);
            if number.is_none() {
                wrong = wrong
                    .or_else(|| Some((at, format!("\"{}\" is not a number; taken as a gap", short(&text)))));
            }
            row.values.push(number.unwrap_or(f64::NAN));
        }
        let mark = self.layout.label.map(|at| (at, cell::mark(&text(at))));
        row.is_marked = mark.is_some_and(|(_, mark)| mark == Some(true));
        if let Some((at, None)) = mark {
            wrong = wrong.or_else(|| Some((at, "a mark is 0 or 1; taken as 0".to_owned())));
        }
        if let Some((at, said)) = wrong {
            self.problem(row.line, Some(at), &said);
        }
        true
    }

    fn problem(&mut self, line: u64, column: Option<usize>, said: &str) {
        self.n_problems += 1;
        if self.n_problems <= MAX_SHOWN && !self.is_quiet {
            let column = column.map_or_else(String::new, |at| format!("{}: ", self.layout.names[at]));
            remark(&format!("{}:{line}: {column}{said}", self.name));
        }
    }

    /// Says how many problems were not shown.
    pub(super) fn tell_rest(&self) {
        if self.n_problems > MAX_SHOWN && !self.is_quiet {
            remark(&format!("{}: {} more lines like these", self.name, self.n_problems - MAX_SHOWN));
        }
    }
}

fn failed(name: &str, error: &ReadError) -> Failure {
    Failure::user(format!("{name}: {error}"))
}

fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Row>> {
        let mut table = Table::open("it", text, &Wanted::default(), true)?;
        let (mut row, mut rows) = (Row::default(), Vec::new());
        while table.next_row(&mut row)? {
            rows.push(row.clone());
        }
        Ok(rows)
    }

    #[test]
    fn rows_are_read() {
        let rows = read(b"time;a;b\r\n2026-01-01;1,5;x\r\n\r\nyesterday;1;y\r\n2026-01-02;-;z").unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(rows[0].values, [1.5]);
        assert!(rows[1].values[0].is_nan() && rows[1].at == rows[0].at + 86_400_000);
    }

    #[test]
    fn a_table_without_times_is_counted_in_lines() {
        assert_eq!(read(b"a\n5\n\n6\n").unwrap().iter().map(|row| row.at).collect::<Vec<_>>(), [2, 4]);
    }

    proptest! {
        #[test]
        fn anything_may_be_read(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = read(&bytes);
        }

        #[test]
        fn anything_like_a_table_may_be_read(text in "([0-9a-z.,;:|\"\t\r\n -]|2026-01-0[1-9]|1767225600,){0,200}") {
            if let Ok(rows) = read(text.as_bytes()) {
                prop_assert!(rows.iter().all(|row| !row.values.iter().any(|value| value.is_infinite())));
            }
        }
    }
}
