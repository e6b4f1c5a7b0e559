//! Changes of switches take effect: in memory at once, then on disk.
//!
//! A kill switch must not wait for a disk, nor for what else is being written. So a change is in force, and told to
//! clients, as soon as it was judged; whoever made it is answered when it is recorded. What cannot be recorded, as the disk is
//! full, stays in force and is tried again, and its author is told so: an emergency does not wait for room.

use std::sync::Arc;
use std::time::Duration;

use lanner_io::store::StoreError;
use lanner_switch::{Document, SwitchSet};
use tokio::sync::oneshot;

use super::service::{Lock, SwitchService, TOLD_WITHIN};
use super::unwritten::Change;
use crate::documents::{ApplyError, REQUEST, SWITCH, broke_off};
use crate::http::{background, blocking};

/// So often it is tried to record what could not be.
const AGAIN: Duration = Duration::from_secs(1);
/// A change of more switches is read and indexed before others have to wait for it.
const MANY: usize = 64;

/// What becomes of a change that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// It stays in force, and is tried again.
    Kept,
    /// It is undone: it was part of something that did not happen.
    Undone,
}

/// Resolves when a change is recorded.
#[must_use = "a change is durable only when it is recorded"]
pub(crate) struct Recording {
    told: oneshot::Receiver<Result<(), ApplyError>>,
    otherwise: Otherwise,
}

impl Recording {
    /// Waits until the change is on disk; for one that stays in force in any case, not longer than [`TOLD_WITHIN`].
    ///
    /// # Errors
    /// Why it is not, and whether it is in force.
    pub(crate) async fn done(self) -> Result<(), ApplyError> {
        let told = match self.otherwise {
            Otherwise::Kept => tokio::time::timeout(TOLD_WITHIN, self.told)
                .await
                .map_err(|_| ApplyError::Late { within: TOLD_WITHIN })?,
            Otherwise::Undone => self.told.await,
        };
        told.unwrap_or(Err(ApplyError::Store(StoreError::Closed)))
    }
}

/// What can be done of a change before others have to wait for it: of a large one, reading and indexing.
pub(crate) async fn prepared(
    service: &Arc<SwitchService>,
    switches: &[(String, Option<Document>)],
) -> Result<Option<SwitchSet>, StoreError> {
    if switches.len() <= MANY {
        return Ok(None);
    }
    let (service, switches) = (Arc::clone(service), switches.to_vec());
    let work = move || service.prepare(switches).map(Some);
    background(work).await.unwrap_or_else(broke_off)
}

/// Puts a change in force, which then is recorded, whether or not somebody waits for it. Gives the lock back, for what else
/// is noted before the next change. `prepared` is what [`prepared`] made of it.
///
/// # Errors
/// Failures of the store; nothing is changed.
pub(crate) async fn enact(
    service: &Arc<SwitchService>,
    lock: Lock,
    prepared: Option<SwitchSet>,
    change: Change,
    otherwise: Otherwise,
) -> Result<(Lock, Recording), StoreError> {
    let service = Arc::clone(service);
    let work =
        move || begin(&service, prepared.as_ref(), change, otherwise).map(|recording| (lock, recording));
    blocking(work).await.unwrap_or_else(broke_off)
}

fn begin(
    service: &Arc<SwitchService>,
    prepared: Option<&SwitchSet>,
    mut change: Change,
    otherwise: Otherwise,
) -> Result<Recording, StoreError> {
    service.unwritten.check()?;
    let now_ms = change.author.now_ms;
    let current = service.current();
    let snapshot = current.set.snapshot();
    change.switches.retain(|(id, document)| {
        snapshot.find(id) != document.as_ref() || service.set_aside.problem(SWITCH, id).is_some()
    });
    let ids: Vec<&str> = change.switches.iter().map(|(id, _)| id.as_str()).collect();
    let mut numbers = service.unwritten.numbers(&*service.state, SWITCH, &ids)?;
    if let Some(request) = &change.request {
        numbers.extend(service.unwritten.numbers(&*service.state, REQUEST, &[&request.id])?);
    }
    let before = (otherwise == Otherwise::Undone)
        .then(|| ids.iter().map(|id| ((*id).to_owned(), snapshot.find(id).cloned())).collect());
    let versions = change.versions(&numbers);
    if !change.switches.is_empty() {
        service.lately.note(Arc::clone(&current), now_ms);
        service.publish(prepared, change.switches.clone(), now_ms)?;
    }
    let (recording, is_first) = service.unwritten.push(change, versions, before);
    if is_first {
        tokio::spawn(write_all(Arc::clone(service)));
    }
    index_if_worn(service);
    Ok(Recording { told: recording, otherwise })
}

/// Writes what is in force, one change after the other, until all is written.
async fn write_all(service: Arc<SwitchService>) {
    while let Some(change) = service.unwritten.first() {
        match write(&service, &change).await {
            Ok(()) => {
                service.watched.note(change.switches.iter().map(|(id, _)| id.as_str()));
                service.unwritten.written();
            }
            Err(StoreError::Busy { retry_after }) => tokio::time::sleep(retry_after.min(AGAIN)).await,
            Err(error) if service.unwritten.is_first_undone() => undo(&service, error).await,
            Err(error) => {
                service.unwritten.failed(&error);
                if error == StoreError::Closed {
                    return;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn write(service: &SwitchService, change: &Change) -> Result<(), StoreError> {
    let author = &change.author;
    let (batches, silences) = (change.batches(), change.silences.clone());
    let saved = service.state.save_batches(&author.actor, &author.cause, author.now_ms, batches, silences);
    saved?.await.map(drop)
}

/// Undoes the first change that is not written, and tells who made it.
async fn undo(service: &Arc<SwitchService>, error: StoreError) {
    let (lock, shared) = (service.lock().await, Arc::clone(service));
    let work = move || {
        let (before, told) = shared.unwritten.give_up();
        let undone =
            if before.is_empty() { Ok(()) } else { shared.publish(None, before, shared.now_ms()).map(drop) };
        drop(lock);
        (undone, told)
    };
    let (undone, told) = match blocking(work).await {
        Ok(done) => done,
        Err(panic) => (broke_off(panic), None),
    };
    if let Err(error) = undone {
        tracing::error!("what could not be written is still in force: {error}");
    }
    // Whoever gave up waiting is not told.
    let _ = told.map(|told| told.send(Err(ApplyError::Store(error))));
}

/// Makes one index of all switches where too many stand beside it, while others change them.
fn index_if_worn(service: &Arc<SwitchService>) {
    if !service.current().set.is_worn() || !service.begin_indexing() {
        return;
    }
    let service = Arc::clone(service);
    tokio::spawn(async move {
        let shared = Arc::clone(&service);
        let indexed = background(move || shared.current().set.indexed_anew()).await;
        let (lock, shared) = (service.lock().await, Arc::clone(&service));
        let adopted = match indexed {
            Ok(indexed) => blocking(move || shared.adopt(&indexed)).await.unwrap_or_else(broke_off),
            Err(panic) => broke_off(panic),
        };
        service.end_indexing();
        drop(lock);
        if let Err(error) = adopted {
            tracing::error!("switches could not be indexed anew: {error}");
        }
        // Those that came meanwhile may be many again.
        index_if_worn(&service);
    });
}
