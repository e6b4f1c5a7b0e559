//! The service that keeps silences.

use std::sync::Arc;

use lanner_io::state::{StateStore, StoreError};

use crate::base::Base;
use crate::clock::Clock;
use crate::documents::SetAside;
use crate::evaluate::service::EvaluationService;

/// The kind of documents that silences are.
const SILENCE: &str = "silence";

/// Keeps silences, and puts them in force.
#[derive(Debug)]
pub struct SilenceService {
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    set_aside: Arc<SetAside>,
    evaluation: Arc<EvaluationService>,
}

impl SilenceService {
    /// Notes which stored silences cannot be read.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(base: &Base, evaluation: Arc<EvaluationService>) -> Result<Self, StoreError> {
        let service = Self {
            state: Arc::clone(&base.state),
            clock: base.clock(),
            set_aside: Arc::clone(&base.set_aside),
            evaluation,
        };
        service.note_unreadable()?;
        Ok(service)
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn note_unreadable(&self) -> Result<(), StoreError> {
        let unreadable = self.state.unreadable_silences()?;
        let unreadable = unreadable.into_iter().map(|(id, why)| ((SILENCE, id), why)).collect();
        self.set_aside.replace(&[SILENCE], unreadable);
        Ok(())
    }

    /// Tells the engine which silences there are.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn put_in_force(&self) -> Result<(), StoreError> {
        self.note_unreadable()?;
        let silences = self.state.silences()?;
        self.evaluation.engine().set_silences(&silences, self.now_ms());
        self.evaluation.wakeup.ring();
        Ok(())
    }
}
