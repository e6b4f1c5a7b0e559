//! Checksums of rows without a checksum in their body, so that values changed by a bad disk are never reported.
//!
//! A row's last column is the sum of the columns that [`columns`] names; rows of earlier releases have none.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};
use xxhash_rust::xxh3::Xxh3Default;

use super::StoreError;

/// The columns that the rows of a table sum up, in order.
pub(super) const fn columns(table: Table) -> &'static str {
    match table {
        Table::Series => "id, name, labels",
        Table::Stream => "name",
        Table::Evaluation => {
            "rule, version, grp, start_ms, end_ms, value, base, score, outcome, error, state, late, evaluated_ms, number"
        }
        Table::History => "query, start_ms, end_ms, grp, value",
    }
}

/// A table whose rows have sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Series,
    Stream,
    Evaluation,
    History,
}

impl Table {
    pub(super) const ALL: [Self; 4] = [Self::Series, Self::Stream, Self::Evaluation, Self::History];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Stream => "stream",
            Self::Evaluation => "evaluation",
            Self::History => "history",
        }
    }

    /// The condition under which a row is what was written.
    pub(super) fn is_whole(self) -> String {
        format!("(sum IS NULL OR sum = row_sum({}))", columns(self))
    }

    /// The sum of a row of all columns, as its page holds it; `None` when there is none.
    pub(super) fn agrees(self, values: &[Value]) -> bool {
        let Some((Value::Integer(sum), summed)) = values.split_last() else {
            return matches!(values.last(), Some(Value::Null));
        };
        // Numbers of the rows themselves are given by the table.
        let summed = if matches!(self, Self::Stream | Self::Evaluation) { &summed[1..] } else { summed };
        let real = |at: usize, value: &Value| match (self, at, value) {
            // SQLite stores a decimal without a fraction as a whole number.
            (Self::Evaluation, 5..=7, Value::Integer(n)) | (Self::History, 4, Value::Integer(n)) => {
                Value::Real(*n as f64)
            }
            _ => value.clone(),
        };
        let summed: Vec<Value> = summed.iter().enumerate().map(|(at, value)| real(at, value)).collect();
        sum_of(summed.iter().map(ValueRef::from)) == *sum
    }
}

/// The sum of a row's values.
pub(super) fn sum_of<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> i64 {
    let mut hash = Xxh3Default::new();
    for value in values {
        let (kind, bytes): (u8, &[u8]) = match value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_le_bytes()),
            ValueRef::Real(number) => (2, &number.to_bits().to_le_bytes()),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(blob) => (4, blob),
        };
        hash.update(&[kind]);
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.digest().cast_signed()
}

/// Gives a connection the function `row_sum`.
pub(super) fn equip(db: &Connection) -> Result<(), StoreError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let sum = |context: &rusqlite::functions::Context<'_>| {
        Ok(sum_of((0..context.len()).map(|at| context.get_raw(at))))
    };
    Ok(db.create_scalar_function("row_sum", -1, flags, sum)?)
}
