//! Who reads what is due, side by side: what was quick last time, what was slow, and each source elsewhere on its own.
//!
//! A lane is a queue, and threads that work it off. A rule that reads for long holds up those of its lane at most, and
//! after it has been slow once, nobody but others that are slow as well.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lanner_core::time::format_duration;
use lanner_core::{Answer, SourceError, TimeRange};
use lanner_engine::cycle::{Answered, MAX_WRITTEN};
use lanner_engine::{Due, Engine};

use super::read::{self, Live};
use super::service::EvaluationService;
use crate::intake::history::Kept;
use crate::sync::locked;

/// Threads of the two lanes of what is read here. More than cores, as some wait for the disk.
const HERE: usize = 4;
/// A rule that read for longer reads in the slow lane the next time.
const SLOW: Duration = Duration::from_millis(20);

/// What was read, when it was there, and what of it is worth keeping in history.
pub(super) type Read = (Instant, Answered<Vec<Kept>>);

/// All lanes.
pub(super) struct Readers {
    desk: Arc<Desk>,
    quick: Lane,
    slow: Lane,
    elsewhere: HashMap<Arc<str>, Lane>,
}

/// What the threads of all lanes share.
struct Desk {
    service: Arc<EvaluationService>,
    read: Mutex<Vec<Read>>,
    /// How many are in the quick lane.
    n_quick: AtomicUsize,
    /// How many are in any lane.
    n_open: AtomicUsize,
    /// Rules whose last read was slow.
    slow: Mutex<HashSet<Arc<str>>>,
}

/// What is asked of a source: its name, the query's fingerprint, and the windows.
type Question = (Arc<str>, u64, Vec<Option<TimeRange>>);

/// Rules that ask the same, and are read together.
struct Job {
    due: Vec<Due>,
    is_quick: bool,
    since: Instant,
    /// For how long it may wait for its turn; as long as it takes, if there is no such time.
    patience: Option<Duration>,
}

impl Readers {
    /// Lanes without threads: those come with the work.
    pub(super) fn new(service: &Arc<EvaluationService>) -> Self {
        let desk = Arc::new(Desk {
            service: Arc::clone(service),
            read: Mutex::default(),
            n_quick: AtomicUsize::new(0),
            n_open: AtomicUsize::new(0),
            slow: Mutex::default(),
        });
        let lane = |name| Lane::new(name, HERE, &desk);
        Self { quick: lane("read"), slow: lane("read-slow"), elsewhere: HashMap::new(), desk }
    }

    /// How many more may be planned: what waits in the quick lane is planned better when there is room.
    pub(super) fn room(&self) -> usize {
        MAX_WRITTEN.saturating_sub(self.desk.n_quick.load(Ordering::Relaxed))
    }

    /// Has all of it read.
    pub(super) fn send(&mut self, due: Vec<Due>) {
        self.desk.n_open.fetch_add(due.len(), Ordering::Relaxed);
        let (elsewhere, here): (Vec<Due>, Vec<Due>) =
            due.into_iter().partition(|due| due.rule.query.source().is_some());
        let (slow, quick): (Vec<Due>, Vec<Due>) = {
            let slow = locked(&self.desk.slow);
            here.into_iter().partition(|due| slow.contains(&due.rule.id))
        };
        self.desk.n_quick.fetch_add(quick.len(), Ordering::Relaxed);
        self.quick.send(quick.into_iter().map(|due| Job::new(vec![due], true)).collect());
        self.slow.send(slow.into_iter().map(|due| Job::new(vec![due], false)).collect());
        self.send_elsewhere(elsewhere);
    }

    /// Rules that ask the same of the same source share a request.
    fn send_elsewhere(&mut self, due: Vec<Due>) {
        let mut same: HashMap<Question, Vec<Due>> = HashMap::new();
        for due in due {
            let Some(source) = due.rule.query.source().cloned() else { continue };
            let question = (source, due.rule.query.fingerprint(), due.ask.windows());
            same.entry(question).or_default().push(due);
        }
        for ((source, ..), due) in same {
            // One that cannot be asked says so at once.
            let bounds = self.desk.service.sources.bounds(&source);
            let (parallel, patience) =
                bounds.map_or((1, None), |(parallel, timeout)| (parallel, Some(timeout)));
            let name = || Lane::new(&format!("read-{source}"), parallel, &self.desk);
            let lane = self.elsewhere.entry(source.clone()).or_insert_with(name);
            lane.n_most = parallel;
            lane.send(vec![Job { patience, ..Job::new(due, false) }]);
        }
    }

    /// Forgets what is known of rules that are gone, once that is more than there are rules.
    pub(super) fn tidy(&self, engine: &Engine) {
        let mut slow = locked(&self.desk.slow);
        if slow.len() > engine.n_rules() {
            slow.retain(|rule| engine.rule(rule).is_some());
        }
    }

    /// What was read since this was called last.
    pub(super) fn take(&self) -> Vec<Read> {
        std::mem::take(&mut *locked(&self.desk.read))
    }

    /// Ends the threads: those that read do so when they notice that the server stops.
    pub(super) fn end(self) {
        let lanes: Vec<Lane> =
            [self.quick, self.slow].into_iter().chain(self.elsewhere.into_values()).collect();
        lanes.iter().for_each(Lane::close);
        for thread in lanes.into_iter().flat_map(|lane| lane.threads) {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

impl Job {
    fn new(due: Vec<Due>, is_quick: bool) -> Self {
        Self { due, is_quick, since: Instant::now(), patience: None }
    }

    /// Why nobody asks any more: it has waited for longer than an answer may take.
    fn gave_up(&self) -> Option<SourceError> {
        let patience = self.patience.filter(|patience| self.since.elapsed() > *patience)?;
        let waited = format_duration(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX));
        Some(SourceError::Temporary(format!(
            "no request was free within {waited}: the source is slow, or asked too much (raise its `parallel`, or \
             evaluate less often)"
        )))
    }
}

impl Desk {
    /// Reads what a job asks, and hands it in.
    fn work(&self, job: &Job) {
        let mut live = Live::new(&self.service);
        for due in &job.due {
            let started = Instant::now();
            let (answer, kept) = match job.gave_up() {
                Some(why) => (Err(why), Vec::new()),
                None => guarded(&mut live, due),
            };
            if self.service.shutdown.has_begun() {
                return; // it may be half an answer; the next run takes these up where the cursors stand
            }
            if due.rule.query.source().is_none() {
                self.note(&due.rule.id, started.elapsed() > SLOW);
            }
            self.hand_in(due.clone(), answer, kept, job.is_quick);
        }
    }

    fn note(&self, rule: &Arc<str>, is_slow: bool) {
        let mut slow = locked(&self.slow);
        match (is_slow, slow.contains(rule)) {
            (true, false) => drop(slow.insert(rule.clone())),
            (false, true) => drop(slow.remove(rule)),
            _ => {}
        }
    }

    /// Wakes the loop where nothing else is to come soon; while something is open, it looks now and then.
    fn hand_in(&self, due: Due, answer: Answer, kept: Vec<Kept>, is_quick: bool) {
        let mut read = locked(&self.read);
        read.push((Instant::now(), Answered { due, answer, beside: kept }));
        let n_read = read.len();
        drop(read);
        let was_last_quick = is_quick && self.n_quick.fetch_sub(1, Ordering::Relaxed) == 1;
        let was_last = self.n_open.fetch_sub(1, Ordering::Relaxed) == 1;
        if was_last || was_last_quick || n_read == MAX_WRITTEN {
            self.service.wakeup.ring();
        }
    }
}

/// Reads; a panic is an answer too, so that the rule is evaluated again at its next window.
fn guarded(live: &mut Live<'_>, due: &Due) -> (Answer, Vec<Kept>) {
    catch_unwind(AssertUnwindSafe(|| read::answer_from(live, due))).unwrap_or_else(|_| {
        let why = "reading panicked (a bug in Lanner); the log says where, please report it".to_owned();
        (Err(SourceError::Temporary(why)), Vec::new())
    })
}

/// A queue, and the threads that work it off.
struct Lane {
    name: String,
    desk: Arc<Desk>,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    /// Threads at most.
    n_most: usize,
}

#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Threads that wait for work.
    n_idle: usize,
    is_closed: bool,
}

impl Lane {
    fn new(name: &str, n_most: usize, desk: &Arc<Desk>) -> Self {
        let (name, desk, queue) = (name.to_owned(), Arc::clone(desk), Arc::default());
        Self { name, desk, queue, threads: Vec::new(), n_most }
    }

    fn send(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let mut state = locked(&self.queue.state);
        state.jobs.extend(jobs);
        let n_lacking = state.jobs.len().saturating_sub(state.n_idle);
        drop(state);
        self.queue.more.notify_all();
        for _ in 0..n_lacking.min(self.n_most.saturating_sub(self.threads.len())) {
            self.start_thread();
        }
    }

    fn start_thread(&mut self) {
        let (queue, desk) = (Arc::clone(&self.queue), Arc::clone(&self.desk));
        let run = move || {
            while let Some(job) = queue.next() {
                desk.work(&job);
            }
        };
        match std::thread::Builder::new().name(self.name.clone()).spawn(run) {
            Ok(thread) => self.threads.push(thread),
            // Those that there are work it off.
            Err(error) => tracing::warn!("cannot start a thread to read: {error}"),
        }
    }

    fn close(&self) {
        locked(&self.queue.state).is_closed = true;
        self.queue.more.notify_all();
    }
}

impl Queue {
    /// The next job; waits for one. `None` when the lane is closed.
    fn next(&self) -> Option<Job> {
        let mut state = locked(&self.state);
        state.n_idle += 1;
        let waits = |state: &mut Waiting| state.jobs.is_empty() && !state.is_closed;
        state = self.more.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.n_idle -= 1;
        if state.is_closed { None } else { state.jobs.pop_front() }
    }
}
