//! The tables of a store, as SQLite knows them, and where a damaged file has their roots.

use std::collections::HashMap;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::failed::Failed;
use super::trees::{Kind, Record, Trees};
use crate::store::StoreError;

/// A table to copy.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Columns as they were declared.
    n_columns: usize,
    /// Which declared column each stored one is.
    stored: Vec<usize>,
    /// The column that is the row's number.
    number: Option<usize>,
    pub(super) insert: String,
    /// Whether its last column is a checksum of the others.
    pub(super) has_sum: bool,
}

impl Table {
    /// The values of a row in the order of the columns; columns that were added after it was written have no value.
    pub(super) fn in_order(&self, record: Record) -> Option<Vec<Value>> {
        if record.values.is_empty() || record.values.len() > self.n_columns {
            return None;
        }
        let mut values = vec![Value::Null; self.n_columns];
        for (value, column) in record.values.into_iter().zip(&self.stored) {
            values[*column] = value;
        }
        if let Some(number) = self.number {
            values[number] = Value::Integer(record.number);
        }
        Some(values)
    }
}

/// All tables, and the roots that trees have in a new store.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    roots: HashMap<String, u32>,
}

impl Schema {
    /// Reads the schema of a new store.
    pub(super) fn read(db: &Connection) -> Result<Self, StoreError> {
        let mut names = db.prepare("SELECT type, name, rootpage FROM sqlite_schema WHERE rootpage > 0")?;
        let mut rows = names.query([])?;
        let (mut tables, mut roots) = (Vec::new(), HashMap::new());
        while let Some(row) = rows.next()? {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            if kind == "table" && !name.starts_with("sqlite_") {
                tables.push(table(db, &name)?);
            }
            roots.insert(name, row.get(2)?);
        }
        Ok(Self { tables, roots })
    }

    /// Where a file has its trees: as its first page says, or where that cannot be read, as a new store has them.
    pub(super) fn roots(&self, trees: &mut Trees<'_>) -> Result<HashMap<String, u32>, StoreError> {
        let mut found = HashMap::new();
        let walked = trees.walk(1, Kind::Table, &mut |record| {
            if let [_, Value::Text(name), _, Value::Integer(root), ..] = &record.values[..]
                && let Ok(root @ 1..) = u32::try_from(*root)
            {
                found.insert(name.clone(), root);
            }
            Ok::<_, Failed>(())
        })?;
        if !walked.damaged.is_empty() || walked.n_damaged_rows > 0 || !found.contains_key("journal") {
            for (name, root) in &self.roots {
                found.entry(name.clone()).or_insert(*root);
            }
        }
        Ok(found)
    }

    /// The trees that a new store has, with their kinds.
    pub(super) fn fresh_roots(&self) -> impl Iterator<Item = (u32, Kind)> {
        self.roots.iter().map(|(name, root)| {
            let table = self.tables.iter().find(|table| table.name == *name);
            (*root, table.map_or(Kind::Index, |table| table.kind))
        })
    }
}

/// A column as it was declared.
struct Column {
    name: String,
    /// Its place in the key, from 1; 0 when it is no part of it.
    key: usize,
    kind: String,
    default: Option<String>,
}

fn table(db: &Connection, name: &str) -> Result<Table, StoreError> {
    let without_number: bool =
        db.query_row("SELECT wr FROM pragma_table_list WHERE name = ?1", [name], |row| row.get(0))?;
    let sql = "SELECT name, pk, type, dflt_value FROM pragma_table_info(?1) ORDER BY cid";
    let mut statement = db.prepare(sql)?;
    let columns = statement.query_map([name], |row| {
        Ok(Column { name: row.get(0)?, key: row.get(1)?, kind: row.get(2)?, default: row.get(3)? })
    })?;
    let columns: Vec<Column> = columns.collect::<Result<_, _>>()?;
    let mut stored: Vec<usize> = (0..columns.len()).collect();
    let mut number = None;
    if without_number {
        // The key comes first; the sort is stable, so the others keep their order.
        stored.sort_by_key(|at| if columns[*at].key > 0 { columns[*at].key } else { usize::MAX });
    } else {
        number = columns.iter().position(|column| column.key == 1 && column.kind == "INTEGER");
    }
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    let place = |(at, column): (usize, &Column)| match &column.default {
        // A column that was added after the row was written.
        Some(default) => format!("coalesce(?{}, {default})", at + 1),
        None => format!("?{}", at + 1),
    };
    let places: Vec<String> = columns.iter().enumerate().map(place).collect();
    Ok(Table {
        name: name.to_owned(),
        kind: if without_number { Kind::Index } else { Kind::Table },
        n_columns: columns.len(),
        stored,
        number,
        has_sum: names.last() == Some(&"sum"),
        insert: format!("INSERT OR IGNORE INTO {name} ({}) VALUES ({})", names.join(", "), places.join(", ")),
    })
}

/// Indexes that tell which rows there should be.
pub(super) fn is_telling_index(name: &str) -> bool {
    matches!(name, "block_by_time" | "event_block_by_time" | "evaluation_once")
}

/// What people call the rows of a table.
pub(super) fn noun(table: &str) -> &str {
    match table {
        "meta" => "settings of the store",
        "series" => "names of series",
        "journal" => "batches of new data",
        "block" => "blocks of samples",
        "stream" => "names of streams",
        "event_block" => "blocks of events",
        "evaluation" => "evaluations",
        "band" => "usual ranges of evaluations",
        "history" => "measured values",
        "alert" => "alerts",
        "cursor" => "positions of rules",
        "shard" => "owners of shards",
        "model" => "trained models",
        "finding" => "findings of scanners",
        "finding_scan" => "scans",
        "finding_host" => "names of hosts",
        "finding_list" => "entries of lists of vulnerabilities",
        "beside" => "parts of files beside the store",
        "told" => "records of who was notified",
        "outbox" => "messages",
        "silence" => "silences",
        "document" => "versions of documents",
        "audit" => "entries of the audit",
        "log" => "pages of the write-ahead log",
        other => other,
    }
}

/// The names of series or streams by number.
pub(super) fn names(db: &Connection, table: &str) -> Result<HashMap<i64, String>, StoreError> {
    let sql = match table {
        "block" => "SELECT id, name || CASE labels WHEN '{}' THEN '' ELSE labels END FROM series",
        "event_block" => "SELECT id, name FROM stream",
        _ => return Ok(HashMap::new()),
    };
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
