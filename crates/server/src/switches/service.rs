//! The service that keeps kill switches.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use lanner_io::data::DataStore;
use lanner_io::state::{StateStore, StoreError, StoredDocument};
use lanner_switch::{Delta, Document, Snapshot, SwitchSet};

use super::clients::Clients;
use super::counts::Counts;
use super::current::Current;
use super::deltas::Deltas;
use super::known::Known;
use super::lately::Lately;
use super::pace::Pace;
use super::recent::Recent;
use super::reserve::Reserved;
use super::sign::Signer;
use super::stepped_back::SteppedBack;
use super::thrown::Thrown;
use super::unwritten::Unwritten;
use super::watched::Watched;
use crate::base::Base;
use crate::clock::Clock;
use crate::documents::{ApplyError, Aside, SWITCH, SetAside, misplaced};
use crate::settings::live::InForce;
use crate::shutdown::Shutdown;
use crate::sync::locked;

/// Held while switches are changed, by one at a time.
pub(crate) type Lock = tokio::sync::OwnedMutexGuard<()>;

/// Whoever changes a switch knows after this time whether it is in force. Where the store takes longer, as a database that
/// hangs does, they are told so.
pub(super) const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// A longer change, or one of more switches, is not told to everybody at once, but fetched by each.
const MAX_TOLD_BYTES: usize = 16 << 10;
const MAX_TOLD: usize = 100;

/// Keeps kill switches: those in force, and who follows their changes.
#[derive(Debug)]
pub struct SwitchService {
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) live: Arc<InForce>,
    pub(crate) set_aside: Arc<SetAside>,
    pub(crate) shutdown: Arc<Shutdown>,
    current: RwLock<Arc<Current>>,
    told: tokio::sync::watch::Sender<Arc<Current>>,
    /// What changed lately.
    pub deltas: Deltas,
    problem: Mutex<Option<String>>,
    /// What alerts have activated lately.
    pub(crate) thrown: Thrown,
    /// One change of switches at a time; nothing slow is done under it, and nothing waits for the disk.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Switches that are not enforced any more, as long as that is not written.
    pub(crate) stepped_back: SteppedBack,
    /// Switches that alerts are trusted with.
    pub(super) watched: Watched,
    /// What is in force and not written yet.
    pub(crate) unwritten: Unwritten,
    reserved: Reserved,
    is_indexing: AtomicBool,
    /// What was turned on lately without a second look.
    pub(crate) lately: Lately,
    /// The contexts that were asked last.
    pub recent: Recent,
    /// The clients that told what they hold.
    pub clients: Clients,
    /// Versions of switches that notifications are about.
    pub(crate) known: Known,
    /// What switches did.
    pub counts: Counts,
    /// How often OpenFeature's clients are answered.
    pub pace: Pace,
    signer: Option<Signer>,
}

impl SwitchService {
    /// What is stored is put in force; snapshots are signed by `signer`, if there is one.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(base: &Base, signer: Option<Signer>) -> Result<Self, StoreError> {
        let service = Self::empty(base, signer);
        let mut revision = service.load()?;
        if let Some(reserved) = service.state.reserved_revision(SWITCH)? {
            // The last run did not stop as it should: what it showed last may be lost, and its revision must not return.
            revision = revision.max(reserved) + 1;
            service.show(revision, &service.current().set, Vec::new(), service.now_ms())?;
        }
        if base.settings.evaluate {
            service.reserved.reserve(&*service.state, revision)?;
        }
        Ok(service)
    }

    /// A copy of switches that another server keeps: what is stored is put in force, and [again](Self::catch_up) as it changes.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn open_copy(base: &Base, signer: Option<Signer>) -> Result<Self, StoreError> {
        let service = Self::empty(base, signer);
        service.load()?;
        Ok(service)
    }

    /// Puts in force what another server stored since, if it did. Must not be called in async code.
    ///
    /// # Errors
    /// Failures of the store; the switches in force stay.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        if self.state.document_revision(SWITCH)? != self.current().set.revision() {
            self.load()?;
        }
        Ok(())
    }

    /// Nothing is in force.
    fn empty(base: &Base, signer: Option<Signer>) -> Self {
        let set = SwitchSet::default();
        let current = Current { set, text: OnceLock::new(), delta: None, since_ms: AtomicI64::new(0) };
        let current = Arc::new(current);
        Self {
            data: Arc::clone(&base.data),
            state: Arc::clone(&base.state),
            clock: base.clock(),
            live: Arc::clone(&base.live),
            set_aside: Arc::clone(&base.set_aside),
            shutdown: Arc::clone(&base.shutdown),
            told: tokio::sync::watch::Sender::new(Arc::clone(&current)),
            current: RwLock::new(current),
            deltas: Deltas::default(),
            problem: Mutex::default(),
            thrown: Thrown::default(),
            changing: Arc::default(),
            stepped_back: SteppedBack::default(),
            watched: Watched::default(),
            unwritten: Unwritten::default(),
            reserved: Reserved::default(),
            is_indexing: AtomicBool::new(false),
            lately: Lately::default(),
            recent: Recent::default(),
            clients: Clients::default(),
            known: Known::default(),
            counts: Counts::default(),
            pace: Pace::new(base.settings.ofrep_per_second),
            signer,
        }
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The public key by which snapshots are known, if they are signed.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        self.signer.as_ref().map(Signer::public_key)
    }

    /// The lock for changes, however long others hold it.
    pub(crate) async fn lock(&self) -> Lock {
        Arc::clone(&self.changing).lock_owned().await
    }

    /// The lock for changes, for who waits for an answer.
    ///
    /// # Errors
    /// Others hold it for too long, as what they read does not come.
    pub(super) async fn lock_in_time(&self) -> Result<Lock, ApplyError> {
        let locked = tokio::time::timeout(TOLD_WITHIN, self.lock()).await;
        locked.map_err(|_| ApplyError::Waited { within: TOLD_WITHIN })
    }

    /// The signature of what the clock says, for who asked with this nonce, if snapshots are signed.
    #[must_use]
    pub(super) fn signed_time(&self, now_ms: i64, nonce: &str) -> Option<String> {
        self.signer.as_ref().map(|signer| signer.sign_text(&lanner_switch::signed_time(now_ms, nonce)))
    }

    /// The switches in force.
    #[must_use]
    pub fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Comes with the switches in force whenever they change.
    #[must_use]
    pub(crate) fn subscribe(&self) -> tokio::sync::watch::Receiver<Arc<Current>> {
        self.told.subscribe()
    }

    /// Tells of the switches in force once more, as the clock changed what they say.
    pub(crate) fn tell_again(&self, now_ms: i64) {
        let current = self.current();
        current.since_ms.store(now_ms, Ordering::Relaxed);
        self.told.send_replace(current);
    }

    /// Why what is stored is not in force, if it is not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        locked(&self.problem).clone()
    }

    /// Puts what is stored in force. Returns its revision.
    fn load(&self) -> Result<u64, StoreError> {
        let (stored, revision) = (self.state.documents(SWITCH)?, self.state.document_revision(SWITCH)?);
        let before = self.current();
        let documents = readable(stored, &self.set_aside, &before.set);
        let set = compiled(Snapshot::of(revision, documents), self.signer.as_ref(), &before.set);
        self.put_in_force(&before, set, self.now_ms())?;
        Ok(revision)
    }

    /// What can be done of a large change before others have to wait for it: the set that comes of it now. Must not be
    /// called in async code.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn prepare(&self, changes: Vec<(String, Option<Document>)>) -> Result<SwitchSet, StoreError> {
        let set = &self.current().set;
        let revision = set.revision() + changes.len() as u64;
        self.reserved.reserve(&*self.state, revision)?;
        compiled(set.snapshot().with(revision, changes), None, set)
    }

    /// Puts changes in force, by ids; the caller holds the lock for changes. `prepared` is what [`Self::prepare`] made of
    /// them. Cost: that of the changes, unless they are prepared, and a walk through all switches. Must not be called in
    /// async code.
    ///
    /// # Errors
    /// Failures of the store; the switches in force stay.
    pub(super) fn publish(
        &self,
        prepared: Option<&SwitchSet>,
        changes: Vec<(String, Option<Document>)>,
        now_ms: i64,
    ) -> Result<Arc<Current>, StoreError> {
        self.set_aside.forget(SWITCH, changes.iter().map(|(id, _)| id.as_str()));
        let before = self.current();
        let revision = before.set.revision() + changes.len().max(1) as u64;
        self.reserved.reserve(&*self.state, revision)?;
        self.show(revision, prepared.unwrap_or(&before.set), changes, now_ms)
    }

    /// As [`Self::publish`], without a change, at `revision` where that is later.
    ///
    /// # Errors
    /// As there.
    pub(super) fn raise(&self, revision: u64, now_ms: i64) -> Result<Arc<Current>, StoreError> {
        let before = self.current();
        if before.set.revision() >= revision {
            return Ok(before);
        }
        self.reserved.reserve(&*self.state, revision)?;
        self.show(revision, &before.set, Vec::new(), now_ms)
    }

    /// Puts changes in force at a revision; `held` is a set that holds most of the switches already.
    fn show(
        &self,
        revision: u64,
        held: &SwitchSet,
        changes: Vec<(String, Option<Document>)>,
        now_ms: i64,
    ) -> Result<Arc<Current>, StoreError> {
        let before = self.current();
        let snapshot = before.set.snapshot().with(revision, changes);
        let next = compiled(snapshot, self.signer.as_ref(), held);
        self.put_in_force(&before, next, now_ms)
    }

    /// Whether somebody may index the switches anew; then whoever asked should, and [end](Self::end_indexing) it.
    pub(super) fn begin_indexing(&self) -> bool {
        !self.is_indexing.swap(true, Ordering::AcqRel)
    }

    /// See [`Self::begin_indexing`].
    pub(super) fn end_indexing(&self) {
        self.is_indexing.store(false, Ordering::Release);
    }

    /// Goes on with the index of a set that was in force a moment ago; the caller holds the lock for changes. Cost: a walk
    /// through all switches, and an index of what changed since.
    ///
    /// # Errors
    /// When they do not fit together; what is in force stays.
    pub(super) fn adopt(&self, indexed: &SwitchSet) -> Result<(), StoreError> {
        let now = self.current();
        let set = compiled(now.set.snapshot().clone(), None, indexed)?;
        let current = Arc::new(Current {
            text: now.text.clone(),
            delta: now.delta.clone(),
            since_ms: AtomicI64::new(now.since_ms.load(Ordering::Relaxed)),
            set,
        });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&current);
        // Nobody needs to hear of it: they are the same switches.
        self.told.send_if_modified(|told| {
            *told = current;
            false
        });
        Ok(())
    }

    /// The last `n` versions of a document that is a switch or a request for one, the newest first, written or not.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn last_versions(
        &self,
        kind: &'static str,
        id: &str,
        n: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.unwritten.last_versions(&*self.state, kind, id, n)
    }

    /// The last of these.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn latest(&self, kind: &'static str, id: &str) -> Result<Option<StoredDocument>, StoreError> {
        Ok(self.last_versions(kind, id, 1)?.pop())
    }

    /// All documents of a kind as they are in force, in order of their ids.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn documents(&self, kind: &'static str) -> Result<Vec<StoredDocument>, StoreError> {
        Ok(self.unwritten.over(kind, None, false, self.state.documents(kind)?))
    }

    /// Waits until all is written, for `at_most`.
    pub(crate) async fn flush(&self, at_most: Duration) {
        let written = async {
            while !self.unwritten.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // What is not written by then is told when the service ends.
        let _ = tokio::time::timeout(at_most, written).await;
    }

    /// Ends the service: nothing is shown any more. Must not be called in async code.
    pub(crate) fn end(&self) {
        if !self.unwritten.is_empty() {
            tracing::error!("changes of switches that were in force are lost: they could not be recorded");
            return;
        }
        if let Err(error) = self.reserved.release(&*self.state, self.current().set.revision()) {
            tracing::warn!("the next start raises the revision of the switches: {error}");
        }
    }

    fn put_in_force(
        &self,
        before: &Current,
        set: Result<SwitchSet, StoreError>,
        now_ms: i64,
    ) -> Result<Arc<Current>, StoreError> {
        *locked(&self.problem) =
            set.as_ref().err().map(|error| format!("the switches cannot be read: {error}"));
        let set = set?;
        let delta = Delta::between(before.set.snapshot(), set.snapshot());
        let is_short = delta.changed().len() + delta.removed().len() <= MAX_TOLD;
        let text = is_short.then(|| delta.to_text()).filter(|text| text.len() <= MAX_TOLD_BYTES);
        let current =
            Arc::new(Current { text: OnceLock::new(), delta: text, since_ms: AtomicI64::new(now_ms), set });
        self.deltas.push(delta);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&current);
        self.told.send_replace(Arc::clone(&current));
        Ok(current)
    }

    /// Clients that listen for changes.
    pub(crate) fn n_streams(&self) -> usize {
        self.told.receiver_count()
    }
}

/// The documents that can be read, of what is stored. The rest is set aside.
fn readable(stored: Vec<StoredDocument>, aside: &SetAside, before: &SwitchSet) -> Vec<Document> {
    let (mut documents, mut set_aside) = (Vec::new(), Aside::new());
    for stored in stored {
        let Some(document) = stored.document.map(Document::new) else { continue };
        let why = match before.read(&document, "") {
            Err(problems) => problems.to_string(),
            // Also one whose id is a number: two of them would have the same.
            Ok(read) if *read.id != *stored.id || document.id() != stored.id => {
                misplaced(document.value(), "id")
            }
            Ok(_) => {
                documents.push(document);
                continue;
            }
        };
        set_aside.insert((SWITCH, stored.id), why);
    }
    aside.replace(&[SWITCH], set_aside);
    documents
}

/// The set of a snapshot, which is signed first.
fn compiled(
    snapshot: Snapshot,
    signer: Option<&Signer>,
    before: &SwitchSet,
) -> Result<SwitchSet, StoreError> {
    let snapshot = match signer {
        Some(signer) => signer.sign(snapshot),
        None => snapshot,
    };
    before.compile_beside(&snapshot).map_err(|problems| StoreError::Database {
        detail: format!("the switches do not fit together: {problems}"),
    })
}
