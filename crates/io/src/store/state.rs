//! The engine's state: writes the changes of one evaluation cycle in one transaction, and reads it back.
//!
//! Bodies are JSON in the shapes of `lanner-core`, whose definition belongs to others.

use std::sync::Arc;

use lanner_core::{Alert, Changes, Labels, NotificationLogEntry};
use rusqlite::{Connection, params};

use super::rows::{group_key, json};
use super::rules::{self, Numbers};
use super::sums::Table;
use super::{Receipt, Store, StoreError, evaluations, measured, outbox, shards, watch};
use crate::state::{Claim, LoadedState, Shards};

impl Store {
    /// Writes what one turn of the engine changes: all of it in one transaction, or nothing.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::AlreadyEvaluated`] when one of the evaluations is stored already,
    /// [`StoreError::WrongIdentity`] when an id is not the evaluation's identity, and failures of the file.
    /// In each case nothing of the set is written, and other writes are not affected.
    pub fn apply(&self, changes: impl Into<Arc<Changes>>) -> Result<Receipt, StoreError> {
        let changes: Arc<Changes> = changes.into();
        self.write(rough_size(&changes), move |db| apply(db, &changes, None))
    }

    /// As [`Store::apply`], under a claim, which is checked in the same transaction.
    pub(super) fn apply_claimed(&self, claim: Claim, changes: Arc<Changes>) -> Result<Receipt, StoreError> {
        self.write(rough_size(&changes), move |db| {
            shards::check(db, claim)?;
            apply(db, &changes, Some(claim.shards))
        })
    }

    /// Alerts and cursors of the rules of some shards, as they were at one moment.
    pub(super) fn load(&self, shards: Shards) -> Result<LoadedState, StoreError> {
        self.look(|db| {
            let snapshot = db.unchecked_transaction()?;
            let alerts = alerts(&snapshot, shards)?;
            Ok(LoadedState { alerts, cursors: rules::cursors(&snapshot, shards)? })
        })
    }

    /// What the receivers have been sent; of each group its own piece first.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn load_notification_log(&self) -> Result<Vec<NotificationLogEntry>, StoreError> {
        self.look(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT receiver, grp, alert, record FROM told WHERE {} ORDER BY receiver, grp, alert",
                Table::Told.is_whole()
            ))?;
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
}

/// The alerts as they were written, each with what its rule has measured since.
fn alerts(db: &Connection, shards: Shards) -> Result<Vec<Alert>, StoreError> {
    let condition = rules::in_shards(shards);
    let mut statement = db.prepare_cached(&format!(
        "SELECT body, number, grp, last_ms FROM alert LEFT JOIN cursor USING (number) WHERE {condition} AND {} ORDER BY rule, grp",
        Table::Alert.is_whole()
    ))?;
    let mut latest = evaluations::Latest::prepare(db)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut alert: Alert = json(row, 0)?;
        let last_ms: Option<i64> = row.get(3)?;
        if let Some(last_ms) = last_ms.filter(|last_ms| *last_ms > alert.window.end_ms)
            && let Some(evaluation) =
                latest.of(row.get(1)?, &row.get::<_, String>(2)?, last_ms, alert.version)?
        {
            alert.follow(&evaluation);
        }
        found.push(alert);
    }
    Ok(found)
}

/// How many bytes changes come to, roughly.
fn rough_size(changes: &Changes) -> usize {
    300 * (changes.evaluations.len() + changes.alerts.len() + changes.history.len())
        + 2_000 * changes.outbox.len()
        + 100
}

fn apply(db: &Connection, changes: &Changes, owned: Option<Shards>) -> Result<(), StoreError> {
    let forgotten = changes.forgotten_groups.iter().map(|(rule, _)| rule).chain(&changes.forgotten_rules);
    for rule in forgotten {
        rules::check_stored(db, owned, rule)?;
    }
    let numbers = Numbers::note(db, changes, owned)?;
    evaluations::put(db, &changes.evaluations, &numbers)?;
    measured::put(db, &changes.history)?;
    put_alerts(db, &changes.alerts, &numbers)?;
    for notification in &changes.outbox {
        outbox::put(db, notification)?;
    }
    for told in &changes.notification_log {
        put_notification_log(db, told)?;
    }
    for rule in &changes.forgotten_rules {
        rules::forget(db, rule)?;
    }
    for (rule, group) in &changes.forgotten_groups {
        db.prepare_cached(
            "DELETE FROM alert WHERE number = (SELECT number FROM cursor WHERE rule = ?1) AND grp = ?2",
        )?
        .execute(params![&**rule, group_key(group)?])?;
    }
    changes.watched_ms.map_or(Ok(()), |watched_ms| watch::note(db, watched_ms))
}

fn put_alerts(db: &Connection, alerts: &[Alert], numbers: &Numbers<'_>) -> Result<(), StoreError> {
    let mut put = db.prepare_cached(
        "INSERT OR REPLACE INTO alert (number, grp, body, sum) VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))",
    )?;
    for alert in alerts {
        let (number, group) = (numbers.of(&alert.rule)?, group_key(&alert.group)?);
        put.execute(params![number, group, serde_json::to_string(alert)?])?;
    }
    Ok(())
}

fn put_notification_log(
    db: &Connection,
    NotificationLogEntry { receiver, group, alert, record }: &NotificationLogEntry,
) -> Result<(), StoreError> {
    let (receiver, group, piece) = (&**receiver, group_key(group)?, alert.as_deref().unwrap_or_default());
    match (record, alert) {
        (Some(record), _) => db
            .prepare_cached(
                "INSERT OR REPLACE INTO told (receiver, grp, alert, record, sum)
                 VALUES (?1, ?2, ?3, ?4, row_sum(?1, ?2, ?3, ?4))",
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
