//! Upkeep: what processors learned is written now and then.

use std::sync::Arc;
use std::time::Duration;

use super::service::ProcessorService;
use crate::http::blocking;

/// How often it is written. After a crash a profile is incomplete for at most as long.
const EVERY: Duration = Duration::from_secs(600);

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<ProcessorService>) {
    while !service.shutdown.has_begun() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
        let writing = Arc::clone(&service);
        let _ = blocking(move || writing.save_memories()).await;
    }
}
