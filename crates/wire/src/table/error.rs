//! Why a table, or its rows to their end, cannot be read.

use std::io;

/// The longest row, in bytes; reading ends with an error at a longer one, whose quote is not closed most likely.
pub const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// Why the rows were not read to their end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
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

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Nothing is in it.
    #[error("holds no rows")]
    Empty,
    /// It holds bytes that no text has.
    #[error("is not a table of text")]
    NotText,
    /// It is JSON that holds no samples.
    #[error("is JSON that cannot be read as samples: {why}")]
    Json {
        /// What is wrong.
        why: String,
    },
    /// It is a Whisper file that cannot be read.
    #[error("cannot be read as a Whisper file: {why}")]
    Whisper {
        /// What is wrong.
        why: String,
    },
    /// It is to be read in a format that has no samples.
    #[error("cannot be read as samples in the format {format}, which holds events")]
    NoSamples {
        /// The format's name.
        format: &'static str,
    },
    /// There are no numbers.
    #[error("has no column of numbers beside the time; the columns are {columns}")]
    NoNumbers {
        /// Their names.
        columns: String,
    },
    /// A named column is not there.
    #[error("has no column \"{name}\"; the columns are {columns}")]
    NoColumn {
        /// The name.
        name: String,
        /// The columns that there are.
        columns: String,
    },
    /// A column that is to hold times does not.
    #[error("line {line}, column {column}: {name}: \"{text}\" is not a time")]
    NotTimes {
        /// Where the first cell of the column is.
        line: u64,
        /// Counted from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The cell.
        text: String,
    },
    /// There is no column of times.
    #[error("has no column of times{}", why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoTimes {
        /// The cell that looked most like one.
        why: Option<String>,
    },
    /// A column that is to hold numbers does not.
    #[error("line {line}, column {column}: {name}: \"{text}\" is not a number")]
    NotNumbers {
        /// Where the first cell of the column is.
        line: u64,
        /// Counted from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The cell.
        text: String,
    },
    /// Nothing tells days from months.
    #[error(
        "line {line}, column {column}: {name}: \"{text}\" may begin with the day or with the month, and so may all other dates"
    )]
    OpenOrder {
        /// Where the first such cell is.
        line: u64,
        /// Counted from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The first such cell.
        text: String,
    },
    /// Days and months come in more than one order.
    #[error(
        "column {column}: {name}: \"{}\" in line {} begins with {}, \"{}\" in line {} with {}",
        cells[0].text, cells[0].line, cells[0].first, cells[1].text, cells[1].line, cells[1].first
    )]
    MixedOrder {
        /// Counted from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The first date that is one in this order only, and the first that is one in the other order only.
        cells: Box<[DatedCell; 2]>,
    },
    /// Too many columns of numbers.
    #[error("has {count} series in each row, more than 10000")]
    TooManySeries {
        /// How many.
        count: usize,
    },
    /// The rows end too early.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A cell with a date, and what the date begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedCell {
    /// Counted from 1.
    pub line: u64,
    /// The cell.
    pub text: String,
    /// What stands first: `the day`, `the month` or `the year`.
    pub first: &'static str,
}

impl TableError {
    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Empty => "it needs a column of numbers, and better one of times as well",
            Self::NotText => {
                "save it as CSV; gzip is fine, other archives, spreadsheets, documents and pages are not"
            }
            Self::Json { .. } => {
                "answers of Prometheus, Graphite and InfluxDB are read, and rows with a time and numbers, as objects, columns, lists or pairs"
            }
            Self::NoNumbers { .. } => "name a column with --value to see what is wrong with its cells",
            Self::NoColumn { .. } => "a column may also be named by its number, from 1 on",
            Self::NotTimes { .. } => {
                "times are written such as 2026-12-31T08:00:00Z, 2026-12-31 08:00, 31.12.2026 08:00, 31 Dec 2026 8:00 AM, 202612310800, or as a number since 1970"
            }
            Self::NoTimes { why: Some(_) } => {
                "times are written such as 2026-12-31T08:00:00Z, 2026-12-31 08:00, 31.12.2026 08:00, 31 Dec 2026 8:00 AM, 202612310800, or as a number since 1970; if they are in another column, name it with --time"
            }
            Self::NoTimes { why: None } => "add one, or name it with --time",
            Self::NotNumbers { .. } => "leave --value out to take every column of numbers",
            Self::OpenOrder { .. } => "say which with --date-order dmy or --date-order mdy",
            Self::MixedOrder { .. } => {
                "write all dates alike; --date-order dmy or mdy reads those in one order and leaves the others out"
            }
            Self::TooManySeries { .. } => "name those to look at with --value",
            Self::NoSamples { .. } => "name a stream to import events into, or another format",
            Self::Whisper { .. } | Self::Read(_) => return None,
        })
    }
}
