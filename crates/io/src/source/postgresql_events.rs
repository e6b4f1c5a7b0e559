//! Events that lie in a table of PostgreSQL, counted there: the columns are asked for first, because what a condition means depends
//! on their types.

use lanner_conditions::export::Refused;
use lanner_conditions::export::sql::{Columns, Dialect, Kind, Param, Writer};
use lanner_core::{EventsQuery, Instants, Labels};
use tokio_postgres::types::{Kind as SqlKind, ToSql, Type as SqlType};
use tokio_postgres::{Error, Row, Transaction};

use super::RequestError;
use super::counting::{MAX_GROUPS, refusal, statement};
use super::failure::Failure;
use super::postgresql_bound::bound;
use super::rows::Rows;

/// Measures each window that ends with one of `instants`.
pub(super) async fn answers(
    transaction: &Transaction<'_>,
    query: &EventsQuery,
    instants: Instants,
) -> Result<Rows, Failure<Error>> {
    check_encoding(transaction).await?;
    let columns = columns(transaction, &query.table).await?;
    let counting = statement(query, Dialect::PostgreSql, &columns)?;
    let prepared = transaction.prepare(&counting.text).await?;
    let mut rows = Rows::default();
    for last_ms in instants.times() {
        let until_ms = last_ms.saturating_add(1);
        let bounds = [until_ms.saturating_sub(query.window_ms), until_ms];
        let values =
            counting.params.iter().zip(prepared.params()).map(|(param, kind)| value(param, kind, bounds));
        let values: Vec<Box<dyn ToSql + Sync + Send>> = values.collect::<Result<_, _>>()?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
        let found = transaction.query(&prepared, &values).await?;
        if found.len() > MAX_GROUPS {
            let why = format!("has more than {MAX_GROUPS} groups in one window; name fewer fields in `by`");
            return Err(RequestError::permanent(why).into());
        }
        for row in &found {
            let (labels, value) = group(row, &query.by)?;
            rows.point(labels, last_ms, value)?;
        }
    }
    Ok(rows)
}

/// Texts are compared by their bytes there, which are those of UTF-8 here.
async fn check_encoding(transaction: &Transaction<'_>) -> Result<(), Failure<Error>> {
    let row = transaction.query_one("SELECT current_setting('server_encoding')", &[]).await?;
    let encoding: &str = row.try_get(0)?;
    if encoding == "UTF8" {
        return Ok(());
    }
    let what = format!("the database keeps texts as {encoding}, which are not in the order of UTF-8");
    Err(refusal(&Refused::new(what, "write the rule's query in SQL, as `sql`")).into())
}

/// The columns of a table, or of a view.
async fn columns(transaction: &Transaction<'_>, table: &str) -> Result<Columns, Failure<Error>> {
    let quoted = Writer::new(Dialect::PostgreSql, &Columns::Assumed).table(table);
    let quoted = quoted.map_err(|refused| refusal(&refused))?;
    let empty = transaction.prepare(&format!("SELECT * FROM {quoted} LIMIT 0")).await?;
    let kinds =
        empty.columns().iter().map(|column| (column.name().to_owned(), kind(column.type_()))).collect();
    Ok(Columns::Of { table: table.to_owned(), kinds })
}

fn kind(of: &SqlType) -> Kind {
    match (of.kind(), of.name()) {
        (SqlKind::Domain(inner), _) => kind(inner),
        (SqlKind::Enum(_), _) => Kind::Text,
        (_, "text" | "varchar" | "bpchar" | "name" | "citext" | "uuid") => Kind::Text,
        (_, "int2" | "int4" | "int8") => Kind::Whole,
        (_, "float8") => Kind::Float,
        (_, "float4") => Kind::Single,
        (_, "numeric") => Kind::Decimal,
        (_, "bool") => Kind::Truth,
        (_, "timestamp" | "timestamptz") => Kind::Instant,
        (_, name) => Kind::Other(name.to_owned()),
    }
}

type Value = Box<dyn ToSql + Sync + Send>;

fn value(param: &Param, kind: &SqlType, [from_ms, until_ms]: [i64; 2]) -> Result<Value, RequestError> {
    Ok(match param {
        Param::From => bound(kind, from_ms)?,
        Param::Until => bound(kind, until_ms)?,
        Param::Text(text) | Param::Decimal(text) => Box::new(text.clone()),
        Param::Int(number) => Box::new(*number),
        Param::Float(number) => Box::new(*number),
    })
}

/// The group of a row, and its value.
fn group(row: &Row, by: &[String]) -> Result<(Labels, f64), Failure<Error>> {
    let mut labels = Vec::new();
    for (at, name) in by.iter().enumerate() {
        labels.push((name.as_str(), row.try_get::<_, &str>(at)?));
    }
    Ok((Labels::new(labels), row.try_get(by.len())?))
}
