//! A source that is asked within bounds: so many requests at once, a deadline, retries, a circuit breaker.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lanner_core::time::format_duration;
use lanner_core::{EventsQuery, RemoteAsk, RemoteSeries};
use tokio::sync::Semaphore;

use super::breaker::Breaker;
use super::{Fetch, RequestError, SourceHealth};
use crate::metrics::METRICS;

/// Requests that one ask makes at most.
const MAX_TRIES: u32 = 3;
/// The wait before the second request; twice as long before the third.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Another server that is asked for series. Cheap to share behind an `Arc`.
pub struct Source {
    name: String,
    language: &'static str,
    holds_events: bool,
    fetch: Box<dyn Fetch>,
    timeout_ms: u64,
    parallel: usize,
    slots: Semaphore,
    breaker: Mutex<Breaker>,
    health: Mutex<SourceHealth>,
    started: Instant,
}

impl Source {
    /// A source from its parts; [`SourceConfig::build`](super::SourceConfig::build) is the usual way.
    ///
    /// - `timeout_ms`: how long an ask may take, waiting and retries included.
    /// - `parallel`: requests that may be under way at once.
    /// - `language`: what it answers, by the name of a kind of query.
    /// - `holds_events`: whether it counts the events of streams as well.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        timeout_ms: u64,
        parallel: usize,
        (language, holds_events): (&'static str, bool),
        fetch: Box<dyn Fetch>,
    ) -> Self {
        Self {
            name: name.into(),
            language,
            holds_events,
            fetch,
            timeout_ms,
            parallel,
            slots: Semaphore::new(parallel),
            breaker: Mutex::default(),
            health: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// What it is called in queries.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long an ask may take, waiting for its turn and all attempts included.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Requests that may be under way at once.
    #[must_use]
    pub const fn parallel(&self) -> usize {
        self.parallel
    }

    /// How asking goes since the program started, and whether the source is left alone now because it kept failing.
    #[must_use]
    pub fn health(&self) -> SourceHealth {
        let is_paused = self.breaker().is_paused(self.now_ms());
        SourceHealth { is_paused, ..self.noted().clone() }
    }

    /// Asks, within the source's timeout. What may pass is tried again while there is time.
    ///
    /// # Errors
    /// [`RequestError`], also when time ran out or the source is left alone because it kept failing.
    pub async fn ask(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let named =
            |error: RequestError| RequestError { message: format!("{}: {error}", self.name), ..error };
        let is_of_events = self.holds_events && ask.language == EventsQuery::LANGUAGE;
        if ask.language != self.language && !is_of_events {
            let (own, other) = (self.language, &ask.language);
            let message = format!("answers queries of the kind `{own}`, and this one is `{other}`");
            return Err(named(RequestError::permanent(message)));
        }
        self.breaker().admit(self.now_ms()).map_err(|wait_ms| {
            let wait = format_duration(wait_ms.div_euclid(1_000).max(1) * 1_000);
            let message = format!("is not asked for {wait}, because it failed several times in a row");
            named(RequestError { retry_after_ms: Some(wait_ms), ..RequestError::temporary(message) })
        })?;
        let (limit, started) = (self.timeout(), Instant::now());
        let answer = tokio::time::timeout(limit, self.tries(ask, started + limit)).await;
        let answer = answer.unwrap_or_else(|_| Err(self.out_of_time()));
        match &answer {
            Err(error) if error.is_temporary() => self.breaker().failed(self.now_ms()),
            // One that finds fault with the query is there.
            _ => self.breaker().succeeded(),
        }
        let outcome = if answer.is_ok() { "answered" } else { "failed" };
        METRICS.source_asks.with_label_values(&[&self.name, outcome]).inc();
        METRICS.source_seconds.with_label_values(&[&self.name]).observe(started.elapsed().as_secs_f64());
        self.noted().note(answer.as_ref().err().map(ToString::to_string));
        answer.map_err(named)
    }

    async fn tries(&self, ask: &RemoteAsk, deadline: Instant) -> Result<Vec<RemoteSeries>, RequestError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..MAX_TRIES {
            let error = match self.try_once(ask).await {
                Err(error) if error.is_temporary() => error,
                answer => return answer,
            };
            let asked = error.retry_after_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
            let next = wait.max(asked.unwrap_or_default());
            if Instant::now() + next >= deadline {
                return Err(error);
            }
            tokio::time::sleep(next).await;
            wait *= 2;
        }
        self.try_once(ask).await
    }

    async fn try_once(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        // Never closed, so it always comes.
        let _slot = self.slots.acquire().await;
        self.fetch.fetch(ask).await
    }

    fn out_of_time(&self) -> RequestError {
        let limit = format_duration(i64::try_from(self.timeout_ms).unwrap_or(i64::MAX));
        RequestError::temporary(format!(
            "no answer within {limit}; it is slow or hangs (raise its `timeout` if that is normal)"
        ))
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, SourceHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("timeout_ms", &self.timeout_ms).finish()
    }
}
