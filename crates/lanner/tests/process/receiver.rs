//! A webhook that remembers every attempt, and can be made to misbehave.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::random::mixed;

/// One attempt to deliver a message.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) key: String,
    pub(crate) body: String,
    /// Whether it was answered with 200.
    pub(crate) taken: bool,
}

#[derive(Debug, Default)]
struct Shared {
    attempts: Mutex<Vec<Attempt>>,
    /// Answers to give before the others.
    answers: Mutex<VecDeque<StatusCode>>,
    misbehaves: AtomicBool,
    counter: AtomicU64,
}

/// A listening webhook.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Webhook {
    /// Listens. One that misbehaves refuses some messages, some of them after having noted them, and is slow
    /// with others.
    pub(crate) async fn listen(misbehaves: bool) -> Self {
        let shared = Arc::new(Shared { misbehaves: misbehaves.into(), ..Shared::default() });
        let router = axum::Router::new().fallback(take).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// Gives these answers next.
    pub(crate) fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        let statuses = statuses.into_iter().map(|status| StatusCode::from_u16(status).unwrap());
        let mut answers = self.shared.answers.lock().unwrap();
        *answers = statuses.collect();
    }

    /// Waits until there are so many attempts.
    pub(crate) async fn wait_for(&self, n_attempts: usize) -> Vec<Attempt> {
        let started = std::time::Instant::now();
        loop {
            let attempts = self.attempts();
            if attempts.len() >= n_attempts {
                return attempts;
            }
            assert!(started.elapsed() < crate::program::PATIENCE, "{n_attempts} attempts: {attempts:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn behave(&self) {
        self.shared.misbehaves.store(false, Ordering::Relaxed);
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.shared.attempts.lock().unwrap().clone()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> StatusCode {
    let dice = mixed(shared.counter.fetch_add(1, Ordering::Relaxed)) % 100;
    let misbehaves = shared.misbehaves.load(Ordering::Relaxed);
    if misbehaves && (10..25).contains(&dice) {
        tokio::time::sleep(Duration::from_millis(dice * 10)).await;
    }
    let answer = shared.answers.lock().unwrap().pop_front();
    let taken = answer.is_none_or(|status| status.is_success()) && !(misbehaves && dice < 10);
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    shared.attempts.lock().unwrap().push(Attempt { key, body, taken });
    let failed = if taken { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    answer.unwrap_or(failed)
}
