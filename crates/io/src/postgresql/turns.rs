//! The engine's state: what one turn changes in one transaction, and reading it back.
//!
//! A turn may be thousands of rows. Each table takes them in one statement, as arrays.

use std::collections::HashMap;

use lanner_core::{Alert, Changes, Evaluation};

use super::cursors::Owned;
use super::session::{Failure, Session, column, json, key_of, text};
use super::{cursors, evaluations, measured, outbox, told, watch};
use crate::state::LoadedState;

/// How many bytes changes come to, roughly.
pub(super) fn rough_size(changes: &Changes) -> usize {
    300 * (changes.evaluations.len() + changes.alerts.len() + changes.history.len())
        + 2_000 * changes.outbox.len()
        + 100
}

/// Writes changes, within a transaction. All rules must belong to `owned`.
pub(super) async fn apply(db: &Session, changes: &Changes, owned: Owned) -> Result<(), Failure> {
    evaluations::check_identities(&changes.evaluations)?;
    let forgotten = changes.forgotten_groups.iter().map(|(rule, _)| rule).chain(&changes.forgotten_rules);
    let forgotten: Vec<&str> = forgotten.map(|rule| &**rule).collect();
    cursors::check_stored(db, owned, &forgotten).await?;
    cursors::note(db, changes, owned).await?;
    evaluations::put(db, &changes.evaluations).await?;
    measured::put(db, &changes.history).await?;
    put_alerts(db, &changes.alerts).await?;
    outbox::put(db, &changes.outbox).await?;
    told::put(db, &changes.notification_log).await?;
    for rule in &changes.forgotten_rules {
        cursors::forget(db, rule).await?;
    }
    for (rule, group) in &changes.forgotten_groups {
        let group = key_of(&serde_json::to_string(group)?);
        db.execute("DELETE FROM alert WHERE rule = $1 AND grp_key = $2", &[&text(rule), &group]).await?;
    }
    match changes.watched_ms {
        Some(watched_ms) => watch::note(db, watched_ms).await,
        None => Ok(()),
    }
}

async fn put_alerts(db: &Session, alerts: &[Alert]) -> Result<(), Failure> {
    if alerts.is_empty() {
        return Ok(());
    }
    // Of two of one group the later counts; a statement may not write a row twice.
    let mut latest = HashMap::with_capacity(alerts.len());
    for alert in alerts {
        latest.insert((&alert.rule, serde_json::to_string(&alert.group)?), alert);
    }
    let (mut rules, mut keys, mut groups, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((rule, group), alert) in latest {
        rules.push(text(rule));
        keys.push(key_of(&group));
        groups.push(group);
        bodies.push(serde_json::to_string(alert)?);
    }
    let sql = "INSERT INTO alert (rule, grp_key, grp, body)
               SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[])
               ON CONFLICT (rule, grp_key) DO UPDATE SET body = excluded.body";
    db.execute(sql, &[&rules, &keys, &groups, &bodies]).await?;
    Ok(())
}

/// Alerts and cursors of the rules of some shards, as they were at one moment.
pub(super) async fn load(db: &Session, owned: Owned) -> Result<LoadedState, Failure> {
    db.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let alerts = alerts(db, owned).await?;
    let cursors = cursors::load(db, owned).await?;
    db.batch("COMMIT").await?;
    Ok(LoadedState { alerts, cursors })
}

/// The alerts as they were written, each with what its rule has measured since.
async fn alerts(db: &Session, owned: Owned) -> Result<Vec<Alert>, Failure> {
    let (condition, shard) = owned.condition();
    let sql = format!(
        "SELECT body, last_ms FROM alert LEFT JOIN cursor USING (rule) WHERE {condition} ORDER BY rule, grp"
    );
    let rows = db.query(&sql, &[&shard]).await?;
    let mut alerts = Vec::with_capacity(rows.len());
    let mut behind: Vec<(usize, i64)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let (alert, last_ms): (Alert, Option<i64>) = (json(row, 0)?, column(row, 1)?);
        behind.extend(last_ms.filter(|last_ms| *last_ms > alert.window.end_ms).map(|last_ms| (at, last_ms)));
        alerts.push(alert);
    }
    let windows = behind.iter().map(|(at, last_ms)| (&*alerts[*at].rule, *last_ms)).collect();
    let latest = latest(evaluations::of_windows(db, windows).await?);
    for (at, last_ms) in behind {
        let alert = &mut alerts[at];
        let key = (alert.rule.to_string(), last_ms, serde_json::to_string(&alert.group)?, alert.version);
        if let Some(evaluation) = latest.get(&key) {
            alert.follow(evaluation);
        }
    }
    Ok(alerts)
}

type Followed = (String, i64, String, u32);

/// By rule, end, group and version; of several with one end the one that began last.
fn latest(evaluations: Vec<Evaluation>) -> HashMap<Followed, Evaluation> {
    let mut latest: HashMap<Followed, Evaluation> = HashMap::with_capacity(evaluations.len());
    for it in evaluations {
        let group = serde_json::to_string(&it.group).unwrap_or_default();
        let known = latest.entry((it.rule.to_string(), it.window.end_ms, group, it.version));
        let began_ms = it.window.start_ms;
        let kept = known.or_insert_with(|| it.clone());
        if began_ms > kept.window.start_ms {
            *kept = it;
        }
    }
    latest
}
