//! Who may evaluate: one server at a time, for as long as it says so again and again.
//!
//! A lease decides only *when* another server takes over; that the one before writes nothing afterwards is decided by
//! [claims](super::shards). Time is the database's. Whoever holds the lease asks for it again at a third of its length, and
//! when it could not for all of that length takes it for lost until it is heard of again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::pool::Pool;
use super::session::{Failure, Session, column, text};
use crate::store::{StoreError, locked};

/// How long a lease lasts that nobody renews.
pub const LEASE: Duration = Duration::from_secs(10);

/// What is leased.
const NAME: &str = "evaluation";

/// Somebody else has the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who, for people.
    pub about: String,
}

/// A lease that is held, and renewed until it is dropped.
pub struct Lease {
    shared: Arc<Shared>,
    lost: watch::Receiver<Option<Held>>,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("holder", &self.shared.holder).finish_non_exhaustive()
    }
}

pub(super) struct Shared {
    pool: Arc<Pool>,
    holder: String,
    about: String,
    /// Until when it is held for certain.
    until: Mutex<Instant>,
    is_released: AtomicBool,
}

impl Shared {
    /// Whether it is held for certain.
    pub(super) fn is_held(&self) -> bool {
        *locked(&self.until) > Instant::now()
    }

    /// Gives it back, so that others need not wait until it ends.
    pub(super) fn release(&self) -> Result<(), StoreError> {
        self.is_released.store(true, Ordering::Relaxed);
        if !self.is_held() {
            return Ok(());
        }
        *locked(&self.until) = Instant::now();
        let sql = "DELETE FROM lease WHERE name = $1 AND holder = $2";
        self.pool.look(async |db| db.execute(sql, &[&NAME, &self.holder]).await.map(drop))
    }

    /// Takes or renews it, unless somebody else holds it.
    async fn take(&self, db: &Session) -> Result<Option<Held>, Failure> {
        let asked = Instant::now();
        let sql = "INSERT INTO lease (name, holder, about, until)
                   VALUES ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 millisecond')
                   ON CONFLICT (name) DO UPDATE
                   SET holder = excluded.holder, about = excluded.about, until = excluded.until
                   WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()";
        let length_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        if db.execute(sql, &[&NAME, &self.holder, &self.about, &length_ms]).await? == 1 {
            *locked(&self.until) = asked + LEASE;
            return Ok(None);
        }
        let row = db.query_opt("SELECT about FROM lease WHERE name = $1", &[&NAME]).await?;
        Ok(Some(Held { about: row.map_or(Ok("nobody".to_owned()), |row| column(&row, 0))? }))
    }
}

impl Lease {
    /// Takes the lease, if nobody else holds it. `holder` names this server, and again after it was started anew; `about` is
    /// for people.
    pub(super) fn acquire(
        pool: &Arc<Pool>,
        holder: &str,
        about: &str,
    ) -> Result<Result<Self, Held>, StoreError> {
        let shared = Arc::new(Shared {
            pool: Arc::clone(pool),
            holder: text(holder),
            about: text(about),
            until: Mutex::new(Instant::now()),
            is_released: AtomicBool::new(false),
        });
        if let Some(held) = pool.look(async |db| shared.take(db).await)? {
            return Ok(Err(held));
        }
        let (tell, lost) = watch::channel(None);
        drop(pool.runtime()?.spawn(renew(Arc::downgrade(&shared), tell)));
        Ok(Ok(Self { shared, lost }))
    }

    /// Who has it instead, once somebody has.
    pub async fn lost(&self) -> Held {
        let mut lost = self.lost.clone();
        let held = lost.wait_for(Option::is_some).await.ok().and_then(|held| held.clone());
        match held {
            Some(held) => held,
            // Nobody renews it any more, and nobody learns more.
            None => std::future::pending().await,
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

/// Asks for it again and again, on a connection of its own.
async fn renew(shared: std::sync::Weak<Shared>, tell: watch::Sender<Option<Held>>) {
    let mut session: Option<Session> = None;
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.is_released.load(Ordering::Relaxed) {
            return;
        }
        let was_held = shared.is_held();
        let renewed = tokio::time::timeout(LEASE / 3, async {
            let db = match session.take().filter(|session| !session.is_closed()) {
                Some(session) => session,
                None => Session::connect(shared.pool.database()).await?,
            };
            let taken = shared.take(&db).await?;
            session = Some(db);
            Ok::<_, Failure>(taken)
        });
        match renewed.await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(held))) => {
                *locked(&shared.until) = Instant::now();
                tell.send_replace(Some(held));
                return;
            }
            Ok(Err(failure)) if was_held => {
                tracing::warn!("the lease on evaluation is not renewed: {}", StoreError::from(failure));
            }
            Err(_) if was_held => tracing::warn!("the lease on evaluation is not renewed: no answer"),
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
