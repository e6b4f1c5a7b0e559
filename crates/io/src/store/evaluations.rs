//! Evaluations: each is written once, in order of time, and read back by time or by rule.

use lanner_core::{AlertState, Evaluation, Group, Outcome, Score, TimeRange};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{CachedStatement, Connection, Row, params, params_from_iter};

use super::rows::{group_key, json};
use super::rules::{self, Numbers};
use super::sums::{Table, columns, sum_of};
use super::{Store, StoreError};
use crate::state::EvaluationFilter;

const COLUMNS: &str = columns(Table::Evaluation);
const BAND_COLUMNS: &str = columns(Table::Band);
/// Along the index, backwards.
const ORDER: &str = "ORDER BY end_ms DESC, number DESC, grp DESC, start_ms DESC, version DESC";

impl Store {
    /// Evaluations, newest first by the ends of their windows.
    ///
    /// Cost: of all rules, that of the evaluations; of one rule beside that some microseconds for each time at which
    /// windows of any rule ended, as far back as it takes.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn evaluations(&self, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, StoreError> {
        let limit = if filter.limit == 0 { 1_000 } else { filter.limit };
        let range = TimeRange::new(filter.from_ms.unwrap_or(i64::MIN), filter.to_ms.unwrap_or(i64::MAX));
        let group = filter.group.as_ref().map(group_key).transpose()?;
        self.look(|db| match &filter.rule {
            Some(rule) => of_rule(db, rule, group, range, limit),
            None => of_all(db, group, range, limit),
        })
    }
}

/// Reads all columns, with the range of what is usual where there is one.
fn select() -> String {
    let is_whole = Table::Band.is_whole();
    format!(
        "SELECT {COLUMNS}, lower, upper FROM evaluation LEFT JOIN band ON band.seq = evaluation.seq AND {is_whole}"
    )
}

fn of_all(
    db: &Connection,
    group: Option<String>,
    range: TimeRange,
    limit: usize,
) -> Result<Vec<Evaluation>, StoreError> {
    let (select, is_whole) = (select(), Table::Evaluation.is_whole());
    let mut statement = db.prepare_cached(&format!(
        "{select}
         WHERE end_ms >= ?1 AND end_ms < ?2 AND (?3 IS NULL OR grp = ?3) AND {is_whole} {ORDER} LIMIT ?4"
    ))?;
    let values = [
        Sql::Integer(range.start_ms),
        Sql::Integer(range.end_ms),
        group.map_or(Sql::Null, Sql::Text),
        Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX)),
    ];
    let mut found = Vec::new();
    read(&mut statement, &values, &mut found)?;
    Ok(found)
}

/// From one end of windows to the one before: at each the index tells at once whether the rule has evaluations.
fn of_rule(
    db: &Connection,
    rule: &str,
    group: Option<String>,
    range: TimeRange,
    limit: usize,
) -> Result<Vec<Evaluation>, StoreError> {
    let _at_once = db.unchecked_transaction()?; // thousands of small questions, and one lock
    let Some((number, first_ms, last_ms)) = rules::evaluated(db, rule)? else { return Ok(Vec::new()) };
    let mut previous = db.prepare_cached("SELECT max(end_ms) FROM evaluation WHERE end_ms < ?1")?;
    let (select, is_whole) = (select(), Table::Evaluation.is_whole());
    let mut statement = db.prepare_cached(&format!(
        "{select}
         WHERE end_ms = ?1 AND number = ?2 AND rule = ?3 AND (?4 IS NULL OR grp = ?4) AND {is_whole} {ORDER} LIMIT ?5"
    ))?;
    let group = group.map_or(Sql::Null, Sql::Text);
    let mut end_ms = range.end_ms.min(last_ms.saturating_add(1));
    let mut found = Vec::new();
    while found.len() < limit {
        let before: Option<i64> = previous.query_row([end_ms], |row| row.get(0))?;
        let Some(at_ms) = before.filter(|at_ms| *at_ms >= range.start_ms.max(first_ms)) else { break };
        let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
        let key = [
            Sql::Integer(at_ms),
            Sql::Integer(number),
            Sql::Text(rule.to_owned()),
            group.clone(),
            Sql::Integer(left),
        ];
        read(&mut statement, &key, &mut found)?;
        end_ms = at_ms;
    }
    Ok(found)
}

/// Looks up what groups came to in one window.
pub(super) struct Latest<'c>(CachedStatement<'c>);

impl<'c> Latest<'c> {
    pub(super) fn prepare(db: &'c Connection) -> Result<Self, StoreError> {
        let (select, is_whole) = (select(), Table::Evaluation.is_whole());
        Ok(Self(db.prepare_cached(&format!(
            "{select}
             WHERE end_ms = ?1 AND number = ?2 AND grp = ?3 AND version = ?4 AND {is_whole} {ORDER} LIMIT 1"
        ))?))
    }

    /// What a version of a rule came to for a group in the window that ends at `end_ms`.
    pub(super) fn of(
        &mut self,
        number: i64,
        group: &str,
        end_ms: i64,
        version: u32,
    ) -> Result<Option<Evaluation>, StoreError> {
        let mut rows = self.0.query(params![end_ms, number, group, version])?;
        rows.next()?.map(evaluation).transpose()
    }
}

fn read(
    statement: &mut CachedStatement<'_>,
    values: &[Sql],
    found: &mut Vec<Evaluation>,
) -> Result<(), StoreError> {
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        found.push(evaluation(row)?);
    }
    Ok(())
}

/// Writes evaluations, within the caller's transaction: each of them, or an error.
pub(super) fn put(
    db: &Connection,
    evaluations: &[Evaluation],
    numbers: &Numbers<'_>,
) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(&format!(
        "INSERT OR IGNORE INTO evaluation ({COLUMNS}, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
    ))?;
    let mut insert_band = db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO band ({BAND_COLUMNS}, sum) VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))"
    ))?;
    for it in evaluations {
        let expected = Evaluation::identity(&it.rule, it.version, &it.group, it.window);
        if it.id != expected {
            return Err(StoreError::WrongIdentity { id: it.id.clone(), rule: it.rule.to_string(), expected });
        }
        let (group, number) = (group_key(&it.group)?, numbers.of(&it.rule)?);
        let real = |value: Option<f64>| value.map_or(ValueRef::Null, ValueRef::Real);
        let score = it.score.map(Score::value);
        // As the database sums them up: a number that is none is stored as nothing.
        let sum = sum_of(
            [
                ValueRef::Text(it.rule.as_bytes()),
                ValueRef::Integer(it.version.into()),
                ValueRef::Text(group.as_bytes()),
                ValueRef::Integer(it.window.start_ms),
                ValueRef::Integer(it.window.end_ms),
                real(it.value.filter(|value| !value.is_nan())),
                real(it.base.filter(|value| !value.is_nan())),
                real(score.filter(|value| !value.is_nan())),
                ValueRef::Text(it.outcome.name().as_bytes()),
                it.error.as_ref().map_or(ValueRef::Null, |error| ValueRef::Text(error.as_bytes())),
                ValueRef::Text(it.state.name().as_bytes()),
                ValueRef::Integer(it.late.into()),
                ValueRef::Integer(it.evaluated_ms),
                ValueRef::Integer(number),
            ]
            .into_iter(),
        );
        let n = insert.execute(params![
            &*it.rule,
            it.version,
            group,
            it.window.start_ms,
            it.window.end_ms,
            it.value,
            it.base,
            score,
            it.outcome.name(),
            it.error,
            it.state.name(),
            it.late,
            it.evaluated_ms,
            number,
            sum,
        ])?;
        if n == 0 {
            return Err(StoreError::AlreadyEvaluated { id: it.id.clone(), rule: it.rule.to_string() });
        }
        if it.lower.is_some() || it.upper.is_some() {
            // The file knows one zero only.
            let [lower, upper] = [it.lower, it.upper].map(|edge| edge.map(|edge| edge + 0.0));
            insert_band.execute(params![db.last_insert_rowid(), lower, upper])?;
        }
    }
    Ok(())
}

/// Drops up to `limit` of the evaluations made before `before_ms`. Rows are nearly in order of the time of evaluation, so
/// the old ones come first.
pub(super) fn prune(db: &Connection, before_ms: i64, limit: usize) -> Result<usize, StoreError> {
    const OLD: &str =
        "seq IN (SELECT seq FROM (SELECT seq, evaluated_ms FROM evaluation ORDER BY seq LIMIT ?2)
                               WHERE evaluated_ms < ?1)";
    // Of each that goes, as its number may be given again.
    let mut delete = db.prepare_cached(&format!("DELETE FROM band WHERE {OLD}"))?;
    delete.execute(params![before_ms, limit as i64])?;
    let mut delete = db.prepare_cached(&format!("DELETE FROM evaluation WHERE {OLD}"))?;
    Ok(delete.execute(params![before_ms, limit as i64])?)
}

fn evaluation(row: &Row<'_>) -> Result<Evaluation, StoreError> {
    let rule: String = row.get(0)?;
    let version = row.get(1)?;
    let group: Group = json(row, 2)?;
    let window = TimeRange::new(row.get(3)?, row.get(4)?);
    let wrong = |text: &str| StoreError::corrupt(format!("an evaluation of rule {rule} is \"{text}\""));
    let outcome: String = row.get(8)?;
    let state: String = row.get(10)?;
    let parsed: Outcome = serde_json::from_value(outcome.as_str().into()).map_err(|_| wrong(&outcome))?;
    Ok(Evaluation {
        id: Evaluation::identity(&rule, version, &group, window),
        version,
        group,
        window,
        value: row.get(5)?,
        base: row.get(6)?,
        lower: row.get(14)?,
        upper: row.get(15)?,
        score: row.get::<_, Option<f64>>(7)?.map(Score::new),
        outcome: parsed,
        error: row.get(9)?,
        state: AlertState::parse(&state).ok_or_else(|| wrong(&state))?,
        late: row.get(11)?,
        evaluated_ms: row.get(12)?,
        evidence: None, // it is with the alert
        rule: rule.into(),
    })
}
