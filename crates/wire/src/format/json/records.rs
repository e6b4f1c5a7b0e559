//! Objects, in a list or one a line: `[{"time":"2026-01-01","cpu":1.5,"host":"a"}, ...]`; or whatever holds rows. They are a table.

use std::collections::HashMap;
use std::io::Cursor;

use serde_json::{Map, Value};

use super::shapes;

use crate::table::{Options, Table, TableError};

/// More columns are something else.
const MAX_COLUMNS: usize = 10_000;

/// Writes the objects as a table, and opens that.
pub(super) fn open<'a>(body: &[u8], options: &Options<'_>) -> Result<Table<'a>, TableError> {
    let wrong = |why: String| TableError::Json { why };
    let objects = objects(body).map_err(|error| wrong(error.to_string()))?;
    let rows: Vec<Vec<(String, String)>> = objects.iter().map(flat).collect();
    let (mut columns, mut places) = (Vec::new(), HashMap::new());
    for (name, _) in rows.iter().flatten() {
        if !places.contains_key(name) {
            places.insert(name.clone(), columns.len());
            columns.push(name.as_str());
        }
    }
    if columns.is_empty() {
        return Err(wrong("it holds no objects with times and numbers".to_owned()));
    }
    if columns.len() > MAX_COLUMNS {
        return Err(wrong(format!(
            "its objects have {} different fields, more than {MAX_COLUMNS}",
            columns.len()
        )));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| TableError::Json { why: error.to_string() };
    writer.write_record(&columns).map_err(failed)?;
    for row in &rows {
        let mut cells = vec![""; columns.len()];
        for (name, text) in row {
            if let Some(cell) = places.get(name).and_then(|at| cells.get_mut(*at)) {
                *cell = text;
            }
        }
        writer.write_record(&cells).map_err(failed)?;
    }
    let text = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    let options = Options { delimiter: Some(b','), ..*options };
    Table::open(Cursor::new(text), options)
}

/// The objects of a list, or one after the other; or the rows in a document of another shape.
fn objects(body: &[u8]) -> Result<Vec<Map<String, Value>>, serde_json::Error> {
    let documents =
        serde_json::Deserializer::from_slice(body).into_iter().collect::<Result<Vec<Value>, _>>()?;
    let [document] = &documents[..] else {
        return documents.into_iter().map(serde_json::from_value).collect();
    };
    match (shapes::rows(document), document) {
        (rows, _) if !rows.is_empty() => Ok(rows),
        (_, Value::Array(list)) => list.iter().cloned().map(serde_json::from_value).collect(),
        (_, document) => serde_json::from_value(document.clone()).map(|object| vec![object]),
    }
}

/// Names and texts of the fields; those of objects within are called `outer.inner`, and lists are left out.
fn flat(object: &Map<String, Value>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in object {
        match value {
            Value::Object(inner) => {
                let inner = inner.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
                fields.extend(inner.map(|(field, value)| (format!("{name}.{field}"), text(value))));
            }
            Value::Array(_) => {}
            value => fields.push((name.clone(), text(value))),
        }
    }
    fields
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}
