//! Who owns which rules: claims, and whether one still holds.
//!
//! Beside the rows of the shards there is one that notes the latest claim of anything. A turn notes itself in the row of
//! its claim, if that row still has the claim's epoch, and so keeps others from claiming until it has ended; whoever
//! claims changes the row, and so waits for turns under way. No turn is written after the claim of somebody else.

use super::cursors::UNSHARED;
use super::session::{Failure, Session, column, text};
use crate::state::{Claim, Shards};
use crate::store::StoreError;

/// The row of the latest claim of anything.
pub(super) const ANY: i16 = -1;
/// Where it is noted that the shards are shared out, and what their rules ask.
pub(super) const SHARED_OUT: &str = "shared_out";

fn row_of(shards: Shards) -> i16 {
    match shards {
        Shards::All => ANY,
        Shards::One(shard) => i16::from(shard),
    }
}

/// Begins a claim, within a transaction: whoever owned everything does so no more. Returns its epoch. Claims wait here for
/// each other.
pub(super) async fn begin(db: &Session, owner: &str) -> Result<i64, Failure> {
    let sql = "INSERT INTO shard (id, epoch, owner) VALUES ($1, 1, $2)
               ON CONFLICT (id) DO UPDATE SET epoch = shard.epoch + 1, owner = excluded.owner RETURNING epoch";
    let row = db.query_opt(sql, &[&ANY, &text(owner)]).await?;
    row.map_or(Ok(1), |row| column(&row, 0))
}

/// Takes shards over, within a transaction. Who owns everything shares nothing out.
pub(super) async fn claim(db: &Session, shards: Shards, owner: &str) -> Result<Claim, Failure> {
    let epoch = begin(db, owner).await?;
    let mut ids: Vec<i16> = (0..=u8::MAX).filter(|shard| shards.contain(*shard)).map(i16::from).collect();
    if shards == Shards::All {
        ids.push(UNSHARED);
        db.execute("DELETE FROM meta WHERE key = $1", &[&SHARED_OUT]).await?;
        db.execute("UPDATE shard SET holder = NULL WHERE holder IS NOT NULL", &[]).await?;
    }
    own(db, &ids, epoch, owner).await?;
    Ok(Claim { shards, epoch: epoch.unsigned_abs() })
}

/// Notes the owner of rows, within a transaction.
pub(super) async fn own(db: &Session, ids: &[i16], epoch: i64, owner: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO shard (id, epoch, owner) SELECT id, $2::bigint, $3::text FROM unnest($1::smallint[]) AS id
               ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner";
    db.execute(sql, &[&ids, &epoch, &text(owner)]).await?;
    Ok(())
}

/// Holds a claim until the transaction ends, or refuses one that somebody else has taken over, also in part.
pub(super) async fn hold(db: &Session, claim: Claim) -> Result<(), Failure> {
    hold_row(db, row_of(claim.shards), claim.epoch).await
}

/// As [`hold`], of what a row stands for.
pub(super) async fn hold_row(db: &Session, row: i16, claimed: u64) -> Result<(), Failure> {
    let epoch = claimed.cast_signed();
    let sql = "UPDATE shard SET turns = turns + 1 WHERE id = $1 AND epoch = $2";
    if db.execute(sql, &[&row, &epoch]).await? == 1 {
        return Ok(());
    }
    let shard = Some(row).filter(|row| *row != ANY);
    let sql = "SELECT id, epoch, owner FROM shard
               WHERE id <> -1 AND ($1::smallint IS NULL OR id = $1) AND epoch > $2 ORDER BY id LIMIT 1";
    let later = db.query_opt(sql, &[&shard, &epoch]).await?;
    let (shard, current, owner) = match later {
        Some(row) => (column::<i16>(&row, 0)?, column::<i64>(&row, 1)?, column::<String>(&row, 2)?),
        None => (row.max(0), 0, "nobody".to_owned()), // of another database, or of one that was restored
    };
    let shard = u8::try_from(shard).unwrap_or(0);
    Err(StoreError::StaleEpoch { shard, epoch: claimed, current: current.unsigned_abs(), owner }.into())
}
