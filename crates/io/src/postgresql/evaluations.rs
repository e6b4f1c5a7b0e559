//! Evaluations: each is written once, into the table of the day in which its window ends.

use std::collections::{BTreeSet, HashMap};

use lanner_core::content::{hex, unhex};
use lanner_core::time::DAY_MS;
use lanner_core::{AlertState, Evaluation, Group, Outcome, Score, TimeRange};
use tokio_postgres::Row;

use super::session::{Failure, Session, column, json, number, text};
use crate::state::EvaluationFilter;
use crate::store::StoreError;

const COLUMNS: &str = "rule, version, grp, start_ms, end_ms, value, base, score, outcome, error, state, late, evaluated_ms, lower, upper";
const ORDER: &str = "ORDER BY end_ms DESC, rule DESC, grp DESC, start_ms DESC, version DESC";

/// Evaluations, newest first by the ends of their windows.
pub(super) async fn list(db: &Session, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, Failure> {
    let limit = if filter.limit == 0 { 1_000 } else { filter.limit };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let group = filter.group.as_ref().map(serde_json::to_string).transpose()?;
    let (from_ms, to_ms) = (filter.from_ms.unwrap_or(i64::MIN), filter.to_ms.unwrap_or(i64::MAX));
    let rule = filter.rule.as_deref().map(text);
    // Planned apart: each has an index of its own.
    let of_rule = if rule.is_some() { "rule = $4" } else { "$4::text IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM evaluation
         WHERE end_ms >= $1 AND end_ms < $2 AND ($3::text IS NULL OR grp = $3) AND {of_rule} {ORDER} LIMIT $5"
    );
    let rows = db.query(&sql, &[&from_ms, &to_ms, &group, &rule, &limit]).await?;
    rows.iter().map(evaluation).collect()
}

/// All evaluations of some rules in the windows that end at some time.
pub(super) async fn of_windows(
    db: &Session,
    windows: BTreeSet<(&str, i64)>,
) -> Result<Vec<Evaluation>, Failure> {
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let (rules, ends): (Vec<String>, Vec<i64>) =
        windows.into_iter().map(|(rule, end_ms)| (text(rule), end_ms)).unzip();
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1::text[], $2::bigint[]) AS asked (rule, end_ms) JOIN evaluation USING (rule, end_ms)"
    );
    db.query(&sql, &[&rules, &ends]).await?.iter().map(evaluation).collect()
}

/// Refuses an id that is not the evaluation's identity.
pub(super) fn check_identities(evaluations: &[Evaluation]) -> Result<(), StoreError> {
    for it in evaluations {
        let expected = Evaluation::identity(&it.rule, it.version, &it.group, it.window);
        if it.id != expected {
            return Err(StoreError::WrongIdentity { id: it.id.clone(), rule: it.rule.to_string(), expected });
        }
    }
    Ok(())
}

/// Writes evaluations, within a transaction: each of them, or an error.
pub(super) async fn put(db: &Session, evaluations: &[Evaluation]) -> Result<(), Failure> {
    if evaluations.is_empty() {
        return Ok(());
    }
    make_days(db, evaluations).await?;
    let n = evaluations.len();
    let mut ids = Vec::with_capacity(n);
    let mut groups = Vec::with_capacity(n);
    for it in evaluations {
        let wrong = || StoreError::Corrupt { detail: format!("{} is no identity", it.id) };
        ids.push(unhex(&it.id).ok_or_else(wrong)?);
        groups.push(serde_json::to_string(&it.group)?);
    }
    let column = |of: fn(&Evaluation) -> i64| -> Vec<i64> { evaluations.iter().map(of).collect() };
    let numbers = |of: fn(&Evaluation) -> Option<f64>| -> Vec<Option<f64>> {
        evaluations.iter().map(|it| number(of(it))).collect()
    };
    let names =
        |of: fn(&Evaluation) -> &str| -> Vec<String> { evaluations.iter().map(|it| text(of(it))).collect() };
    let (ends, starts) = (column(|it| it.window.end_ms), column(|it| it.window.start_ms));
    let evaluated = column(|it| it.evaluated_ms);
    let versions: Vec<i32> = evaluations.iter().map(|it| it.version.cast_signed()).collect();
    let (values, bases) = (numbers(|it| it.value), numbers(|it| it.base));
    let (lowers, uppers) = (numbers(|it| it.lower), numbers(|it| it.upper));
    let scores = numbers(|it| it.score.map(Score::value));
    let (rules, outcomes, states) =
        (names(|it| &it.rule), names(|it| it.outcome.name()), names(|it| it.state.name()));
    let errors: Vec<Option<String>> = evaluations.iter().map(|it| it.error.as_deref().map(text)).collect();
    let late: Vec<bool> = evaluations.iter().map(|it| it.late).collect();
    let sql = format!(
        "INSERT INTO evaluation ({COLUMNS}, id)
         SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::float8[],
             $7::float8[], $8::float8[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::bigint[],
             $14::float8[], $15::float8[], $16::bytea[])
         ON CONFLICT (end_ms, id) DO NOTHING RETURNING id"
    );
    let rows = db
        .query(
            &sql,
            &[
                &rules, &versions, &groups, &starts, &ends, &values, &bases, &scores, &outcomes, &errors,
                &states, &late, &evaluated, &lowers, &uppers, &ids,
            ],
        )
        .await?;
    if rows.len() == n { Ok(()) } else { Err(again(evaluations, &rows)?.into()) }
}

/// The first evaluation that was not written, because it is there already.
fn again(evaluations: &[Evaluation], written: &[Row]) -> Result<StoreError, Failure> {
    let mut left: HashMap<String, usize> = HashMap::new();
    for row in written {
        *left.entry(hex(column(row, 0)?)).or_default() += 1;
    }
    let mut again = None;
    for it in evaluations {
        match left.get_mut(&it.id).filter(|n| **n > 0) {
            Some(n) => *n -= 1,
            None => {
                again = Some(it);
                break;
            }
        }
    }
    let (id, rule) = again.map(|it| (it.id.clone(), it.rule.to_string())).unwrap_or_default();
    Ok(StoreError::AlreadyEvaluated { id, rule })
}

/// Makes the tables of the days that evaluations are of, where they are missing.
async fn make_days(db: &Session, evaluations: &[Evaluation]) -> Result<(), Failure> {
    let days: BTreeSet<i64> = evaluations.iter().map(|it| it.window.end_ms.div_euclid(DAY_MS)).collect();
    let names: Vec<String> = days.iter().map(|day| table_of(*day)).collect();
    let sql = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL";
    let missing = db.query(sql, &[&names]).await?;
    let missing: Vec<String> = missing.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
    for (day, name) in days.into_iter().zip(names).filter(|(_, name)| missing.contains(name)) {
        let (from_ms, to_ms) = (day * DAY_MS, (day + 1).saturating_mul(DAY_MS));
        db.batch(&format!(
            "CREATE TABLE IF NOT EXISTS {name} PARTITION OF evaluation FOR VALUES FROM ({from_ms}) TO ({to_ms})"
        ))
        .await?;
    }
    Ok(())
}

/// The table of a day, counted from 1970-01-01: `evaluation_20454`.
fn table_of(day: i64) -> String {
    let before = if day < 0 { "before_" } else { "" };
    format!("evaluation_{before}{}", day.unsigned_abs())
}

/// The day of a table, if it is one of a day.
fn day_of(table: &str) -> Option<i64> {
    let rest = table.strip_prefix("evaluation_")?;
    match rest.strip_prefix("before_") {
        Some(rest) => rest.parse::<i64>().ok().map(|day| -day),
        None => rest.parse().ok(),
    }
}

/// The tables of days that ended before `before_ms`, oldest first.
pub(super) async fn old_days(db: &Session, before_ms: i64) -> Result<Vec<String>, Failure> {
    let sql = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
               WHERE inhparent = 'evaluation'::regclass";
    let mut old = BTreeSet::new();
    for row in db.query(sql, &[]).await? {
        let name: String = column(&row, 0)?;
        let day = day_of(&name).filter(|day| (day + 1).saturating_mul(DAY_MS) <= before_ms);
        old.extend(day.map(|day| (day, name)));
    }
    Ok(old.into_iter().map(|(_, name)| name).collect())
}

/// Drops the table of a day, within a transaction. Returns how many evaluations it held, as the database estimates.
pub(super) async fn drop_day(db: &Session, table: &str) -> Result<usize, Failure> {
    let sql = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass($1)";
    let row = db.query_opt(sql, &[&table]).await?;
    let n: i64 = row.map_or(Ok(0), |row| column(&row, 0))?;
    db.batch(&format!("DROP TABLE IF EXISTS {table}")).await?;
    Ok(usize::try_from(n).unwrap_or(0))
}

fn evaluation(row: &Row) -> Result<Evaluation, Failure> {
    let rule: String = column(row, 0)?;
    let version = column::<i32>(row, 1)?.cast_unsigned();
    let group: Group = json(row, 2)?;
    let window = TimeRange::new(column(row, 3)?, column(row, 4)?);
    let wrong =
        |text: &str| StoreError::Corrupt { detail: format!("an evaluation of rule {rule} is \"{text}\"") };
    let (outcome, state): (String, String) = (column(row, 8)?, column(row, 10)?);
    let parsed: Outcome = serde_json::from_value(outcome.as_str().into()).map_err(|_| wrong(&outcome))?;
    Ok(Evaluation {
        id: Evaluation::identity(&rule, version, &group, window),
        version,
        group,
        window,
        value: column(row, 5)?,
        base: column(row, 6)?,
        lower: column(row, 13)?,
        upper: column(row, 14)?,
        score: column::<Option<f64>>(row, 7)?.map(Score::new),
        outcome: parsed,
        error: column(row, 9)?,
        state: AlertState::parse(&state).ok_or_else(|| wrong(&state))?,
        late: column(row, 11)?,
        evaluated_ms: column(row, 12)?,
        evidence: None, // it is with the alert
        rule: rule.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::{day_of, table_of};

    #[test]
    fn days_are_known_by_the_names_of_their_tables() {
        for day in [0, 20_454, -1, -25_567] {
            assert_eq!(day_of(&table_of(day)), Some(day));
        }
        assert_eq!((day_of("evaluation_x"), day_of("other_1")), (None, None));
    }
}
