//! Rows in any document: objects, columns, lists of cells below their names, pairs of time and value, or values by their times.

use serde_json::{Map, Value};

use crate::instant;

/// One row: names and values.
pub(super) type Row = Map<String, Value>;

/// Documents nested deeper hold something else.
const MAX_DEPTH: usize = 12;

/// What lists of names are called, and the lists of cells below them.
const NAMES: [&str; 4] = ["columns", "labels", "fields", "names"];
const CELLS: [&str; 4] = ["data", "values", "rows", "points"];

/// Objects that say what series a row is of.
const TAGS: [&str; 4] = ["tags", "labels", "dimensions", "metric"];

/// All rows of a document, wherever they lie.
pub(super) fn rows(document: &Value) -> Vec<Row> {
    let mut found = Vec::new();
    find(document, &Row::new(), 0, &mut found);
    found
}

/// Adds the rows in `value`, each with what is said of all of them.
fn find(value: &Value, of_all: &Row, depth: usize, found: &mut Vec<Row>) {
    match value {
        _ if depth > MAX_DEPTH => {}
        Value::Array(list) if are_cells(list) => add(below(&[], list), of_all, found),
        Value::Array(list) => {
            list.iter().filter_map(Value::as_object).for_each(|one| element(one, of_all, depth, found));
        }
        Value::Object(object) => {
            let rows = apart(object);
            if !rows.is_empty() {
                return add(rows, of_all, found);
            }
            for (name, inner) in object {
                match inner.as_object().map(by_time).filter(|rows| !rows.is_empty()) {
                    Some(rows) => add(rows, &with_name(of_all, name), found),
                    None => find(inner, of_all, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

/// One of a list of objects: a row, or what is said of the rows in it.
fn element(object: &Row, of_all: &Row, depth: usize, found: &mut Vec<Row>) {
    // As OpenSearch wraps documents.
    let object = object.get("_source").and_then(Value::as_object).unwrap_or(object);
    let tags = TAGS.iter().filter_map(|name| object.get(*name)?.as_object()).flatten();
    let said = object.iter().chain(tags).filter(|(_, value)| is_scalar(value));
    let said: Row = of_all.iter().chain(said).map(|(name, value)| (name.clone(), value.clone())).collect();
    let n_before = found.len();
    add(apart(object), &said, found);
    if found.len() == n_before {
        for inner in object.values() {
            let is_within = inner.as_array().is_some_and(|list| !list.iter().any(is_scalar));
            match inner.as_object().map(by_time) {
                Some(rows) => add(rows, &said, found),
                None if is_within => find(inner, &said, depth + 1, found),
                None => {}
            }
        }
    }
    if found.len() == n_before {
        found.push(of_all.iter().chain(object).map(|(name, value)| (name.clone(), value.clone())).collect());
    }
}

fn add(rows: Vec<Row>, of_all: &Row, found: &mut Vec<Row>) {
    found.extend(rows.into_iter().map(|row| of_all.clone().into_iter().chain(row).collect::<Row>()));
}

fn with_name(of_all: &Row, name: &str) -> Row {
    let mut with_name = of_all.clone();
    with_name.insert("name".to_owned(), Value::from(name));
    with_name
}

/// The rows of an object whose fields are columns, or names and cells apart, or values by their times.
fn apart(object: &Row) -> Vec<Row> {
    let list = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_array());
    if let (Some(names), Some(cells)) = (list(&NAMES), list(&CELLS))
        && are_cells(cells)
    {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        return below(&names, cells);
    }
    let is_column = |value: &Value| {
        value.as_array().filter(|list| !list.is_empty() && list.iter().all(is_scalar)).cloned()
    };
    let columns: Vec<(String, Vec<Value>)> =
        object.iter().filter_map(|(name, value)| Some((name.clone(), is_column(value)?))).collect();
    if let [(_, first), _, ..] = &columns[..]
        && columns.iter().all(|(_, list)| list.len() == first.len())
    {
        let row = |at: usize| columns.iter().map(|(name, list)| (name.clone(), list[at].clone())).collect();
        return (0..first.len()).map(row).collect();
    }
    by_time(object)
}

/// Rows of lists of cells. Where nobody names them, the first one that is a time is the time.
fn below(names: &[&str], cells: &[Value]) -> Vec<Row> {
    let first = cells.first().and_then(Value::as_array);
    let time_at = first.and_then(|cells| cells.iter().position(is_time));
    let name = |at: usize| match names.get(at) {
        Some(name) => (*name).to_owned(),
        None if Some(at) == time_at => "time".to_owned(),
        None if first.is_some_and(|cells| cells.len() == 2) => "value".to_owned(),
        None => format!("column {}", at + 1),
    };
    let row =
        |cells: &Vec<Value>| cells.iter().enumerate().map(|(at, cell)| (name(at), cell.clone())).collect();
    cells.iter().filter_map(Value::as_array).map(row).collect()
}

/// The values of an object whose names are times.
fn by_time(object: &Row) -> Vec<Row> {
    let is_value =
        |(name, value): (&String, &Value)| is_scalar(value) && is_time(&Value::from(name.as_str()));
    if object.len() < 2 || !object.iter().all(is_value) {
        return Vec::new();
    }
    let row = |(time, value): (&String, &Value)| {
        [("time".to_owned(), Value::from(time.as_str())), ("value".to_owned(), value.clone())]
    };
    object.iter().map(row).map(|fields| fields.into_iter().collect()).collect()
}

/// Whether these are lists of cells.
fn are_cells(list: &[Value]) -> bool {
    let is_row =
        |value: &Value| value.as_array().is_some_and(|cells| cells.len() > 1 && cells.iter().all(is_scalar));
    !list.is_empty() && list.iter().all(is_row)
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Whether a value may be a time: a date, or a number as large as those since 1970 are.
fn is_time(value: &Value) -> bool {
    const SMALLEST: f64 = 1e8;
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number >= SMALLEST),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => number >= SMALLEST,
            Err(_) => instant::parse_guessing(text).is_ok(),
        },
        _ => false,
    }
}
