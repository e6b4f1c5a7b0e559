//! The switches held by this process.

use std::sync::Arc;

use lanner_switch::Verdict;
use serde_json::{Map, Value};

use crate::error::{ConnectError, FlagError};
use crate::options::Options;
use crate::refresh;
use crate::state::SwitchState;
use crate::status::Status;

/// Kill switches, held in this process and kept up to date. Cheap to clone; all clones are one.
///
/// The task in the background ends with the last clone.
#[derive(Debug, Clone)]
pub struct Switches(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    held: Arc<SwitchState>,
    task: tokio::task::AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Switches {
    /// Takes up the switches of the file, asks the server for newer ones for a short while, and keeps them up to
    /// date from then on. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError`], for what waiting would not mend. A server that does not answer is no error.
    pub async fn connect(options: Options) -> Result<Self, ConnectError> {
        let remote = refresh::Remote::new(&options)?;
        let held = Arc::new(SwitchState::new(options)?);
        held.take_up_file().await;
        // Whether it worked is in the status; the task goes on either way.
        let _ = tokio::time::timeout(held.options.patience, remote.refresh(&held)).await;
        let work = Arc::clone(&held);
        let task = tokio::spawn(async move {
            tokio::join!(
                refresh::run(&work, &remote),
                refresh::tell(&work, &remote),
                refresh::report(&work, &remote),
            );
        });
        let task = task.abort_handle();
        Ok(Self(Arc::new(Handle { held, task })))
    }

    /// What the switches say of `context`. Never fails, never waits; allocates only when something is blocked.
    #[must_use]
    pub fn evaluate(&self, context: &Map<String, Value>) -> Verdict {
        self.0.held.evaluate(context)
    }

    /// What `context` gets of the flag `key`, as OpenFeature clients are answered: an object with `key`, `value` (absent where
    /// the caller's default counts), `variant`, `reason` and `metadata`. Every switch is a flag, and `blocked` is all of them.
    ///
    /// # Errors
    /// [`FlagError`]: there is no such flag, or no switches are known.
    pub fn flag(&self, key: &str, context: &Map<String, Value>) -> Result<Value, FlagError> {
        self.0.held.flag(key, context)
    }

    /// What this client holds, how old it is, and what went wrong last.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.held.status()
    }

    /// Comes when switches of this revision or a later one are held.
    pub async fn reached(&self, revision: u64) {
        // The sender lives as long as this client.
        let _ = self.0.held.subscribe().wait_for(|held| *held >= revision).await;
    }
}
