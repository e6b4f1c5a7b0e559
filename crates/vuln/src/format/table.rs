//! Tables in CSV: columns by name, whatever their order, separated by commas or semicolons.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use crate::error::ReadError;
use crate::input::Text;

/// A table being read, a row at a time.
pub(super) struct Table<'a> {
    reader: csv::Reader<Text<'a>>,
    columns: HashMap<String, usize>,
    row: StringRecord,
}

impl<'a> Table<'a> {
    pub(super) fn open(text: Text<'a>, delimiter: u8) -> Result<Self, ReadError> {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
        let header = reader.headers().map_err(|error| failure(&error))?;
        let names = header.iter().enumerate();
        let columns = names
            .map(|(at, name)| (name.trim().trim_start_matches('\u{FEFF}').to_ascii_lowercase(), at))
            .collect();
        Ok(Self { reader, columns, row: StringRecord::new() })
    }

    /// Reads the next row; false at the end.
    pub(super) fn next(&mut self) -> Result<bool, ReadError> {
        self.reader.read_record(&mut self.row).map_err(|error| failure(&error))
    }

    /// The trimmed text in a column, given by its names in lower case; the first that the table has counts.
    pub(super) fn text(&self, names: &[&str]) -> &str {
        let column = names.iter().find_map(|name| self.columns.get(*name));
        column.and_then(|at| self.row.get(*at)).unwrap_or_default().trim()
    }
}

fn failure(error: &csv::Error) -> ReadError {
    let at =
        error.position().map_or_else(|| "a row".to_owned(), |position| format!("line {}", position.line()));
    ReadError::Malformed { at, problem: error.to_string() }
}

/// The separator of a header that has all of these columns; `None` if it has not.
pub(super) fn delimiter(head: &str, columns: &[&str]) -> Option<u8> {
    let header = head.trim_start_matches('\u{FEFF}').lines().next()?.to_ascii_lowercase();
    [b',', b';', b'\t'].into_iter().find(|delimiter| {
        let names: Vec<&str> =
            header.split(char::from(*delimiter)).map(|name| name.trim().trim_matches('"')).collect();
        columns.iter().all(|column| names.contains(column))
    })
}
