//! Tables with times across: a column for each hour of the days in the first column, or a column for each time.
//!
//! Every such row becomes as many rows as it has times, `label…, time, value`, so that nobody else has to know of them.

use std::collections::VecDeque;
use std::io::Read;

use ::csv::ByteRecord;

use super::error::ReadError;
use super::rows::{RowReader, cell};
use super::seen::text_of;
use super::written;

/// Fewer columns that are called like times may be called so for another reason.
const MIN_TIMES: usize = 4;
/// Only among so many rows the heading is looked for.
const MAX_ROWS_ABOVE: usize = 20;

/// The times that a heading names.
#[derive(Debug, Clone, PartialEq)]
struct Heading {
    /// Columns before the first time.
    n_labels: usize,
    /// What the others are called, and a time of day for hours that are only counted.
    times: Vec<String>,
}

/// Rows of the kind that others read, made of rows with times across; those of other tables stay as they are.
pub(super) struct Records<R> {
    rows: RowReader<R>,
    heading: Option<Heading>,
    n_looked_at: usize,
    waiting: VecDeque<(u64, ByteRecord)>,
}

impl<R: Read> Records<R> {
    pub(super) fn new(rows: RowReader<R>) -> Self {
        Self { rows, heading: None, n_looked_at: 0, waiting: VecDeque::new() }
    }

    /// Reads the next row into `row`; the line it begins in, or `None` after the last one.
    pub(super) fn next_row(&mut self, row: &mut ByteRecord) -> Result<Option<u64>, ReadError> {
        loop {
            if let Some((line, made)) = self.waiting.pop_front() {
                *row = made;
                return Ok(Some(line));
            }
            let Some(line) = self.rows.next_row(row)? else { return Ok(None) };
            if !self.take(line, row) {
                return Ok(Some(line));
            }
        }
    }

    /// Whether rows were made of this one.
    fn take(&mut self, line: u64, row: &ByteRecord) -> bool {
        if self.heading.is_none() && self.n_looked_at < MAX_ROWS_ABOVE {
            self.n_looked_at += 1;
            self.heading = heading(row);
            let Some(heading) = &self.heading else { return false };
            let names = row.iter().take(heading.n_labels).chain([&b"time"[..], b"value"]);
            self.waiting.push_back((line, names.collect()));
            return true;
        }
        let Some(Heading { n_labels, times }) = &self.heading else { return false };
        if row.len() != n_labels + times.len() {
            return false;
        }
        for (at, time) in times.iter().enumerate() {
            let labels = row.iter().take(*n_labels);
            let made = labels.chain([time.as_bytes(), cell(row, n_labels + at)]).collect();
            self.waiting.push_back((line, made));
        }
        true
    }
}

/// The times of a heading; `None` if it names something else.
fn heading(row: &ByteRecord) -> Option<Heading> {
    let names: Vec<String> = (0..row.len()).map(|at| text_of(cell(row, at)).trim().to_owned()).collect();
    let of = |is_time: fn(&str) -> bool| {
        let n_labels = names.iter().position(|name| is_time(name))?;
        let times = names.get(n_labels..)?;
        (n_labels > 0 && times.len() >= MIN_TIMES && times.iter().all(|name| is_time(name)))
            .then(|| Heading { n_labels, times: times.to_vec() })
    };
    of(|name| written(name) == (true, true) || written(name) == (true, false))
        .or_else(|| of(|name| written(name) == (false, true)))
        .or_else(|| hours(&names))
}

/// Whether a date is written, and a time of day.
fn written(name: &str) -> (bool, bool) {
    written::parse(name).map_or((false, false), |it| (it.date.is_some(), it.clock_ms.is_some()))
}

/// All hours of a day, counted from 0 or from 1: `0`, `h1`, `Hour 01`.
fn hours(names: &[String]) -> Option<Heading> {
    let number = |name: &String| {
        let digits = name.trim_start_matches(|c: char| c.is_alphabetic() || c == ' ');
        let digits = digits.trim_end_matches(['h', 'H']);
        (digits.len() <= 2).then(|| digits.parse::<usize>().ok())?
    };
    let n_labels = names.len().checked_sub(24).filter(|n_labels| *n_labels > 0)?;
    let first = number(&names[n_labels]).filter(|first| *first <= 1)?;
    let is_counted = (first..).zip(&names[n_labels..]).all(|(hour, name)| number(name) == Some(hour));
    is_counted.then(|| Heading { n_labels, times: (0..24).map(|hour| format!("{hour:02}:00")).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Option<(usize, &[&str])>) {
        let found = heading(&names.iter().collect());
        let expected = expected.map(|(n_labels, times)| {
            (n_labels, times.iter().map(|time| (*time).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(found.map(|it| (it.n_labels, it.times)), expected, "{names:?}");
    }

    #[test]
    fn headings_of_times() {
        let quarters = ["00:00", "00:15", "00:30", "00:45"];
        check(&["Datum", quarters[0], quarters[1], quarters[2], quarters[3]], Some((1, &quarters)));
        let days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"];
        check(&["name", "host", days[0], days[1], days[2], days[3]], Some((2, &days)));
        check(&["time", "2026-01-01", "a", "b", "c"], None);
        check(&["00:00", "00:15", "00:30", "00:45"], None); // nothing says of which day
        check(&["time", "1", "2", "3", "4"], None);
        check(&["time", "2023", "2024", "2025", "2026"], None);
    }

    #[test]
    fn hours_are_counted_from_either_end() {
        for (first, prefix) in [(0, ""), (1, ""), (1, "H"), (0, "hour ")] {
            let names = (first..first + 24).map(|hour| format!("{prefix}{hour}"));
            let names: Vec<String> = std::iter::once("day".to_owned()).chain(names).collect();
            let found = hours(&names).unwrap();
            assert_eq!((found.n_labels, found.times[23].as_str()), (1, "23:00"));
            assert_eq!(hours(&names[..20]), None);
        }
    }
}
