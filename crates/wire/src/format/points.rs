//! Samples of named series in the order in which they were met, each to be handed out as a row.

use std::collections::{HashMap, VecDeque};

use lanner_core::SeriesKey;

use super::rows::Rows;
use crate::Report;
use crate::table::{ReadError, Row};

/// One sample of a series.
#[derive(Debug, Clone, Copy)]
struct Point {
    line: u64,
    group: usize,
    time_ms: i64,
    value: f64,
}

/// Samples that wait, and the names of all series so far.
#[derive(Default)]
pub(super) struct Points {
    waiting: VecDeque<Point>,
    /// By what was written, so that a name is understood once.
    by_text: HashMap<Vec<u8>, usize>,
    by_key: HashMap<SeriesKey, usize>,
    keys: Vec<[SeriesKey; 1]>,
    report: Report,
}

impl Points {
    /// The series that `text` stands for; `read` understands a text that was not met before.
    pub(super) fn group<E>(
        &mut self,
        text: &[u8],
        read: impl FnOnce() -> Result<SeriesKey, E>,
    ) -> Result<usize, E> {
        if let Some(group) = self.by_text.get(text) {
            return Ok(*group);
        }
        let group = self.group_of(&read()?);
        self.by_text.insert(text.to_owned(), group);
        Ok(group)
    }

    /// The series of this name.
    pub(super) fn group_of(&mut self, key: &SeriesKey) -> usize {
        if let Some(group) = self.by_key.get(key) {
            return *group;
        }
        let group = self.keys.len();
        self.keys.push([key.clone()]);
        self.by_key.insert(key.clone(), group);
        group
    }

    /// Adds a sample, which may be a gap.
    pub(super) fn push(&mut self, line: u64, group: usize, time_ms: i64, value: f64) {
        self.report.skipped += u64::from(value.is_nan());
        self.waiting.push_back(Point { line, group, time_ms, value });
    }

    /// The next sample; whether there was one.
    pub(super) fn pop(&mut self, row: &mut Row) -> bool {
        let Some(Point { line, group, time_ms, value }) = self.waiting.pop_front() else { return false };
        (row.line, row.at, row.group, row.is_marked) = (line, time_ms, group, false);
        row.values.clear();
        row.values.push(value);
        true
    }
}

/// Samples that are there as a whole.
impl Rows for Points {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        Ok(self.pop(row))
    }

    fn keys(&self, group: usize) -> &[SeriesKey] {
        self.keys.get(group).map_or(&[], |key| key.as_slice())
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}
