//! Who owns which rules: claims, and whether one still holds.
//!
//! Beside the rows of the shards there is one that notes the latest claim of anything. A turn notes itself in the row of
//! its claim, if that row still has the claim's epoch, and so keeps others from claiming until it has ended; whoever
//! claims changes the row, and so waits for turns under way. No turn is written after the claim of somebody else.

use super::session::{Failure, Session, column, text};
use crate::state::{Claim, Shards};
use crate::store::StoreError;

/// The row of the latest claim of anything.
const ANY: i16 = -1;

fn row_of(shards: Shards) -> i16 {
    match shards {
        Shards::All => ANY,
        Shards::One(shard) => i16::from(shard),
    }
}

/// Takes shards over, within a transaction.
pub(super) async fn claim(db: &Session, shards: Shards, owner: &str) -> Result<Claim, Failure> {
    let sql = "INSERT INTO shard (id, epoch, owner) VALUES ($1, 1, $2)
               ON CONFLICT (id) DO UPDATE SET epoch = shard.epoch + 1, owner = excluded.owner RETURNING epoch";
    let owner = text(owner);
    let row = db.query_opt(sql, &[&ANY, &owner]).await?;
    let epoch: i64 = row.map_or(Ok(1), |row| column(&row, 0))?;
    let ids: Vec<i16> = (0..=u8::MAX).filter(|shard| shards.contain(*shard)).map(i16::from).collect();
    let sql = "INSERT INTO shard (id, epoch, owner) SELECT id, $2::bigint, $3::text FROM unnest($1::smallint[]) AS id
               ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner";
    db.execute(sql, &[&ids, &epoch, &owner]).await?;
    Ok(Claim { shards, epoch: epoch.unsigned_abs() })
}

/// Holds a claim until the transaction ends, or refuses one that somebody else has taken over, also in part.
pub(super) async fn hold(db: &Session, claim: Claim) -> Result<(), Failure> {
    let (row, epoch) = (row_of(claim.shards), claim.epoch.cast_signed());
    let sql = "UPDATE shard SET turns = turns + 1 WHERE id = $1 AND epoch = $2";
    if db.execute(sql, &[&row, &epoch]).await? == 1 {
        return Ok(());
    }
    let shard = Some(row).filter(|row| *row != ANY);
    let sql = "SELECT id, epoch, owner FROM shard
               WHERE id >= 0 AND ($1::smallint IS NULL OR id = $1) AND epoch > $2 ORDER BY id LIMIT 1";
    let later = db.query_opt(sql, &[&shard, &epoch]).await?;
    let (shard, current, owner) = match later {
        Some(row) => (column::<i16>(&row, 0)?, column::<i64>(&row, 1)?, column::<String>(&row, 2)?),
        None => (row.max(0), 0, "nobody".to_owned()), // of another database, or of one that was restored
    };
    let shard = u8::try_from(shard).unwrap_or(0);
    Err(StoreError::StaleEpoch { shard, epoch: claim.epoch, current: current.unsigned_abs(), owner }.into())
}

/// As [`hold`], of everything.
pub(super) async fn hold_all(db: &Session, epoch: u64) -> Result<(), Failure> {
    hold(db, Claim { shards: Shards::All, epoch }).await
}
