//! Evaluations for the result index: sent as they are written, and read back from the state where memory does not hold them.
//!
//! Reading order: [`start`], `Feed` (one index), `waiting` (what is still to be sent).
//!
//! Evaluation never waits for this. The state has whatever was written, and a document that is sent twice is one. So it is enough to
//! know from when on something may be missing: after a restart, after the index was away for longer than memory lasts, and after a
//! time in which this machine was too busy to follow.

mod waiting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lanner_core::Evaluation;
use lanner_core::time::{DAY_MS, HOUR_MS};
use lanner_io::result_index::{ResultIndex, ResultIndexConfig};
use lanner_io::state::EvaluationFilter;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinHandle;

use crate::base::Base;
use crate::evaluate::service::EvaluationService;
use crate::evaluate::written::Written;
use crate::http::blocking;
use crate::metrics::METRICS;
use crate::sync::locked;
use waiting::{Piece, Waiting};

/// The pause after a failure; doubled with each that follows, up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Evaluations that come one shortly after the other are sent together.
const GATHER: Duration = Duration::from_millis(500);
/// Evaluations of a request.
const BATCH: usize = 2_000;
/// How far the state is read back from the time of what was sent or heard last: a window may be evaluated late.
const OVERLAP_MS: i64 = HOUR_MS;
/// How far the state is read back at most after a start.
const LONGEST_CATCH_UP_MS: i64 = 7 * DAY_MS;
/// How long what waits may be sent when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Starts to send, if an index is set.
pub(crate) fn start(base: &Base, service: &Arc<EvaluationService>) -> Option<JoinHandle<()>> {
    let config = base.settings.result_index.clone()?;
    // From here on nothing is missed that this server writes.
    let written = service.written.subscribe();
    Some(tokio::spawn(run(Arc::clone(service), config, written)))
}

/// Runs until the server stops.
async fn run(
    service: Arc<EvaluationService>,
    config: ResultIndexConfig,
    written: broadcast::Receiver<Written>,
) {
    let index = match config.build() {
        Ok(index) => index,
        Err(problem) => return tracing::error!("server.result_index cannot be used: {problem}"),
    };
    let waiting = Mutex::new(Waiting::new(index.max_pending()));
    let feed = Feed { service, index, waiting, more: Notify::new() };
    tokio::select! {
        () = feed.gather(written) => {}
        () = feed.keep_sending() => {}
    }
}

/// One index, and what it is to be sent.
struct Feed {
    service: Arc<EvaluationService>,
    index: ResultIndex,
    waiting: Mutex<Waiting>,
    more: Notify,
}

impl Feed {
    /// Adds what is written, while something is sent as well. Never ends.
    async fn gather(&self, mut written: broadcast::Receiver<Written>) {
        loop {
            match written.recv().await {
                Ok(changes) => self.change(|waiting| waiting.add(&changes.evaluations)),
                Err(RecvError::Lagged(_)) => self.miss_from(self.service.now_ms() - OVERLAP_MS),
                Err(RecvError::Closed) => std::future::pending().await,
            }
            self.more.notify_one();
        }
    }

    /// Sends until the server stops, and then what still waits for as long as the grace.
    async fn keep_sending(&self) {
        let mut progress = Progress::default();
        tokio::select! {
            () = self.send_all(&mut progress) => {}
            () = self.service.shutdown.begun() => {}
        }
        // What does not get through is read from the state after the next start.
        let _ = tokio::time::timeout(GRACE, self.flush(&mut progress)).await;
    }

    /// Sends what comes until it is dropped, and logs when the index goes away and when it is back.
    async fn send_all(&self, progress: &mut Progress) {
        let mut n_failed = 0_u32;
        loop {
            let Err(why) = self.flush(progress).await else {
                if n_failed > 0 {
                    tracing::info!("the result index takes evaluations again");
                }
                n_failed = 0;
                METRICS.results.up.set(1.0);
                self.more.notified().await;
                tokio::time::sleep(GATHER).await;
                continue;
            };
            if n_failed == 0 {
                tracing::warn!("server.result_index: {why}; evaluations wait, and are sent again");
            }
            METRICS.results.up.set(0.0);
            tokio::time::sleep(PAUSE.saturating_mul(1 << n_failed.min(10)).min(LONGEST_PAUSE)).await;
            n_failed += 1;
        }
    }

    /// Sends all that waits. What the state has of it comes first, so that the newest document is never ahead of a gap.
    async fn flush(&self, progress: &mut Progress) -> Result<(), String> {
        if !progress.is_prepared {
            self.prepare().await?;
            progress.is_prepared = true;
        }
        loop {
            if let Some(from_ms) = self.change(Waiting::begin_piece) {
                self.send_piece(from_ms, &mut progress.piece).await?;
                continue;
            }
            let batch = locked(&self.waiting).batch(BATCH);
            if batch.items.is_empty() {
                return Ok(());
            }
            self.send(&batch.items).await?;
            self.change(|waiting| waiting.sent(&batch));
        }
    }

    /// Sends what the state has from a time on, unless the piece turns out too large: then the next one is smaller.
    async fn send_piece(&self, from_ms: i64, piece: &mut Piece) -> Result<(), String> {
        let (to_ms, now_ms) = (from_ms + piece.length_ms, self.service.now_ms());
        let evaluations = self.read(from_ms, to_ms, piece.limit).await?;
        let (next, is_whole) = piece.next(evaluations.len());
        *piece = next;
        if is_whole {
            self.send(&evaluations).await?;
            self.change(|waiting| waiting.end_piece(to_ms, now_ms));
        }
        Ok(())
    }

    /// Puts the template there, and finds out from when on evaluations may be missing.
    async fn prepare(&self) -> Result<(), String> {
        if let Some(why) = self.index.prepare().await.map_err(|error| error.to_string())? {
            tracing::warn!("server.result_index.keep: {why}; indices are kept until somebody deletes them");
        }
        let newest_ms = self.index.newest_ms().await.map_err(|error| error.to_string())?;
        let now_ms = self.service.now_ms();
        let newest_ms = newest_ms.unwrap_or(now_ms).clamp(now_ms - LONGEST_CATCH_UP_MS, now_ms);
        self.miss_from(newest_ms - OVERLAP_MS);
        Ok(())
    }

    /// What the state has of windows that end within a time, at most `limit`.
    async fn read(&self, from_ms: i64, to_ms: i64, limit: usize) -> Result<Vec<Evaluation>, String> {
        let state = Arc::clone(&self.service.state);
        let (from_ms, to_ms) = (Some(from_ms), Some(to_ms));
        let filter = EvaluationFilter { from_ms, to_ms, limit, ..EvaluationFilter::default() };
        match blocking(move || state.evaluations(&filter)).await {
            Ok(read) => read.map_err(|error| format!("the state cannot be read: {error}")),
            Err(panic) => Err(format!("the task that reads the state panicked: {panic}")),
        }
    }

    async fn send(&self, evaluations: &[Evaluation]) -> Result<(), String> {
        let count = |outcome: &str, n| METRICS.results.evaluations.with_label_values(&[outcome]).inc_by(n);
        for batch in evaluations.chunks(BATCH) {
            let taken = self.index.send(batch).await.map_err(|error| error.to_string())?;
            count("sent", taken.created + taken.updated);
            count("refused", taken.refused);
            if taken.refused > 0 {
                let (n, reasons) = (taken.refused, taken.reasons.join("; "));
                tracing::warn!(
                    "server.result_index: {n} evaluations are dropped, the index refuses them: {reasons}"
                );
            }
        }
        Ok(())
    }

    fn miss_from(&self, from_ms: i64) {
        self.change(|waiting| waiting.miss_from(from_ms));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let mut waiting = locked(&self.waiting);
        let changed = change(&mut waiting);
        METRICS.results.pending.set(waiting.len() as f64);
        changed
    }
}

/// What is known from one attempt to the next.
#[derive(Debug, Default)]
struct Progress {
    is_prepared: bool,
    piece: Piece,
}
