//! Kill switches: kept as documents, published as snapshots, asked over HTTP.
//!
//! Clients hold the switches themselves and are only told when they changed; what is asked here is for everybody
//! who cannot. Both run `lanner-switch`, so both say the same.
//!
//! Reading order: [`Switches`] (what is in force), [`save`] (changes by people), [`guard`] (what needs a second look),
//! [`requests`] (what waits for one), [`cause`] (what led to a change), [`throw`] (changes by alerts), [`news`] (what people are told), then the faces: `documents` and `listing` (the API), `deliver`
//! (snapshot, [`deltas`] and stream), [`clients`] (who holds which), `evaluate`, [`recent`] and `preview` (what would be blocked), `ofrep` (OpenFeature,
//! at a [`pace`]), `gate` (proxies).

pub mod cause;
pub mod clients;
pub mod counts;
pub mod deliver;
pub mod deltas;
pub mod documents;
pub mod edges;
pub mod evaluate;
pub mod gate;
pub mod guard;
pub mod listing;
pub mod news;
pub mod ofrep;
pub mod pace;
pub mod preview;
pub mod recent;
pub mod requests;
pub mod save;
pub mod sign;
pub mod throw;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use lanner_io::store::{Store, StoreError};
use lanner_switch::{Delta, Document, Snapshot, SwitchSet};

use crate::app::App;
use crate::documents::{Aside, SetAside, misplaced};
use crate::sync::locked;

/// Held while switches are changed, by one at a time.
pub(crate) type Lock = tokio::sync::OwnedMutexGuard<()>;

/// The kind of documents that switches are.
pub const SWITCH: &str = "switch";

/// The routes that proxies ask.
pub(crate) fn gates() -> Router<Arc<App>> {
    Router::new()
        .route("/gate", any(gate::gate))
        .route("/gate/", any(gate::gate_ok))
        .route("/gate/{*path}", any(gate::gate_ok))
}

/// The switches in force, and who is told when they change.
#[derive(Debug)]
pub struct Switches {
    current: RwLock<Arc<Current>>,
    told: tokio::sync::watch::Sender<Arc<Current>>,
    /// What changed lately.
    pub deltas: deltas::Deltas,
    problem: Mutex<Option<String>>,
    /// What alerts have activated lately.
    pub(crate) thrown: throw::Thrown,
    /// One change of switches at a time; nothing slow is done under it.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// What was turned on lately without a second look.
    pub(crate) lately: guard::Lately,
    /// The contexts that were asked last.
    pub recent: recent::Recent,
    /// The clients that told what they hold.
    pub clients: clients::Clients,
    /// Versions of switches that people are told of.
    pub(crate) known: news::Known,
    /// What people were told of switches last.
    pub(crate) told_of: Mutex<lanner_engine::vitals::SwitchVitals>,
    /// What switches did.
    pub counts: counts::Counts,
    /// How often OpenFeature's clients are answered.
    pub pace: pace::Pace,
    signer: Option<sign::Signer>,
}

/// The switches of one revision.
#[derive(Debug)]
pub struct Current {
    /// Ready to be asked.
    pub set: SwitchSet,
    /// The snapshot's canonical text, once somebody wants it.
    text: OnceLock<Bytes>,
    /// What changed since the one before as JSON, if it is short enough to be told to everybody at once.
    pub delta: Option<String>,
    /// When what they say last changed here, by a change or by the clock, milliseconds since the Unix epoch.
    pub since_ms: AtomicI64,
}

impl Current {
    /// The snapshot's canonical text.
    pub fn text(&self) -> &Bytes {
        self.text.get_or_init(|| Bytes::from(self.set.snapshot().to_text()))
    }
}

impl Switches {
    /// None yet; snapshots are signed by `signer`, if there is one.
    #[must_use]
    pub fn new(signer: Option<sign::Signer>, pace: pace::Pace) -> Self {
        let set = SwitchSet::default();
        let current = Current { set, text: OnceLock::new(), delta: None, since_ms: AtomicI64::new(0) };
        let current = Arc::new(current);
        Self {
            told: tokio::sync::watch::Sender::new(Arc::clone(&current)),
            current: RwLock::new(current),
            deltas: deltas::Deltas::default(),
            problem: Mutex::default(),
            thrown: throw::Thrown::default(),
            changing: Arc::default(),
            lately: guard::Lately::default(),
            recent: recent::Recent::default(),
            clients: clients::Clients::default(),
            known: news::Known::default(),
            told_of: Mutex::default(),
            counts: counts::Counts::default(),
            pace,
            signer,
        }
    }

    /// The public key by which snapshots are known, if they are signed.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        self.signer.as_ref().map(sign::Signer::public_key)
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
    pub fn reload(&self, store: &Store, aside: &SetAside, now_ms: i64) -> Result<Arc<Current>, StoreError> {
        let before = self.current();
        let loaded = load(store, aside, self.signer.as_ref(), &before.set);
        self.put_in_force(&before, loaded, now_ms)
    }

    /// Puts changes in force that were stored just now, by ids; the caller holds the lock for changes. Cost: that of the
    /// changes, and a walk through all switches.
    ///
    /// # Errors
    /// Failures of the store; the switches in force stay.
    pub(super) fn publish(
        &self,
        store: &Store,
        aside: &SetAside,
        changes: Vec<(String, Option<Document>)>,
        now_ms: i64,
    ) -> Result<Arc<Current>, StoreError> {
        if self.problem().is_some() {
            return self.reload(store, aside, now_ms); // what is in force is not what was stored before
        }
        aside.forget(SWITCH, changes.iter().map(|(id, _)| id.as_str()));
        let before = self.current();
        let next = store.document_revision(SWITCH).and_then(|revision| {
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
    signer: Option<&sign::Signer>,
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
    signer: Option<&sign::Signer>,
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

/// A longer change, or one of more switches, is not told to everybody at once, but fetched by each.
const MAX_TOLD_BYTES: usize = 16 << 10;
const MAX_TOLD: usize = 100;

/// How long a stream says nothing before it shows that it lives.
pub(crate) const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(5);
