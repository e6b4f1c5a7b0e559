//! Delivery: from the outbox to the receivers, with retries, until each message is sent or given up.
//!
//! Each receiver has a task of its own that sends one message at a time, so one that hangs delays nobody
//! else. The queue is the [`Outbox`] itself: nothing is kept in memory, and what was not sent when Lanner
//! stops is sent when it runs again.
//!
//! Order: within a notification group messages are sent in the order in which they were written, because
//! the outbox offers only the oldest one of each; a message that waits for its retry holds back only its
//! own group.
//!
//! Reading order: [`Outbox`] (what the store must do), [`Delivery`] (what the server holds), `Worker`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lanner_core::Notification;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::health::{Health, Healths};
use super::{Receiver, SendError, SendErrorKind};
use crate::metrics::METRICS;
use crate::remote::backoff::{Attempt, Backoff};

/// Messages read from the outbox at once.
const BATCH: usize = 32;

/// Why the outbox could not answer.
pub type OutboxError = Box<dyn std::error::Error + Send + Sync>;

/// A message that is to be sent now.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The message.
    pub notification: Notification,
    /// Attempts that failed so far.
    pub n_failed: u32,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt.
    TryAgain {
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
    },
    /// Nothing with this message: the receiver refused it as it is, and will be told what is true later.
    Refused,
    /// Nothing: the message becomes a dead letter.
    GiveUp,
}

/// Where messages lie until they are sent. The store is one.
///
/// A message is *open* from the transaction that wrote it until `sent`, or `failed` without another attempt.
pub trait Outbox: Send + Sync + 'static {
    /// Open messages for `receiver` whose next attempt is not after `now_ms`, oldest first, at most `limit`.
    ///
    /// Of each notification group only the oldest open message is offered, whether it is due or not: a later
    /// one never overtakes it.
    fn due(
        &self,
        receiver: &str,
        now_ms: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, OutboxError>> + Send;

    /// The message `key` was taken by its receiver; `remark` says whom it did not reach.
    fn sent(
        &self,
        key: &str,
        now_ms: i64,
        remark: Option<&str>,
    ) -> impl Future<Output = Result<(), OutboxError>> + Send;

    /// An attempt failed.
    fn failed(
        &self,
        key: &str,
        now_ms: i64,
        error: &str,
        next: Next,
    ) -> impl Future<Output = Result<(), OutboxError>> + Send;
}

/// Tells the time, in milliseconds since the Unix epoch.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now_ms(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// How delivery behaves.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryOptions {
    /// When to try again.
    pub backoff: Backoff,
    /// How often an idle worker looks into the outbox although nobody woke it. Default 15 s.
    pub poll_every: Duration,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self { backoff: Backoff::default(), poll_every: Duration::from_secs(15) }
    }
}

/// The running workers, one per receiver. Dropping it without [`Delivery::stop`] ends them at once.
pub struct Delivery<O, C> {
    outbox: Arc<O>,
    clock: Arc<C>,
    options: DeliveryOptions,
    workers: BTreeMap<Arc<str>, Running>,
    healths: Healths,
    /// Workers whose receiver is gone, until their attempt under way has ended.
    leaving: JoinSet<()>,
}

impl<O, C> fmt::Debug for Delivery<O, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// A worker's task. Dropping it ends the task at once.
#[derive(Debug)]
struct Running {
    name: Arc<str>,
    receiver: Arc<Receiver>,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Lets the attempt under way end until `deadline`, and ends the worker.
    async fn end(mut self, deadline: tokio::time::Instant) {
        self.stop.send_replace(true);
        if tokio::time::timeout_at(deadline, &mut self.task).await.is_err() {
            tracing::warn!(receiver = &*self.name, "an attempt was interrupted and will be repeated");
        }
    }
}

impl<O: Outbox, C: Clock> Delivery<O, C> {
    /// Delivery from `outbox`, without workers: they begin when they are told of receivers.
    #[must_use]
    pub fn new(outbox: Arc<O>, clock: Arc<C>, options: DeliveryOptions) -> Self {
        Self {
            outbox,
            clock,
            options,
            workers: BTreeMap::new(),
            healths: Healths::default(),
            leaving: JoinSet::new(),
        }
    }

    /// Starts one worker per receiver on the current tokio runtime; each looks for due messages at once.
    pub fn start(
        receivers: impl IntoIterator<Item = (Arc<str>, Arc<Receiver>)>,
        outbox: &Arc<O>,
        clock: &Arc<C>,
        options: DeliveryOptions,
    ) -> Self {
        let mut delivery = Self::new(Arc::clone(outbox), Arc::clone(clock), options);
        for (name, receiver) in receivers {
            delivery.set(&name, receiver, Duration::ZERO);
        }
        delivery
    }

    /// Starts the worker of a receiver, or replaces it; no other worker notices. Where one was before, the new one
    /// begins when that one's attempt under way has ended, or after `grace`: no message is sent by both at once.
    pub fn set(&mut self, name: &Arc<str>, receiver: Arc<Receiver>, grace: Duration) {
        self.healths.forget(name);
        let worker = Worker {
            name: Arc::clone(name),
            receiver: Arc::clone(&receiver),
            outbox: Arc::clone(&self.outbox),
            clock: Arc::clone(&self.clock),
            options: self.options,
            healths: self.healths.clone(),
            sent_unrecorded: HashSet::new(),
            to_record: Vec::new(),
            left_alone_until_ms: i64::MIN,
            retries_ms: BTreeSet::new(),
        };
        let (wake, (stop, stopped)) = (Arc::new(Notify::new()), watch::channel(false));
        let before = self.workers.remove(name);
        let work = {
            let wake = Arc::clone(&wake);
            async move {
                if let Some(before) = before {
                    before.end(tokio::time::Instant::now() + grace).await;
                }
                worker.run(wake, stopped).await;
            }
        };
        let task = tokio::spawn(work);
        let running = Running { name: Arc::clone(name), receiver, wake, stop, task };
        self.workers.insert(Arc::clone(name), running);
    }

    /// Ends the worker of a receiver, once its attempt under way has ended or after `grace`. Does not wait for it.
    pub fn remove(&mut self, name: &str, grace: Duration) {
        while self.leaving.try_join_next().is_some() {}
        self.healths.forget(name);
        if let Some(worker) = self.workers.remove(name) {
            self.leaving.spawn(worker.end(tokio::time::Instant::now() + grace));
        }
    }

    /// How sending to a receiver goes, since the program started; as if nothing was sent yet for a name that is not known.
    #[must_use]
    pub fn health(&self, name: &str) -> Health {
        self.healths.of(name)
    }

    /// A receiver that has a worker, for messages that cannot wait in the outbox.
    #[must_use]
    pub fn receiver(&self, name: &str) -> Option<Arc<Receiver>> {
        self.workers.get(name).map(|worker| Arc::clone(&worker.receiver))
    }

    /// Says that new messages were written. Cheap; call it after each transaction that wrote some.
    pub fn wake(&self) {
        for worker in self.workers.values() {
            worker.wake.notify_one();
        }
    }

    /// Lets attempts under way end, for at most `grace`, and ends the workers.
    ///
    /// What was not sent stays in the outbox; an attempt that was cut off is made again.
    pub async fn stop(self, grace: Duration) {
        let Self { workers, mut leaving, .. } = self;
        let deadline = tokio::time::Instant::now() + grace;
        for worker in workers.into_values() {
            leaving.spawn(worker.end(deadline));
        }
        // Those that left before have deadlines of their own, which may be later.
        let _ = tokio::time::timeout_at(deadline + Duration::from_millis(100), leaving.join_all()).await;
    }
}

/// Sends what is due for one receiver, one message at a time.
struct Worker<O, C> {
    name: Arc<str>,
    receiver: Arc<Receiver>,
    outbox: Arc<O>,
    clock: Arc<C>,
    options: DeliveryOptions,
    healths: Healths,
    /// Messages that were taken while the outbox failed to note it: not to be sent a second time.
    sent_unrecorded: HashSet<String>,
    /// Messages of this batch that were taken, and remarks, to be noted together.
    to_record: Vec<(String, Option<String>)>,
    /// Until when the receiver asked to be left alone.
    left_alone_until_ms: i64,
    /// When messages that failed are tried again; kept here so that being woken does not put it off.
    retries_ms: BTreeSet<i64>,
}

impl<O: Outbox, C: Clock> Worker<O, C> {
    async fn run(mut self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause = match self.turn(&stop).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(receiver = &*self.name, %error, "the outbox failed; deliveries wait for it");
                    Duration::from_secs(1).min(self.options.poll_every)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = wake.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends what is due now; returns how long there is nothing to do unless somebody wakes the worker.
    async fn turn(&mut self, stop: &watch::Receiver<bool>) -> Result<Duration, OutboxError> {
        let mut more = true;
        while more && !*stop.borrow() {
            let now_ms = self.clock.now_ms();
            if now_ms < self.left_alone_until_ms {
                return Ok(self.pause(Some(self.left_alone_until_ms)));
            }
            self.retries_ms = self.retries_ms.split_off(&now_ms.saturating_add(1));
            let due = self.outbox.due(&self.name, now_ms, BATCH).await?;
            more = !due.is_empty();
            for message in due {
                if *stop.borrow() || self.clock.now_ms() < self.left_alone_until_ms {
                    break;
                }
                let next_ms = self.attempt(&message).await?;
                self.retries_ms.extend(next_ms);
            }
            self.record().await?;
        }
        Ok(self.pause(self.retries_ms.first().copied()))
    }

    /// From now until `until_ms`, but no longer than an idle worker sleeps.
    fn pause(&self, until_ms: Option<i64>) -> Duration {
        let wait_ms = until_ms.map(|until_ms| until_ms.saturating_sub(self.clock.now_ms()).max(0));
        let wait = wait_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        wait.map_or(self.options.poll_every, |wait| wait.min(self.options.poll_every))
    }

    /// Sends one message and notes what became of it. Returns when it is to be tried again.
    async fn attempt(&mut self, due: &Due) -> Result<Option<i64>, OutboxError> {
        let key = &due.notification.key;
        let mut remark = None;
        if !self.sent_unrecorded.contains(key) {
            let began = Instant::now();
            let result = self.send(due.notification.clone()).await;
            self.count(&result, began.elapsed());
            self.healths.note(&self.name, self.clock.now_ms(), &result);
            match result {
                Ok(()) => {}
                Err(error) if error.kind == SendErrorKind::Noted => remark = Some(error.message),
                Err(error) if error.kind == SendErrorKind::Partly => {
                    tracing::warn!(receiver = &*self.name, key, %error, "not everybody got the message");
                    remark = Some(error.message);
                }
                Err(error) => return self.failed(due, &error).await,
            }
            self.sent_unrecorded.insert(key.clone());
        }
        self.to_record.push((key.clone(), remark));
        if !self.receiver.is_repeatable() {
            self.record().await?;
        }
        Ok(None)
    }

    /// Notes which messages were taken. All are noted at once, so that they share what writing them costs.
    async fn record(&mut self) -> Result<(), OutboxError> {
        let (mut notes, now_ms) = (JoinSet::new(), self.clock.now_ms());
        for (key, remark) in std::mem::take(&mut self.to_record) {
            let outbox = Arc::clone(&self.outbox);
            notes.spawn(async move {
                let noted = outbox.sent(&key, now_ms, remark.as_deref()).await;
                (key, noted)
            });
        }
        let mut result = Ok(());
        while let Some(noted) = notes.join_next().await {
            match noted {
                Ok((key, Ok(()))) => drop(self.sent_unrecorded.remove(&key)),
                Ok((_, Err(error))) => result = Err(error),
                Err(panic) => result = Err(panic.into()),
            }
        }
        result
    }

    /// Makes the attempt in a task of its own, so that a panic in it ends the attempt and not the worker.
    async fn send(&self, notification: Notification) -> Result<(), SendError> {
        let receiver = Arc::clone(&self.receiver);
        let mut task = JoinSet::new(); // unlike a plain task, ends when this is dropped
        task.spawn(async move { receiver.send(&notification).await });
        match task.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(SendError::retry(format!(
                "the delivery task panicked (a bug in Lanner): {error}; please report it"
            ))),
            None => Err(SendError::retry("the attempt did not begin")), // not reached: one task was spawned
        }
    }

    async fn failed(&mut self, due: &Due, error: &SendError) -> Result<Option<i64>, OutboxError> {
        let now_ms = self.clock.now_ms();
        let attempt = Attempt {
            key: &due.notification.key,
            n_attempts: due.n_failed.saturating_add(1),
            created_ms: due.notification.created_ms,
            give_up_ms: due.notification.give_up_ms,
            now_ms,
            retry_after_ms: error.retry_after_ms,
        };
        let next = match error.kind {
            SendErrorKind::Retry => self
                .options
                .backoff
                .next_attempt_ms(attempt)
                .map_or(Next::GiveUp, |at_ms| Next::TryAgain { at_ms }),
            SendErrorKind::Permanent | SendErrorKind::Partly | SendErrorKind::Noted => {
                match attempt.give_up_ms {
                    Some(give_up_ms) if now_ms < give_up_ms => Next::Refused,
                    _ => Next::GiveUp,
                }
            }
        };
        if let (SendErrorKind::Retry, Some(wait_ms)) = (error.kind, error.retry_after_ms) {
            // A receiver that counts requests means all of them, not only this one.
            self.left_alone_until_ms = now_ms.saturating_add(wait_ms);
        }
        let (receiver, kind, key) = (&*self.name, self.receiver.kind(), attempt.key);
        let n_attempts = attempt.n_attempts;
        match next {
            Next::TryAgain { .. } => {
                tracing::warn!(receiver, kind, key, n_attempts, %error, "not sent, will retry");
            }
            Next::Refused => {
                tracing::warn!(receiver, kind, key, n_attempts, %error, "refused, a later message will repeat it");
            }
            Next::GiveUp => {
                tracing::error!(receiver, kind, key, n_attempts, %error, "not sent, given up");
                METRICS.notifications_dead.with_label_values(&[receiver]).inc();
            }
        }
        self.outbox.failed(attempt.key, now_ms, &error.message, next).await?;
        Ok(match next {
            Next::TryAgain { at_ms } => Some(at_ms),
            Next::Refused | Next::GiveUp => None,
        })
    }

    fn count(&self, result: &Result<(), SendError>, took: Duration) {
        let is_taken = |error: &SendError| matches!(error.kind, SendErrorKind::Partly | SendErrorKind::Noted);
        let is_sent = result.as_ref().map_or_else(is_taken, |()| true);
        let outcome = if is_sent { "sent" } else { "failed" };
        METRICS.notification_attempts.with_label_values(&[&*self.name, outcome]).inc();
        METRICS.notification_seconds.with_label_values(&[&*self.name]).observe(took.as_secs_f64());
    }
}
