//! The switches as this process holds them.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use lanner_switch::{OnUnavailable, Snapshot, Staleness, SwitchSet, Verdict};
use serde_json::{Map, Value};

use crate::disk;
use crate::options::Options;
use crate::refresh;

/// Why no client was made. That the server does not answer is no such reason: see [`Switches::status`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error("\"{url}\" is not the address of a server: {why}; write for example http://127.0.0.1:9797")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// HTTP cannot be started in this process.
    #[error("cannot start HTTP: {0}")]
    Http(String),
}

/// Kill switches, held in this process and kept up to date. Cheap to clone; all clones are one.
///
/// The task in the background ends with the last clone.
#[derive(Debug, Clone)]
pub struct Switches(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    held: Arc<Held>,
    task: tokio::task::AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the switches that are held came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// There are none.
    Nothing,
    /// The file; the server has not confirmed them yet.
    Disk,
    /// The server.
    Server,
}

/// How a client is, for readiness checks and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The revision that is held; 0 for none.
    pub revision: u64,
    /// Where it came from.
    pub source: Source,
    /// How long nobody has confirmed it.
    pub staleness: Staleness,
    /// Whether the server tells of changes as they happen; else they are fetched now and then.
    pub is_pushed: bool,
    /// Why the last try to refresh failed, if it did.
    pub problem: Option<String>,
}

/// What the task in the background writes and evaluation reads.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) options: Options,
    pub(crate) current: ArcSwap<Current>,
    started: Instant,
    /// When it was last confirmed, milliseconds since `started`; before it, if a file is older.
    confirmed_ms: AtomicI64,
    /// What is added to this machine's clock to tell the server's time, milliseconds.
    offset_ms: AtomicI64,
    pub(crate) is_pushed: AtomicBool,
    problem: Mutex<Option<String>>,
    changed: tokio::sync::watch::Sender<u64>,
}

#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) set: SwitchSet,
    pub(crate) source: Source,
}

/// A clock that is wrong by less than this is left alone: it is within what a request takes.
const SAME_CLOCK_MS: i64 = 1_000;

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// This machine's clock, milliseconds since the Unix epoch.
fn machine_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => -millis(before.duration()),
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
        let held = Arc::new(Held::new(options));
        held.take_up_file().await;
        // Whether it worked is in the status; the task goes on either way.
        let _ = tokio::time::timeout(held.options.patience, remote.refresh(&held)).await;
        let task = tokio::spawn(refresh::run(Arc::clone(&held), remote)).abort_handle();
        Ok(Self(Arc::new(Handle { held, task })))
    }

    /// What the switches say of `context`. Never fails, never waits; allocates only when something is blocked.
    #[must_use]
    pub fn evaluate(&self, context: &Map<String, Value>) -> Verdict {
        self.0.held.evaluate(context)
    }

    /// How this client is.
    #[must_use]
    pub fn status(&self) -> Status {
        let held = &self.0.held;
        let current = held.current.load();
        Status {
            revision: current.set.revision(),
            source: current.source,
            staleness: held.staleness(),
            is_pushed: held.is_pushed.load(Ordering::Relaxed),
            problem: held.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Comes when switches of this revision or a later one are held.
    pub async fn reached(&self, revision: u64) {
        // The sender lives as long as this client.
        let _ = self.0.held.changed.subscribe().wait_for(|held| *held >= revision).await;
    }
}

impl Held {
    fn new(options: Options) -> Self {
        Self {
            options,
            current: ArcSwap::from_pointee(Current { set: SwitchSet::default(), source: Source::Nothing }),
            started: Instant::now(),
            confirmed_ms: AtomicI64::new(0),
            offset_ms: AtomicI64::new(0),
            is_pushed: AtomicBool::new(false),
            problem: Mutex::default(),
            changed: tokio::sync::watch::Sender::new(0),
        }
    }

    fn evaluate(&self, context: &Map<String, Value>) -> Verdict {
        let current = self.current.load();
        let staleness = self.staleness();
        let has_nothing = current.source == Source::Nothing;
        match self.options.on_unavailable {
            policy if has_nothing => Verdict::unavailable(policy, 0, staleness),
            policy @ (OnUnavailable::Open | OnUnavailable::Closed) if staleness.is_too_old => {
                Verdict::unavailable(policy, current.set.revision(), staleness)
            }
            _ => current.set.evaluate_stale(context, self.now_ms(), staleness),
        }
    }

    fn staleness(&self) -> Staleness {
        let since_ms = millis(self.started.elapsed());
        let for_ms = since_ms.saturating_sub(self.confirmed_ms.load(Ordering::Relaxed)).max(0);
        Staleness { for_ms, is_too_old: for_ms > millis(self.options.max_stale) }
    }

    fn now_ms(&self) -> i64 {
        machine_ms().saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// What the server has is what is held.
    pub(crate) fn confirm(&self) {
        self.confirmed_ms.store(millis(self.started.elapsed()), Ordering::Relaxed);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The server's clock said `server_ms` just now.
    pub(crate) fn set_clock(&self, server_ms: i64) {
        let offset_ms = server_ms.saturating_sub(machine_ms());
        let offset_ms = if offset_ms.saturating_abs() < SAME_CLOCK_MS { 0 } else { offset_ms };
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Notes why refreshing failed; said once in the log however often it is noted.
    pub(crate) fn fail(&self, why: String) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.as_ref() != Some(&why) {
            tracing::warn!("kill switches are not refreshed: {why}");
            *problem = Some(why);
        }
    }

    /// Holds a snapshot of the server from now on, unless what is held is newer.
    ///
    /// # Errors
    /// Why it is refused; what was held stays.
    pub(crate) async fn take(&self, text: String) -> Result<(), String> {
        let snapshot = Snapshot::from_text(&text).map_err(|error| format!("what the server sent {error}"))?;
        let current = self.current.load_full();
        let held = current.set.revision();
        if current.source != Source::Nothing
            && snapshot.revision() <= held
            && snapshot.tag() != current.set.tag()
        {
            let revision = snapshot.revision();
            return Err(format!(
                "the server has revision {revision} and this client another, {held}: it was set back, and is not believed until its revision is higher"
            ));
        }
        let set = SwitchSet::compile(&snapshot).map_err(|problems| {
            format!("the server's switches cannot be read by this release: {problems}")
        })?;
        let revision = set.revision();
        self.current.store(Arc::new(Current { set, source: Source::Server }));
        self.confirm();
        self.changed.send_replace(revision);
        if let Some(path) = self.options.cache.clone()
            && let Err(error) = disk::write(path.clone(), text).await
        {
            tracing::warn!("kill switches are not kept in {}: {error}", path.display());
        }
        Ok(())
    }

    async fn take_up_file(&self) {
        let Some(path) = self.options.cache.clone() else { return };
        let name = path.display().to_string();
        let read = match disk::read(path).await {
            Ok(None) => return,
            Ok(Some((text, age))) => Snapshot::from_text(&text)
                .map_err(|error| error.to_string())
                .and_then(|snapshot| SwitchSet::compile(&snapshot).map_err(|problems| problems.to_string()))
                .map(|set| (set, age)),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        match read {
            Ok((set, age)) => {
                self.confirmed_ms.store(-millis(age), Ordering::Relaxed);
                self.changed.send_replace(set.revision());
                self.current.store(Arc::new(Current { set, source: Source::Disk }));
            }
            Err(why) => self.fail(format!("the file {name} {why}")),
        }
    }
}
