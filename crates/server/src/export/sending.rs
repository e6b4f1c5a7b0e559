//! One endpoint: what waits for it is sent in order, and again while it is away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lanner_core::{Sample, SeriesKey};
use lanner_io::remote_write::{Endpoint, SendError};
use lanner_wire::prometheus::write_request::write_request;
use tokio::sync::Notify;

use super::pending::{Batch, Pending};
use crate::metrics::METRICS;
use crate::sync::locked;

/// How long is waited after a request failed; doubled with each that follows, up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Samples of evaluations that come one shortly after the other are sent together.
const GATHER: Duration = Duration::from_millis(250);
/// Requests by which what is wrong in a batch is looked for; what is not found out by then is dropped with it.
const MAX_SPLITS: usize = 64;

/// What one endpoint is to be sent.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) endpoint: Endpoint,
    pending: Mutex<Pending<(SeriesKey, Sample)>>,
    more: Notify,
}

impl Queue {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let pending = Mutex::new(Pending::new(endpoint.bounds.max_pending));
        Self { endpoint, pending, more: Notify::new() }
    }

    /// Adds samples, with the labels of the endpoint. Where too many wait, the oldest are dropped and counted.
    pub(super) fn add(&self, samples: impl IntoIterator<Item = (SeriesKey, Sample)>) {
        let mut pending = locked(&self.pending);
        let mut n_dropped = 0;
        for (key, sample) in samples {
            let labels = &self.endpoint.labels;
            let key =
                if labels.is_empty() { key } else { SeriesKey { labels: key.labels.with(labels), ..key } };
            n_dropped += u64::from(pending.add((key, sample)).is_some());
        }
        self.count("dropped", n_dropped);
        self.note(&pending);
        drop(pending);
        self.more.notify_one();
    }

    fn note(&self, pending: &Pending<(SeriesKey, Sample)>) {
        let waiting = METRICS.remote_write.pending.with_label_values(&[&*self.endpoint.name]);
        waiting.set(pending.len() as f64);
    }

    fn count(&self, outcome: &str, n: u64) {
        METRICS.remote_write.samples.with_label_values(&[&*self.endpoint.name, outcome]).inc_by(n);
    }

    fn done(&self, until: u64) {
        let mut pending = locked(&self.pending);
        pending.done(until);
        self.note(&pending);
    }

    fn batch(&self) -> Batch<(SeriesKey, Sample)> {
        locked(&self.pending).batch(self.endpoint.bounds.max_samples)
    }

    /// Sends all that waits; ends when nothing does.
    ///
    /// # Errors
    /// The first request that may succeed later. What was not taken waits on.
    pub(super) async fn flush(&self) -> Result<(), SendError> {
        loop {
            let batch = self.batch();
            if batch.items.is_empty() {
                return Ok(());
            }
            self.send(batch).await?;
        }
    }

    /// Sends a batch. What is refused is halved until it is known which samples are wrong, and only these are dropped.
    async fn send(&self, batch: Batch<(SeriesKey, Sample)>) -> Result<(), SendError> {
        let mut parts: Vec<&[(SeriesKey, Sample)]> = vec![&batch.items];
        let (mut at, mut n_refused, mut n_splits) = (batch.first, 0, 0);
        let mut reason = None;
        while let Some(part) = parts.pop() {
            match self.endpoint.send(compressed(part)).await {
                Ok(()) => self.count("sent", part.len() as u64),
                Err(SendError::Refused(_)) if part.len() > 1 && n_splits < MAX_SPLITS => {
                    let (earlier, later) = part.split_at(part.len() / 2);
                    parts.extend([later, earlier]);
                    n_splits += 1;
                    continue;
                }
                Err(SendError::Refused(why)) => {
                    n_refused += part.len() as u64;
                    reason.get_or_insert_with(|| (part[0].0.clone(), why));
                    self.count("refused", part.len() as u64);
                }
                Err(later) => {
                    self.done(at);
                    return Err(later);
                }
            }
            at += part.len() as u64;
            self.done(at);
        }
        if let Some((key, why)) = reason {
            let endpoint = &*self.endpoint.name;
            tracing::warn!(endpoint, "{n_refused} samples are dropped, {key} the first: {why}");
        }
        Ok(())
    }

    /// Sends what comes until it is dropped, and tells the log when the endpoint goes away and when it is back.
    pub(super) async fn run(&self) {
        let up = METRICS.remote_write.up.with_label_values(&[&*self.endpoint.name]);
        let (endpoint, mut n_failed) = (&*self.endpoint.name, 0);
        loop {
            let Err(why) = self.flush().await else {
                if n_failed > 0 {
                    tracing::info!(endpoint, "samples are taken again");
                }
                n_failed = 0;
                up.set(1.0);
                self.more.notified().await;
                tokio::time::sleep(GATHER).await;
                continue;
            };
            if n_failed == 0 {
                tracing::warn!(endpoint, "{why}; samples wait, and are sent again");
            }
            up.set(0.0);
            tokio::time::sleep(pause(n_failed, &why)).await;
            n_failed += 1;
        }
    }
}

/// How long to wait after so many failures before this one: no shorter than the endpoint asked for.
fn pause(n_failed: u32, why: &SendError) -> Duration {
    let own = PAUSE.saturating_mul(1 << n_failed.min(10)).min(LONGEST_PAUSE);
    match why {
        SendError::Later { after: Some(asked), .. } => own.max(*asked),
        _ => own,
    }
}

fn compressed(samples: &[(SeriesKey, Sample)]) -> Bytes {
    let request = write_request(samples);
    // It fails only for more than 4 GiB, which bounded samples with bounded labels never are.
    snap::raw::Encoder::new().compress_vec(&request).unwrap_or_default().into()
}

/// Keeps sending until `stop` resolves, and then for as long as `grace`.
pub(super) async fn keep_sending(queue: Arc<Queue>, stop: impl Future<Output = ()>, grace: Duration) {
    tokio::select! {
        () = queue.run() => {}
        () = stop => {}
    }
    match tokio::time::timeout(grace, queue.flush()).await {
        Ok(Ok(())) => {}
        _ => {
            let n_waiting = locked(&queue.pending).len();
            if n_waiting > 0 {
                tracing::warn!(endpoint = &*queue.endpoint.name, "{n_waiting} samples were not sent");
            }
        }
    }
}
