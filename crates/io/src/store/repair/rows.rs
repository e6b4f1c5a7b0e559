//! Whether a row is what was written: bodies carry checksums or must be what they should be, and what a table says of a
//! block its index says as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lanner_core::time::format_time;
use lanner_core::{Alert, Labels, Notification, content};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::{StoreError, schema};
use crate::store::batch::Batch;
use crate::store::sums::Table;
use crate::store::{block, event_block};

/// A row that an index knows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch(Vec<Value>);

impl Stretch {
    /// Which stretch of which series or stream it was.
    pub(super) fn text(&self, table: &str, names: &HashMap<i64, String>) -> Option<String> {
        let number = |at: usize| match self.0.get(at) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let (owner, start_ms, end_ms) = (number(0)?, number(1)?, number(2)?);
        let (n, unit) = match table {
            "block" => (number(4)?, "samples"),
            "event_block" => (number(3)?, "events"),
            _ => return None,
        };
        let name = names.get(&owner).map_or_else(|| format!("number {owner}"), Clone::clone);
        Some(format!("{name}: {n} {unit} from {} to {}", format_time(start_ms), format_time(end_ms)))
    }
}

/// What the indexes say, and what of it was found.
#[derive(Debug, Default)]
pub(super) struct Checks {
    expected: HashMap<&'static str, BTreeMap<i64, Stretch>>,
}

impl Checks {
    /// Takes note of an entry of an index, whose last value is the row's number.
    pub(super) fn expect(&mut self, index: &str, values: &[Value]) {
        let table = match index {
            "block_by_time" => "block",
            "event_block_by_time" => "event_block",
            "evaluation_once" => "evaluation",
            _ => return,
        };
        if let [key @ .., Value::Integer(number)] = values {
            // Of evaluations only the number is needed.
            let key = if table == "evaluation" { Vec::new() } else { key.to_vec() };
            self.expected.entry(table).or_default().insert(*number, Stretch(key));
        }
    }

    pub(super) fn is_expected(&self, table: &str, values: &[Value]) -> bool {
        let Some(Value::Integer(number)) = values.first() else { return false };
        self.expected.get(table).is_some_and(|rows| rows.contains_key(number))
    }

    pub(super) fn found(&mut self, table: &str, values: &[Value]) {
        if let Some(Value::Integer(number)) = values.first()
            && let Some(rows) = self.expected.get_mut(table)
        {
            rows.remove(number);
        }
    }

    /// What indexes know and tables did not have.
    pub(super) fn missing(&mut self) -> Vec<(&'static str, Vec<Stretch>)> {
        let expected = std::mem::take(&mut self.expected);
        let missing =
            expected.into_iter().map(|(table, rows)| (table, rows.into_values().collect::<Vec<_>>()));
        missing.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// Whether a row is whole.
    pub(super) fn check(&self, table: &schema::Table, values: &[Value]) -> Result<(), String> {
        if table.has_sum && !sum_agrees(&table.name, values) {
            return Err("its checksum is wrong".to_owned());
        }
        match (&*table.name, values) {
            ("journal", [_, Value::Blob(body)]) => said(Batch::decode(body)),
            ("series", [Value::Integer(1..), Value::Text(_), Value::Text(labels), ..]) => {
                json::<Labels>(labels)
            }
            ("block", values) => self.check_block(values),
            ("event_block", values) => self.check_events(values),
            ("alert", [.., Value::Text(body), Value::Null | Value::Integer(_)] | [.., Value::Text(body)]) => {
                json::<Alert>(body)
            }
            ("told", [.., Value::Text(body), Value::Null | Value::Integer(_)] | [.., Value::Text(body)]) => {
                json::<serde_json::Value>(body)
            }
            // What cannot be read of these is set aside one by one, and shown.
            ("silence", [_, _, Value::Text(_), ..]) => Ok(()),
            ("outbox", [_, _, _, _, Value::Text(body), ..]) => json::<Notification>(body),
            ("document", [_, _, _, Value::Null | Value::Text(_), ..]) => Ok(()),
            ("model", [Value::Text(id), .., Value::Blob(body)]) if content::sha256(body) == *id => Ok(()),
            ("journal" | "series" | "alert" | "told" | "silence" | "outbox" | "document" | "model", _) => {
                Err("its columns are not what they should be".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_block(&self, values: &[Value]) -> Result<(), String> {
        let [
            Value::Integer(id),
            Value::Integer(series),
            Value::Integer(start_ms),
            Value::Integer(end_ms),
            Value::Integer(step_ms),
            Value::Integer(n_rows),
            Value::Blob(body),
        ] = values
        else {
            return Err("its columns are not what they should be".to_owned());
        };
        let rows = block::decode(body).map_err(|error| error.to_string())?;
        let is_so = rows.len() as i64 == *n_rows && rows.span(*step_ms) == Some((*start_ms, *end_ms));
        let key = [*series, *start_ms, *end_ms, *step_ms, *n_rows].map(Value::Integer);
        if is_so && self.agrees("block", *id, &key) {
            Ok(())
        } else {
            Err("it is not what is said of it".to_owned())
        }
    }

    fn check_events(&self, values: &[Value]) -> Result<(), String> {
        let [
            Value::Integer(id),
            Value::Integer(stream),
            Value::Integer(start_ms),
            Value::Integer(end_ms),
            Value::Integer(n_events),
            Value::Integer(plain_bytes),
            Value::Integer(size),
            Value::Blob(body),
        ] = values
        else {
            return Err("its columns are not what they should be".to_owned());
        };
        let limit = usize::try_from(*plain_bytes).unwrap_or(0).min(1 << 30);
        let events = event_block::decode(body, limit).map_err(|error| error.to_string())?;
        let ends = (events.first().map(|event| event.0), events.last().map(|event| event.0));
        let is_so = events.len() as i64 == *n_events && ends == (Some(*start_ms), Some(*end_ms));
        let key = [*stream, *start_ms, *end_ms, *n_events, *plain_bytes, *size].map(Value::Integer);
        if is_so && self.agrees("event_block", *id, &key) {
            Ok(())
        } else {
            Err("it is not what is said of it".to_owned())
        }
    }

    /// Whether the index says the same of a row, where it knows it.
    fn agrees(&self, table: &str, number: i64, key: &[Value]) -> bool {
        let known = self.expected.get(table).and_then(|rows| rows.get(&number));
        known.is_none_or(|known| known.0 == key)
    }
}

fn sum_agrees(table: &str, values: &[Value]) -> bool {
    let summed = Table::ALL.iter().find(|summed| summed.name() == table);
    summed.is_none_or(|summed| summed.is_set_aside() || summed.agrees(values))
}

fn said<T>(result: Result<T, StoreError>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<(), String> {
    serde_json::from_str::<T>(text).map(drop).map_err(|error| error.to_string())
}

/// The numbers of all series that there are samples of.
pub(super) fn series_of_data(db: &Connection) -> Result<BTreeSet<u32>, StoreError> {
    let mut found = BTreeSet::new();
    let mut statement = db.prepare("SELECT DISTINCT series FROM block")?;
    for id in statement.query_map([], |row| row.get(0))? {
        found.insert(id?);
    }
    let mut statement = db.prepare("SELECT body FROM journal")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let batch = Batch::decode(row.get_ref(0)?.as_blob().unwrap_or_default())?;
        found.extend(batch.samples.iter().map(|(id, _)| id.0));
    }
    Ok(found)
}
