//! Numbers of rules, and how far each was walked.
//!
//! Numbers are given in the order in which rules are first walked, which is the order of every later turn as well: what
//! a turn writes lies side by side, and one page holds many of it.

use std::collections::HashMap;
use std::sync::Arc;

use lanner_core::{Changes, Cursor, TimeRange};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;

/// What a turn says of a rule beside its alerts.
#[derive(Default)]
struct Walked {
    window: Option<TimeRange>,
    /// The ends of the first and the last window that was evaluated.
    ends_ms: Option<(i64, i64)>,
}

/// The numbers of the rules that a turn names.
pub(super) struct Numbers<'c>(HashMap<&'c str, i64>);

impl<'c> Numbers<'c> {
    /// Notes how far the rules of `changes` were walked, within the caller's transaction. Rules that have no number get one.
    pub(super) fn note(db: &Connection, changes: &'c Changes) -> Result<Self, StoreError> {
        let mut upsert = db.prepare_cached(
            "INSERT INTO cursor (rule, start_ms, end_ms, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (rule) DO UPDATE SET
               start_ms = coalesce(excluded.start_ms, start_ms), end_ms = coalesce(excluded.end_ms, end_ms),
               first_ms = min(coalesce(first_ms, excluded.first_ms), coalesce(excluded.first_ms, first_ms)),
               last_ms = max(coalesce(last_ms, excluded.last_ms), coalesce(excluded.last_ms, last_ms))
             RETURNING number",
        )?;
        let mut numbers = HashMap::new();
        for (rule, Walked { window, ends_ms }) in Turn::of(changes) {
            let window = window.map(|window| (window.start_ms, window.end_ms)).unzip();
            let ends = ends_ms.unzip();
            let row = params![rule, window.0, window.1, ends.0, ends.1];
            numbers.insert(rule, upsert.query_row(row, |row| row.get(0))?);
        }
        Ok(Self(numbers))
    }

    /// The number of a rule of the turn.
    pub(super) fn of(&self, rule: &str) -> Result<i64, StoreError> {
        self.0.get(rule).copied().ok_or_else(|| StoreError::corrupt(format!("rule {rule} has no number")))
    }
}

/// The rules of a turn, in the order in which it names them.
#[derive(Default)]
struct Turn<'c> {
    rules: Vec<(&'c str, Walked)>,
    places: HashMap<&'c str, usize>,
}

impl<'c> Turn<'c> {
    fn of(changes: &'c Changes) -> Vec<(&'c str, Walked)> {
        let mut turn = Self::default();
        for Cursor { rule, window } in &changes.cursors {
            turn.rule(rule).window = Some(*window);
        }
        for evaluation in &changes.evaluations {
            let (walked, end_ms) = (turn.rule(&evaluation.rule), evaluation.window.end_ms);
            let (first_ms, last_ms) = walked.ends_ms.unwrap_or((end_ms, end_ms));
            walked.ends_ms = Some((first_ms.min(end_ms), last_ms.max(end_ms)));
        }
        for alert in &changes.alerts {
            turn.rule(&alert.rule);
        }
        turn.rules
    }

    fn rule(&mut self, rule: &'c str) -> &mut Walked {
        let at = *self.places.entry(rule).or_insert_with(|| {
            self.rules.push((rule, Walked::default()));
            self.rules.len() - 1
        });
        &mut self.rules[at].1
    }
}

/// A rule's number, and the ends of its first and last windows that were evaluated; `None` if none was.
pub(super) fn evaluated(db: &Connection, rule: &str) -> Result<Option<(i64, i64, i64)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT number, first_ms, last_ms FROM cursor WHERE rule = ?1 AND first_ms IS NOT NULL",
    )?;
    Ok(statement.query_row([rule], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
}

/// All cursors, in order of the rules' ids.
pub(super) fn cursors(db: &Connection) -> Result<Vec<Cursor>, StoreError> {
    let sql = "SELECT rule, start_ms, end_ms FROM cursor WHERE end_ms IS NOT NULL ORDER BY rule";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let rule: String = row.get(0)?;
        Ok(Cursor { rule: Arc::from(rule), window: TimeRange::new(row.get(1)?, row.get(2)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets alerts and cursor of a rule. It keeps its number as long as it has evaluations.
pub(super) fn forget(db: &Connection, rule: &str) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM alert WHERE number = (SELECT number FROM cursor WHERE rule = ?1)")?
        .execute([rule])?;
    db.prepare_cached("UPDATE cursor SET start_ms = NULL, end_ms = NULL WHERE rule = ?1")?.execute([rule])?;
    Ok(())
}

/// Drops forgotten rules whose evaluations were dropped as well.
pub(super) fn prune(db: &Connection, before_ms: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM cursor WHERE end_ms IS NULL AND coalesce(last_ms, ?1 - 1) < ?1
               AND number NOT IN (SELECT number FROM alert)";
    Ok(db.prepare_cached(sql)?.execute([before_ms])?)
}
