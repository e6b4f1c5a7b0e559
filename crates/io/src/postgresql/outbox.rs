//! Messages to send: written with the state that caused them, kept until they are sent or fail for good.

use lanner_core::Notification;
use tokio_postgres::Row;

use super::session::{Failure, Session, column, json, key_of, text};
use crate::receiver::Next;
use crate::store::{DeadLetters, OutboxEntry, OutboxState, StoreError};

const COLUMNS: &str = "body, state, attempts, due_ms, error, done_ms";

/// Adds messages in their order, within a transaction; one with the key of another is that one, and it stays as it is. Each
/// takes the place of those of its group that were refused.
pub(super) async fn put(db: &Session, notifications: &[Notification]) -> Result<(), Failure> {
    if notifications.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = notifications.iter().map(|it| text(&it.key)).collect();
    let receivers: Vec<String> = notifications.iter().map(|it| text(&it.receiver)).collect();
    let due: Vec<i64> = notifications.iter().map(|it| it.created_ms).collect();
    let (mut groups, mut bodies) = (Vec::new(), Vec::new());
    for it in notifications {
        groups.push(key_of(&serde_json::to_string(&it.group)?));
        bodies.push(serde_json::to_string(it)?);
    }
    let sql = "INSERT INTO outbox (key, receiver, grp_key, body, state, attempts, due_ms)
               SELECT key, receiver, grp_key, body, 0, 0, due_ms
               FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[])
                   WITH ORDINALITY AS new (key, receiver, grp_key, body, due_ms, at) ORDER BY at
               ON CONFLICT (key) DO NOTHING";
    db.execute(sql, &[&keys, &receivers, &groups, &bodies, &due]).await?;
    let sql = "DELETE FROM outbox USING unnest($1::text[], $2::bytea[]) AS new (receiver, grp_key)
               WHERE state = 3 AND outbox.receiver = new.receiver AND outbox.grp_key = new.grp_key";
    db.execute(sql, &[&receivers, &groups]).await?;
    Ok(())
}

/// The messages for a receiver that are due, the oldest first. Of each group only the oldest open one counts.
pub(super) async fn due(
    db: &Session,
    receiver: &str,
    now_ms: i64,
    limit: usize,
) -> Result<Vec<OutboxEntry>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox AS o WHERE state = 0 AND receiver = $1 AND due_ms <= $2
         AND NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.state = 0 AND e.receiver = o.receiver
                         AND e.grp_key = o.grp_key AND e.seq < o.seq)
         ORDER BY seq LIMIT $3"
    );
    entries(&db.query(&sql, &[&text(receiver), &now_ms, &whole(limit)]).await?)
}

/// Messages in one state, or in all, the newest first; with `alert`, a fingerprint, only those that list it.
pub(super) async fn list(
    db: &Session,
    state: Option<OutboxState>,
    alert: Option<&str>,
    limit: usize,
) -> Result<Vec<OutboxEntry>, Failure> {
    let part = alert.map(|fingerprint| format!("\"fingerprint\":{}", serde_json::Value::from(fingerprint)));
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE ($2::smallint IS NULL OR state = $2)
         AND ($3::text IS NULL OR strpos(body, $3) > 0) ORDER BY seq DESC LIMIT $1"
    );
    entries(&db.query(&sql, &[&whole(limit), &state.map(stored), &part]).await?)
}

/// How many messages wait and how many were given up, by receiver.
pub(super) async fn counts(db: &Session) -> Result<Vec<(String, u64, u64)>, Failure> {
    let sql =
        "SELECT receiver, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 2) FROM outbox
               WHERE state IN (0, 2) GROUP BY receiver ORDER BY receiver";
    let rows = db.query(sql, &[]).await?;
    let count = |row: &Row, at| Ok::<_, Failure>(column::<i64>(row, at)?.unsigned_abs());
    rows.iter().map(|row| Ok((column(row, 0)?, count(row, 1)?, count(row, 2)?))).collect()
}

/// Dead letters given up at or after `since_ms`, by receiver.
pub(super) async fn dead_since(db: &Session, since_ms: i64) -> Result<Vec<DeadLetters>, Failure> {
    let sql = "SELECT receiver, count(*), (array_agg(error ORDER BY done_ms DESC))[1] FROM outbox
               WHERE state = 2 AND done_ms >= $1 GROUP BY receiver ORDER BY receiver";
    let rows = db.query(sql, &[&since_ms]).await?;
    let letters = |row: &Row| {
        let count = column::<i64>(row, 1)?.unsigned_abs();
        Ok(DeadLetters { receiver: column(row, 0)?, count, error: column(row, 2)? })
    };
    rows.iter().map(letters).collect()
}

/// One message and what came of it so far.
pub(super) async fn entry(db: &Session, key: &str) -> Result<Option<OutboxEntry>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE key = $1");
    Ok(entries(&db.query(&sql, &[&text(key)]).await?)?.pop())
}

/// The state of a message, if there is one.
pub(super) async fn state(db: &Session, key: &str) -> Result<Option<OutboxState>, Failure> {
    let row = db.query_opt("SELECT state FROM outbox WHERE key = $1", &[&text(key)]).await?;
    row.map(|row| state_of(&row, 0)).transpose()
}

/// Notes that a message was sent, within a transaction.
pub(super) async fn sent(db: &Session, key: &str, now_ms: i64, remark: Option<&str>) -> Result<(), Failure> {
    let sql = "UPDATE outbox SET state = 1, done_ms = $2, error = $3 WHERE key = $1";
    found(db.execute(sql, &[&text(key), &now_ms, &remark.map(text)]).await?, key)
}

/// Notes that sending failed, and what is next, within a transaction.
pub(super) async fn failed(
    db: &Session,
    key: &str,
    now_ms: i64,
    error: &str,
    next: Next,
) -> Result<(), Failure> {
    let (state, next_attempt_ms) = match next {
        Next::TryAgain { at_ms } => (OutboxState::Pending, Some(at_ms)),
        Next::GiveUp => (OutboxState::Dead, None),
        Next::Refused => (OutboxState::Refused, None),
    };
    let done_ms = next_attempt_ms.is_none().then_some(now_ms);
    let sql =
        "UPDATE outbox SET state = $2, attempts = attempts + 1, error = $3, due_ms = coalesce($4, due_ms),
               done_ms = $5 WHERE key = $1";
    let values: super::session::Values<'_> =
        &[&text(key), &stored(state), &text(error), &next_attempt_ms, &done_ms];
    found(db.execute(sql, values).await?, key)
}

/// Notes that another message says what is true now, within a transaction.
pub(super) async fn followed(db: &Session, key: &str) -> Result<(), Failure> {
    found(db.execute("UPDATE outbox SET state = 3 WHERE key = $1", &[&text(key)]).await?, key)
}

/// Has a message tried again, within a transaction.
pub(super) async fn retry(db: &Session, key: &str, now_ms: i64) -> Result<(), Failure> {
    let sql = "UPDATE outbox SET state = 0, attempts = 0, due_ms = $2, done_ms = NULL WHERE key = $1";
    found(db.execute(sql, &[&text(key), &now_ms]).await?, key)
}

/// Drops messages that were done with before their time, within a transaction.
pub(super) async fn prune(db: &Session, sent_ms: i64, dead_ms: i64) -> Result<u64, Failure> {
    let sql = "DELETE FROM outbox WHERE (state IN (1, 3) AND due_ms < $1 AND done_ms < $1)
               OR (state = 2 AND due_ms < $2 AND done_ms < $2)";
    db.execute(sql, &[&sent_ms, &dead_ms]).await
}

fn found(n: u64, key: &str) -> Result<(), Failure> {
    if n == 0 { Err(StoreError::NotFound { what: "message", name: key.to_owned() }.into()) } else { Ok(()) }
}

fn entries(rows: &[Row]) -> Result<Vec<OutboxEntry>, Failure> {
    let entry = |row: &Row| {
        Ok(OutboxEntry {
            notification: json(row, 0)?,
            state: state_of(row, 1)?,
            attempts: column::<i32>(row, 2)?.unsigned_abs(),
            due_ms: column(row, 3)?,
            error: column(row, 4)?,
            done_ms: column(row, 5)?,
        })
    };
    rows.iter().map(entry).collect()
}

fn state_of(row: &Row, at: usize) -> Result<OutboxState, Failure> {
    let number = usize::try_from(column::<i16>(row, at)?).unwrap_or(usize::MAX);
    Ok(OutboxState::of_number(number)?)
}

fn stored(state: OutboxState) -> i16 {
    i16::try_from(state.number()).unwrap_or_default()
}

fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
