//! Kill switches: kept as documents, published as snapshots, asked over HTTP.
//!
//! Clients hold the switches themselves and are only told when they changed; what is asked here is for everybody
//! who cannot. Both run `lanner-switch`, so both say the same.
//!
//! Reading order: [`Switches`] (what is in force), [`save`] (changes by people), [`guard`] (what needs a second look),
//! [`requests`] (what waits for one), [`throw`] (changes by alerts), then the faces: `documents` (the API), `deliver`
//! (snapshot, [`deltas`] and stream), `evaluate`, [`recent`] and `preview` (what would be blocked), `ofrep` (OpenFeature,
//! at a [`pace`]), `gate` (proxies).

pub mod counts;
pub mod deliver;
pub mod deltas;
pub mod documents;
pub mod edges;
pub mod evaluate;
pub mod gate;
pub mod guard;
pub mod ofrep;
pub mod pace;
pub mod preview;
pub mod recent;
pub mod requests;
pub mod save;
pub mod sign;
pub mod throw;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use lanner_io::store::{Store, StoreError};
use lanner_switch::{Delta, Document, Snapshot, SwitchSet};

use crate::app::{App, locked};
use crate::stored::{Aside, SetAside, misplaced};

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
    /// One change of switches at a time; nothing slow is done under it.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// The contexts that were asked last.
    pub recent: recent::Recent,
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
    /// The snapshot's canonical text.
    pub text: Bytes,
    /// What changed since the one before as JSON, if it is short enough to be told to everybody at once.
    pub delta: Option<String>,
    /// When what they say last changed here, by a change or by the clock, milliseconds since the Unix epoch.
    pub since_ms: AtomicI64,
}

impl Switches {
    /// None yet; snapshots are signed by `signer`, if there is one.
    #[must_use]
    pub fn new(signer: Option<sign::Signer>, pace: pace::Pace) -> Self {
        let set = SwitchSet::default();
        let text = Bytes::from(set.snapshot().to_text());
        let current = Arc::new(Current { set, text, delta: None, since_ms: AtomicI64::new(0) });
        Self {
            told: tokio::sync::watch::Sender::new(Arc::clone(&current)),
            current: RwLock::new(current),
            deltas: deltas::Deltas::default(),
            problem: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            recent: recent::Recent::default(),
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
        *locked(&self.problem) =
            loaded.as_ref().err().map(|error| format!("the switches cannot be read: {error}"));
        let set = loaded?;
        let delta = Delta::between(before.set.snapshot(), set.snapshot());
        let current = Arc::new(Current {
            text: Bytes::from(set.snapshot().to_text()),
            delta: Some(delta.to_text()).filter(|text| text.len() <= MAX_TOLD_BYTES),
            since_ms: AtomicI64::new(now_ms),
            set,
        });
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
    let snapshot = Snapshot::of(store.document_revision(SWITCH)?, documents);
    let snapshot = match signer {
        Some(signer) => signer.sign(snapshot),
        None => snapshot,
    };
    before.compile_next(&snapshot).map_err(|problems| StoreError::Database {
        detail: format!("the switches do not fit together: {problems}"),
    })
}

/// A longer change is not told to everybody at once, but fetched by each.
const MAX_TOLD_BYTES: usize = 16 << 10;

/// How long a stream says nothing before it shows that it lives.
pub(crate) const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(5);
