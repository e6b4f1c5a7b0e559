//! Upkeep: processors are told what time it is and which alerts fire, and what they learned is written now and then.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::Group;

use super::service::ProcessorService;
use crate::http::blocking;

/// How often they are told the time. What ends by a pause is known so much later.
const TICK: Duration = Duration::from_secs(1);

/// What they learned is written after so many ticks. After a crash a profile is incomplete for at most as long.
const WRITTEN_EVERY: u32 = 600;

/// Says which of the rules that are asked for fire, each with the group of an alert.
pub(crate) type Firing = Arc<dyn Fn(&dyn Fn(&Arc<str>) -> bool) -> Vec<(Arc<str>, Group)> + Send + Sync>;

/// Runs until the server stops.
pub(crate) async fn run(service: Arc<ProcessorService>, firing: Firing) {
    for n in 1_u32.. {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = service.shutdown.begun() => return,
        }
        let (upkeep, firing) = (Arc::clone(&service), Arc::clone(&firing));
        let work = move || {
            upkeep.tick();
            heed(&upkeep, &firing);
            if n % WRITTEN_EVERY == 0 {
                upkeep.save_memories();
            }
        };
        let _ = blocking(work).await;
    }
}

/// Tells processors which of the rules that they heed fire.
pub(crate) fn heed(service: &ProcessorService, firing: &Firing) {
    let in_force = service.in_force();
    let all = || in_force.all().iter().map(|one| &one.processor);
    if all().all(|processor| processor.heeds().is_empty()) {
        return;
    }
    let firing = firing(&|rule| all().any(|processor| processor.heeds().contains(rule)));
    all().for_each(|processor| processor.use_alerts(&firing));
}
