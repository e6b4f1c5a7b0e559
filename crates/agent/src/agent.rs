//! The thread that sends, and what a host does with it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lanner_profile::Terms;
use tokio::runtime::{Builder, Runtime};

use crate::server::{AgentError, Options, Server};

/// Findings that wait to be sent; of more, the oldest are dropped.
const MAX_FINDINGS: usize = 10_000;
/// Findings of one request.
const N_AT_ONCE: usize = 500;
/// The first wait after something failed; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Tells a server what this host saw, in a thread of its own. Dropped, it stops at once; see [`Agent::close`].
#[derive(Debug)]
pub struct Agent {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How telling goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// How often the server took what was told.
    pub n_told: u64,
    /// Findings that it took.
    pub n_found: u64,
    /// Findings that were dropped, because too many waited or it refused them.
    pub n_dropped: u64,
    /// How often it did not answer, or refused.
    pub n_failed: u64,
    /// Why the last request failed, if it did.
    pub problem: Option<String>,
}

#[derive(Debug, Default)]
struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

/// What is to be sent, and what came back.
#[derive(Debug, Default)]
struct Work {
    /// The last word, and when the fleet last changed as far as the host knows.
    told: Option<(Vec<u8>, Option<i64>)>,
    findings: VecDeque<String>,
    fleet: Option<Vec<u8>>,
    is_sending: bool,
    state: State,
    /// Until when there is time to send what waits.
    ends: Option<Instant>,
    is_over: bool,
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, work: impl FnOnce(&mut Work)) {
        work(&mut self.work());
        self.changed.notify_all();
    }
}

impl Agent {
    /// Starts the thread. Nothing is sent yet.
    ///
    /// # Errors
    /// An address that is none; a thread that cannot be started.
    pub fn start(options: Options) -> Result<Self, AgentError> {
        let (server, shared) = (Server::new(options)?, Arc::<Shared>::default());
        let address = server.address();
        let failed = move |error: std::io::Error| AgentError::NoAnswer {
            host: address.clone(),
            why: error.to_string(),
        };
        let runtime = runtime().map_err(&failed)?;
        let own = Arc::clone(&shared);
        let work = move || run(&own, &server, &runtime);
        let thread =
            std::thread::Builder::new().name("lanner-agent".to_owned()).spawn(work).map_err(&failed)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What hosts of the fleet have to learn. Waits for the answer.
    ///
    /// # Errors
    /// An address that is none, no answer, or a refusal.
    pub fn terms(options: Options) -> Result<Terms, AgentError> {
        let server = Server::new(options)?;
        let failed =
            |error: std::io::Error| AgentError::NoAnswer { host: server.address(), why: error.to_string() };
        runtime().map_err(failed)?.block_on(server.terms())
    }

    /// Has the server told what this host saw, as `Profile::tell` writes it. What was to be told before and is not sent yet is
    /// not sent any more. `known_ms`: when the fleet last changed, as far as the host knows.
    pub fn tell(&self, told: Vec<u8>, known_ms: Option<i64>) {
        self.shared.change(|work| work.told = Some((told, known_ms)));
    }

    /// Has a finding sent: a JSON object in one line. Never waits.
    pub fn find(&self, finding: String) {
        self.shared.change(|work| {
            work.findings.push_back(finding);
            if work.findings.len() > MAX_FINDINGS {
                work.findings.pop_front();
                work.state.n_dropped += 1;
            }
        });
    }

    /// What the fleet knows, if it told something new since this was asked.
    #[must_use]
    pub fn heard(&self) -> Option<Vec<u8>> {
        self.shared.work().fleet.take()
    }

    /// Waits until nothing is left to be sent, or something failed, for at most `patience`.
    pub fn settle(&self, patience: Duration) {
        let work = self.shared.work();
        let n_failed = work.state.n_failed;
        let waits = |work: &mut Work| {
            let is_idle = work.told.is_none() && work.findings.is_empty() && !work.is_sending;
            !is_idle && work.state.n_failed == n_failed
        };
        let _ = self.shared.changed.wait_timeout_while(work, patience, waits);
    }

    /// How it goes.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.work().state.clone()
    }

    /// Sends what still waits, for at most `patience`, and says how it went.
    #[must_use]
    pub fn close(mut self, patience: Duration) -> State {
        self.end(patience);
        self.state()
    }

    fn end(&mut self, patience: Duration) {
        let ends = Instant::now() + patience;
        self.shared.change(|work| work.ends = Some(ends));
        let work = self.shared.work();
        let left = self.shared.changed.wait_timeout_while(work, patience, |work| !work.is_over);
        let is_over = left.unwrap_or_else(PoisonError::into_inner).0.is_over;
        // A thread that still waits for an answer is not waited for.
        if let Some(thread) = self.thread.take().filter(|_| is_over) {
            let _ = thread.join();
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end(Duration::ZERO);
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Sends until it is to end.
fn run(shared: &Shared, server: &Server, runtime: &Runtime) {
    let mut wait = Duration::ZERO;
    while let Some((told, findings)) = next(shared, wait) {
        wait = match runtime.block_on(send(shared, server, told, findings)) {
            Ok(()) => Duration::ZERO,
            Err(_) if wait.is_zero() => FIRST_WAIT,
            Err(_) => (wait * 2).min(LONGEST_WAIT),
        };
    }
    shared.change(|work| work.is_over = true);
}

/// What was told, with when the fleet last changed.
type Told = Option<(Vec<u8>, Option<i64>)>;

/// Waits for something to send, at least for `wait`; `None` when it is time to end.
fn next(shared: &Shared, wait: Duration) -> Option<(Told, Vec<String>)> {
    let begun = Instant::now();
    let mut work = shared.work();
    loop {
        let is_idle = work.told.is_none() && work.findings.is_empty();
        let left = wait.saturating_sub(begun.elapsed());
        match work.ends {
            Some(ends) if is_idle || Instant::now() >= ends => return None,
            // Nothing is tried twice at the end.
            Some(_) if !left.is_zero() => return None,
            _ if !is_idle && left.is_zero() => break,
            _ => {}
        }
        let patience = if is_idle { LONGEST_WAIT } else { left };
        work = shared.changed.wait_timeout(work, patience).unwrap_or_else(PoisonError::into_inner).0;
    }
    work.is_sending = true;
    let n_findings = work.findings.len().min(N_AT_ONCE);
    Some((work.told.take(), work.findings.drain(..n_findings).collect()))
}

/// Sends, and notes what became of it. What may work later waits again.
async fn send(shared: &Shared, server: &Server, told: Told, findings: Vec<String>) -> Result<(), ()> {
    let found = if findings.is_empty() { Ok(()) } else { server.find(&findings).await };
    let n = findings.len() as u64;
    let answer = match &told {
        Some((told, known_ms)) => Some(server.tell(told.clone(), *known_ms).await),
        None => None,
    };
    let mut failed = None;
    shared.change(|work| {
        work.is_sending = false;
        match found {
            Ok(()) => work.state.n_found += n,
            Err(why) if why.is_temporary() => {
                findings.into_iter().rev().for_each(|finding| work.findings.push_front(finding));
                failed = Some(why);
            }
            Err(why) => {
                work.state.n_dropped += n;
                failed = Some(why);
            }
        }
        match answer {
            None => {}
            Some(Ok(fleet)) => {
                work.state.n_told += 1;
                work.fleet = fleet.or(work.fleet.take());
            }
            Some(Err(why)) => {
                if why.is_temporary() && work.told.is_none() {
                    work.told = told;
                }
                failed = Some(why);
            }
        }
        work.state.n_failed += u64::from(failed.is_some());
        work.state.problem = failed.as_ref().map(ToString::to_string);
    });
    if failed.is_some() { Err(()) } else { Ok(()) }
}
