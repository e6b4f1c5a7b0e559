//! Who owns which rules: claims, and whether one still holds.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use crate::state::{Claim, Shards};

/// Takes shards over, within the caller's transaction.
pub(super) fn claim(db: &Connection, shards: Shards, owner: &str) -> Result<Claim, StoreError> {
    let last: u64 =
        db.prepare_cached("SELECT coalesce(max(epoch), 0) FROM shard")?.query_row([], |row| row.get(0))?;
    let epoch = last + 1;
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO shard (id, epoch, owner) VALUES (?1, ?2, ?3)")?;
    for shard in (0..=u8::MAX).filter(|shard| shards.contain(*shard)) {
        put.execute(params![shard, epoch, owner])?;
    }
    Ok(Claim { shards, epoch })
}

/// Refuses a claim that somebody else has taken over, also in part.
pub(super) fn check(db: &Connection, claim: Claim) -> Result<(), StoreError> {
    let shard = match claim.shards {
        Shards::All => None,
        Shards::One(shard) => Some(shard),
    };
    let later: Option<(u8, u64, String)> = db
        .prepare_cached(
            "SELECT id, epoch, owner FROM shard WHERE (?1 IS NULL OR id = ?1) AND epoch > ?2 LIMIT 1",
        )?
        .query_row(params![shard, claim.epoch], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match later {
        None => Ok(()),
        Some((shard, current, owner)) => {
            Err(StoreError::StaleEpoch { shard, epoch: claim.epoch, current, owner })
        }
    }
}
