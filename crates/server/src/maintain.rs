//! Upkeep: every few seconds the store seals, rolls up and drops what is old, and metrics are summed up.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::blocking::blocking;

const EVERY: Duration = Duration::from_secs(5);

/// Runs until the app's alarm is stopped.
pub async fn run(app: Arc<App>) {
    let mut last_error = None;
    while !app.alarm.is_stopping() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.alarm.stopped() => return,
        }
        let (store, now_ms) = (app.store.clone(), app.now_ms());
        let done = blocking(move || store.maintain(now_ms)).await;
        let error = match done {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic.to_string()),
        };
        if let Some(error) = error.as_ref().filter(|error| last_error.as_ref() != Some(*error)) {
            tracing::error!("upkeep of the store failed, and is tried again: {error}");
        }
        last_error = error;
    }
}
