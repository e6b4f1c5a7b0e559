//! The client for programs without an async runtime: one thread keeps the switches up to date.

use lanner_switch::Verdict;
use serde_json::{Map, Value};

use crate::error::{ConnectError, FlagError};
use crate::options::Options;
use crate::status::Status;
use crate::switches;

/// Kill switches, held in this process and kept up to date by a thread of their own, which ends with this value.
///
/// ```no_run
/// # fn main() -> Result<(), lanner_client::ConnectError> {
/// use lanner_client::{Options, blocking::Switches};
///
/// let switches = Switches::connect(Options::new("http://127.0.0.1:9797"))?;
/// assert!(!switches.evaluate(&serde_json::Map::new()).is_blocked());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Switches {
    inner: switches::Switches,
    /// `None` only while this value is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Switches {
    /// As [`crate::Switches::connect`]. Not to be called by a task of a runtime, which it would hold up.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(options: Options) -> Result<Self, ConnectError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lanner-switches")
            .enable_all()
            .build()
            .map_err(|error| ConnectError::Http(format!("no thread can be started: {error}")))?;
        let inner = runtime.block_on(switches::Switches::connect(options))?;
        Ok(Self { inner, runtime: Some(runtime) })
    }

    /// What the switches say of `context`. Never fails, never waits.
    #[must_use]
    pub fn evaluate(&self, context: &Map<String, Value>) -> Verdict {
        self.inner.evaluate(context)
    }

    /// What `context` gets of the flag `key`, as OpenFeature clients are answered: an object with `key`, `value` (absent where
    /// the caller's default counts), `variant`, `reason` and `metadata`. Every switch is a flag, and `blocked` is all of them.
    ///
    /// # Errors
    /// [`FlagError`]: there is no such flag, or no switches are known.
    pub fn flag(&self, key: &str, context: &Map<String, Value>) -> Result<Value, FlagError> {
        self.inner.flag(key, context)
    }

    /// What this client holds, how old it is, and what went wrong last.
    #[must_use]
    pub fn status(&self) -> Status {
        self.inner.status()
    }
}

impl Drop for Switches {
    fn drop(&mut self) {
        // Nobody waits for a request that is under way.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
