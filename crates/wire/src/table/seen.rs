//! What the cells of a column are, as far as the first rows tell.

use std::borrow::Cow;
use std::collections::HashSet;

use ::csv::ByteRecord;

use super::growth::Growth;
use super::number::{NumbersSeen, is_gap};
use super::rows::cell;
use super::time::TimesSeen;
use crate::report::shown;

/// A text column with more different texts among the first rows is no label.
pub(super) const MAX_TEXTS: usize = 500;

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) n_filled: usize,
    pub(super) first: Option<(u64, String)>,
    pub(super) times: TimesSeen,
    pub(super) numbers: NumbersSeen,
    pub(super) texts: HashSet<String>,
    growth: Growth,
}

impl Seen {
    pub(super) fn see(&mut self, line: u64, text: &str) {
        if is_gap(text) {
            return;
        }
        self.n_filled += 1;
        self.first.get_or_insert_with(|| (line, shown(text)));
        self.times.see(line, text);
        if self.numbers.see(text)
            && let Ok(number) = text.trim().parse::<f64>()
        {
            self.growth.see(number);
        }
        if self.texts.len() <= MAX_TEXTS && !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
    }

    /// Whether these are numbers, or nothing so far.
    pub(super) fn is_series(&self) -> bool {
        let n_others = self.n_filled - self.numbers.n_numbers;
        n_others * 10 <= self.n_filled || (n_others == 1 && self.n_filled > 2)
    }

    /// Whether these are mostly numbers or times.
    pub(super) fn is_data(&self) -> bool {
        self.n_filled > 0
            && (self.is_series() || self.times.form("", false).is_some() || self.times.clock("").is_some())
    }

    /// Whether all texts are such.
    pub(super) fn are_all(&self, is_one: impl Fn(&str) -> bool) -> bool {
        self.n_filled > 0
            && self.texts.len() <= MAX_TEXTS
            && self.texts.iter().all(|text| is_one(text.trim()))
    }

    /// Whether these are whole numbers that name something.
    pub(super) fn is_identifier(&self, name: &str) -> bool {
        let is_counted = self.n_filled >= 20 && self.growth.n_by_one + 1 == self.n_filled;
        self.n_filled > 0 && self.growth.n_whole == self.n_filled && (is_counted || is_identifier_name(name))
    }

    /// Whether these are identifiers, or more times.
    pub(super) fn measures_nothing(&self, name: &str) -> bool {
        let may_be_times = is_called_time(name) && self.times.form(name, false).is_some();
        may_be_times || self.is_identifier(name)
    }

    /// Whether this is a total that only grows, or starts again from about nothing.
    pub(super) fn is_total(&self, name: &str) -> bool {
        self.growth.n_seen == self.n_filled && self.growth.is_total(name)
    }
}

fn is_identifier_name(name: &str) -> bool {
    const WORDS: [&str; 19] = [
        "id",
        "uuid",
        "guid",
        "index",
        "idx",
        "row",
        "no",
        "nr",
        "pid",
        "zip",
        "plz",
        "port",
        "code",
        "status",
        "key",
        "unnamed: 0",
        "line",
        "seq",
        "sequence",
    ];
    let lower = name.trim().to_lowercase();
    let last = lower.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default();
    WORDS.contains(&lower.as_str()) || ["code", "key", "no", "nr"].contains(&last) || is_called_id(name)
}

fn is_called_time(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    ["time", "timestamp", "date", "_at", "_ts", "epoch"].iter().any(|end| lower.ends_with(end))
}

pub(super) fn is_called_id(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    let last = lower.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default();
    ["id", "uuid", "guid", "itemid", "hostid", "deviceid", "sensorid", "userid"].contains(&last)
        || name.ends_with("Id")
        || name.ends_with("ID")
}

/// What was seen of each column of the rows that have so many.
pub(super) fn look(rows: &[(u64, ByteRecord)], n_columns: usize) -> Vec<Seen> {
    let mut seen = vec![Seen::default(); n_columns];
    for (line, row) in rows.iter().filter(|(_, row)| row.len() == n_columns) {
        seen.iter_mut().enumerate().for_each(|(at, seen)| seen.see(*line, &text_of(cell(row, at))));
    }
    seen
}

/// A cell as text. Single quotes around it, and what keeps a spreadsheet from reading it (`="0815"`), do not belong to it.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    decoded(within(bytes, b"=\"", b"\"").or_else(|| within(bytes, b"'", b"'")).unwrap_or(bytes))
}

/// A cell as it stands; what is not UTF-8 was written on an older Windows.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// What stands between these, if the cell begins and ends with them.
fn within<'a>(cell: &'a [u8], begin: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    let after = cell.trim_ascii().strip_prefix(begin)?;
    after.strip_suffix(end)
}
