//! Values that were measured, so that they need not be measured again.

use std::collections::HashMap;

use lanner_core::{Measured, TimeRange};

use super::session::{Failure, Session, column, json, key_of, number};

/// As many are forgotten in one transaction.
const PIECE: i64 = 10_000;

/// The values measured in exactly one window, for all groups.
pub(super) async fn window(db: &Session, query: u64, window: TimeRange) -> Result<Vec<Measured>, Failure> {
    let sql =
        "SELECT grp, value FROM history WHERE query = $1 AND start_ms = $2 AND end_ms = $3 ORDER BY grp";
    let rows = db.query(sql, &[&query.cast_signed(), &window.start_ms, &window.end_ms]).await?;
    rows.iter()
        .map(|row| Ok(Measured { query, group: json(row, 0)?, window, value: column(row, 1)? }))
        .collect()
}

/// Keeps values, within a transaction.
pub(super) async fn put(db: &Session, history: &[Measured]) -> Result<(), Failure> {
    if history.is_empty() {
        return Ok(());
    }
    // Of two of one group the later counts; a statement may not write a row twice.
    let mut latest = HashMap::with_capacity(history.len());
    for Measured { query, group, window, value } in history {
        latest
            .insert((*query, window.start_ms, window.end_ms, serde_json::to_string(group)?), number(*value));
    }
    let n = latest.len();
    let (mut queries, mut starts, mut ends) =
        (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
    let (mut keys, mut groups, mut values) =
        (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
    for ((query, start_ms, end_ms, group), value) in latest {
        queries.push(query.cast_signed());
        starts.push(start_ms);
        ends.push(end_ms);
        keys.push(key_of(&group));
        groups.push(group);
        values.push(value);
    }
    let sql = "INSERT INTO history (query, start_ms, end_ms, grp_key, grp, value)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::float8[])
               ON CONFLICT (query, start_ms, end_ms, grp_key) DO UPDATE SET value = excluded.value";
    db.execute(sql, &[&queries, &starts, &ends, &keys, &groups, &values]).await?;
    Ok(())
}

/// Forgets up to [`PIECE`] measured values, within a transaction; returns how many of `wrong` are done with.
pub(super) async fn forget_some(db: &Session, wrong: &[(u64, TimeRange, i64)]) -> Result<usize, Failure> {
    let sql = "DELETE FROM history WHERE ctid = ANY(ARRAY(SELECT ctid FROM history
               WHERE query = $1 AND start_ms > $2 AND start_ms < $3 AND end_ms > $4 LIMIT $5))";
    let mut left = PIECE;
    for (at, (query, range, window_ms)) in wrong.iter().enumerate() {
        let from_ms = range.start_ms.saturating_sub(*window_ms);
        let values: super::session::Values<'_> =
            &[&query.cast_signed(), &from_ms, &range.end_ms, &range.start_ms, &left];
        left -= db.execute(sql, values).await?.cast_signed();
        if left == 0 {
            return Ok(at);
        }
    }
    Ok(wrong.len())
}

/// Drops up to [`PIECE`] values whose windows began before `before_ms`, within a transaction; returns how many.
pub(super) async fn prune_some(db: &Session, before_ms: i64) -> Result<usize, Failure> {
    let sql =
        "DELETE FROM history WHERE ctid = ANY(ARRAY(SELECT ctid FROM history WHERE start_ms < $1 LIMIT $2))";
    let n = db.execute(sql, &[&before_ms, &PIECE]).await?;
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
}

/// Whether another piece is to be expected after one of `n`.
pub(super) fn is_more_than(n: usize) -> bool {
    i64::try_from(n).unwrap_or(i64::MAX) >= PIECE
}
