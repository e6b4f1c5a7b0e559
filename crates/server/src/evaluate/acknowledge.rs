//! Somebody takes on an alert, or gives it back: an alert of this server's own rules at once, one that a worker evaluates by asking
//! that worker.

use std::time::{Duration, Instant};

use lanner_core::Acknowledgement;
use lanner_io::state::StoreError;

use super::owner::{Center, Owner};
use super::service::EvaluationService;
use crate::sync::locked;

/// How long a worker may take. One that is there looks four times a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// It is written.
    Written,
    /// No episode of such an alert runs.
    NoSuchAlert,
    /// The worker that evaluates the alert has not taken it, and will not.
    NoWorker,
}

/// Notes that somebody has taken on an alert, or given it back. Blocks, for as long as a worker takes.
///
/// # Errors
/// Failures of the store.
pub(crate) fn acknowledge(
    service: &EvaluationService,
    fingerprint: &str,
    acknowledged: Option<Acknowledgement>,
) -> Result<Acknowledged, StoreError> {
    let own = {
        // Written before the engine moves again.
        let _in_order = locked(&service.turns);
        let changes = service.engine().acknowledge(service.now_ms(), fingerprint, acknowledged.clone());
        changes.map(|changes| service.apply(changes.into()))
    };
    match (own, &service.owner) {
        (Some(written), _) => written.map(|()| Acknowledged::Written),
        (None, Owner::Unshared(center)) if service.engine().is_running(fingerprint) => {
            ask_worker(service, center, fingerprint, acknowledged)
        }
        (None, _) => Ok(Acknowledged::NoSuchAlert),
    }
}

fn ask_worker(
    service: &EvaluationService,
    center: &Center,
    fingerprint: &str,
    acknowledged: Option<Acknowledgement>,
) -> Result<Acknowledged, StoreError> {
    let begun = Instant::now();
    let mut seq = None;
    while begun.elapsed() < PATIENCE && !service.shutdown.has_begun() {
        match seq {
            // News of an alert comes sooner than how its rule stands.
            None => {
                let shard = service.engine().shard_elsewhere(fingerprint);
                let ask = |shard| center.state.ask_to_acknowledge(shard, fingerprint, acknowledged.as_ref());
                seq = shard.map(ask).transpose()?;
            }
            Some(seq) if !center.state.is_asked(seq)? => {
                return Ok(taken(service, fingerprint, acknowledged));
            }
            Some(_) => {}
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let is_withdrawn = seq.map_or(Ok(true), |seq| center.state.drop_asked(seq))?;
    Ok(if is_withdrawn { Acknowledged::NoWorker } else { taken(service, fingerprint, acknowledged) })
}

/// A worker has dealt with it: it is written, unless the episode ended before.
fn taken(
    service: &EvaluationService,
    fingerprint: &str,
    acknowledged: Option<Acknowledgement>,
) -> Acknowledged {
    let mut engine = service.engine();
    if !engine.is_running(fingerprint) {
        return Acknowledged::NoSuchAlert;
    }
    engine.note_acknowledged(service.now_ms(), fingerprint, acknowledged);
    Acknowledged::Written
}
