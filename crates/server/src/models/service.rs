//! The service that keeps models, and says which of a kind is in use.
//!
//! A model never changes, and is known by the hash of its bytes. Which one of a kind scores is a document, so that each change of
//! it has a version, an author and a row in the audit; rolling back is taking up an earlier version.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use lanner_core::{Cause, SourceError};
use lanner_engine::source::RowScorer;
use lanner_io::state::{self, Author, DocumentChange, ModelInfo, StateStore, StoreError};
use lanner_traffic::{Model, ModelsInUse, NamedModel};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::detectors::FAMILY;
use super::kinds::{self, API, Loaded};
use super::lately::Lately;
use crate::base::Base;
use crate::clock::Clock;
use crate::http::blocking;
use crate::sync::locked;

/// The kind of documents that say which models are in use; each has the name of a kind of models.
const IN_USE: &str = "model_in_use";

/// Models held in memory; the one asked longest ago goes first.
const MAX_HELD: usize = 32;

/// Versions looked through for one to roll back to.
const MAX_VERSIONS: usize = 100;

/// Which models of a kind are in use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InUse {
    /// The one that decides.
    pub(super) champion: Option<String>,
    /// One that is asked as well, and decides nothing.
    pub(super) challenger: Option<String>,
    /// The version whose champion was taken up again by rolling back: the next time it goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) back_to: Option<u32>,
}

/// A model in memory, by its id.
pub(super) type Held = (String, Loaded);

/// Told which models of API traffic are in use.
pub(crate) type OnUse = Box<dyn Fn(&ModelsInUse) + Send + Sync>;

/// Keeps models.
pub struct ModelService {
    pub(super) state: Arc<dyn StateStore>,
    clock: Clock,
    /// Those that were asked last, the last one at the end.
    held: Mutex<Vec<Held>>,
    /// Which models were in use a moment ago, by kind.
    lately: Lately<InUse>,
    /// Held while what is in use is changed.
    pub(super) changing: tokio::sync::Mutex<()>,
    on_use: OnceLock<OnUse>,
}

impl std::fmt::Debug for ModelService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelService {{ {} held }}", locked(&self.held).len())
    }
}

impl ModelService {
    /// With none in memory.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self {
            state: Arc::clone(&base.state),
            clock: base.clock(),
            held: Mutex::default(),
            lately: Lately::default(),
            changing: tokio::sync::Mutex::default(),
            on_use: OnceLock::new(),
        }
    }

    /// Tells `on_use` which models of API traffic are in use, now and whenever that changes.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn tell_of_use(&self, on_use: OnUse) -> Result<(), StoreError> {
        let _ = self.on_use.set(on_use);
        self.tell()
    }

    /// Says which models judge API traffic. One that cannot be read judges nothing, and the log says so.
    fn tell(&self) -> Result<(), StoreError> {
        let Some(on_use) = self.on_use.get() else { return Ok(()) };
        let InUse { champion, challenger, .. } = self.in_use(API)?;
        let named = |id: Option<String>| {
            let id = id?;
            let read = self.state.model(&id).map_err(|error| error.to_string());
            let model = read.and_then(|stored| match stored {
                Some(stored) => Model::from_json(&stored.body).map_err(|error| error.to_string()),
                None => Err("it is not kept".to_owned()),
            });
            match model {
                Ok(model) => Some(NamedModel { name: id.into(), model: Arc::new(model) }),
                Err(why) => {
                    tracing::error!("the model {id} judges no sessions: {why}");
                    None
                }
            }
        };
        on_use(&ModelsInUse { champion: named(champion), challenger: named(challenger) });
        Ok(())
    }

    /// All models of all kinds, each kind's latest first.
    pub(super) fn all(&self) -> Result<Vec<ModelInfo>, StoreError> {
        let mut all = Vec::new();
        for family in kinds::families() {
            all.extend(self.state.models(family)?);
        }
        Ok(all)
    }

    /// What a file becomes in the store.
    ///
    /// # Errors
    /// Why it is no model that is kept here.
    pub(super) fn checked(&self, body: Vec<u8>) -> Result<state::Model, String> {
        let loaded = kinds::read(&body)?;
        let info = ModelInfo {
            id: String::new(),
            kind: loaded.kind(),
            data: loaded.data().unwrap_or_default(),
            threshold: loaded.threshold(),
            metrics: loaded.metrics(),
            created_ms: self.clock.now_ms(),
        };
        Ok(state::Model { info, body })
    }

    /// Which models of a kind are in use.
    pub(super) fn in_use(&self, kind: &str) -> Result<InUse, StoreError> {
        let stored = self.state.document_latest(IN_USE, kind)?;
        let document = stored.and_then(|stored| stored.document);
        Ok(document.and_then(|document| serde_json::from_value(document).ok()).unwrap_or_default())
    }

    /// Which models of a kind are in use, or were a moment ago: what another server with the same store changes is seen a second later.
    pub(super) fn in_use_lately(&self, kind: &str) -> Result<InUse, StoreError> {
        self.lately.get_or(kind, || self.in_use(kind))
    }

    /// Whether scoring by a kind, or by the model that is named, asks nothing of the store.
    pub(super) fn is_at_hand(&self, kind: &str, model: Option<&str>) -> bool {
        let Some(InUse { champion, challenger, .. }) = self.lately.get(kind) else { return false };
        let held = locked(&self.held);
        let is_held = |id: &str| held.iter().any(|(known, _)| known == id);
        model.or(champion.as_deref()).is_some_and(is_held) && challenger.as_deref().is_none_or(is_held)
    }

    /// The last champion of a kind before the present one that is still kept, and the version that made it champion. After a rollback
    /// it goes on back in time.
    pub(super) fn champion_before(&self, kind: &str) -> Result<Option<(String, u32)>, StoreError> {
        let InUse { champion: present, back_to, .. } = self.in_use(kind)?;
        let versions = self.state.last_versions(IN_USE, kind, MAX_VERSIONS)?;
        for stored in versions.into_iter().filter(|stored| back_to.is_none_or(|at| stored.version < at)) {
            let in_use: InUse =
                stored.document.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
            let Some(id) = in_use.champion.filter(|id| Some(id) != present.as_ref()) else { continue };
            if self.state.model(&id)?.is_some() {
                return Ok(Some((id, in_use.back_to.unwrap_or(stored.version))));
            }
        }
        Ok(None)
    }

    /// Says which models of a kind are in use from now on.
    pub(super) async fn use_from_now_on(
        self: &Arc<Self>,
        kind: &str,
        in_use: &InUse,
        (actor, message): (&str, &str),
    ) -> Result<(), StoreError> {
        let changes = vec![DocumentChange { id: kind.to_owned(), document: Some(json!(in_use)) }];
        let author = Author {
            actor: actor.to_owned(),
            message: message.to_owned(),
            cause: Cause::Person,
            now_ms: self.clock.now_ms(),
        };
        let saved = self.state.save_documents_by(IN_USE, author, changes)?.await;
        self.lately.forget(kind);
        saved?;
        if kind != API {
            return Ok(());
        }
        // Reading a model takes a while, and so may processors that are being made.
        let service = Arc::clone(self);
        let told = blocking(move || service.tell()).await;
        told.unwrap_or_else(|panic| {
            Err(StoreError::Database { detail: format!("no model was put in use: {panic}") })
        })
    }

    /// A model in memory, read if it is not; `None` if it is not kept.
    ///
    /// # Errors
    /// Failures of the store; [`StoreError::Corrupt`] if it can no longer be read.
    pub(super) fn loaded(&self, id: &str) -> Result<Option<Held>, StoreError> {
        let mut held = locked(&self.held);
        if let Some(at) = held.iter().position(|(known, _)| known == id) {
            let found = held.remove(at);
            held.push(found.clone());
            return Ok(Some(found));
        }
        drop(held);
        let Some(model) = self.state.model(id)? else { return Ok(None) };
        let read = kinds::read(&model.body);
        let loaded = read.map_err(|why| StoreError::Corrupt { detail: format!("model {id} {why}") })?;
        let found: Held = (id.to_owned(), loaded);
        held = locked(&self.held);
        held.push(found.clone());
        if held.len() > MAX_HELD {
            held.remove(0);
        }
        Ok(Some(found))
    }

    /// The detector of this name that is in use: the champion, or the only one that is kept.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub(crate) fn detector(&self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        let failed = |error: StoreError| match error {
            StoreError::Corrupt { .. } => SourceError::Permanent(error.to_string()),
            _ => SourceError::Temporary(error.to_string()),
        };
        let kind = format!("{FAMILY}/{name}");
        let id = match self.in_use(&kind).map_err(failed)?.champion {
            Some(id) => id,
            None => self.only_one(name, &self.state.models(&kind).map_err(failed)?)?,
        };
        match self.loaded(&id).map_err(failed)? {
            Some((_, Loaded::Detector(trained))) => Ok(trained),
            _ => Err(SourceError::Permanent(format!(
                "the model {id}, champion of {kind}, is not kept any more"
            ))),
        }
    }

    fn only_one(&self, name: &str, kept: &[ModelInfo]) -> Result<String, SourceError> {
        match kept {
            [one] => Ok(one.id.clone()),
            [] => {
                let known: Vec<String> = self.names();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(SourceError::Permanent(format!(
                    "there is no model \"{name}\" (kept detectors: {known}); send its file with `lanner model import`"
                )))
            }
            several => Err(SourceError::Permanent(format!(
                "{} models are named \"{name}\", and none is the champion; choose one with `lanner model promote`",
                several.len()
            ))),
        }
    }

    /// The names of detectors, in order.
    fn names(&self) -> Vec<String> {
        let kept = self.state.models(FAMILY).unwrap_or_default();
        let name = |info: ModelInfo| info.kind.split_once('/').map(|(_, name)| name.to_owned());
        let names: BTreeSet<String> = kept.into_iter().filter_map(name).collect();
        names.into_iter().collect()
    }

    /// Drops a model from memory.
    pub(super) fn forget(&self, id: &str) {
        locked(&self.held).retain(|(known, _)| known != id);
    }
}
