//! Messages to send: written with the state that caused them, kept until they are sent or fail for good.

use lanner_core::{DeliveryOutcome, Notification};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows::{group_key, json};
use super::sums::Table;
use super::{Receipt, Store, StoreError};
use crate::receiver::{Due, Next, Outbox, OutboxError};

/// Where a message is in its life, from the transaction that wrote it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent, or to be tried again.
    Pending,
    /// Sent.
    Sent,
    /// Given up; a person may have it tried again.
    Dead,
    /// Refused by the receiver as it is; kept until a later message of its group says what is true by then.
    Refused,
}

/// By the number that is stored.
const STATES: [OutboxState; 4] =
    [OutboxState::Pending, OutboxState::Sent, OutboxState::Dead, OutboxState::Refused];

impl OutboxState {
    /// The state of a stored number.
    pub(crate) fn of_number(number: usize) -> Result<Self, StoreError> {
        STATES.get(number).copied().ok_or_else(|| StoreError::corrupt(format!("message state {number}")))
    }

    /// The number that is stored.
    pub(crate) fn number(self) -> usize {
        STATES.iter().position(|known| *known == self).unwrap_or_default()
    }

    /// What the engine is told of a message in this state; `None` while it is to be sent.
    pub(crate) const fn outcome(self) -> Option<DeliveryOutcome> {
        match self {
            Self::Pending => None,
            Self::Sent => Some(DeliveryOutcome::Delivered),
            Self::Dead => Some(DeliveryOutcome::GivenUp),
            Self::Refused => Some(DeliveryOutcome::Refused),
        }
    }
}

/// A message and what came of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OutboxEntry {
    /// The message.
    pub notification: Notification,
    /// Where it is in its life.
    pub state: OutboxState,
    /// How often sending failed.
    pub attempts: u32,
    /// When it is due, milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Why sending last failed.
    pub error: Option<String>,
    /// When it was sent or given up.
    pub done_ms: Option<i64>,
}

const COLUMNS: &str = "body, state, attempts, due_ms, error, done_ms";

/// Adds a message; one with the same key is the same message, and stays as it is. It takes the place of one of its
/// group that was refused.
pub(super) fn put(db: &Connection, notification: &Notification) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO outbox (key, receiver, grp, body, state, attempts, due_ms, sum)
         VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, row_sum(?1, ?2, ?3, ?4))",
    )?
    .execute(params![
        notification.key,
        &*notification.receiver,
        group_key(&notification.group)?,
        serde_json::to_string(notification)?,
        notification.created_ms
    ])?;
    db.prepare_cached("DELETE FROM outbox WHERE state = 3 AND receiver = ?1 AND grp = ?2")?
        .execute(params![&*notification.receiver, group_key(&notification.group)?])?;
    Ok(())
}

/// Messages to one receiver that were given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// The receiver's name.
    pub receiver: String,
    /// How many there are.
    pub count: u64,
    /// Why the last one was.
    pub error: Option<String>,
}

impl Store {
    /// The messages for `receiver` that are due at `now_ms`, the oldest first, at most `limit`.
    ///
    /// Of each notification group only the oldest open message counts: a later one never overtakes it. Cost: that of the
    /// messages, and of older ones that wait; not of those that were sent.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn outbox_due(
        &self,
        receiver: &str,
        now_ms: i64,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox AS o INDEXED BY outbox_open WHERE state = 0 AND receiver = ?1 AND due_ms <= ?2
                 AND {} AND NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.state = 0 AND e.receiver = o.receiver
                                 AND e.grp = o.grp AND e.seq < o.seq)
                 ORDER BY seq LIMIT ?3",
                Table::Outbox.is_whole_of("o")
            ))?;
            entries(&mut statement.query(params![receiver, now_ms, limit as i64])?)
        })
    }

    /// How many messages wait and how many were given up, by receiver.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn outbox_counts(&self) -> Result<Vec<(String, u64, u64)>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(
                "SELECT receiver, sum(state = 0), sum(state = 2) FROM outbox WHERE state IN (0, 2) GROUP BY receiver",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Dead letters given up at or after `since_ms`, milliseconds since the Unix epoch, by receiver.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn outbox_dead_since(&self, since_ms: i64) -> Result<Vec<DeadLetters>, StoreError> {
        self.look(|db| {
            // Beside `max`, SQLite takes other columns from the row that holds it.
            let mut statement = db.prepare_cached(
                "SELECT receiver, count(*), error, max(done_ms) FROM outbox WHERE state = 2 AND done_ms >= ?1
                 GROUP BY receiver",
            )?;
            let letters = statement.query_map([since_ms], |row| {
                Ok(DeadLetters { receiver: row.get(0)?, count: row.get(1)?, error: row.get(2)? })
            })?;
            letters.map(|letters| Ok(letters?)).collect()
        })
    }

    /// One message and what came of it so far.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn outbox_entry(&self, key: &str) -> Result<Option<OutboxEntry>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE key = ?1 AND {}",
                Table::Outbox.is_whole()
            ))?;
            Ok(entries(&mut statement.query([key])?)?.pop())
        })
    }

    /// What became of a message; `None` while it is to be sent. Of one that is not there anybody can say as much as
    /// of one that was refused: that it must be told again.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn outbox_outcome(&self, key: &str) -> Result<Option<DeliveryOutcome>, StoreError> {
        let state: Option<usize> = self.look(|db| {
            let mut statement = db.prepare_cached("SELECT state FROM outbox WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })?;
        let state = state.and_then(|number| OutboxState::of_number(number).ok());
        Ok(state.unwrap_or(OutboxState::Refused).outcome())
    }

    /// Notes that the message was sent; `remark` says what went wrong even so.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn outbox_sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<Receipt, StoreError> {
        let remark = remark.map(shortened);
        self.change_message(key, move |db, key| {
            db.prepare_cached("UPDATE outbox SET state = 1, done_ms = ?2, error = ?3 WHERE key = ?1")?
                .execute(params![key, now_ms, remark])
        })
    }

    /// Notes that sending failed, and what is next.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn outbox_failed(
        &self,
        key: &str,
        now_ms: i64,
        error: &str,
        next: Next,
    ) -> Result<Receipt, StoreError> {
        let error = shortened(error);
        self.change_message(key, move |db, key| {
            let (state, next_attempt_ms) = match next {
                Next::TryAgain { at_ms } => (0, Some(at_ms)),
                Next::GiveUp => (2, None),
                Next::Refused => (3, None),
            };
            let done_ms = next_attempt_ms.is_none().then_some(now_ms);
            db.prepare_cached(
                "UPDATE outbox SET state = ?2, attempts = attempts + 1, error = ?3,
                 due_ms = coalesce(?4, due_ms), done_ms = ?5 WHERE key = ?1",
            )?
            .execute(params![key, state, error, next_attempt_ms, done_ms])
        })
    }

    /// Notes that a message that was given up is followed by another one that says what is true now.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn outbox_followed(&self, key: &str) -> Result<Receipt, StoreError> {
        self.change_message(key, move |db, key| {
            db.prepare_cached("UPDATE outbox SET state = 3 WHERE key = ?1")?.execute([key])
        })
    }

    /// Has a message tried again at `now_ms`, whatever came of it before.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::NotFound`], and failures of the file.
    pub fn outbox_retry(&self, key: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        self.change_message(key, move |db, key| {
            db.prepare_cached(
                "UPDATE outbox SET state = 0, attempts = 0, due_ms = ?2, done_ms = NULL WHERE key = ?1",
            )?
            .execute(params![key, now_ms])
        })
    }

    /// Messages in one state, or in all, the newest first, at most `limit`. With `alert`, a fingerprint, only those that
    /// list this alert; cost: a look at all.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn outbox_list(
        &self,
        state: Option<OutboxState>,
        alert: Option<&str>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let filter = state.map_or_else(|| "1".to_owned(), |state| format!("state = {}", state.number()));
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE {filter} AND {} AND (?2 IS NULL OR instr(body, ?2)) ORDER BY seq DESC LIMIT ?1",
                Table::Outbox.is_whole()
            ))?;
            let part = alert.map(|fingerprint| format!("\"fingerprint\":{}", serde_json::Value::from(fingerprint)));
            entries(&mut statement.query(params![limit as i64, part])?)
        })
    }

    fn change_message(
        &self,
        key: &str,
        change: impl FnOnce(&Connection, &str) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<Receipt, StoreError> {
        let key = key.to_owned();
        self.write(200, move |db| match change(db, &key)? {
            0 => Err(StoreError::NotFound { what: "message", name: key }),
            _ => Ok(()),
        })
    }
}

impl Outbox for Store {
    async fn due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<Due>, OutboxError> {
        let due = self.outbox_due(receiver, now_ms, limit)?;
        Ok(due.into_iter().map(|it| Due { notification: it.notification, n_failed: it.attempts }).collect())
    }

    async fn sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<(), OutboxError> {
        Ok(self.outbox_sent(key, now_ms, remark)?.await?)
    }

    async fn failed(&self, key: &str, now_ms: i64, error: &str, next: Next) -> Result<(), OutboxError> {
        Ok(self.outbox_failed(key, now_ms, error, next)?.await?)
    }
}

/// As much of an error as is kept.
pub(crate) fn shortened(error: &str) -> String {
    error.chars().take(2_000).collect()
}

fn entries(rows: &mut rusqlite::Rows<'_>) -> Result<Vec<OutboxEntry>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(entry(row)?);
    }
    Ok(found)
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    Ok(OutboxEntry {
        notification: json(row, 0)?,
        state: OutboxState::of_number(row.get(1)?)?,
        attempts: row.get(2)?,
        due_ms: row.get(3)?,
        error: row.get(4)?,
        done_ms: row.get(5)?,
    })
}
