//! The one thread that writes: what was called first is written first, each piece in a transaction of its own.
//!
//! **A commit whose answer was lost.** Every transaction begins by noting its number in the row of this writer. When a
//! connection breaks, nobody knows whether the last commit came through; so the transaction is tried again, and finds its
//! number there if it did. The database keeps the second waiting until the first has ended. Until this is found out the
//! piece has no answer, and what comes later is refused: it was not begun.
//!
//! **A writer that was replaced** writes nothing: see [`shards`].

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use super::cursors::UNSHARED;
use super::pool::Pool;
use super::session::{Failure, Session};
use super::shards;
use crate::metrics::METRICS;
use crate::state::{Claim, Receipt, Shards};
use crate::store::{Promise, StoreError, locked, promise};

/// So often a transaction is begun anew when another one was in the way.
const CONFLICTS: usize = 5;
/// How long it takes to ask again what became of a commit.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(250);
/// More than so much waiting is refused.
const MAX_QUEUED_BYTES: usize = 128 << 20;

/// One piece of work, with its result's type hidden.
trait Work: Send {
    fn run<'a>(&'a mut self, db: &'a Session) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;
    fn finish(self: Box<Self>, written: Result<(), StoreError>);
}

struct Task<T, W, P> {
    work: W,
    value: Option<T>,
    /// Learns what was written, before anything else is.
    publish: P,
    promise: Promise<T>,
}

impl<T, W, P> Work for Task<T, W, P>
where
    T: Send,
    W: AsyncFn(&Session) -> Result<T, Failure> + Send,
    P: FnOnce(&T) + Send,
{
    fn run<'a>(&'a mut self, db: &'a Session) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>> {
        Box::pin(async move {
            self.value = Some((self.work)(db).await?);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, written: Result<(), StoreError>) {
        let Self { value, publish, promise, .. } = *self;
        let written = written.and_then(|()| value.ok_or(StoreError::Closed));
        if let Ok(value) = &written {
            publish(value);
        }
        promise.fulfil(written);
    }
}

struct Job {
    bytes: usize,
    /// Whether the claim of this store is checked; not where the work itself is about claims.
    is_fenced: bool,
    work: Box<dyn Work>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_closing: bool,
}

struct Shared {
    pool: Arc<Pool>,
    /// Names this writer in the database.
    name: String,
    queue: Mutex<Queue>,
    queued_bytes: AtomicUsize,
    arrived: Notify,
    /// What this store owns with everything that it writes, as the row of [`shards`] and its epoch; `None` while it owns
    /// nothing, or shards alone.
    fence: Mutex<Option<(i16, u64)>>,
}

/// The writer's handle; see the [module](self).
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(pool: Arc<Pool>, name: String) -> Result<Self, StoreError> {
        let runtime = pool.runtime()?;
        let shared = Arc::new(Shared {
            pool,
            name,
            queue: Mutex::default(),
            queued_bytes: AtomicUsize::new(0),
            arrived: Notify::new(),
            fence: Mutex::default(),
        });
        let thread = std::thread::Builder::new().name("lanner-state".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || runtime.block_on(run(&shared))
        });
        let thread =
            thread.map_err(|error| StoreError::Database { detail: format!("starting a thread: {error}") })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over work, which runs inside a transaction, and again if that breaks. `bytes` is roughly how large it is.
    /// Once somebody else has claimed what this store owns, it is refused.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl AsyncFn(&Session) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Receipt<T>, StoreError> {
        self.push(bytes, true, work, |_| ())
    }

    /// As [`Self::submit`], under a claim of its own.
    pub(super) fn submit_claimed<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl AsyncFn(&Session) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Receipt<T>, StoreError> {
        self.push(bytes, false, work, |_| ())
    }

    /// Claims shards. Whoever owns all of them writes nothing any more, of any kind, once somebody else claims one.
    pub(super) fn claim(&self, shards: Shards, owner: &str) -> Result<Receipt<Claim>, StoreError> {
        let (owner, shared) = (owner.to_owned(), Arc::clone(&self.shared));
        let work = async move |db: &Session| shards::claim(db, shards, &owner).await;
        let publish = move |claim: &Claim| {
            let mut fence = locked(&shared.fence);
            if shards == Shards::All || fence.is_some() {
                *fence = Some((shards::ANY, claim.epoch));
            }
        };
        self.push(100, false, work, publish)
    }

    /// Claims what is not shared out, as `work` does, which returns the epoch. Nothing of any kind is written any more once
    /// somebody else claims it.
    pub(super) fn claim_unshared(
        &self,
        work: impl AsyncFn(&Session) -> Result<u64, Failure> + Send + 'static,
    ) -> Result<Receipt<u64>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let publish = move |epoch: &u64| *locked(&shared.fence) = Some((UNSHARED, *epoch));
        self.push(1_000, false, work, publish)
    }

    fn push<T: Send + 'static>(
        &self,
        bytes: usize,
        is_fenced: bool,
        work: impl AsyncFn(&Session) -> Result<T, Failure> + Send + 'static,
        publish: impl FnOnce(&T) + Send + 'static,
    ) -> Result<Receipt<T>, StoreError> {
        let shared = &self.shared;
        let mut queue = locked(&shared.queue);
        if queue.is_closing {
            return Err(StoreError::Closed);
        }
        let queued_bytes = shared.queued_bytes.load(Ordering::Relaxed);
        // One piece larger than the limit is taken when nothing else waits.
        if queued_bytes > 0 && queued_bytes.saturating_add(bytes) > MAX_QUEUED_BYTES {
            METRICS.refused.inc();
            return Err(StoreError::Busy { retry_after: Duration::from_secs(1) });
        }
        let (promise, receipt) = promise();
        shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let work = Box::new(Task { work, value: None, publish, promise });
        queue.jobs.push_back(Job { bytes, is_fenced, work });
        drop(queue);
        shared.arrived.notify_one();
        Ok(receipt)
    }

    /// Writes what waits, then ends the thread. Later work is refused. Work whose commit nobody knows of stays unknown.
    pub(super) fn close(&self) {
        locked(&self.shared.queue).is_closing = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = locked(&self.thread).take() {
            // A panic of the thread was reported by the runtime; there is nothing left to write.
            let _ = thread.join();
        }
    }
}

/// Refuses all work when the thread ends, also by a panic: nobody may wait for what will not come.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut queue = locked(&self.0.queue);
        queue.is_closing = true;
        let unwritten = std::mem::take(&mut queue.jobs);
        drop(queue);
        drop(unwritten); // their receipts say that the store is closed
    }
}

async fn run(shared: &Shared) {
    let _ending = Ending(shared);
    let mut writing = Writing { shared, session: None, number: 0 };
    loop {
        let next = {
            let mut queue = locked(&shared.queue);
            let next = queue.jobs.pop_front();
            if next.is_none() && queue.is_closing {
                return;
            }
            next
        };
        match next {
            Some(job) => writing.write(job).await,
            None => shared.arrived.notified().await,
        }
    }
}

/// How a transaction ended.
enum Ended {
    /// It is written.
    Written,
    /// It is not, and nothing of it is.
    Not(Failure),
    /// The connection broke before the answer came.
    Unknown(String),
}

struct Writing<'a> {
    shared: &'a Shared,
    session: Option<Session>,
    /// The number of the last transaction.
    number: i64,
}

impl Writing<'_> {
    async fn write(&mut self, mut job: Job) {
        self.number += 1;
        let started = std::time::Instant::now();
        let written = self.settle(&mut job).await;
        if let Err(error) = &written {
            METRICS.failed_commits.inc();
            tracing::debug!("not written: {error}");
        }
        METRICS.commits.inc();
        METRICS.commit_seconds.observe(started.elapsed().as_secs_f64());
        // Whoever is notified that it is written finds the room that it leaves.
        self.shared.queued_bytes.fetch_sub(job.bytes, Ordering::Relaxed);
        job.work.finish(written);
    }

    /// Writes, and finds out whether it is written, however long that takes.
    async fn settle(&mut self, job: &mut Job) -> Result<(), StoreError> {
        let (mut n_conflicts, mut is_unknown, mut is_retried) = (0, false, false);
        loop {
            let is_stale = self.session.is_some();
            match self.attempt(job).await {
                Ended::Written => return Ok(()),
                Ended::Unknown(why) => {
                    if !is_unknown {
                        tracing::warn!("the answer to a commit was lost, and is asked for: {why}");
                    }
                    is_unknown = true;
                }
                Ended::Not(Failure::Conflict(_)) if n_conflicts < CONFLICTS => n_conflicts += 1,
                // A connection that broke while nothing was written is replaced, once.
                Ended::Not(Failure::Away(_)) if is_stale && !is_retried => is_retried = true,
                Ended::Not(Failure::Away(why)) if is_unknown => {
                    self.refuse_what_waits(&why);
                    if locked(&self.shared.queue).is_closing {
                        return Err(StoreError::Unavailable { detail: why });
                    }
                    tokio::time::sleep(BETWEEN_QUESTIONS).await;
                }
                Ended::Not(failure) => return Err(failure.into()),
            }
        }
    }

    /// Work that was not begun is not kept waiting for what nobody knows.
    fn refuse_what_waits(&self, why: &str) {
        let waiting = std::mem::take(&mut locked(&self.shared.queue).jobs);
        for Job { bytes, work, .. } in waiting {
            self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            work.finish(Err(StoreError::Unavailable { detail: why.to_owned() }));
        }
    }

    async fn attempt(&mut self, job: &mut Job) -> Ended {
        let session = match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => match self.shared.pool.connect().await {
                Ok(session) => session,
                Err(failure) => return Ended::Not(failure),
            },
        };
        let began = self.begin(&session).await;
        let ended = match began {
            // It came through before the connection broke.
            Ok(true) => match session.batch("ROLLBACK").await {
                Ok(()) | Err(_) => Ended::Written,
            },
            Ok(false) => match self.run(&session, job).await {
                Ok(()) => match session.batch("COMMIT").await {
                    Ok(()) => Ended::Written,
                    Err(Failure::Away(why)) => return Ended::Unknown(why),
                    Err(failure) => Ended::Not(failure),
                },
                Err(failure) => Ended::Not(failure),
            },
            Err(failure) => Ended::Not(failure),
        };
        let is_usable = match &ended {
            Ended::Written => true,
            Ended::Not(Failure::Away(_)) | Ended::Unknown(_) => false,
            // Nothing of it stays, and the connection is as before.
            Ended::Not(_) => session.batch("ROLLBACK").await.is_ok(),
        };
        self.session = is_usable.then_some(session);
        ended
    }

    /// Begins the transaction, and says whether the one of this number is written already.
    async fn begin(&self, session: &Session) -> Result<bool, Failure> {
        session.batch("BEGIN").await?;
        let noted = session
            .execute(
                "INSERT INTO writer (name, number, at) VALUES ($1, $2, now())
                 ON CONFLICT (name) DO UPDATE SET number = excluded.number, at = excluded.at
                 WHERE writer.number < excluded.number",
                &[&self.shared.name, &self.number],
            )
            .await?;
        Ok(noted == 0)
    }

    async fn run(&self, session: &Session, job: &mut Job) -> Result<(), Failure> {
        let fence = *locked(&self.shared.fence);
        if let Some((row, epoch)) = fence.filter(|_| job.is_fenced) {
            shards::hold_row(session, row, epoch).await?;
        }
        job.work.run(session).await
    }
}
