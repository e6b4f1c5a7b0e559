//! Events that lie in a table of MySQL or MariaDB, counted there: the columns are asked for first, because what a condition means depends
//! on their types.

use lanner_conditions::export::sql::{Columns, Dialect, Kind, Param, Writer};
use lanner_core::{EventsQuery, Instants, Labels};
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Error, Params, Row, Value};

use super::RequestError;
use super::counting::{MAX_GROUPS, refusal, statement};
use super::failure::Failure;
use super::mysql_time::time;
use super::rows::Rows;

/// The character set of what is bytes, and no text.
const BINARY: u16 = 63;

/// Measures each window that ends with one of `instants`.
pub(super) async fn answers(
    connection: &mut Conn,
    query: &EventsQuery,
    instants: Instants,
) -> Result<Rows, Failure<Error>> {
    let columns = columns(connection, &query.table).await?;
    let counting = statement(query, Dialect::MySql, &columns)?;
    let of_time =
        Writer::new(Dialect::MySql, &columns).time(&query.time).map_err(|refused| refusal(&refused))?;
    let is_instant = of_time.1 == Kind::Instant;
    let prepared = connection.prep(counting.text.as_str()).await?;
    let mut rows = Rows::default();
    for last_ms in instants.times() {
        let until_ms = last_ms.saturating_add(1);
        let from_ms = until_ms.saturating_sub(query.window_ms);
        let bound = |at_ms: i64| if is_instant { time(at_ms) } else { Ok(Value::Int(at_ms)) };
        let value = |param: &Param| {
            Ok(match param {
                Param::From => bound(from_ms)?,
                Param::Until => bound(until_ms)?,
                Param::Text(text) | Param::Decimal(text) => Value::Bytes(text.clone().into_bytes()),
                Param::Int(number) => Value::Int(*number),
                Param::Float(number) => Value::Double(*number),
            })
        };
        let values: Vec<Value> = counting.params.iter().map(value).collect::<Result<_, RequestError>>()?;
        let found: Vec<Row> = connection.exec(&prepared, Params::Positional(values)).await?;
        if found.len() > MAX_GROUPS {
            let why = format!("has more than {MAX_GROUPS} groups in one window; name fewer fields in `by`");
            return Err(RequestError::permanent(why).into());
        }
        for row in &found {
            let (labels, value) = group(row, &query.by);
            if let Some(value) = value {
                rows.point(labels, last_ms, value)?;
            }
        }
    }
    Ok(rows)
}

/// The columns of a table, or of a view.
async fn columns(connection: &mut Conn, table: &str) -> Result<Columns, Failure<Error>> {
    let quoted = Writer::new(Dialect::MySql, &Columns::Assumed).table(table);
    let quoted = quoted.map_err(|refused| refusal(&refused))?;
    let empty = connection.prep(format!("SELECT * FROM {quoted} LIMIT 0")).await?;
    let kinds = empty.columns().iter().map(|column| (column.name_str().into_owned(), kind(column))).collect();
    Ok(Columns::Of { table: table.to_owned(), kinds })
}

fn kind(column: &Column) -> Kind {
    let is_text = column.character_set() != BINARY;
    match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY
        | ColumnType::MYSQL_TYPE_SHORT
        | ColumnType::MYSQL_TYPE_INT24
        | ColumnType::MYSQL_TYPE_LONG
        | ColumnType::MYSQL_TYPE_LONGLONG
        | ColumnType::MYSQL_TYPE_YEAR => Kind::Whole,
        ColumnType::MYSQL_TYPE_DOUBLE => Kind::Float,
        ColumnType::MYSQL_TYPE_NEWDECIMAL if column.decimals() == 0 => Kind::Whole,
        ColumnType::MYSQL_TYPE_NEWDECIMAL => Kind::Decimal,
        ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_TIMESTAMP => Kind::Instant,
        ColumnType::MYSQL_TYPE_VARCHAR
        | ColumnType::MYSQL_TYPE_VAR_STRING
        | ColumnType::MYSQL_TYPE_STRING
        | ColumnType::MYSQL_TYPE_BLOB
        | ColumnType::MYSQL_TYPE_TINY_BLOB
        | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
        | ColumnType::MYSQL_TYPE_LONG_BLOB
            if is_text && !column.flags().contains(ColumnFlags::SET_FLAG) =>
        {
            Kind::Text
        }
        other => Kind::Other(format!("{other:?}").trim_start_matches("MYSQL_TYPE_").to_lowercase()),
    }
}

/// The group of a row, and its value.
fn group(row: &Row, by: &[String]) -> (Labels, Option<f64>) {
    let text = |at: usize| match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let labels = Labels::new(by.iter().enumerate().map(|(at, name)| (name.clone(), text(at))));
    let value = match row.as_ref(by.len()) {
        Some(Value::Double(value)) => Some(*value).filter(|value| value.is_finite()),
        Some(Value::Int(value)) => Some(*value as f64),
        _ => None,
    };
    (labels, value)
}
