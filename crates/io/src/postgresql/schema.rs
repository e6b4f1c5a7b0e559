//! The tables: made where there are none, and brought to what this release has.

use super::session::{Failure, SCHEMA, Session, column};
use crate::store::StoreError;

/// The scripts that lead from version `n` to `n + 1`; never edit one that was released, add one.
const MIGRATIONS: &[&str] = &[
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];

/// Two servers that start together must not both make the tables: whoever comes second waits.
const LOCK: i64 = 0x4c41_4e52;

/// Makes or upgrades the tables.
pub(super) async fn prepare(db: &Session) -> Result<(), Failure> {
    db.batch("BEGIN").await?;
    db.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    // Whoever may not make a schema may use one that is there.
    let there = db.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&SCHEMA]).await?;
    if there.is_none() {
        db.batch(&format!("CREATE SCHEMA {SCHEMA}")).await?;
    }
    db.batch("CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY, at timestamptz NOT NULL)")
        .await?;
    let row = db.query_opt("SELECT coalesce(max(version), 0) FROM migration", &[]).await?;
    let version: i32 = row.map_or(Ok(0), |row| column(&row, 0))?;
    let version = usize::try_from(version).unwrap_or(0);
    if version > MIGRATIONS.len() {
        let known = MIGRATIONS.len();
        let detail = format!(
            "its tables have version {version} and this release knows {known}; use the release that wrote them"
        );
        return Err(StoreError::Refused { place: format!("the schema {SCHEMA}"), detail }.into());
    }
    for (at, script) in MIGRATIONS.iter().enumerate().skip(version) {
        db.batch(script).await?;
        let version = i32::try_from(at + 1).unwrap_or(i32::MAX);
        db.execute("INSERT INTO migration (version, at) VALUES ($1, now())", &[&version]).await?;
    }
    db.batch("COMMIT").await
}
