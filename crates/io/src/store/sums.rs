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
        Table::Band => "seq, lower, upper",
        Table::History => "query, start_ms, end_ms, grp, value",
        Table::Cursor => "rule, shard, start_ms, end_ms, first_ms, last_ms",
        Table::Alert => "number, grp, body",
        Table::Told => "receiver, grp, alert, record",
        Table::Outbox => "key, receiver, grp, body",
        Table::Silence => "id, end_ms, body",
        Table::Document => "kind, id, version, body, actor, message, changed_ms, cause",
        Table::Finding => {
            "key, scanner, host, chk, port, level, policy, first_seen_ms, last_seen_ms, last_missed_ms, body"
        }
        Table::FindingScan => "id, scanner, at_ms, body",
        Table::FindingHost => "name, address",
        Table::FindingList => "list, id, body",
        Table::Beside => "name, part, body",
    }
}

/// A table whose rows have sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Series,
    Stream,
    Evaluation,
    Band,
    History,
    Cursor,
    Alert,
    Told,
    Outbox,
    Silence,
    Document,
    Finding,
    FindingScan,
    FindingHost,
    FindingList,
    Beside,
}

impl Table {
    pub(super) const ALL: [Self; 16] = [
        Self::Series,
        Self::Stream,
        Self::Evaluation,
        Self::Band,
        Self::History,
        Self::Cursor,
        Self::Alert,
        Self::Told,
        Self::Outbox,
        Self::Silence,
        Self::Document,
        Self::Finding,
        Self::FindingScan,
        Self::FindingHost,
        Self::FindingList,
        Self::Beside,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Stream => "stream",
            Self::Evaluation => "evaluation",
            Self::Band => "band",
            Self::History => "history",
            Self::Cursor => "cursor",
            Self::Alert => "alert",
            Self::Told => "told",
            Self::Outbox => "outbox",
            Self::Silence => "silence",
            Self::Document => "document",
            Self::Finding => "finding",
            Self::FindingScan => "finding_scan",
            Self::FindingHost => "finding_host",
            Self::FindingList => "finding_list",
            Self::Beside => "beside",
        }
    }

    /// Whether a damaged row stays and is set aside, for somebody to see and to write anew. Without it an older version of
    /// a document would be in force again.
    pub(super) const fn is_set_aside(self) -> bool {
        matches!(self, Self::Document | Self::Silence)
    }

    /// The condition under which a row is what was written.
    pub(super) fn is_whole(self) -> String {
        self.is_whole_of(self.name())
    }

    /// As [`Table::is_whole`], where the table goes by another name.
    pub(super) fn is_whole_of(self, name: &str) -> String {
        let of_table = |column: &str| format!("{name}.{column}");
        let summed: Vec<String> = columns(self).split(", ").map(of_table).collect();
        format!("({name}.sum IS NULL OR {name}.sum = row_sum({}))", summed.join(", "))
    }

    /// The body of a row as an expression, where the table goes by `name`; of a damaged row a text that nobody takes for what was
    /// written.
    pub(super) fn body_of(self, name: &str) -> String {
        let is_whole = self.is_whole_of(name);
        format!("iif({is_whole} OR {name}.body IS NULL, {name}.body, 'damaged on the disk: ' || {name}.body)")
    }

    /// The columns that are summed up, by their places among all.
    fn summed(self) -> std::ops::Range<usize> {
        // Numbers of the rows themselves are given by the table.
        let start =
            usize::from(matches!(self, Self::Stream | Self::Evaluation | Self::Cursor | Self::Outbox));
        start..start + columns(self).split(", ").count()
    }

    /// Whether a row of all columns, as its page holds it, agrees with its sum; one without a sum does.
    pub(super) fn agrees(self, values: &[Value]) -> bool {
        let Some((Value::Integer(sum), before)) = values.split_last() else {
            return matches!(values.last(), Some(Value::Null));
        };
        // Rows of earlier releases have fewer columns, and sum up those.
        let summed = self.summed();
        let Some(summed) = before.get(summed.start..summed.end.min(before.len())) else { return false };
        let real = |at: usize, value: &Value| match (self, at, value) {
            // SQLite stores a decimal without a fraction as a whole number.
            (Self::Evaluation, 5..=7, Value::Integer(n))
            | (Self::Band, 1..=2, Value::Integer(n))
            | (Self::History, 4, Value::Integer(n)) => Value::Real(*n as f64),
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
