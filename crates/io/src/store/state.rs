//! The engine's state: writes the changes of one evaluation cycle in one transaction, and reads it back.
//!
//! Bodies are JSON in the shapes of `lanner-core`, whose definition belongs to others.

use std::sync::Arc;

use lanner_core::{
    Alert, AlertState, Changes, Cursor, Evaluation, Group, Labels, Measured, NotificationLogEntry, Outcome,
    Score, Silence, TimeRange,
};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde::de::DeserializeOwned;

use super::rows::{group_key, json};
use super::sums::{Table, columns};
use super::{Receipt, Store, StoreError};

/// Which evaluations to list, newest first. The default lists the latest of all rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluationFilter {
    /// Only of this rule.
    pub rule: Option<Arc<str>>,
    /// Only of this group.
    pub group: Option<Group>,
    /// Only windows that end at this time or later.
    pub from_ms: Option<i64>,
    /// Only windows that end before this time.
    pub to_ms: Option<i64>,
    /// At most this many; 0 stands for 1,000.
    pub limit: usize,
}

/// A silence's id, and the silence or why it cannot be read.
type ReadSilence = (String, Result<Silence, String>);

const EVALUATION_COLUMNS: &str = columns(Table::Evaluation);

impl Store {
    /// Writes what one turn of the engine changes: all of it in one transaction, or nothing.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::AlreadyEvaluated`] when one of the evaluations is stored already,
    /// [`StoreError::WrongIdentity`] when an id is not the evaluation's identity, and failures of the file.
    /// In each case nothing of the set is written, and other writes are not affected.
    pub fn apply(&self, changes: impl Into<Arc<Changes>>) -> Result<Receipt, StoreError> {
        let changes: Arc<Changes> = changes.into();
        let bytes = 300 * (changes.evaluations.len() + changes.alerts.len() + changes.history.len())
            + 2_000 * changes.outbox.len()
            + 100;
        self.write(bytes, move |db| apply(db, &changes))
    }

    /// All alerts.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn load_alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.look(|db| bodies(db, "SELECT body FROM alert ORDER BY rule, grp"))
    }

    /// How far each rule has been walked.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn load_cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        self.look(|db| {
            let mut statement =
                db.prepare_cached("SELECT rule, start_ms, end_ms FROM cursor ORDER BY rule")?;
            let rows = statement.query_map([], |row| {
                let rule: String = row.get(0)?;
                Ok(Cursor { rule: rule.into(), window: TimeRange::new(row.get(1)?, row.get(2)?) })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What the receivers have been told; of each group its own piece first.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn load_notification_log(&self) -> Result<Vec<NotificationLogEntry>, StoreError> {
        self.look(|db| {
            let sql = "SELECT receiver, grp, alert, record FROM told ORDER BY receiver, grp, alert";
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut told = Vec::new();
            while let Some(row) = rows.next()? {
                let receiver: String = row.get(0)?;
                let group: Labels = json(row, 1)?;
                let alert: String = row.get(2)?;
                let alert = Some(alert).filter(|alert| !alert.is_empty()).map(Arc::from);
                told.push(NotificationLogEntry {
                    receiver: receiver.into(),
                    group,
                    alert,
                    record: Some(row.get(3)?),
                });
            }
            Ok(told)
        })
    }

    /// The value that was measured for this window, if it was.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn measured(
        &self,
        query: u64,
        group: &Group,
        window: TimeRange,
    ) -> Result<Option<Measured>, StoreError> {
        let sql = format!(
            "SELECT value FROM history WHERE query = ?1 AND start_ms = ?2 AND end_ms = ?3 AND grp = ?4 AND {}",
            Table::History.is_whole()
        );
        let value: Option<Option<f64>> = self.look(|db| {
            let mut statement = db.prepare_cached(&sql)?;
            let key = params![query as i64, window.start_ms, window.end_ms, group_key(group)?];
            Ok(statement.query_row(key, |row| row.get(0)).optional()?)
        })?;
        Ok(value.map(|value| Measured { query, group: group.clone(), window, value }))
    }

    /// All values of a query, of all groups, whose windows begin in `range`; in order of the windows.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn measured_range(&self, query: u64, range: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT start_ms, end_ms, grp, value FROM history
                 WHERE query = ?1 AND start_ms >= ?2 AND start_ms < ?3 AND {} ORDER BY start_ms, end_ms, grp",
                Table::History.is_whole()
            ))?;
            let mut rows = statement.query(params![query as i64, range.start_ms, range.end_ms])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let window = TimeRange::new(row.get(0)?, row.get(1)?);
                found.push(Measured { query, group: json(row, 2)?, window, value: row.get(3)? });
            }
            Ok(found)
        })
    }

    /// The values measured in exactly one window, for all groups.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn measured_window(&self, query: u64, window: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT grp, value FROM history WHERE query = ?1 AND start_ms = ?2 AND end_ms = ?3 AND {} ORDER BY grp",
                Table::History.is_whole()
            ))?;
            let mut rows = statement.query(params![query as i64, window.start_ms, window.end_ms])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(Measured { query, group: json(row, 0)?, window, value: row.get(1)? });
            }
            Ok(found)
        })
    }

    /// Forgets what was measured for `query` in windows that touch `range` and are at most `window_ms` long; each of
    /// `wrong` says so. Blocks until that is durable; what it forgets it forgets in many commits, so that others are
    /// written in between however much that is.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn forget_measured(&self, wrong: &[(u64, TimeRange, i64)]) -> Result<(), StoreError> {
        let mut rest = wrong;
        while !rest.is_empty() {
            let next = rest[..rest.len().min(1_000)].to_vec();
            let n_done = self.write(100 * next.len(), move |db| forget_some(db, &next))?.wait()?;
            rest = &rest[n_done..];
        }
        Ok(())
    }

    /// Evaluations, newest first: by the end of their windows for one rule, otherwise as they were stored.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn evaluations(&self, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, StoreError> {
        let (mut wheres, mut values): (Vec<&str>, Vec<Sql>) = (Vec::new(), Vec::new());
        let mut condition = |text, value: Sql| {
            wheres.push(text);
            values.push(value);
        };
        if let Some(rule) = &filter.rule {
            condition("rule = ?", Sql::Text(rule.to_string()));
        }
        if let Some(group) = &filter.group {
            condition("grp = ?", Sql::Text(group_key(group)?));
        }
        if let Some(from_ms) = filter.from_ms {
            condition("end_ms >= ?", Sql::Integer(from_ms));
        }
        if let Some(to_ms) = filter.to_ms {
            condition("end_ms < ?", Sql::Integer(to_ms));
        }
        let is_whole = Table::Evaluation.is_whole();
        wheres.push(&is_whole);
        let wheres = wheres.join(" AND ");
        let order = if filter.rule.is_some() { "end_ms DESC, start_ms DESC, seq DESC" } else { "seq DESC" };
        let limit = if filter.limit == 0 { 1_000 } else { filter.limit };
        let sql = format!(
            "SELECT {EVALUATION_COLUMNS} FROM evaluation WHERE {wheres} ORDER BY {order} LIMIT {limit}"
        );
        self.look(|db| {
            let mut statement = db.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(evaluation(row)?);
            }
            Ok(found)
        })
    }

    /// Adds a silence, or replaces the one with the same id.
    ///
    /// # Errors
    /// Failures of the file, from the receipt.
    pub fn add_silence(&self, silence: Silence) -> Result<Receipt, StoreError> {
        self.write(500, move |db| put_silence(db, &silence))
    }

    /// All silences, those that end last first; ended ones stay listed as long as measured values.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        Ok(self.all_silences()?.into_iter().filter_map(|(_, silence)| silence.ok()).collect())
    }

    /// Silences that cannot be read, and why; they mute nobody.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn unreadable_silences(&self) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.all_silences()?.into_iter();
        Ok(all.filter_map(|(id, silence)| Some((id, silence.err()?))).collect())
    }

    fn all_silences(&self) -> Result<Vec<ReadSilence>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached("SELECT id, body FROM silence ORDER BY end_ms DESC, id")?;
            let mut rows = statement.query([])?;
            let mut silences = Vec::new();
            while let Some(row) = rows.next()? {
                silences.push((row.get(0)?, json(row, 1).map_err(|error| error.to_string())));
            }
            Ok(silences)
        })
    }

    /// Ends a silence at `now_ms`, if it would end later. One that cannot be read is deleted.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn expire_silence(&self, id: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        let id = id.to_owned();
        self.write(100, move |db| {
            let sql = "SELECT body FROM silence WHERE id = ?1";
            let body: Option<String> = db.query_row(sql, [&id], |row| row.get(0)).optional()?;
            let name = id.clone();
            let body = body.ok_or(StoreError::NotFound { what: "silence", name: id })?;
            let Ok(mut silence) = serde_json::from_str::<Silence>(&body) else {
                db.execute("DELETE FROM silence WHERE id = ?1", [&name])?;
                return Ok(());
            };
            silence.end_ms = silence.end_ms.min(now_ms);
            put_silence(db, &silence)
        })
    }
}

/// Forgets up to 10,000 measured values; returns how many of `wrong` are done with.
fn forget_some(db: &Connection, wrong: &[(u64, TimeRange, i64)]) -> Result<usize, StoreError> {
    let mut delete = db.prepare_cached(
        "DELETE FROM history WHERE (query, start_ms, end_ms, grp) IN (
           SELECT query, start_ms, end_ms, grp FROM history
           WHERE query = ?1 AND start_ms > ?2 AND start_ms < ?3 AND end_ms > ?4 LIMIT ?5)",
    )?;
    let mut left: i64 = 10_000;
    for (at, (query, range, window_ms)) in wrong.iter().enumerate() {
        let from_ms = range.start_ms.saturating_sub(*window_ms);
        left -= delete.execute(params![*query as i64, from_ms, range.end_ms, range.start_ms, left])? as i64;
        if left == 0 {
            return Ok(at);
        }
    }
    Ok(wrong.len())
}

pub(super) fn put_silence(db: &Connection, silence: &Silence) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO silence (id, end_ms, body) VALUES (?1, ?2, ?3)")?
        .execute(params![silence.id, silence.end_ms, serde_json::to_string(silence)?])?;
    Ok(())
}

/// All rows of a statement with one column of JSON.
fn bodies<T: DeserializeOwned>(db: &Connection, sql: &str) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(json(row, 0)?);
    }
    Ok(found)
}

fn apply(db: &Connection, changes: &Changes) -> Result<(), StoreError> {
    for evaluation in &changes.evaluations {
        put_evaluation(db, evaluation)?;
    }
    let mut history = db.prepare_cached(
        "INSERT OR REPLACE INTO history (query, start_ms, end_ms, grp, value, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, row_sum(?1, ?2, ?3, ?4, ?5))",
    )?;
    for Measured { query, group, window, value } in &changes.history {
        let group = group_key(group)?;
        history.execute(params![*query as i64, window.start_ms, window.end_ms, group, value])?;
    }
    let mut alert =
        db.prepare_cached("INSERT OR REPLACE INTO alert (rule, grp, body) VALUES (?1, ?2, ?3)")?;
    for changed in &changes.alerts {
        let body = serde_json::to_string(changed)?;
        alert.execute(params![&*changed.rule, group_key(&changed.group)?, body])?;
    }
    let mut cursor =
        db.prepare_cached("INSERT OR REPLACE INTO cursor (rule, start_ms, end_ms) VALUES (?1, ?2, ?3)")?;
    for Cursor { rule, window } in &changes.cursors {
        cursor.execute(params![&**rule, window.start_ms, window.end_ms])?;
    }
    for notification in &changes.outbox {
        super::outbox::put(db, notification)?;
    }
    for told in &changes.notification_log {
        put_notification_log(db, told)?;
    }
    for rule in &changes.forgotten_rules {
        db.prepare_cached("DELETE FROM alert WHERE rule = ?1")?.execute([&**rule])?;
        db.prepare_cached("DELETE FROM cursor WHERE rule = ?1")?.execute([&**rule])?;
    }
    for (rule, group) in &changes.forgotten_groups {
        let mut delete = db.prepare_cached("DELETE FROM alert WHERE rule = ?1 AND grp = ?2")?;
        delete.execute(params![&**rule, group_key(group)?])?;
    }
    changes.watched_ms.map_or(Ok(()), |watched_ms| super::watch::note(db, watched_ms))
}

fn put_notification_log(
    db: &Connection,
    NotificationLogEntry { receiver, group, alert, record }: &NotificationLogEntry,
) -> Result<(), StoreError> {
    let (receiver, group, piece) = (&**receiver, group_key(group)?, alert.as_deref().unwrap_or_default());
    match (record, alert) {
        (Some(record), _) => db
            .prepare_cached(
                "INSERT OR REPLACE INTO told (receiver, grp, alert, record) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![receiver, group, piece, record])?,
        (None, Some(_)) => db
            .prepare_cached("DELETE FROM told WHERE receiver = ?1 AND grp = ?2 AND alert = ?3")?
            .execute(params![receiver, group, piece])?,
        (None, None) => db
            .prepare_cached("DELETE FROM told WHERE receiver = ?1 AND grp = ?2")?
            .execute(params![receiver, group])?,
    };
    Ok(())
}

fn put_evaluation(db: &Connection, it: &Evaluation) -> Result<(), StoreError> {
    let expected = Evaluation::identity(&it.rule, it.version, &it.group, it.window);
    if it.id != expected {
        return Err(StoreError::WrongIdentity { id: it.id.clone(), rule: it.rule.to_string(), expected });
    }
    let sql = format!(
        "INSERT OR IGNORE INTO evaluation ({EVALUATION_COLUMNS}, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                 row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))"
    );
    let group = group_key(&it.group)?;
    let n = db.prepare_cached(&sql)?.execute(params![
        &*it.rule,
        it.version,
        group,
        it.window.start_ms,
        it.window.end_ms,
        it.value,
        it.base,
        it.score.map(Score::value),
        it.outcome.name(),
        it.error,
        it.state.name(),
        it.late,
        it.evaluated_ms,
    ])?;
    if n == 0 {
        return Err(StoreError::AlreadyEvaluated { id: it.id.clone(), rule: it.rule.to_string() });
    }
    Ok(())
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
        score: row.get::<_, Option<f64>>(7)?.map(Score::new),
        outcome: parsed,
        error: row.get(9)?,
        evidence: None, // it is with the alert
        state: AlertState::parse(&state).ok_or_else(|| wrong(&state))?,
        late: row.get(11)?,
        evaluated_ms: row.get(12)?,
        rule: rule.into(),
    })
}
