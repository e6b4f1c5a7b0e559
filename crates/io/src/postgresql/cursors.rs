//! How far each rule was walked, and to whom it belongs.

use std::collections::HashMap;
use std::sync::Arc;

use lanner_core::{Changes, Cursor, TimeRange};

use super::session::{Failure, Session, column, text};
use crate::state::Shards;
use crate::store::StoreError;

/// What a turn says of a rule beside its alerts.
#[derive(Default, Clone, Copy)]
struct Walked {
    window: Option<TimeRange>,
    shard: Option<u8>,
    /// The ends of the first and the last window that was evaluated.
    ends_ms: Option<(i64, i64)>,
}

/// In the place of a shard: the rule is not shared out.
pub(super) const UNSHARED: i16 = -2;

/// Which rules a writer may write, or a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owned {
    /// Whichever it likes: nobody owns what it writes.
    Any,
    /// Those of shards.
    Of(Shards),
    /// Those that are not shared out. What it writes becomes its own: whoever owned it before finds that out.
    Unshared,
}

impl Owned {
    /// Those that are meant, as a condition on `shard` and its parameter.
    pub(super) const fn condition(self) -> (&'static str, Option<i16>) {
        match self {
            Self::Any | Self::Of(Shards::All) => ("$1::smallint IS NULL", None),
            Self::Of(Shards::One(shard)) => ("shard = $1::smallint", Some(shard as i16)),
            Self::Unshared => ("coalesce(shard, $1::smallint) = $1::smallint", Some(UNSHARED)),
        }
    }
}

/// Notes how far the rules of a turn were walked, within a transaction. All of them must belong to `owned`.
pub(super) async fn note(db: &Session, changes: &Changes, owned: Owned) -> Result<(), Failure> {
    let turn = turn(changes);
    if turn.is_empty() {
        return Ok(());
    }
    let rules: Vec<String> = turn.iter().map(|(rule, _)| text(rule)).collect();
    let names: Vec<&str> = turn.iter().map(|(rule, _)| *rule).collect();
    check_stored(db, owned, &names).await?;
    for (rule, walked) in &turn {
        check_owned(owned, rule, walked.shard)?;
    }
    let windows: Vec<Option<TimeRange>> = turn.iter().map(|(_, it)| it.window).collect();
    let starts: Vec<Option<i64>> = windows.iter().map(|it| it.map(|it| it.start_ms)).collect();
    let ends: Vec<Option<i64>> = windows.iter().map(|it| it.map(|it| it.end_ms)).collect();
    let firsts: Vec<Option<i64>> = turn.iter().map(|(_, it)| it.ends_ms.map(|it| it.0)).collect();
    let lasts: Vec<Option<i64>> = turn.iter().map(|(_, it)| it.ends_ms.map(|it| it.1)).collect();
    let shards: Vec<Option<i16>> =
        turn.iter().map(|(_, it)| it.shard.map(|shard| stored_shard(owned, shard))).collect();
    // `least` and `greatest` pass over what is null.
    let sql = "INSERT INTO cursor (rule, start_ms, end_ms, first_ms, last_ms, shard)
               SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[])
               ON CONFLICT (rule) DO UPDATE SET
                   start_ms = coalesce(excluded.start_ms, cursor.start_ms),
                   end_ms = coalesce(excluded.end_ms, cursor.end_ms),
                   first_ms = least(excluded.first_ms, cursor.first_ms),
                   last_ms = greatest(excluded.last_ms, cursor.last_ms),
                   shard = coalesce(excluded.shard, cursor.shard)";
    db.execute(sql, &[&rules, &starts, &ends, &firsts, &lasts, &shards]).await?;
    Ok(())
}

/// The rules of a turn, in the order of their names: two that write at once must not wait for each other.
fn turn(changes: &Changes) -> Vec<(&str, Walked)> {
    let mut rules: HashMap<&str, Walked> = HashMap::new();
    for Cursor { rule, window, shard } in &changes.cursors {
        let walked = rules.entry(rule).or_default();
        (walked.window, walked.shard) = (Some(*window), Some(*shard));
    }
    for evaluation in &changes.evaluations {
        let (walked, end_ms) = (rules.entry(&evaluation.rule).or_default(), evaluation.window.end_ms);
        let (first_ms, last_ms) = walked.ends_ms.unwrap_or((end_ms, end_ms));
        walked.ends_ms = Some((first_ms.min(end_ms), last_ms.max(end_ms)));
    }
    for alert in &changes.alerts {
        rules.entry(&alert.rule).or_default();
    }
    let mut turn: Vec<(&str, Walked)> = rules.into_iter().collect();
    turn.sort_unstable_by_key(|(rule, _)| *rule);
    turn
}

/// Refuses a rule that belongs to somebody else; one without a shard belongs to nobody.
fn check_owned(owned: Owned, rule: &str, shard: Option<u8>) -> Result<(), Failure> {
    match (owned, shard) {
        (Owned::Of(owned), Some(shard)) if !owned.contain(shard) => {
            Err(StoreError::NotInShard { rule: rule.to_owned(), shard }.into())
        }
        _ => Ok(()),
    }
}

/// As [`check_owned`], of rules that are stored, if they are.
pub(super) async fn check_stored(db: &Session, owned: Owned, rules: &[&str]) -> Result<(), Failure> {
    let Owned::Of(Shards::One(own)) = owned else { return Ok(()) };
    if rules.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = rules.iter().map(|rule| text(rule)).collect();
    let sql = "SELECT rule, shard FROM cursor WHERE rule = ANY($1) AND shard <> $2 ORDER BY rule LIMIT 1";
    match db.query_opt(sql, &[&names, &i16::from(own)]).await? {
        Some(row) => {
            let shard = u8::try_from(column::<i16>(&row, 1)?).unwrap_or(0);
            Err(StoreError::NotInShard { rule: column(&row, 0)?, shard }.into())
        }
        None => Ok(()),
    }
}

/// Of some rules those that a shard owns, or nobody shares, other than this one.
pub(super) async fn of_others(db: &Session, own: u8, rules: &[&str]) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = rules.iter().map(|rule| text(rule)).collect();
    let sql = "SELECT rule FROM cursor WHERE rule = ANY($1) AND shard <> $2";
    let rows = db.query(sql, &[&names, &i16::from(own)]).await?;
    rows.iter().map(|row| column(row, 0)).collect()
}

/// Takes all rules out of the shards but those that are shared, within a transaction.
pub(super) async fn share_only(db: &Session, shared: &[String]) -> Result<(), Failure> {
    let sql = "UPDATE cursor SET shard = $2 WHERE shard >= 0 AND rule <> ALL($1)";
    db.execute(sql, &[&shared, &UNSHARED]).await?;
    Ok(())
}

/// What stands for a shard in a row that `owned` writes.
fn stored_shard(owned: Owned, shard: u8) -> i16 {
    if owned == Owned::Unshared { UNSHARED } else { i16::from(shard) }
}

/// The cursors of some rules, in order of the rules' ids.
pub(super) async fn load(db: &Session, owned: Owned) -> Result<Vec<Cursor>, Failure> {
    let (condition, shard) = owned.condition();
    let sql = format!(
        "SELECT rule, start_ms, end_ms, coalesce(shard, 0::smallint) FROM cursor
         WHERE end_ms IS NOT NULL AND {condition} ORDER BY rule"
    );
    let rows = db.query(&sql, &[&shard]).await?;
    let cursor = |row: &tokio_postgres::Row| {
        let window = TimeRange::new(column(row, 1)?, column(row, 2)?);
        let shard = u8::try_from(column::<i16>(row, 3)?).unwrap_or(0);
        Ok(Cursor { rule: Arc::from(column::<String>(row, 0)?), window, shard })
    };
    rows.iter().map(cursor).collect()
}

/// Forgets alerts and cursor of a rule. It stays known as long as it has evaluations, and belongs to no shard.
pub(super) async fn forget(db: &Session, rule: &str) -> Result<(), Failure> {
    let rule = text(rule);
    db.execute("DELETE FROM alert WHERE rule = $1", &[&rule]).await?;
    let sql = "UPDATE cursor SET start_ms = NULL, end_ms = NULL, shard = NULL WHERE rule = $1";
    db.execute(sql, &[&rule]).await?;
    Ok(())
}

/// Drops forgotten rules whose evaluations were dropped as well.
pub(super) async fn prune(db: &Session, before_ms: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM cursor WHERE end_ms IS NULL AND coalesce(last_ms < $1, true)
               AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.rule = cursor.rule)";
    db.execute(sql, &[&before_ms]).await
}
