//! Several servers that share the work: one owns what is not shared out, and workers hold shards of the rest.
//!
//! ```text
//!   worker ──▶ renew, take ──▶ worker, shard (who holds what)
//!   worker ──▶ apply_shard ──▶ evaluations, alerts, cursors, news ──▶ news, apply_unshared ──▶ messages
//! ```
//!
//! A shard is free when its holder has not said for the length of a [lease](super::lease::LEASE), by the database's clock,
//! that it is there. That decides only when it is taken; who took it has a later epoch, and what the holder before still
//! writes is refused. Each turn of a shard is a transaction. What happens to alerts is written with it, as news, and stays
//! until the transaction that takes it into the notification log.

use std::sync::Arc;

use lanner_core::{AlertNews, Changes};
use serde::{Deserialize, Serialize};

use super::cursors::{self, Owned, UNSHARED};
use super::lease::LEASE;
use super::session::{Failure, Session, column, text};
use super::shards::{self, SHARED_OUT};
use super::{PostgreSqlState, revisions, turns};
use crate::state::{Claim, LoadedState, Receipt, Shards};
use crate::store::StoreError;

/// News taken at one time.
const MAX_NEWS: i64 = 1_000;

/// That somebody owns what is not shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unshared {
    epoch: u64,
}

/// Who shares the work, as the database has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// The workers that are there, in order of their names.
    pub workers: Vec<Present>,
    /// The shards, in their order; none before anything was shared out.
    pub shards: Vec<Shard>,
    /// What rules of the shards may ask, by the names of sources; `None` where nothing is shared out.
    pub sources: Option<Vec<String>>,
    /// News that nobody has taken yet.
    pub n_news: u64,
}

/// A worker that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its name, which no other has.
    pub name: String,
    /// What it is, for people.
    pub about: String,
}

/// A worker that is there, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Which.
    pub worker: Worker,
    /// How long it counts as being there if it says nothing more, milliseconds.
    pub lease_ms: i64,
    /// What it said of itself last.
    pub report: Report,
}

/// What a worker says of itself, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// For how long the longest overdue of its rules was due, milliseconds.
    pub behind_ms: i64,
    /// How many evaluations it made since it started.
    pub evaluations: u64,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub id: u8,
    /// The name of the worker that holds it, if it is there.
    pub holder: Option<String>,
    /// Grows with every claim of it.
    pub epoch: u64,
    /// Grows with every turn.
    pub turns: i64,
}

impl Work {
    /// How many shards nobody holds.
    #[must_use]
    pub fn n_free(&self) -> usize {
        self.shards.iter().filter(|shard| shard.holder.is_none()).count()
    }

    /// The shards that a worker holds.
    pub fn held_by(&self, name: &str) -> impl Iterator<Item = u8> {
        self.shards.iter().filter(move |shard| shard.holder.as_deref() == Some(name)).map(|shard| shard.id)
    }

    /// How many shards a worker should hold: as many as any other, or one more.
    #[must_use]
    pub fn fair_share(&self, name: &str) -> usize {
        let (n_shards, n_workers) = (self.shards.len(), self.workers.len());
        let Some(place) = self.workers.iter().position(|it| it.worker.name == name) else { return 0 };
        n_shards / n_workers + usize::from(place < n_shards % n_workers)
    }
}

impl PostgreSqlState {
    /// Takes over what is not shared out, and shares out the rest: of all rules `shared`, which may ask `sources`. From then
    /// on nothing that a server wrote before that owned everything, or this, is written.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn share_out(
        &self,
        owner: &str,
        shared: Vec<String>,
        sources: &[String],
    ) -> Result<Unshared, StoreError> {
        let (owner, sources) = (text(owner), serde_json::to_string(sources)?);
        let work = async move |db: &Session| {
            let epoch = shards::begin(db, &owner).await?;
            shards::own(db, &[UNSHARED], epoch, &owner).await?;
            let sql =
                "INSERT INTO shard (id, epoch, owner) SELECT id, $1, $2 FROM generate_series(0, 255) AS id
                       ON CONFLICT (id) DO NOTHING";
            db.execute(sql, &[&epoch, &owner]).await?;
            cursors::share_only(db, &shared).await?;
            revisions::put(db, SHARED_OUT, &sources).await?;
            Ok(epoch.unsigned_abs())
        };
        Ok(Unshared { epoch: self.writer.claim_unshared(work)?.wait()? })
    }

    /// Says what rules of the shards may ask from now on.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn share_sources(&self, sources: &[String]) -> Result<Receipt, StoreError> {
        let sources = serde_json::to_string(sources)?;
        self.writer.submit(100, async move |db: &Session| revisions::put(db, SHARED_OUT, &sources).await)
    }

    /// The state of rules that are not shared out.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn load_unshared(&self) -> Result<LoadedState, StoreError> {
        self.pool.look(async |db| turns::load(db, Owned::Unshared).await)
    }

    /// Writes what a turn changes in what is not shared out, and drops the news that it took.
    ///
    /// # Errors
    /// From the receipt: as [`StateStore::apply_claimed`](crate::state::StateStore::apply_claimed).
    pub fn apply_unshared(
        &self,
        unshared: Unshared,
        changes: Arc<Changes>,
        taken: Arc<[i64]>,
    ) -> Result<Receipt, StoreError> {
        let bytes = turns::rough_size(&changes);
        self.writer.submit_claimed(bytes, async move |db: &Session| {
            shards::hold_row(db, UNSHARED, unshared.epoch).await?;
            if !taken.is_empty() {
                db.execute("DELETE FROM news WHERE seq = ANY($1)", &[&&*taken]).await?;
            }
            turns::apply(db, &changes, Owned::Unshared).await
        })
    }

    /// News that nobody has taken, in the order of each shard, and the number of each.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn news(&self) -> Result<Vec<(i64, AlertNews)>, StoreError> {
        self.pool.look(async |db| {
            let rows = db.query("SELECT seq, body FROM news ORDER BY seq LIMIT $1", &[&MAX_NEWS]).await?;
            rows.iter().map(|row| Ok((column(row, 0)?, super::session::json(row, 1)?))).collect()
        })
    }

    /// Says that a worker is there, and how it fares.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn renew_worker(&self, worker: &Worker, report: &Report) -> Result<(), StoreError> {
        let (name, about) = (text(&worker.name), text(&worker.about));
        let report = serde_json::to_string(report)?;
        let length_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        self.pool.look(async |db| {
            let sql = "INSERT INTO worker (name, about, until, report)
                       VALUES ($1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond', $4)
                       ON CONFLICT (name) DO UPDATE SET
                           about = excluded.about, until = excluded.until, report = excluded.report";
            db.execute(sql, &[&name, &about, &length_ms, &report]).await.map(drop)
        })
    }

    /// Who shares the work now.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn work(&self) -> Result<Work, StoreError> {
        self.pool.look(work)
    }

    /// Takes at most `n` free shards for a worker that is there. Nothing is taken where nothing is shared out.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn take_shards(&self, worker: &Worker, n: usize) -> Result<Vec<Claim>, StoreError> {
        let (name, about) = (text(&worker.name), text(&worker.about));
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let take = async move |db: &Session| take(db, &name, &about, n).await;
        self.writer.submit_claimed(100, take)?.wait()
    }

    /// Gives shards back: others may take them at once.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn release_shards(&self, worker: &Worker, ids: &[u8]) -> Result<(), StoreError> {
        let (name, ids) = (text(&worker.name), ids.iter().map(|id| i16::from(*id)).collect::<Vec<_>>());
        self.pool.look(async |db| {
            let sql = "UPDATE shard SET holder = NULL WHERE id = ANY($1) AND holder = $2";
            db.execute(sql, &[&ids, &name]).await.map(drop)
        })
    }

    /// Says that a worker goes, and with it gives back all that it holds.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn dismiss_worker(&self, worker: &Worker) -> Result<(), StoreError> {
        let name = text(&worker.name);
        self.pool.look(async |db| db.execute("DELETE FROM worker WHERE name = $1", &[&name]).await.map(drop))
    }

    /// Writes what a turn changes in one shard, and what happened to its alerts: all of it in one transaction, or nothing.
    ///
    /// # Errors
    /// From the receipt: as [`StateStore::apply_claimed`](crate::state::StateStore::apply_claimed).
    pub fn apply_shard(
        &self,
        claim: Claim,
        changes: Arc<Changes>,
        news: Arc<[AlertNews]>,
    ) -> Result<Receipt, StoreError> {
        let bytes = turns::rough_size(&changes) + 2_000 * news.len();
        self.writer.submit_claimed(bytes, async move |db: &Session| {
            shards::hold(db, claim).await?;
            turns::apply(db, &changes, Owned::Of(claim.shards)).await?;
            put_news(db, claim.shards, &news).await
        })
    }

    /// Of some rules those that are not free for a shard: another owner has to forget them first.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn rules_of_others(&self, shard: u8, rules: &[&str]) -> Result<Vec<String>, StoreError> {
        self.pool.look(async |db| cursors::of_others(db, shard, rules).await)
    }
}

async fn put_news(db: &Session, shards: Shards, news: &[AlertNews]) -> Result<(), Failure> {
    let (Shards::One(shard), false) = (shards, news.is_empty()) else { return Ok(()) };
    let bodies = news.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    let sql = "INSERT INTO news (shard, body)
               SELECT $1, body FROM unnest($2::text[]) WITH ORDINALITY AS new (body, at) ORDER BY at";
    db.execute(sql, &[&i16::from(shard), &bodies]).await?;
    Ok(())
}

/// A worker is there as long as its lease lasts.
const IS_THERE: &str = "EXISTS (SELECT 1 FROM worker WHERE name = holder AND until > clock_timestamp())";

async fn work(db: &Session) -> Result<Work, Failure> {
    let sql = "SELECT name, about, report, (extract(epoch FROM until - clock_timestamp()) * 1000)::bigint
               FROM worker WHERE until > clock_timestamp() ORDER BY name";
    let workers = db.query(sql, &[]).await?;
    let present = |row: &tokio_postgres::Row| {
        // A worker of another release says other things, or nothing.
        let report = column::<Option<String>>(row, 2)?.and_then(|text| serde_json::from_str(&text).ok());
        Ok(Present {
            worker: Worker { name: column(row, 0)?, about: column(row, 1)? },
            lease_ms: column(row, 3)?,
            report: report.unwrap_or_default(),
        })
    };
    let workers: Vec<Present> = workers.iter().map(present).collect::<Result<_, Failure>>()?;
    let sql = format!(
        "SELECT id, CASE WHEN {IS_THERE} THEN holder END, turns, epoch FROM shard WHERE id >= 0 ORDER BY id"
    );
    let shards = db.query(&sql, &[]).await?;
    let shard = |row: &tokio_postgres::Row| {
        let id = u8::try_from(column::<i16>(row, 0)?).unwrap_or(0);
        let epoch = column::<i64>(row, 3)?.unsigned_abs();
        Ok(Shard { id, holder: column(row, 1)?, epoch, turns: column(row, 2)? })
    };
    let shards = shards.iter().map(shard).collect::<Result<_, Failure>>()?;
    let sources = revisions::get(db, SHARED_OUT).await?;
    let sources = sources.map(|text| serde_json::from_str(&text)).transpose()?;
    let row = db.query_opt("SELECT count(*) FROM news", &[]).await?;
    let n_news = row.map_or(Ok(0), |row| column::<i64>(&row, 0))?.unsigned_abs();
    Ok(Work { workers, shards, sources, n_news })
}

async fn take(db: &Session, name: &str, about: &str, n: i64) -> Result<Vec<Claim>, Failure> {
    if revisions::get(db, SHARED_OUT).await?.is_none() {
        return Ok(Vec::new()); // and whoever owns everything goes on
    }
    let epoch = shards::begin(db, about).await?;
    if revisions::get(db, SHARED_OUT).await?.is_none() {
        return Err(Failure::Conflict("somebody has claimed everything meanwhile".to_owned()));
    }
    let sql = "DELETE FROM worker WHERE until < clock_timestamp() - interval '1 hour'";
    db.execute(sql, &[]).await?;
    // A turn of whoever held it may be under way: the claim waits for it, as others' turns do for this.
    let sql = format!(
        "UPDATE shard SET holder = $1, owner = $2, epoch = $3 WHERE id IN (
             SELECT id FROM shard WHERE id >= 0 AND (holder IS NULL OR NOT {IS_THERE}) ORDER BY id LIMIT $4)
         AND EXISTS (SELECT 1 FROM worker WHERE name = $1 AND until > clock_timestamp()) RETURNING id"
    );
    let rows = db.query(&sql, &[&name, &about, &epoch, &n]).await?;
    let claim = |row: &tokio_postgres::Row| {
        let id = u8::try_from(column::<i16>(row, 0)?).unwrap_or(0);
        Ok(Claim { shards: Shards::One(id), epoch: epoch.unsigned_abs() })
    };
    rows.iter().map(claim).collect()
}
