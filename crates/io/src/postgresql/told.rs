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

/// Takes down entries in their order, within a transaction.
pub(super) async fn put(db: &Session, entries: &[NotificationLogEntry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let groups = outcome(entries)?;
    let (mut wiped, mut forgotten, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for ((receiver, group), Group { is_wiped, pieces }) in &groups {
        if *is_wiped {
            wiped.push((receiver.clone(), key_of(group)));
        }
        for (alert, record) in pieces {
            match record {
                Some(record) => {
                    kept.push((receiver.clone(), key_of(group), group.clone(), alert.clone(), text(record)))
                }
                None => forgotten.push((receiver.clone(), key_of(group), alert.clone())),
            }
        }
    }
    if !wiped.is_empty() {
        let (receivers, keys): (Vec<String>, Vec<Vec<u8>>) = wiped.into_iter().unzip();
        let sql = "DELETE FROM told USING unnest($1::text[], $2::bytea[]) AS gone (receiver, grp_key)
                   WHERE told.receiver = gone.receiver AND told.grp_key = gone.grp_key";
        db.execute(sql, &[&receivers, &keys]).await?;
    }
    for (receiver, key, alert) in forgotten {
        let sql = "DELETE FROM told WHERE receiver = $1 AND grp_key = $2 AND alert = $3";
        db.execute(sql, &[&receiver, &key, &alert]).await?;
    }
    if kept.is_empty() {
        return Ok(());
    }
    let receivers: Vec<&str> = kept.iter().map(|it| &*it.0).collect();
    let keys: Vec<&[u8]> = kept.iter().map(|it| &*it.1).collect();
    let groups: Vec<&str> = kept.iter().map(|it| &*it.2).collect();
    let alerts: Vec<&str> = kept.iter().map(|it| &*it.3).collect();
    let records: Vec<&str> = kept.iter().map(|it| &*it.4).collect();
    let sql = "INSERT INTO told (receiver, grp_key, grp, alert, record)
               SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[])
               ON CONFLICT (receiver, grp_key, alert) DO UPDATE SET record = excluded.record";
    db.execute(sql, &[&receivers, &keys, &groups, &alerts, &records]).await?;
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
