//! Upkeep: every few seconds the store seals, rolls up and drops old data, and metrics are summed up.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::time::MINUTE_MS;

use super::service::HealthService;
use crate::http::blocking;
use crate::sync::locked;

const EVERY: Duration = Duration::from_secs(5);
/// How often state that is kept elsewhere is looked through for what is too old.
const PRUNED_EVERY_MS: i64 = 10 * MINUTE_MS;

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<HealthService>) {
    let mut pruned_ms = service.now_ms();
    while !service.shutdown.has_begun() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
        let (store, now_ms) = (service.store.clone(), service.now_ms());
        let is_old =
            service.state_place.is_some() && now_ms.abs_diff(pruned_ms) >= PRUNED_EVERY_MS.unsigned_abs();
        let state = is_old.then(|| Arc::clone(&service.state));
        let done = blocking(move || {
            store.maintain(now_ms)?;
            state.map_or(Ok(0), |state| state.prune(now_ms))
        });
        let done = done.await;
        let error = match done {
            Ok(Ok(_)) => {
                pruned_ms = if is_old { now_ms } else { pruned_ms };
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic.to_string()),
        };
        let before = std::mem::replace(&mut *locked(&service.upkeep_failed), error.clone());
        if let Some(error) = error.filter(|error| before.as_ref() != Some(error)) {
            tracing::error!("upkeep of the store failed, and is tried again: {error}");
        }
    }
}
