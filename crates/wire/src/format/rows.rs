//! Samples one row after the other, whatever the format.

use lanner_core::SeriesKey;

use crate::Report;
use crate::table::{ReadError, Row, Table};

/// Samples being read.
pub(crate) trait Rows {
    /// Reads the next row into `row`; whether there was one. Rows of formats other than tables hold one value.
    fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError>;

    /// The names of the series in a row of this group, one for each of its values.
    fn keys(&self, group: usize) -> &[SeriesKey];

    /// What was wrong with single rows and cells so far, and how many gaps there were.
    fn report(&mut self) -> &mut Report;

    /// The table, if it is one.
    fn table(&self) -> Option<&Table<'_>> {
        None
    }
}

impl Rows for Table<'_> {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        self.next_row(row)
    }

    fn keys(&self, group: usize) -> &[SeriesKey] {
        self.keys(group)
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    fn table(&self) -> Option<&Table<'_>> {
        Some(self)
    }
}
