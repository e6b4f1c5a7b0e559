//! Reading: connections that are used by one reader at a time, from code that may block.
//!
//! Connections are served by a small runtime of the store's own, so that a reader that blocks, on whatever thread, never
//! waits for itself.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use super::session::{Failure, PATIENCE, Session};
use crate::remote::postgresql::Database;
use crate::store::{StoreError, locked};

const IDLE_SESSIONS: usize = 4;
/// Readers at one time, each with a connection: a database has few.
const MAX_READING: usize = 16;
/// Readers that wait for their turn. More are refused: each holds a thread, and a database that hangs must not take those that
/// others need, such as whoever asks a switch.
const MAX_WAITING: usize = 128;
/// Whoever asks so shortly after it could not be reached is told so at once: a page must not wait for each of its parts.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// Connections for reading, and the runtime that serves all connections of a store.
pub(super) struct Pool {
    database: Database,
    /// `None` once it is closed.
    idle: Mutex<Option<Vec<Session>>>,
    /// When the database could not be reached, and why.
    away: Mutex<Option<(Instant, String)>>,
    turns: Turns,
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
        Ok(Self { database, idle, away, turns: Turns::default(), runtime: Some(runtime) })
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
        let read = || {
            let _turn = self.turns.take(PATIENCE)?;
            runtime.block_on(self.read(&look)).map_err(StoreError::from)
        };
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
                Err(Failure::Away(why)) => {
                    // Those that stood idle beside it may be as dead, and who asks next is not to find that out one by one.
                    self.drop_idle();
                    // Whoever has waited for an answer is not kept waiting for another one.
                    if asked.elapsed() >= PATIENCE {
                        return Err(Failure::Away(why));
                    }
                }
                Err(Failure::Conflict(_)) if asked.elapsed() < PATIENCE => {}
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

    /// Ends the connections that nobody uses.
    fn drop_idle(&self) {
        if let Some(idle) = locked(&self.idle).as_mut() {
            idle.clear();
        }
    }

    /// Ends all connections; later looks are refused.
    pub(super) fn close(&self) {
        *locked(&self.idle) = None;
    }
}

/// Who reads, and how many wait to.
#[derive(Default)]
struct Turns {
    taken: Mutex<Taken>,
    left: Condvar,
}

#[derive(Default)]
struct Taken {
    reading: usize,
    waiting: usize,
}

/// A reader's turn; it ends when this is dropped.
struct Turn<'t>(&'t Turns);

impl Turns {
    /// Waits for a turn, for a while.
    fn take(&self, patience: Duration) -> Result<Turn<'_>, StoreError> {
        let busy = |why: &str| StoreError::Unavailable { detail: why.to_owned() };
        let mut taken = locked(&self.taken);
        if taken.reading >= MAX_READING && taken.waiting >= MAX_WAITING {
            return Err(busy("too many wait for its answer already"));
        }
        taken.waiting += 1;
        let waited = self.left.wait_timeout_while(taken, patience, |taken| taken.reading >= MAX_READING);
        let (mut taken, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        taken.waiting -= 1;
        if outcome.timed_out() && taken.reading >= MAX_READING {
            return Err(busy("others still wait for its answer"));
        }
        taken.reading += 1;
        Ok(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        locked(&self.0.taken).reading -= 1;
        self.0.left.notify_one();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_and_who_waits_is_bounded() {
        const SOON: Duration = Duration::from_millis(50);
        let turns = Turns::default();
        let mut reading: Vec<_> = (0..MAX_READING).map(|_| turns.take(SOON).unwrap()).collect();
        let refused =
            |turns: &Turns| turns.take(SOON).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused(&turns).contains("others still wait"));
        // One that ends lets one of those in who wait.
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(Duration::from_secs(20)).is_ok());
            std::thread::sleep(SOON);
            drop(reading.pop());
            assert!(waiting.join().unwrap());
        });
        reading.push(turns.take(SOON).unwrap());
        locked(&turns.taken).waiting = MAX_WAITING;
        let begun = Instant::now();
        assert!(refused(&turns).contains("too many wait"));
        assert!(begun.elapsed() < SOON);
        locked(&turns.taken).waiting = 0;
        drop(reading);
        assert_eq!(locked(&turns.taken).reading, 0);
    }
}
