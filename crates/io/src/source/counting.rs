//! An [`EventsQuery`] as a statement in SQL: pure.
//!
//! ```text
//! SELECT g0, (sum(x))::float8 AS value                       what the numbers come to
//! FROM (SELECT COALESCE("bank"::text COLLATE "C", '') AS g0, the groups of each row, and its number
//!              "amount" AS x
//!       FROM "payments"
//!       WHERE "ts" >= $1 AND "ts" < $2 AND ...) AS measured  half-open, as windows are
//! WHERE x IS NOT NULL GROUP BY g0                            a row without a number is not there
//! HAVING count(*) > 0 LIMIT 10001                            nor is a group without a row
//! ```

use lanner_conditions::export::Refused;
use lanner_conditions::export::sql::{Columns, Dialect, Param, Writer};
use lanner_conditions::{Condition, Expr};
use lanner_core::EventsQuery;

use super::RequestError;
use super::measured::{Aggregate, Measured};

/// More groups in one window are refused: no rule has more.
pub(super) const MAX_GROUPS: usize = 10_000;

/// A statement for one window, and what stands for its placeholders. Its columns are the groups, `g0` and so on, and `value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) params: Vec<Param>,
}

/// The query as a statement of a dialect over these columns.
///
/// # Errors
/// What cannot be said with the same meaning.
pub(super) fn statement(
    query: &EventsQuery,
    dialect: Dialect,
    columns: &Columns,
) -> Result<Statement, RequestError> {
    let condition = query.condition.as_deref().map(compiled).transpose()?;
    let measured = Measured::read(&query.measure)?;
    let mut writer = Writer::new(dialect, columns);
    let text = written(query, measured, condition.as_ref().map(Condition::expr), dialect, &mut writer);
    let text = text.map_err(|refused| refusal(&refused))?;
    Ok(Statement { text, params: writer.into_params() })
}

/// What it means that something cannot be said.
pub(super) fn refusal(refused: &Refused) -> RequestError {
    RequestError::permanent(format!("cannot count this with the same meaning: {refused}"))
}

pub(super) fn compiled(text: &str) -> Result<Condition, RequestError> {
    Condition::compile(text).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        RequestError::permanent(format!("the condition cannot be read: {}", problems.join("; ")))
    })
}

fn written(
    query: &EventsQuery,
    measured: Measured<'_>,
    condition: Option<&Expr>,
    dialect: Dialect,
    writer: &mut Writer<'_>,
) -> Result<String, Refused> {
    let groups: Vec<String> = (0..query.by.len()).map(|at| format!("g{at}")).collect();
    let rows = rows(query, measured, condition, &groups, writer)?;
    let value = match measured {
        Measured::Count => "count(*)".to_owned(),
        Measured::Of(Aggregate::Sum, _) => "sum(x)".to_owned(),
        Measured::Of(Aggregate::Avg, _) => format!("{} / count(*)", dialect.double("sum(x)")),
        Measured::Of(Aggregate::Min, _) => "min(x)".to_owned(),
        Measured::Of(Aggregate::Max, _) => "max(x)".to_owned(),
        Measured::Distinct(_) => "count(DISTINCT x)".to_owned(),
        Measured::Last(_) => return Ok(ranked(&groups, &rows, "t DESC, x DESC", "1", dialect)),
        Measured::Quantile(share, _) => {
            let share = writer.bind(Param::Float(share));
            let place = format!("greatest(1, ceiling({share} * n))");
            return Ok(ranked(&groups, &rows, "x", &place, dialect));
        }
    };
    let is_there = if measured == Measured::Count { "" } else { " WHERE x IS NOT NULL" };
    let grouped = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
    Ok(format!(
        "SELECT {} FROM ({rows}) AS measured{is_there}{grouped} HAVING count(*) > 0 LIMIT {}",
        selected(&groups, &dialect.double(&value)),
        MAX_GROUPS + 1
    ))
}

/// The rows of the window that count: their groups, the number or value that is measured, and its time where that matters.
fn rows(
    query: &EventsQuery,
    measured: Measured<'_>,
    condition: Option<&Expr>,
    groups: &[String],
    writer: &mut Writer<'_>,
) -> Result<String, Refused> {
    let mut columns = Vec::new();
    for (name, group) in query.by.iter().zip(groups) {
        columns.push(format!("{} AS {group}", writer.label(name)?));
    }
    match measured {
        Measured::Count => {}
        Measured::Of(_, field) | Measured::Quantile(_, field) => {
            columns.push(format!("{} AS x", writer.number(field)?));
        }
        Measured::Distinct(field) => columns.push(format!("{} AS x", writer.value(field)?)),
        Measured::Last(field) => {
            columns.push(format!("{} AS x", writer.number(field)?));
            columns.push(format!("{} AS t", writer.millisecond(&query.time)?));
        }
    }
    if columns.is_empty() {
        columns.push("1 AS x".to_owned());
    }
    let (table, (time, _)) = (writer.table(&query.table)?, writer.time(&query.time)?);
    let (from, until) = (writer.bind(Param::From), writer.bind(Param::Until));
    let condition = match condition {
        Some(condition) => format!(" AND {}", writer.condition(condition)?),
        None => String::new(),
    };
    let columns = columns.join(", ");
    Ok(format!("SELECT {columns} FROM {table} WHERE {time} >= {from} AND {time} < {until}{condition}"))
}

/// The number at a place among those of its group.
fn ranked(groups: &[String], rows: &str, order: &str, place: &str, dialect: Dialect) -> String {
    let partition =
        if groups.is_empty() { String::new() } else { format!("PARTITION BY {}", groups.join(", ")) };
    let inner = [groups, &["x".to_owned()]].concat().join(", ");
    format!(
        "SELECT {} FROM (SELECT {inner}, row_number() OVER ({partition} ORDER BY {order}) AS place, count(*) OVER ({partition}) AS n \
         FROM ({rows}) AS measured WHERE x IS NOT NULL) AS ranked WHERE place = {place} LIMIT {}",
        selected(groups, &dialect.double("x")),
        MAX_GROUPS + 1
    )
}

fn selected(groups: &[String], value: &str) -> String {
    [groups, &[format!("{value} AS value")]].concat().join(", ")
}

#[cfg(test)]
mod tests {
    use lanner_conditions::export::sql::Kind;

    use super::*;

    fn columns() -> Columns {
        let kinds = [
            ("bank", Kind::Text),
            ("n", Kind::Whole),
            ("amount", Kind::Decimal),
            ("ts", Kind::Instant),
            ("day", Kind::Other("date".to_owned())),
        ];
        Columns::Of {
            table: "payments".to_owned(),
            kinds: kinds.map(|(name, kind)| (name.to_owned(), kind)).into(),
        }
    }

    fn query(measure: &str, condition: Option<&str>, by: &[&str]) -> EventsQuery {
        EventsQuery {
            table: "shop.payments".to_owned(),
            time: "ts".to_owned(),
            counted: None,
            window_ms: 60_000,
            measure: measure.to_owned(),
            condition: condition.map(str::to_owned),
            by: by.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// The table of cases: what is asked, and the statement in both dialects.
    #[test]
    fn measures_are_written_in_sql() {
        let cases = [
            query("count", None, &[]),
            query("count", Some(r#"bank == "hsbc""#), &["bank", "n"]),
            query("sum(amount)", None, &["bank"]),
            query("avg(n)", None, &[]),
            query("min(n)", Some("n > 5"), &[]),
            query("distinct(bank)", None, &[]),
            query("last(n)", None, &["bank"]),
            query("p99(amount)", Some("n in (1, 2)"), &["bank"]),
            query("p50(n)", None, &[]),
        ];
        let mut table = String::new();
        for case in &cases {
            let (condition, by) = (case.condition.as_deref().unwrap_or("everything"), case.by.join(", "));
            table.push_str(&format!("{} of {condition} by [{by}]\n", case.measure));
            for dialect in [Dialect::PostgreSql, Dialect::MySql] {
                let Statement { text, params } = statement(case, dialect, &columns()).unwrap();
                table.push_str(&format!("  {}: {text}\n    with {params:?}\n", dialect.name()));
            }
        }
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/counting.golden");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, &table).unwrap();
        }
        assert_eq!(table, std::fs::read_to_string(golden).unwrap(), "UPDATE_GOLDEN=1, then read the diff");
    }

    #[test]
    fn what_is_counted_differently_is_refused_by_name() {
        #[track_caller]
        fn check(query: &EventsQuery, expected: &str) {
            let why = statement(query, Dialect::PostgreSql, &columns()).unwrap_err();
            assert!(!why.is_temporary() && why.message.contains(expected), "{why}");
        }
        check(&query("count", Some(r#"bank =~ "h""#), &[]), "regular expressions mean something else");
        check(&query("sum(bank)", None, &[]), "`bank` is a text, and no number");
        check(&query("sum(amuont)", None, &[]), "no column `amuont`; did you mean `amount`?");
        check(&query("count", None, &["amount"]), "`amount` is a decimal, and its values form no groups");
        check(&query("distinct(amount)", None, &[]), "may be written in several ways");
        check(
            &EventsQuery { time: "day".to_owned(), ..query("count", None, &[]) },
            "`day` is of the type date, and no time",
        );
        check(&EventsQuery { table: "a..b".to_owned(), ..query("count", None, &[]) }, "no name of a table");
        check(&query("median(n)", None, &[]), "is not a measure");
    }
}
