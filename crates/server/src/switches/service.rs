//! The service that keeps kill switches.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use lanner_io::store::{Store, StoreError};
use lanner_switch::{Delta, Document, Snapshot, SwitchSet};

use super::clients::Clients;
use super::counts::Counts;
use super::current::Current;
use super::deltas::Deltas;
use super::known::Known;
use super::lately::Lately;
use super::pace::Pace;
use super::recent::Recent;
use super::sign::Signer;
use super::thrown::Thrown;
use crate::base::Base;
use crate::clock::Clock;
use crate::documents::{Aside, SWITCH, SetAside, misplaced};
use crate::settings::live::InForce;
use crate::shutdown::Shutdown;
use crate::sync::locked;

/// Held while switches are changed, by one at a time.
pub(crate) type Lock = tokio::sync::OwnedMutexGuard<()>;

/// A longer change, or one of more switches, is not told to everybody at once, but fetched by each.
const MAX_TOLD_BYTES: usize = 16 << 10;
const MAX_TOLD: usize = 100;

/// Keeps kill switches: those in force, and who is told when they change.
#[derive(Debug)]
pub struct SwitchService {
    pub(crate) store: Store,
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
    /// One change of switches at a time; nothing slow is done under it.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// What was turned on lately without a second look.
    pub(crate) lately: Lately,
    /// The contexts that were asked last.
    pub recent: Recent,
    /// The clients that told what they hold.
    pub clients: Clients,
    /// Versions of switches that people are told of.
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
        let set = SwitchSet::default();
        let current = Current { set, text: OnceLock::new(), delta: None, since_ms: AtomicI64::new(0) };
        let current = Arc::new(current);
        let service = Self {
            store: base.store.clone(),
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
            lately: Lately::default(),
            recent: Recent::default(),
            clients: Clients::default(),
            known: Known::default(),
            counts: Counts::default(),
            pace: Pace::new(base.settings.ofrep_per_second),
            signer,
        };
        service.reload(service.now_ms())?;
        Ok(service)
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

    /// The lock for changes.
    pub(crate) async fn lock(&self) -> Lock {
        Arc::clone(&self.changing).lock_owned().await
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
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<Arc<Current>> {
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

    /// Puts what is stored in force.
    ///
    /// # Errors
    /// Failures of the store; the switches in force stay.
    pub fn reload(&self, now_ms: i64) -> Result<Arc<Current>, StoreError> {
        let before = self.current();
        let loaded = load(&self.store, &self.set_aside, self.signer.as_ref(), &before.set);
        self.put_in_force(&before, loaded, now_ms)
    }

    /// Puts changes in force that were stored just now, by ids; the caller holds the lock for changes. Cost: that of the
    /// changes, and a walk through all switches.
    ///
    /// # Errors
    /// Failures of the store; the switches in force stay.
    pub(super) fn publish(
        &self,
        changes: Vec<(String, Option<Document>)>,
        now_ms: i64,
    ) -> Result<Arc<Current>, StoreError> {
        if self.problem().is_some() {
            return self.reload(now_ms); // what is in force is not what was stored before
        }
        self.set_aside.forget(SWITCH, changes.iter().map(|(id, _)| id.as_str()));
        let before = self.current();
        let next = self.store.document_revision(SWITCH).and_then(|revision| {
            let snapshot = before.set.snapshot().with(revision, changes);
            compiled(snapshot, self.signer.as_ref(), &before.set)
        });
        self.put_in_force(&before, next, now_ms)
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

/// Reads what is stored, which came after `before`. What cannot be read is set aside.
fn load(
    store: &Store,
    aside: &SetAside,
    signer: Option<&Signer>,
    before: &SwitchSet,
) -> Result<SwitchSet, StoreError> {
    let (mut documents, mut set_aside) = (Vec::new(), Aside::new());
    for stored in store.documents(SWITCH)? {
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
    compiled(Snapshot::of(store.document_revision(SWITCH)?, documents), signer, before)
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
    before.compile_next(&snapshot).map_err(|problems| StoreError::Database {
        detail: format!("the switches do not fit together: {problems}"),
    })
}
