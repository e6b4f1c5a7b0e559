//! What the first row says: the form of the file, and which column is what.

use std::collections::HashSet;

use ::csv::ByteRecord;
use lanner_core::{Labels, SeriesKey};

use super::instant;
use crate::report::shown;

const TIME_NAMES: [&str; 6] = ["time", "timestamp", "@timestamp", "datetime", "date", "ts"];
const SERIES_NAMES: [&str; 3] = ["name", "series", "metric"];

/// Why the first row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// There is none.
    #[error("there is no first row; it must name the columns")]
    Empty,
    /// It holds text in another encoding.
    #[error("not UTF-8 text; save the file as UTF-8")]
    NotUtf8,
    /// Only one column.
    #[error(
        "there is only one column, \"{name}\"; write a time and values, separated by comma, semicolon or tab"
    )]
    OneColumn {
        /// Its name.
        name: String,
    },
    /// The named time column is not there.
    #[error("there is no column \"{name}\"; the columns are {columns}")]
    NoTimeColumn {
        /// The name.
        name: String,
        /// The columns there are.
        columns: String,
    },
    /// It is data already.
    #[error("the first row must name the columns, but begins with the time {text}")]
    NotNames {
        /// The cell that is a time.
        text: String,
    },
    /// A column has no name.
    #[error("column {column} has no name")]
    Nameless {
        /// Counted from 1.
        column: usize,
    },
    /// Two columns have the same name.
    #[error("two columns are called \"{name}\"; rename one")]
    Twice {
        /// The name.
        name: String,
    },
    /// A column of names without one of values.
    #[error("there is a column of series names, \"{name}\", but no column called value")]
    NoValue {
        /// The column of names.
        name: String,
    },
}

/// Which column is what, counted from 0.
#[derive(Debug)]
pub(super) enum Layout {
    Long { time: usize, name: usize, value: usize, labels: Vec<(usize, String)> },
    Wide { time: usize, columns: Vec<(usize, SeriesKey)> },
}

impl Layout {
    pub(super) const fn time(&self) -> usize {
        match self {
            Self::Long { time, .. } | Self::Wide { time, .. } => *time,
        }
    }
}

/// The one of comma, semicolon and tab that is most frequent in the first line; a comma when there is none.
pub(super) fn guess_delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // Of equally frequent ones `max_by_key` takes the last.
    b"\t;,".iter().copied().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

pub(super) fn layout(row: &ByteRecord, time_column: Option<&str>) -> Result<Layout, HeaderError> {
    let mut names = Vec::with_capacity(row.len());
    for cell in row {
        let name = std::str::from_utf8(cell).map_err(|_| HeaderError::NotUtf8)?;
        names.push(name.trim_start_matches('\u{feff}').trim());
    }
    if names.iter().all(|name| name.is_empty()) {
        return Err(HeaderError::Empty);
    }
    if let [name] = names[..] {
        return Err(HeaderError::OneColumn { name: shown(name) });
    }
    let time = find_time(&names, time_column)?;
    let mut seen = HashSet::new();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() && at != time {
            return Err(HeaderError::Nameless { column: at + 1 });
        }
        if !seen.insert(*name) {
            return Err(HeaderError::Twice { name: shown(name) });
        }
    }
    let others = |but: &[usize]| -> Vec<(usize, &str)> {
        names.iter().copied().enumerate().filter(|(at, _)| !but.contains(at)).collect()
    };
    let find = |known: &[&str]| {
        others(&[time]).into_iter().find(|(_, name)| is_one_of(name, known)).map(|(at, _)| at)
    };
    let Some(name) = find(&SERIES_NAMES) else {
        let key = |name: &str| SeriesKey::new(name, Labels::default());
        let columns = others(&[time]).into_iter().map(|(at, name)| (at, key(name))).collect();
        return Ok(Layout::Wide { time, columns });
    };
    let value = find(&["value"]).ok_or_else(|| HeaderError::NoValue { name: shown(names[name]) })?;
    let labels = others(&[time, name, value]).into_iter().map(|(at, label)| (at, label.to_owned())).collect();
    Ok(Layout::Long { time, name, value, labels })
}

fn find_time(names: &[&str], time_column: Option<&str>) -> Result<usize, HeaderError> {
    if let Some(wanted) = time_column {
        return names.iter().position(|name| name.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
            let columns: Vec<String> = names.iter().take(20).map(|name| shown(name)).collect();
            HeaderError::NoTimeColumn { name: shown(wanted), columns: columns.join(", ") }
        });
    }
    let known = TIME_NAMES.iter().find_map(|known| names.iter().position(|n| n.eq_ignore_ascii_case(known)));
    if known.is_none() && instant::parse_guessing(names[0]).is_ok() {
        return Err(HeaderError::NotNames { text: shown(names[0]) });
    }
    Ok(known.unwrap_or(0))
}

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}
