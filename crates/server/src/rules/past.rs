//! The past of new measures, counted from stored events.

use std::sync::Arc;

use lanner_engine::stream::Measures;
use lanner_io::data::{Events, StoreError};

use super::service::RuleService;
use crate::documents::broke_off;
use crate::evaluate::read;
use crate::http::{background, blocking};
use crate::sync::locked;

/// The past of measures that were registered just now, not counted yet.
pub(crate) struct Past {
    /// The stream that they measure.
    pub stream: Arc<str>,
    /// From when on somebody needs it, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// The events that were stored when they were registered.
    pub events: Box<dyn Events>,
    /// What is counted of them.
    pub measures: Measures,
}

/// Counts pasts, one after the other, and lets the rules that waited for each go on. Takes as long as it takes, and
/// nobody else waits: nothing is locked while events are read, and whatever else there is to do goes first.
///
/// # Errors
/// Failures of the store; rules then go on as well, and their windows are counted when they are asked for.
pub(crate) async fn settle(
    service: Arc<RuleService>,
    pasts: Vec<Past>,
    now_ms: i64,
) -> Result<(), StoreError> {
    let mut worked = Ok(());
    for past in pasts {
        let Past { stream, from_ms, events, mut measures } = past;
        let shared = Arc::clone(&service);
        let count = move || {
            let counted = read::count_past(&mut measures, &*events, &|| shared.shutdown.has_begun());
            Ok((measures, counted))
        };
        let (measures, counted) = background(count).await.unwrap_or_else(broke_off)?;
        if service.shutdown.has_begun() {
            return worked;
        }
        // From now on all is counted as it arrives, whatever became of the past.
        let known_from_ms = if counted.is_ok() { from_ms } else { now_ms };
        let shared = Arc::clone(&service);
        let join = move || {
            join(&shared, &stream, measures, known_from_ms);
            Ok(())
        };
        blocking(join).await.unwrap_or_else(broke_off)?;
        worked = worked.and(counted);
    }
    worked
}

/// Joins a past to the measures, and lets the rules that waited for it go on. Nothing is evaluated meanwhile, so that no
/// rule that changes just then is taken for one that was waited for.
fn join(service: &RuleService, stream: &str, past: Measures, known_from_ms: i64) {
    let _in_order = locked(&service.evaluation.turns);
    let mut ready = locked(&service.intake.counting.of(stream)).absorb(past, known_from_ms);
    // A rule may wait for the past of several measures.
    let waiting = service.intake.counting.waiting();
    ready.retain(|rule| !waiting.contains(rule));
    service.evaluation.engine().resume(ready);
    service.evaluation.wakeup.ring();
}
