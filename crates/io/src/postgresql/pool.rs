//! Reading: connections that are used by one reader at a time, from code that may block.
//!
//! Connections are served by a small runtime of the store's own, so that a reader that blocks, on whatever thread, never
//! waits for itself.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use super::session::{Failure, PATIENCE, Session};
use crate::remote::postgresql::Database;
use crate::store::{StoreError, locked};

const IDLE_SESSIONS: usize = 4;
/// Whoever asks so shortly after it could not be reached is told so at once: a page must not wait for each of its parts.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// Connections for reading, and the runtime that serves all connections of a store.
pub(super) struct Pool {
    database: Database,
    /// `None` once it is closed.
    idle: Mutex<Option<Vec<Session>>>,
    /// When the database could not be reached, and why.
    away: Mutex<Option<(Instant, String)>>,
    runtime: Option<Runtime>,
}

impl Pool {
    pub(super) fn start(database: Database) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgresql")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Database { detail: format!("starting a thread: {error}") })?;
        let (idle, away) = (Mutex::new(Some(Vec::new())), Mutex::default());
        Ok(Self { database, idle, away, runtime: Some(runtime) })
    }

    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The runtime that serves the connections; `None` once it has ended.
    pub(super) fn runtime(&self) -> Result<Handle, StoreError> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone()).ok_or(StoreError::Closed)
    }

    /// Reads. A connection that broke while nobody used it is replaced once.
    pub(super) fn look<T: Send>(
        &self,
        look: impl AsyncFn(&Session) -> Result<T, Failure> + Sync,
    ) -> Result<T, StoreError> {
        let runtime = self.runtime()?;
        let read = || runtime.block_on(self.read(&look)).map_err(StoreError::from);
        match Handle::try_current().map(|current| current.runtime_flavor()) {
            Err(_) => read(),
            // Others take over what this thread would do meanwhile.
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(read),
            // It has one thread, in which nothing may block on another runtime.
            Ok(_) => std::thread::scope(|scope| scope.spawn(read).join())
                .unwrap_or_else(|_| Err(StoreError::Database { detail: "reading panicked".to_owned() })),
        }
    }

    async fn read<T>(&self, look: &impl AsyncFn(&Session) -> Result<T, Failure>) -> Result<T, Failure> {
        if let Some(session) = self.take()? {
            let asked = Instant::now();
            match look(&session).await {
                // Whoever has waited for an answer is not kept waiting for another one.
                Err(Failure::Away(_) | Failure::Conflict(_)) if asked.elapsed() < PATIENCE => {}
                Err(failure) => return Err(failure),
                Ok(value) => {
                    self.give_back(session);
                    return Ok(value);
                }
            }
        }
        let session = self.connect().await?;
        let value = look(&session).await?;
        self.give_back(session);
        Ok(value)
    }

    /// A new connection. Who asks while the database is known to be away is told so.
    pub(super) async fn connect(&self) -> Result<Session, Failure> {
        if let Some((at, why)) = &*locked(&self.away)
            && at.elapsed() < BETWEEN_ATTEMPTS
        {
            return Err(Failure::Away(why.clone()));
        }
        let connected = Session::connect(&self.database).await;
        let away = match &connected {
            Err(Failure::Away(why)) => Some((Instant::now(), why.clone())),
            _ => None,
        };
        *locked(&self.away) = away;
        connected
    }

    /// A connection that nobody uses, if there is one.
    fn take(&self) -> Result<Option<Session>, Failure> {
        let mut idle = locked(&self.idle);
        let idle = idle.as_mut().ok_or(StoreError::Closed)?;
        idle.retain(|session| !session.is_closed());
        Ok(idle.pop())
    }

    fn give_back(&self, session: Session) {
        if let Some(idle) = locked(&self.idle).as_mut()
            && idle.len() < IDLE_SESSIONS
        {
            idle.push(session);
        }
    }

    /// Ends all connections; later looks are refused.
    pub(super) fn close(&self) {
        *locked(&self.idle) = None;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped where nothing may block.
            runtime.shutdown_background();
        }
    }
}
