//! Upkeep: every few seconds the store seals, rolls up and drops old data, and metrics are summed up.

use std::sync::Arc;
use std::time::Duration;

use super::service::HealthService;
use crate::http::blocking;
use crate::sync::locked;

const EVERY: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<HealthService>) {
    while !service.shutdown.has_begun() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
        let (store, now_ms) = (service.store.clone(), service.now_ms());
        let done = blocking(move || store.maintain(now_ms)).await;
        let error = match done {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic.to_string()),
        };
        let before = std::mem::replace(&mut *locked(&service.upkeep_failed), error.clone());
        if let Some(error) = error.filter(|error| before.as_ref() != Some(error)) {
            tracing::error!("upkeep of the store failed, and is tried again: {error}");
        }
    }
}
