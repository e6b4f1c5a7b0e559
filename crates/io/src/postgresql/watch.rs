//! When the server was there, and when it was not.

use lanner_core::TimeRange;

use super::revisions::{get, put};
use super::session::{Failure, Session};

/// Gaps kept, the latest ones.
const MAX_GAPS: usize = 10_000;

/// The last moment at which the server was noted to be there.
pub(super) async fn watched_ms(db: &Session) -> Result<Option<i64>, Failure> {
    Ok(get(db, "watched_ms").await?.and_then(|value| value.parse().ok()))
}

/// Notes that the server is there, within a transaction; never earlier than what was noted before, as a clock may go back.
pub(super) async fn note(db: &Session, watched_ms: i64) -> Result<(), Failure> {
    let sql = "INSERT INTO meta (key, value) VALUES ('watched_ms', $1::bigint::text) ON CONFLICT (key)
               DO UPDATE SET value = greatest(meta.value::bigint, excluded.value::bigint)::text";
    db.execute(sql, &[&watched_ms]).await?;
    Ok(())
}

/// The times in which the server was away.
pub(super) async fn gaps(db: &Session) -> Result<Vec<TimeRange>, Failure> {
    let text = get(db, "gaps").await?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// Notes that the server was away, within a transaction.
pub(super) async fn add_gap(db: &Session, gap: TimeRange) -> Result<(), Failure> {
    let mut all = gaps(db).await?;
    all.push(gap);
    all.drain(..all.len().saturating_sub(MAX_GAPS));
    put(db, "gaps", &serde_json::to_string(&all)?).await?;
    note(db, gap.end_ms).await
}
