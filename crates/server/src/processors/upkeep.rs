//! Upkeep: processors are told what time it is, and what they learned is written now and then.

use std::sync::Arc;
use std::time::Duration;

use super::service::ProcessorService;
use crate::http::blocking;

/// How often they are told the time. What ends by a pause is known so much later.
const TICK: Duration = Duration::from_secs(1);

/// What they learned is written after so many ticks. After a crash a profile is incomplete for at most as long.
const WRITTEN_EVERY: u32 = 600;

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<ProcessorService>) {
    for n in 1_u32.. {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = service.shutdown.begun() => return,
        }
        let upkeep = Arc::clone(&service);
        let work = move || {
            upkeep.tick();
            if n % WRITTEN_EVERY == 0 {
                upkeep.save_memories();
            }
        };
        let _ = blocking(work).await;
    }
}
