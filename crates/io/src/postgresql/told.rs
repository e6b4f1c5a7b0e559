//! What receivers were sent: the notification log.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::NotificationLogEntry;

use super::session::{Failure, Session, column, json, key_of, text};

/// What receivers have been sent; of each group its own piece first.
pub(super) async fn load(db: &Session) -> Result<Vec<NotificationLogEntry>, Failure> {
    let rows =
        db.query("SELECT receiver, grp, alert, record FROM told ORDER BY receiver, grp, alert", &[]).await?;
    let entry = |row: &tokio_postgres::Row| {
        let (receiver, alert): (String, String) = (column(row, 0)?, column(row, 2)?);
        Ok(NotificationLogEntry {
            receiver: receiver.into(),
            group: json(row, 1)?,
            alert: Some(alert).filter(|alert| !alert.is_empty()).map(Arc::from),
            record: Some(column(row, 3)?),
        })
    };
    rows.iter().map(entry).collect()
}

/// What becomes of one group of a receiver.
#[derive(Default)]
struct Group {
    /// Whether all that was known of it is forgotten first.
    is_wiped: bool,
    /// By alert; `None` forgets it.
    pieces: BTreeMap<String, Option<String>>,
}

/// Rows to write, column by column.
#[derive(Default)]
struct Rows {
    receivers: Vec<String>,
    keys: Vec<Vec<u8>>,
    groups: Vec<String>,
    alerts: Vec<String>,
    records: Vec<String>,
}

impl Rows {
    fn push(&mut self, receiver: &str, group: &str, alert: &str, record: &str) {
        self.receivers.push(receiver.to_owned());
        self.keys.push(key_of(group));
        self.groups.push(group.to_owned());
        self.alerts.push(alert.to_owned());
        self.records.push(text(record));
    }
}

/// Takes down entries in their order, within a transaction.
pub(super) async fn put(db: &Session, entries: &[NotificationLogEntry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut wiped, mut forgotten, mut kept) = (Rows::default(), Rows::default(), Rows::default());
    for ((receiver, group), Group { is_wiped, pieces }) in &outcome(entries)? {
        if *is_wiped {
            wiped.push(receiver, group, "", "");
        }
        for (alert, record) in pieces {
            match record {
                Some(record) => kept.push(receiver, group, alert, record),
                None => forgotten.push(receiver, group, alert, ""),
            }
        }
    }
    if !wiped.keys.is_empty() {
        let sql = "DELETE FROM told USING unnest($1::text[], $2::bytea[]) AS gone (receiver, grp_key)
                   WHERE told.receiver = gone.receiver AND told.grp_key = gone.grp_key";
        db.execute(sql, &[&wiped.receivers, &wiped.keys]).await?;
    }
    if !forgotten.keys.is_empty() {
        let sql = "DELETE FROM told USING unnest($1::text[], $2::bytea[], $3::text[]) AS gone (receiver, grp_key, alert)
                   WHERE told.receiver = gone.receiver AND told.grp_key = gone.grp_key AND told.alert = gone.alert";
        db.execute(sql, &[&forgotten.receivers, &forgotten.keys, &forgotten.alerts]).await?;
    }
    if !kept.keys.is_empty() {
        let Rows { receivers, keys, groups, alerts, records } = &kept;
        let sql = "INSERT INTO told (receiver, grp_key, grp, alert, record)
                   SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[])
                   ON CONFLICT (receiver, grp_key, alert) DO UPDATE SET record = excluded.record";
        db.execute(sql, &[receivers, keys, groups, alerts, records]).await?;
    }
    Ok(())
}

/// What entries come to, one after the other, by receiver and group.
fn outcome(entries: &[NotificationLogEntry]) -> Result<BTreeMap<(String, String), Group>, Failure> {
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    for NotificationLogEntry { receiver, group, alert, record } in entries {
        let of = groups.entry((text(receiver), serde_json::to_string(group)?)).or_default();
        match (record, alert) {
            (None, None) => *of = Group { is_wiped: true, pieces: BTreeMap::new() },
            (record, alert) => {
                let alert = alert.as_deref().map(text).unwrap_or_default();
                of.pieces.insert(alert, record.clone());
            }
        }
    }
    Ok(groups)
}
