//! How what happens in shards is written: each shard in a transaction of its own.
//!
//! A shard that somebody else has taken is let go as soon as a write says so; nothing of it is written. One whose rules turn
//! out to be somebody else's is read again.

use std::time::Duration;

use lanner_core::Changes;
use lanner_io::state::{Receipt, StoreError};

use super::held::{HeldShards, Turn};
use super::service::EvaluationService;
use crate::metrics::METRICS;
use crate::sync::locked;

/// How long a write may be under way before the worker says that it waits.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);
/// How long it takes to try again to write.
const AGAIN: Duration = Duration::from_millis(500);

/// Lets a shard go: it is neither evaluated nor written from now on.
pub(crate) fn drop_shard(held: &HeldShards, service: &EvaluationService, shard: u8) {
    service.engine().release(held.rules_of(shard));
    held.remove(shard, false);
}

/// Forgets what is known of a shard's rules, which are read again.
fn reread(held: &HeldShards, service: &EvaluationService, shard: u8) {
    service.engine().release(held.rules_of(shard));
    held.remove(shard, true);
}

/// Writes what a turn changed, and tries until that succeeds, the shard is somebody else's, or the server stops.
pub(super) fn write(held: &HeldShards, service: &EvaluationService, changes: Changes) {
    let news = service.engine().take_news();
    let mut open = held.turns(changes, news);
    while !open.is_empty() {
        let submitted: Vec<_> = open.into_iter().filter_map(|turn| held.submit(turn)).collect();
        open = Vec::new();
        for (turn, receipt) in submitted {
            match receipt.and_then(|receipt| answer(service, receipt)) {
                Ok(()) => {
                    held.forget(&turn.changes);
                    service.written.publish(&turn.changes);
                }
                Err(StoreError::Closed) => return,
                Err(error) => open.extend(refused(held, service, turn, &error)),
            }
        }
        if open.is_empty() {
            break;
        }
        if service.shutdown.has_begun() {
            return; // as after a crash: whoever takes the shard works it out again
        }
        service.wakeup.wait(AGAIN);
    }
    if locked(&service.stuck).take().is_some() {
        tracing::info!("evaluation continues");
    }
}

/// Says what becomes of a turn that was refused: it is returned where it is to be tried again.
fn refused(held: &HeldShards, service: &EvaluationService, turn: Turn, error: &StoreError) -> Option<Turn> {
    match error {
        StoreError::StaleEpoch { .. } => {
            METRICS.cycles_refused.inc();
            tracing::warn!(shard = turn.shard, "the shard was taken by another worker: {error}");
            drop_shard(held, service, turn.shard);
            None
        }
        StoreError::NotInShard { .. }
        | StoreError::AlreadyEvaluated { .. }
        | StoreError::WrongIdentity { .. } => {
            METRICS.cycles_refused.inc();
            tracing::info!(shard = turn.shard, "the shard is read again: {error}");
            reread(held, service, turn.shard);
            None
        }
        error => {
            wait(service, error);
            Some(turn)
        }
    }
}

/// Waits for the answer to a write, as long as it takes; only until the server stops.
fn answer(service: &EvaluationService, receipt: Receipt) -> Result<(), StoreError> {
    let mut receipt = receipt;
    loop {
        match receipt.wait_for(LONGEST_SILENCE) {
            Ok(written) => return written,
            Err(waiting) => receipt = waiting,
        }
        if service.shutdown.has_begun() {
            return Err(StoreError::Closed);
        }
        wait(service, &StoreError::Unavailable { detail: "no answer yet".to_owned() });
    }
}

fn wait(service: &EvaluationService, error: &StoreError) {
    let mut stuck = locked(&service.stuck);
    if stuck.is_none() {
        tracing::error!("evaluation waits until results can be written: {error}");
    }
    *stuck = Some(error.to_string());
}
