//! The one thread that writes, and the group commit.
//!
//! Whatever waits when the thread becomes free goes into one transaction; each piece of work has its own
//! savepoint, so one failure does not hurt the others. When nothing waits, a piece commits alone and at
//! once. No transaction takes in more work once 200 ms have passed since its first. Urgent work goes before all that
//! waits, and the transaction that takes it in ends with it.
//!
//! Invariant: effects in memory (`publish`) happen after the commit, on this thread, in the order of the
//! commits; receipts resolve after that.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::StoreError;
use super::lock::locked;
use super::receipt::{Promise, Receipt, promise};
use crate::metrics::METRICS;

const LONGEST_GROUP: Duration = Duration::from_millis(200);
const LARGEST_GROUP_BYTES: usize = 16 << 20;

/// One piece of work, with its result's type hidden.
trait Work: Send {
    fn run(&mut self, db: &Connection) -> Result<(), StoreError>;
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<V, T, W, P> {
    work: Option<W>,
    value: Option<V>,
    publish: P,
    promise: Promise<T>,
}

impl<V, T, W, P> Work for Task<V, T, W, P>
where
    V: Send,
    T: Send,
    W: FnOnce(&Connection) -> Result<V, StoreError> + Send,
    P: FnOnce(V) -> T + Send,
{
    fn run(&mut self, db: &Connection) -> Result<(), StoreError> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(db)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { value, publish, promise, .. } = *self;
        match (committed, value) {
            (Ok(()), Some(value)) => promise.fulfil(Ok(publish(value))),
            (Ok(()), None) => promise.fulfil(Err(StoreError::Closed)),
            (Err(error), _) => promise.fulfil(Err(error)),
        }
    }
}

struct Job {
    bytes: usize,
    moves_blocks: bool,
    is_urgent: bool,
    work: Box<dyn Work>,
}

#[derive(Default)]
struct Queue {
    urgent: VecDeque<Job>,
    jobs: VecDeque<Job>,
    /// Bytes waiting and in the running transaction.
    bytes: usize,
    closing: bool,
    /// Bytes committed in a second, smoothed; 0 until known.
    bytes_per_second: f64,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

/// The writer's handle; see the module.
pub(super) struct Writer {
    shared: Arc<Shared>,
    max_queued_bytes: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How a piece of work is treated in the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Refused when the queue is full: data that a client can send again.
    Data,
    /// Refused at twice the limit: the engine's own state.
    State,
    /// Never refused, and goes before all else: small, and somebody waits for its effect.
    Now,
    /// Never refused: makes room.
    Housekeeping,
    /// Never refused; the commit is made while no reader looks at blocks.
    MovesBlocks,
}

impl Writer {
    /// Starts the thread on its connection. `layout` is write-locked around commits that move blocks.
    pub(super) fn start(
        db: Connection,
        layout: Arc<RwLock<()>>,
        max_queued_bytes: usize,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("lanner-store".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, &db, &layout)
        })?;
        Ok(Self { shared, max_queued_bytes, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over work. `work` runs inside a transaction; `publish` after its commit makes the answer.
    pub(super) fn submit<V, T, W, P>(
        &self,
        urgency: Urgency,
        bytes: usize,
        work: W,
        publish: P,
    ) -> Result<Receipt<T>, StoreError>
    where
        V: Send + 'static,
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<V, StoreError> + Send + 'static,
        P: FnOnce(V) -> T + Send + 'static,
    {
        let limit = match urgency {
            Urgency::Data => self.max_queued_bytes,
            Urgency::State => self.max_queued_bytes.saturating_mul(2),
            Urgency::Now | Urgency::Housekeeping | Urgency::MovesBlocks => usize::MAX,
        };
        let mut queue = locked(&self.shared.queue);
        if queue.closing {
            return Err(StoreError::Closed);
        }
        // One piece larger than the limit is taken when nothing else waits.
        if queue.bytes > 0 && queue.bytes.saturating_add(bytes) > limit {
            METRICS.refused.inc();
            return Err(StoreError::Busy { retry_after: queue.expected_wait() });
        }
        let (promise, receipt) = promise();
        let work = Box::new(Task { work: Some(work), value: None, publish, promise });
        queue.bytes += bytes;
        let (moves_blocks, is_urgent) = (urgency == Urgency::MovesBlocks, urgency == Urgency::Now);
        let job = Job { bytes, moves_blocks, is_urgent, work };
        if is_urgent {
            queue.urgent.push_back(job);
        } else {
            queue.jobs.push_back(job);
        }
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(receipt)
    }

    /// Bytes waiting to be written.
    pub(super) fn queued_bytes(&self) -> usize {
        locked(&self.shared.queue).bytes
    }

    /// Writes what waits, then ends the thread. Later work is refused.
    pub(super) fn close(&self) {
        locked(&self.shared.queue).closing = true;
        self.shared.arrived.notify_all();
        if let Some(thread) = locked(&self.thread).take() {
            // A panic of the thread was reported by the runtime; there is nothing left to write.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn pop(&mut self, only_urgent: bool) -> Option<Job> {
        let urgent = self.urgent.pop_front();
        if only_urgent { urgent } else { urgent.or_else(|| self.jobs.pop_front()) }
    }

    /// How long the queue takes to drain at the recent speed, within sensible bounds.
    fn expected_wait(&self) -> Duration {
        let seconds =
            if self.bytes_per_second > 0.0 { self.bytes as f64 / self.bytes_per_second } else { 1.0 };
        Duration::from_secs_f64(seconds.clamp(0.05, 10.0))
    }
}

/// Refuses all work when the thread ends, also by a panic: nobody may wait for what will not come.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut queue = locked(&self.0.queue);
        queue.closing = true;
        let unwritten = (std::mem::take(&mut queue.urgent), std::mem::take(&mut queue.jobs));
        drop(queue);
        drop(unwritten); // their receipts say that the store is closed
    }
}

fn run(shared: &Shared, db: &Connection, layout: &RwLock<()>) {
    let _ending = Ending(shared);
    while let Some(first) = next(shared) {
        let started = Instant::now();
        let bytes = commit_group(shared, db, layout, first, started);
        let seconds = started.elapsed().as_secs_f64();
        METRICS.commits.inc();
        METRICS.commit_seconds.observe(seconds);
        let mut queue = locked(&shared.queue);
        let speed = bytes as f64 / seconds.max(1e-6);
        queue.bytes_per_second =
            if queue.bytes_per_second > 0.0 { 0.9 * queue.bytes_per_second + 0.1 * speed } else { speed };
    }
}

/// Waits for the next job; `None` when the store closes and nothing is left.
fn next(shared: &Shared) -> Option<Job> {
    let mut queue = locked(&shared.queue);
    loop {
        if let Some(job) = queue.pop(false) {
            return Some(job);
        }
        if queue.closing {
            return None;
        }
        queue = shared.arrived.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

/// Runs one transaction of everything that waits, and answers it. Returns the bytes taken.
fn commit_group(
    shared: &Shared,
    db: &Connection,
    layout: &RwLock<()>,
    first: Job,
    started: Instant,
) -> usize {
    let mut bytes = 0;
    let (mut moves_blocks, mut is_urgent) = (false, false);
    let mut done: Vec<Box<dyn Work>> = Vec::new();
    let mut outcome = db.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    let mut job = Some(first);
    while let Some(mut current) = job {
        bytes += current.bytes;
        moves_blocks |= current.moves_blocks;
        is_urgent |= current.is_urgent;
        match run_one(db, current.work.as_mut(), &outcome) {
            Ok(()) => done.push(current.work),
            Err(error) => {
                current.work.finish(Err(error.clone()));
                if outcome.is_ok() && db.is_autocommit() {
                    outcome = Err(error); // SQLite gave up the whole transaction
                }
            }
        }
        let full = bytes >= LARGEST_GROUP_BYTES || started.elapsed() >= LONGEST_GROUP || outcome.is_err();
        job = if full { None } else { locked(&shared.queue).pop(is_urgent) };
    }
    // Readers that look at blocks see either all of a change or none, in memory and on disk.
    let guard = moves_blocks.then(|| layout.write().unwrap_or_else(std::sync::PoisonError::into_inner));
    if outcome.is_ok() {
        outcome = db.execute_batch("COMMIT").map_err(StoreError::from);
    }
    if outcome.is_err() && !db.is_autocommit() {
        // Nothing of the group was acknowledged, so nothing is lost.
        let _ = db.execute_batch("ROLLBACK");
    }
    if let Err(error) = &outcome {
        METRICS.failed_commits.inc();
        tracing::error!(%error, "could not write to the store");
    }
    // Whoever is notified that it is written finds the room that it leaves.
    let mut queue = locked(&shared.queue);
    queue.bytes = queue.bytes.saturating_sub(bytes);
    drop(queue);
    for work in done {
        work.finish(outcome.clone());
    }
    drop(guard);
    bytes
}

/// Runs one piece of work inside its own savepoint.
fn run_one(db: &Connection, work: &mut dyn Work, outcome: &Result<(), StoreError>) -> Result<(), StoreError> {
    outcome.clone()?;
    db.prepare_cached("SAVEPOINT piece")?.execute([])?;
    let result = work.run(db);
    if db.is_autocommit() {
        return result.and(Err(StoreError::DiskFull));
    }
    if result.is_err() {
        db.prepare_cached("ROLLBACK TO piece")?.execute([])?;
    }
    db.prepare_cached("RELEASE piece")?.execute([])?;
    result
}
