//! The switches that this process holds: written by the task in the background, read by evaluation.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use lanner_switch::{Delta, Snapshot, Staleness, SwitchSet, Verdict, decide};
use serde_json::{Map, Value};

use crate::counts::{Counts, Told};
use crate::disk;
use crate::error::{ConnectError, FlagError};
use crate::options::Options;
use crate::sample::Sample;
use crate::signature::Verifier;
use crate::status::{Source, Status};

/// What the task in the background writes and evaluation reads.
#[derive(Debug)]
pub(crate) struct SwitchState {
    pub(crate) options: Options,
    verifier: Option<Verifier>,
    pub(crate) current: ArcSwap<ActiveSet>,
    started: Instant,
    /// When it was last confirmed, milliseconds since `started`; before it, if a file is older.
    confirmed_ms: AtomicI64,
    /// What is added to this machine's clock to tell the server's time, milliseconds.
    offset_ms: AtomicI64,
    /// What the server's clock said last, and when that was.
    server_clock: Mutex<Option<(i64, Duration)>>,
    /// A few of the contexts that were asked.
    pub(crate) sample: Sample,
    pub(crate) is_pushed: AtomicBool,
    problem: Mutex<Option<String>>,
    file_problem: Mutex<Option<String>>,
    /// Why the file was refused at the start.
    refused_file: OnceLock<String>,
    changed: tokio::sync::watch::Sender<u64>,
    /// What switches did and the server has not been told, of sets that are no longer held too.
    told: Mutex<Told>,
}

#[derive(Debug)]
pub(crate) struct ActiveSet {
    pub(crate) set: SwitchSet,
    pub(crate) source: Source,
    counts: Arc<Counts>,
}

impl ActiveSet {
    fn new(set: SwitchSet, source: Source) -> Self {
        Self { counts: Arc::new(Counts::of(&set)), set, source }
    }

    /// The switches, unless none were ever known.
    fn known(&self) -> Option<&SwitchSet> {
        (self.source != Source::Nothing).then_some(&self.set)
    }

    /// The server's next set after this one.
    fn next(&self, set: SwitchSet) -> Self {
        let is_like = set.is_like(&self.set);
        let counts = if is_like { Arc::clone(&self.counts) } else { Arc::new(Counts::of(&set)) };
        Self { set, source: Source::Server, counts }
    }
}

/// The server's clock does not step by more than this, milliseconds.
const MAX_STEP_MS: i64 = 60_000;
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

impl SwitchState {
    pub(crate) fn new(options: Options) -> Result<Self, ConnectError> {
        Ok(Self {
            verifier: options.key.as_deref().map(Verifier::new).transpose()?,
            options,
            current: ArcSwap::from_pointee(ActiveSet::new(SwitchSet::default(), Source::Nothing)),
            started: Instant::now(),
            confirmed_ms: AtomicI64::new(0),
            offset_ms: AtomicI64::new(0),
            server_clock: Mutex::default(),
            sample: Sample::default(),
            is_pushed: AtomicBool::new(false),
            problem: Mutex::default(),
            file_problem: Mutex::default(),
            refused_file: OnceLock::new(),
            changed: tokio::sync::watch::Sender::new(0),
            told: Mutex::default(),
        })
    }

    pub(crate) fn evaluate(&self, context: &Map<String, Value>) -> Verdict {
        self.judge(&self.current.load(), context, self.now_ms())
    }

    fn judge(&self, current: &ActiveSet, context: &Map<String, Value>, now_ms: i64) -> Verdict {
        let verdict = decide(current.known(), self.options.on_unavailable, context, now_ms, self.staleness());
        current.counts.note(&verdict);
        if self.options.sample && current.source != Source::Nothing {
            self.sample.note(context, now_ms);
        }
        verdict
    }

    /// What `context` gets of a flag.
    pub(crate) fn flag(&self, key: &str, context: &Map<String, Value>) -> Result<Value, FlagError> {
        let (current, now_ms) = (self.current.load(), self.now_ms());
        let set = current.known().ok_or(FlagError::NotReady)?;
        // What nobody has is not asked, so that it does not count as asked.
        let verdict = set.has_flag(key).then(|| self.judge(&current, context, now_ms));
        let flag = verdict.as_ref().and_then(|verdict| set.flag(key, verdict, context, now_ms));
        let flag = flag.ok_or_else(|| FlagError::NotFound { key: key.to_owned() })?;
        // Cannot fail: text, numbers and JSON values.
        Ok(serde_json::to_value(flag).unwrap_or_default())
    }

    /// How this client is.
    pub(crate) fn status(&self) -> Status {
        let current = self.current.load();
        Status {
            revision: current.set.revision(),
            source: current.source,
            staleness: self.staleness(),
            is_pushed: self.is_pushed.load(Ordering::Relaxed),
            problem: self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            file_problem: self.file_problem(),
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

    /// The server's clock said `server_ms` just now, in an answer that was otherwise believed. Once it is known, it only
    /// moves as time does, or to what this machine's own clock says: whoever speaks for the server cannot end a switch before its time. `is_signed` where the
    /// server itself says so.
    pub(crate) fn set_clock(&self, server_ms: i64, is_signed: bool) {
        if self.verifier.is_some() && !is_signed {
            return;
        }
        let now = self.started.elapsed();
        let mut known = self.server_clock.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some((known_ms, at)), false) = (*known, is_signed) {
            let passed_ms = millis(now.saturating_sub(at));
            let off_ms = server_ms.saturating_sub(known_ms.saturating_add(passed_ms)).saturating_abs();
            let agrees_with_ours = server_ms.saturating_sub(machine_ms()).saturating_abs() <= MAX_STEP_MS;
            if off_ms > MAX_STEP_MS && !agrees_with_ours {
                tracing::debug!(off_ms, "the time of the answer is not accepted");
                return;
            }
        }
        *known = Some((server_ms, now));
        drop(known);
        let offset_ms = server_ms.saturating_sub(machine_ms());
        let offset_ms = if offset_ms.saturating_abs() < SAME_CLOCK_MS { 0 } else { offset_ms };
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Whether the server signed that its clock says `now_ms`, asked with this nonce.
    pub(crate) fn is_time_signed(&self, now_ms: i64, nonce: &str, signature: Option<&str>) -> bool {
        let text = lanner_switch::signed_time(now_ms, nonce);
        let Some((verifier, signature)) = self.verifier.as_ref().zip(signature) else { return false };
        verifier.is_signed(&text, signature)
    }

    /// The revision and the tag that are held, and why nothing newer is, for the server to show.
    pub(crate) fn report(&self) -> (u64, Option<String>, Option<String>) {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.current.load().set.revision(), self.tag(), problem)
    }

    /// What is, or was at the start, wrong with the file.
    pub(crate) fn file_problem(&self) -> Option<String> {
        let problem = self.file_problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        problem.or_else(|| self.refused_file.get().cloned())
    }

    /// Says in the log and to the program what is wrong.
    fn tell(&self, why: &str) {
        tracing::warn!("{why}");
        if let Some(on_problem) = &self.options.on_problem {
            on_problem(why);
        }
    }

    /// Notes why refreshing failed; said once in the log however often it is noted.
    pub(crate) fn fail(&self, why: String) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.as_ref() == Some(&why) {
            return;
        }
        let told = format!("kill switches are not refreshed: {why}");
        *problem = Some(why);
        drop(problem); // whoever is called may ask for the status
        self.tell(&told);
    }

    /// Comes with the revision that is held whenever it changes.
    pub(crate) fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The tag of what is held; `None` while nothing is.
    pub(crate) fn tag(&self) -> Option<String> {
        let current = self.current.load();
        (current.source != Source::Nothing).then(|| current.set.tag())
    }

    /// Holds a snapshot of the server from now on, unless what is held is newer.
    ///
    /// # Errors
    /// Why it is refused; what was held stays.
    pub(crate) async fn take(&self, document: &Value) -> Result<(), String> {
        let snapshot = Snapshot::from_json(document).map_err(|error| error.to_string());
        let snapshot = snapshot.and_then(|snapshot| self.believed(snapshot));
        self.hold(snapshot.map_err(|why| format!("what the server sent {why}"))?).await
    }

    /// Holds what a change makes of what is held.
    ///
    /// # Errors
    /// Why it is refused, among others because it starts from another snapshot; what was held stays.
    pub(crate) async fn take_delta(&self, document: &Value) -> Result<(), String> {
        let held = self.current.load().set.snapshot().clone();
        let after = Delta::from_json(document).and_then(|delta| delta.apply(&held));
        let after = after.map_err(|error| error.to_string());
        self.hold(after.and_then(|snapshot| self.believed(snapshot))?).await
    }

    async fn hold(&self, snapshot: Snapshot) -> Result<(), String> {
        let current = self.current.load_full();
        let held = current.set.revision();
        if current.source != Source::Nothing
            && snapshot.revision() <= held
            && snapshot.tag() != current.set.tag()
        {
            let revision = snapshot.revision();
            return Err(format!(
                "the server has revision {revision} and this client another, {held}: it was set back, and is rejected until its revision is higher"
            ));
        }
        let set = current.set.compile_next(&snapshot).map_err(|problems| {
            format!("the server's switches cannot be read by this release: {problems}")
        })?;
        let next = Arc::new(current.next(set));
        let is_counted_on = Arc::ptr_eq(&next.counts, &current.counts);
        self.current.store(next);
        if !is_counted_on {
            current.counts.take(&mut self.told());
        }
        self.confirm();
        self.changed.send_replace(snapshot.revision());
        if let Some(path) = self.options.cache.clone() {
            self.keep(path, snapshot.to_text()).await;
        }
        Ok(())
    }

    /// Writes the file. What cannot be written is held all the same.
    async fn keep(&self, path: PathBuf, text: String) {
        let written = disk::write(path.clone(), text).await;
        let problem = written.err().map(|error| format!("cannot write {}: {error}", path.display()));
        self.file_problem.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&problem);
        if let Some(why) = &problem {
            self.tell(&format!("kill switches are in use but not stored: {why}"));
        }
    }

    /// The snapshot, if it is signed as it has to be.
    fn believed(&self, snapshot: Snapshot) -> Result<Snapshot, String> {
        self.verifier.as_ref().map_or(Ok(()), |verifier| verifier.check(&snapshot))?;
        Ok(snapshot)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What switches did since the last time; it is the caller's now.
    pub(crate) fn counted(&self) -> Told {
        let mut told = self.told();
        self.current.load().counts.take(&mut told);
        std::mem::take(&mut told)
    }

    /// Gives back what could not be told.
    pub(crate) fn untold(&self, counts: Told) {
        let mut told = self.told();
        for (id, more) in counts {
            let count = told.entry(id).or_default();
            count.blocked += more.blocked;
            count.shadow += more.shadow;
        }
    }

    /// Holds what the file has, if there is one.
    pub(crate) async fn take_up_file(&self) {
        let Some(path) = self.options.cache.clone() else { return };
        let name = path.display().to_string();
        let read = match disk::read(path).await {
            Ok(None) => return,
            Ok(Some((text, age))) => Snapshot::from_text(&text)
                .map_err(|error| error.to_string())
                .and_then(|snapshot| self.believed(snapshot))
                .and_then(|snapshot| {
                    let unreadable =
                        |problems| format!("holds switches that this release cannot read: {problems}");
                    SwitchSet::compile(&snapshot).map_err(unreadable)
                })
                .map(|set| (set, age)),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        match read {
            Ok((set, age)) => {
                self.confirmed_ms.store(-millis(age), Ordering::Relaxed);
                self.changed.send_replace(set.revision());
                self.current.store(Arc::new(ActiveSet::new(set, Source::Disk)));
            }
            Err(why) => {
                // Told for as long as this program runs: that the server is there hides it soon, and next time it may not be.
                let why = format!("the file {name} was refused at the start: it {why}");
                self.tell(&why);
                let _ = self.refused_file.set(why);
            }
        }
    }
}
