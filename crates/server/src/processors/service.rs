//! The service that keeps processors.

use std::sync::{Arc, Mutex};

use lanner_core::{Cause, Node, Problem, Problems};
use lanner_engine::Config;
use lanner_engine::processor::{Configured, KINDS, Processors, cross_check};
use lanner_io::data::DataStore;
use lanner_io::state::{Author, DocumentBatch, DocumentChange, StateStore, StoreError, StoredDocument};
use lanner_traffic::ModelsInUse;
use lanner_wire::api::ProcessorView;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::memory::Memories;
use crate::base::Base;
use crate::clock::Clock;
use crate::documents::cause;
use crate::documents::{
    Applied, ApplyError, ApplyOptions, Aside, PROCESSOR, RULE, SetAside, broke_off, changes, compare,
    misplaced,
};
use crate::http::blocking;
use crate::intake::events;
use crate::intake::service::IntakeService;
use crate::shutdown::Shutdown;
use crate::sync::locked;

/// Sessions that are told at one time.
const MAX_TELLING: usize = 2;

/// Keeps processors, and puts them in force: events that arrive from then on pass them.
#[derive(Debug)]
pub struct ProcessorService {
    state: Arc<dyn StateStore>,
    clock: Clock,
    set_aside: Arc<SetAside>,
    intake: Arc<IntakeService>,
    memories: Memories,
    pub(super) shutdown: Arc<Shutdown>,
    /// The trained models that judge what processors see.
    models: Mutex<ModelsInUse>,
    /// Turns of those who go through the events of a session: a page that is loaded again and again does not take all cores.
    pub(super) telling: Arc<Semaphore>,
    /// Held while what is stored is put in force, so that what is read last counts.
    putting: Mutex<()>,
}

impl ProcessorService {
    /// With those that are stored in force.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(base: &Base, intake: Arc<IntakeService>) -> Result<Self, StoreError> {
        let service = Self {
            state: Arc::clone(&base.state),
            clock: base.clock(),
            set_aside: Arc::clone(&base.set_aside),
            intake,
            memories: Memories::new(base),
            shutdown: Arc::clone(&base.shutdown),
            models: Mutex::default(),
            telling: Arc::new(Semaphore::new(MAX_TELLING)),
            putting: Mutex::default(),
        };
        service.put_all_in_force()?;
        Ok(service)
    }

    /// Those in force.
    pub(crate) fn in_force(&self) -> Arc<Processors> {
        self.intake.processing.in_force()
    }

    /// The events that are stored.
    pub(super) fn data(&self) -> &dyn DataStore {
        &*self.intake.data
    }

    /// The documents that are stored.
    pub(super) fn state(&self) -> &dyn StateStore {
        &*self.state
    }

    /// The time, milliseconds since 1970.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Those in force, and what they saw since the start.
    #[must_use]
    pub(crate) fn views(&self) -> Vec<ProcessorView> {
        let view = |one: &Configured| {
            let seen = self.intake.processing.seen(&one.id);
            ProcessorView {
                id: one.id.to_string(),
                stream: one.stream.to_string(),
                kind: one.processor.kind().to_owned(),
                events: seen.n_events,
                unmatched: seen.n_unmatched,
                note: one.processor.in_words(),
                problem: None,
            }
        };
        self.intake.processing.in_force().all().iter().map(view).collect()
    }

    /// All that are stored: first those in force, then those that are not.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn all(&self) -> Result<Vec<ProcessorView>, StoreError> {
        let mut views = self.views();
        self.note_missing_rules(&mut views)?;
        for StoredDocument { id, document, .. } in self.state.documents(PROCESSOR)? {
            let Some(problem) = self.set_aside.problem(PROCESSOR, &id) else { continue };
            let stream = document.as_ref().and_then(|document| document["stream"].as_str());
            let kind =
                KINDS.iter().find(|kind| document.as_ref().is_some_and(|it| it.get(kind.name).is_some()));
            views.push(ProcessorView {
                id,
                stream: stream.unwrap_or_default().to_owned(),
                kind: kind.map(|kind| kind.name).unwrap_or_default().to_owned(),
                problem: Some(problem),
                ..ProcessorView::default()
            });
        }
        Ok(views)
    }

    /// Notes rules that processors in force heed and that do not exist: a misspelled one would never be heeded.
    fn note_missing_rules(&self, views: &mut [ProcessorView]) -> Result<(), StoreError> {
        for (one, view) in self.in_force().all().iter().zip(views) {
            for rule in one.processor.heeds() {
                let latest = self.state.document_latest(RULE, rule)?;
                if latest.is_none_or(|stored| stored.document.is_none()) {
                    let missing = format!("there is no rule \"{rule}\" to hold for");
                    let notes: Vec<String> = view.note.take().into_iter().chain([missing]).collect();
                    view.note = Some(notes.join("; "));
                }
            }
        }
        Ok(())
    }

    /// Deletes one; says whether it was there.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn delete(self: &Arc<Self>, id: &str, actor: &str) -> Result<bool, StoreError> {
        let latest = self.state.document_latest(PROCESSOR, id)?;
        if latest.is_none_or(|stored| stored.document.is_none()) {
            return Ok(false);
        }
        let author = Author {
            actor: actor.to_owned(),
            message: "deleted".to_owned(),
            cause: Cause::Person,
            now_ms: self.clock.now_ms(),
        };
        let gone = vec![DocumentChange { id: id.to_owned(), document: None }];
        self.state.save_documents_by(PROCESSOR, author, gone)?.await?;
        self.put_in_force().await?;
        Ok(true)
    }

    /// What a list of processors makes of those that are stored, and what is to be written.
    ///
    /// # Errors
    /// Every problem in them, and between them and those that stay; failures of the store.
    pub(crate) fn plan(
        &self,
        written: &[Value],
        options: &ApplyOptions,
    ) -> Result<(Applied, DocumentBatch), ApplyError> {
        let read = checked(written).map_err(ApplyError::Problems)?;
        let documents: Vec<Value> = read.iter().map(|one| one.document.clone()).collect();
        let stored = self.state.documents(PROCESSOR)?;
        let applied = compare(&stored, &documents, "id", |stored| {
            options.prune.takes(|sections| sections.processors, cause::of(stored) == options.cause)
        });
        let stays = |stored: &&StoredDocument| applied.kept.contains(&stored.id);
        let staying = stored.iter().filter(stays).filter_map(|stored| stored_one(stored).ok());
        let problems = cross_check(&staying.chain(read).collect::<Vec<_>>());
        if !problems.is_empty() {
            return Err(ApplyError::Problems(Problems(problems)));
        }
        let batch = DocumentBatch {
            kind: PROCESSOR.to_owned(),
            message: options.message.clone(),
            changes: changes(&documents, "id", &applied.deleted),
        };
        Ok((applied, batch))
    }

    /// Puts what is stored in force. What cannot be read, or would send events in a circle, is set aside.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn put_in_force(self: &Arc<Self>) -> Result<(), StoreError> {
        // The memory of a profile takes seconds to make, and a switch must not wait for it.
        let service = Arc::clone(self);
        blocking(move || service.put_all_in_force()).await.unwrap_or_else(broke_off)
    }

    fn put_all_in_force(&self) -> Result<(), StoreError> {
        let _one_at_a_time = locked(&self.putting);
        let (mut all, mut aside) = (Vec::new(), Aside::new());
        for stored in self.state.documents(PROCESSOR)? {
            match stored_one(&stored) {
                Ok(one) => all.push(one),
                Err(why) => _ = aside.insert((PROCESSOR, stored.id), why),
            }
        }
        while let Some(problem) = cross_check(&all).into_iter().next() {
            let id = problem.path.strip_prefix("processors.").unwrap_or_default();
            all.retain(|one| *one.id != *id);
            aside.insert((PROCESSOR, id.to_owned()), problem.message);
        }
        let (before, now_ms) = (self.intake.processing.in_force(), self.clock.now_ms());
        all.iter_mut().for_each(|one| self.memories.take_up(one, &before, now_ms));
        let models = locked(&self.models).clone();
        all.iter().for_each(|one| one.processor.use_models(&models));
        self.set_aside.replace(&[PROCESSOR], aside);
        self.intake.processing.replace(Processors::new(all));
        Ok(())
    }

    /// Has other trained models judge what processors see from now on.
    pub(crate) fn use_models(&self, models: &ModelsInUse) {
        let _one_at_a_time = locked(&self.putting);
        locked(&self.models).clone_from(models);
        self.intake.processing.in_force().all().iter().for_each(|one| one.processor.use_models(models));
    }

    /// Tells processors what time it is.
    pub(crate) fn tick(&self) {
        if let Err(error) = events::tick(&self.intake) {
            tracing::error!("events that processors made could not be written: {error}");
        }
    }

    /// Writes what processors have learned beside the store.
    pub(crate) fn save_memories(&self) {
        let saved = self.memories.save(&self.intake.processing.in_force(), self.clock.now_ms());
        if let Err(error) = saved {
            tracing::error!("what processors learned cannot be written, and is tried again: {error}");
        }
    }
}

/// Processors as they are written, each of which reads back to the same once it is stored.
fn checked(written: &[Value]) -> Result<Vec<Configured>, Problems> {
    let mut config = Config::default();
    let mut problems = config.read(&Node::from_json(&json!({ "processors": written })));
    for one in &config.processors {
        let again = Configured::check(&Node::from_json(&one.document), "", |_| 0);
        if !again.is_ok_and(|again| again.document == one.document) {
            let (path, message) = (
                format!("processors.{}", one.id),
                "would not read back as written; this is a bug in Lanner, please report it".to_owned(),
            );
            problems.push(Problem { at: None, path, message, hint: None });
        }
    }
    if problems.is_empty() { Ok(config.processors) } else { Err(Problems(problems)) }
}

/// A processor that stands under its own id, or why it cannot be put in force.
fn stored_one(stored: &StoredDocument) -> Result<Configured, String> {
    let document = stored.document.as_ref().ok_or("it is deleted")?;
    let one =
        Configured::check(&Node::from_json(document), "", |_| 0).map_err(|problems| problems.to_string())?;
    if *one.id == *stored.id { Ok(one) } else { Err(misplaced(document, "id")) }
}
