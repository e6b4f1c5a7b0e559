//! Numbers of rules, and how far each was walked.
//!
//! Numbers are given in the order in which rules are first walked, which is the order of every later turn as well: what
//! a turn writes lies side by side, and one page holds many of it.

use std::collections::HashMap;
use std::sync::Arc;

use lanner_core::{Changes, Cursor, TimeRange};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use super::sums::Table;
use crate::state::Shards;

/// What a turn says of a rule beside its alerts.
#[derive(Default)]
struct Walked {
    window: Option<TimeRange>,
    shard: Option<u8>,
    /// The ends of the first and the last window that was evaluated.
    ends_ms: Option<(i64, i64)>,
}

/// The numbers of the rules that a turn names.
pub(super) struct Numbers<'c>(HashMap<&'c str, i64>);

impl<'c> Numbers<'c> {
    /// Notes how far the rules of `changes` were walked, within the caller's transaction. Rules that have no number get one.
    /// All of them must belong to the shards of `owned`, if that is given.
    pub(super) fn note(
        db: &Connection,
        changes: &'c Changes,
        owned: Option<Shards>,
    ) -> Result<Self, StoreError> {
        let mut upsert = db.prepare_cached(&upsert())?;
        let mut numbers = HashMap::new();
        for (rule, Walked { window, shard, ends_ms }) in Turn::of(changes) {
            let window = window.map(|window| (window.start_ms, window.end_ms)).unzip();
            let ends = ends_ms.unzip();
            let row = params![rule, window.0, window.1, ends.0, ends.1, shard];
            let (number, stored): (i64, Option<u8>) =
                upsert.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
            check_owned(owned, rule, stored)?;
            check_owned(owned, rule, shard)?;
            if shard.is_some() && stored != shard {
                // Not above: the index by shard would be written for each evaluation.
                let sum = "row_sum(rule, ?2, start_ms, end_ms, first_ms, last_ms)";
                db.prepare_cached(&format!("UPDATE cursor SET shard = ?2, sum = {sum} WHERE number = ?1"))?
                    .execute(params![number, shard])?;
            }
            numbers.insert(rule, number);
        }
        Ok(Self(numbers))
    }

    /// The number of a rule of the turn.
    pub(super) fn of(&self, rule: &str) -> Result<i64, StoreError> {
        self.0.get(rule).copied().ok_or_else(|| StoreError::corrupt(format!("rule {rule} has no number")))
    }
}

/// Notes how far a rule was walked beside what was noted before.
fn upsert() -> String {
    let [start, end] = ["start_ms", "end_ms"].map(|it| format!("coalesce(excluded.{it}, {it})"));
    let [first, last] = [("min", "first_ms"), ("max", "last_ms")]
        .map(|(which, it)| format!("{which}(coalesce({it}, excluded.{it}), coalesce(excluded.{it}, {it}))"));
    format!(
        "INSERT INTO cursor (rule, start_ms, end_ms, first_ms, last_ms, shard, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_sum(?1, ?6, ?2, ?3, ?4, ?5))
         ON CONFLICT (rule) DO UPDATE SET
           start_ms = {start}, end_ms = {end}, first_ms = {first}, last_ms = {last},
           sum = row_sum(rule, shard, {start}, {end}, {first}, {last})
         RETURNING number, shard"
    )
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
        for Cursor { rule, window, shard } in &changes.cursors {
            let walked = turn.rule(rule);
            (walked.window, walked.shard) = (Some(*window), Some(*shard));
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

/// The cursors of some shards, in order of the rules' ids.
pub(super) fn cursors(db: &Connection, shards: Shards) -> Result<Vec<Cursor>, StoreError> {
    let (condition, is_whole) = (in_shards(shards), Table::Cursor.is_whole());
    // A rule whose cursor is damaged begins anew, rather than waits for a year that nobody meant.
    let mut statement = db.prepare_cached(&format!(
        "SELECT rule, start_ms, end_ms, coalesce(shard, 0) FROM cursor
         WHERE end_ms IS NOT NULL AND {condition} AND {is_whole} ORDER BY rule"
    ))?;
    let rows = statement.query_map([], |row| {
        let rule: String = row.get(0)?;
        let window = TimeRange::new(row.get(1)?, row.get(2)?);
        Ok(Cursor { rule: Arc::from(rule), window, shard: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The condition under which a cursor's rule belongs to some shards.
pub(super) fn in_shards(shards: Shards) -> String {
    match shards {
        Shards::All => "true".to_owned(),
        Shards::One(shard) => format!("shard = {shard}"),
    }
}

/// Refuses a rule that belongs to somebody else; one without a shard belongs to nobody.
fn check_owned(owned: Option<Shards>, rule: &str, shard: Option<u8>) -> Result<(), StoreError> {
    match (owned, shard) {
        (Some(owned), Some(shard)) if !owned.contain(shard) => {
            Err(StoreError::NotInShard { rule: rule.to_owned(), shard })
        }
        _ => Ok(()),
    }
}

/// As [`check_owned`], of a rule that is stored, if it is.
pub(super) fn check_stored(db: &Connection, owned: Option<Shards>, rule: &str) -> Result<(), StoreError> {
    if owned.is_none_or(|owned| owned == Shards::All) {
        return Ok(());
    }
    let mut statement = db.prepare_cached("SELECT shard FROM cursor WHERE rule = ?1")?;
    let shard: Option<Option<u8>> = statement.query_row([rule], |row| row.get(0)).optional()?;
    check_owned(owned, rule, shard.flatten())
}

/// Forgets alerts and cursor of a rule. It keeps its number as long as it has evaluations, and no shard.
pub(super) fn forget(db: &Connection, rule: &str) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM alert WHERE number = (SELECT number FROM cursor WHERE rule = ?1)")?
        .execute([rule])?;
    db.prepare_cached(
        "UPDATE cursor SET start_ms = NULL, end_ms = NULL, shard = NULL,
           sum = row_sum(rule, NULL, NULL, NULL, first_ms, last_ms) WHERE rule = ?1",
    )?
    .execute([rule])?;
    Ok(())
}

/// Drops forgotten rules whose evaluations were dropped as well.
pub(super) fn prune(db: &Connection, before_ms: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM cursor WHERE end_ms IS NULL AND coalesce(last_ms, ?1 - 1) < ?1
               AND number NOT IN (SELECT number FROM alert)";
    Ok(db.prepare_cached(sql)?.execute([before_ms])?)
}
