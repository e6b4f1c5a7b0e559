//! The loop: what is due is read, evaluated and applied, and what follows is written in one transaction.
//!
//! It runs in a thread of its own. What one turn changes is written before the next turn begins, and writing
//! is tried again until it succeeds: a full disk stops evaluation, never loses or repeats it. People are told even
//! so: messages that were decided are sent before they are written (see [`outgoing`](crate::notify::outgoing)).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lanner_core::Changes;
use lanner_core::time::{MINUTE_MS, format_duration};
use lanner_engine::{Answer, Due, Rule};
use lanner_io::store::StoreError;

use super::read;
use super::service::EvaluationService;
use crate::intake::history::Kept;
use crate::metrics::METRICS;
use crate::sync::locked;

/// Evaluations of one turn, and so of one transaction.
const TURN: usize = 256;
/// How long after a turn the next one begins at the earliest, unless something is overdue: rules that are due one
/// shortly after the other share a commit. With 10,000 rules a minute, commits were most of the work.
const GATHER: Duration = Duration::from_millis(20);
/// After so much reading it is judged and written: a read that takes long delays those after it, not those before.
const STRETCH: Duration = Duration::from_millis(50);
/// How long the loop sleeps at most; it then looks at the clock, which may have been set.
const LONGEST_SLEEP: Duration = Duration::from_millis(1_000);

/// Runs until the app's alarm is stopped.
pub fn run(service: &EvaluationService) {
    let mut last_ms = service.now_ms();
    while !service.shutdown.has_begun() {
        let now_ms = service.now_ms();
        if last_ms - now_ms > MINUTE_MS {
            let back = format_duration(last_ms - now_ms);
            tracing::warn!(
                "the clock went back by {back}; nothing is evaluated twice, and evaluation continues when it has caught up"
            );
        }
        last_ms = now_ms;
        let started = Instant::now();
        let n_due = turn(service, now_ms);
        service.last_turn_ms.store(now_ms, Ordering::Relaxed);
        if service.watch.is_due(now_ms) {
            write(service, Changes { watched_ms: Some(now_ms), ..Changes::default() });
        }
        if n_due < TURN {
            let (wake_ms, n_waiting) = {
                let engine = service.engine();
                (engine.wake_ms().unwrap_or(i64::MAX), engine.n_waiting())
            };
            let is_overdue = wake_ms <= now_ms;
            if !is_overdue && n_waiting == 0 {
                service.wakeup.settle(now_ms);
            }
            let rest = if n_due == 0 || is_overdue { Duration::ZERO } else { GATHER };
            let until_due_ms = wake_ms.saturating_sub(service.now_ms()).clamp(0, i64::from(u32::MAX));
            let sleep = Duration::from_millis(until_due_ms.unsigned_abs()).min(LONGEST_SLEEP);
            service.wakeup.wait(sleep.max(rest.saturating_sub(started.elapsed())));
        }
    }
}

/// One turn. Returns how many windows were due; when that is [`TURN`], more may be due at once.
///
/// What is due is read while nothing is locked: a change of rules does not wait until a million series are read. What
/// changes meanwhile is noticed when it is judged: the engine passes over what was read for a rule that is no more.
fn turn(service: &EvaluationService, now_ms: i64) -> usize {
    let started = Instant::now();
    correct(service);
    let plan = service.engine().plan(now_ms, TURN);
    for (rule, windows) in &plan.skipped {
        tracing::warn!(
            rule = &**rule,
            windows,
            "windows missed during downtime lie beyond max_catchup and are skipped"
        );
        METRICS.windows_skipped.inc_by(windows.unsigned_abs());
    }
    let (mut read, mut since) = (Vec::new(), started);
    for due in &plan.due {
        let (answer, kept) = read::answer(service, due);
        if service.shutdown.has_begun() {
            break; // it may be half an answer; the next run takes these up where the cursors stand
        }
        read.push(Read { due, answer, kept });
        if since.elapsed() >= STRETCH {
            judge(service, std::mem::take(&mut read));
            since = Instant::now();
        }
    }
    judge(service, read);
    if !plan.due.is_empty() {
        METRICS.turn_seconds.observe(started.elapsed().as_secs_f64());
    }
    plan.due.len()
}

/// What was read of one window.
struct Read<'p> {
    due: &'p Due,
    answer: Answer,
    /// What of it is worth keeping in history.
    kept: Vec<Kept>,
}

/// Judges what was read, tells whom there is something to tell, and writes all of it.
fn judge(service: &EvaluationService, read: Vec<Read<'_>>) {
    let _in_order = locked(&service.turns);
    settle(service, service.now_ms());
    let (mut changes, mut judged) = (Changes::default(), Vec::with_capacity(read.len()));
    for Read { due, answer, kept } in read {
        let now_ms = service.now_ms();
        if !due.ask.more {
            METRICS.evaluation_lateness_seconds.observe((now_ms - due.due_ms).max(0) as f64 / 1e3);
        }
        if let Err(why) = &answer {
            tracing::error!(rule = &*due.rule.id, "the source failed: {why}");
        }
        let mut engine = service.engine();
        let evaluations = engine.evaluate(due, &answer, now_ms);
        METRICS.evaluations.inc_by(evaluations.len() as u64);
        service.n_evaluations.fetch_add(evaluations.len() as u64, Ordering::Relaxed);
        let applied = engine.apply(now_ms, due, evaluations);
        let is_current = engine.rule(&due.rule.id).is_some_and(|(rule, _)| rule.version == due.rule.version);
        drop(engine);
        changes.extend(applied);
        // Of a rule that is gone nobody corrects any more what is kept.
        for kept in kept.into_iter().filter(|_| is_current) {
            if let Err(error) = service.intake.history.keep(&service.store, kept) {
                tracing::debug!(rule = &*due.rule.id, "measured values are not stored: {error}");
            }
        }
        judged.push(due);
    }
    changes.extend(service.engine().tick(service.now_ms()));
    write(service, changes);
    release(service, &judged);
}

/// Tells the engine where late data came.
fn correct(service: &EvaluationService) {
    let mut late = service.intake.counting.take_late();
    if !service.intake.late_samples.is_empty() {
        let learn = |rule: &&Arc<Rule>| rule.detector.learner().is_some();
        let rules: Vec<Arc<Rule>> =
            service.engine().rules().map(|(rule, _)| rule).filter(learn).cloned().collect();
        late.extend(service.intake.late_samples.take(&service.store, &rules));
    }
    if !late.is_empty() {
        service.engine().correct(&late);
    }
}

/// Lets measures drop what evaluated rules no longer need.
fn release(service: &EvaluationService, due: &[&Due]) {
    for due in due {
        if let Some(query) = due.rule.query.stream()
            && let Some(needed_from_ms) = service.engine().needed_from_ms(&due.rule.id)
        {
            let held_from_ms = needed_from_ms - due.rule.hold_ms();
            let measures = service.intake.counting.of(&query.stream);
            locked(&measures).release(&due.rule.id, query, due.rule.step_ms(), held_from_ms);
        }
    }
}

/// Writes changes in one transaction, trying until it succeeds or the server stops.
///
/// Stopping without having written is like a crash before the transaction: the next run works it out again.
pub fn write(service: &EvaluationService, changes: Changes) {
    if changes.is_empty() {
        return;
    }
    let mut changes = Arc::new(changes);
    // An alert whose state began with this window has just changed.
    for alert in changes.alerts.iter().filter(|alert| alert.since_ms == alert.window.end_ms) {
        tracing::info!(rule = &*alert.rule, group = %alert.group, state = %alert.state, value = alert.value, "alert");
    }
    loop {
        // While nothing can be written, nothing can be received either.
        let is_stuck = locked(&service.stuck).is_some();
        let watched_ms = service.watch.note(service.now_ms()).filter(|_| !is_stuck);
        Arc::make_mut(&mut changes).watched_ms = watched_ms;
        match service.store.apply(Arc::clone(&changes)).and_then(lanner_io::store::Receipt::wait) {
            Ok(()) => {
                service.watch.noted(watched_ms);
                break;
            }
            Err(error @ (StoreError::AlreadyEvaluated { .. } | StoreError::WrongIdentity { .. })) => {
                // Cannot happen while one process owns the store; if it does, the stored result stands.
                tracing::error!("not written: {error}");
                METRICS.turns_refused.inc();
                break;
            }
            Err(StoreError::Closed) => return,
            Err(error) => {
                let mut stuck = locked(&service.stuck);
                if stuck.is_none() {
                    tracing::error!("evaluation waits until results can be written: {error}");
                }
                *stuck = Some(error.to_string());
                drop(stuck);
                service.delivery.outgoing.hold(&changes.outbox);
                service.delivery.wake();
            }
        }
        if service.shutdown.has_begun() {
            return;
        }
        service.wakeup.wait(Duration::from_millis(500));
        let meanwhile = notify(service);
        if !meanwhile.is_empty() {
            Arc::make_mut(&mut changes).extend(meanwhile); // nobody else holds them now, so nothing is copied
        }
    }
    service.delivery.outgoing.written(&changes.outbox);
    if locked(&service.stuck).take().is_some() {
        tracing::info!("evaluation continues");
        service.go_on();
    }
    if !changes.outbox.is_empty() {
        service.delivery.wake();
    }
}

/// Tells the engine what became of messages.
fn settle(service: &EvaluationService, now_ms: i64) {
    let outcomes = service.delivery.outgoing.take_outcomes();
    if !outcomes.is_empty() {
        let mut engine = service.engine();
        outcomes.iter().for_each(|(key, outcome)| engine.settle(now_ms, key, *outcome));
    }
}

/// What people are to be told while nothing can be written: waits that are over, and repeats. Nothing is evaluated.
fn notify(service: &EvaluationService) -> Changes {
    let now_ms = service.now_ms();
    settle(service, now_ms);
    service.engine().tick(now_ms)
}

/// Starts the loop's thread.
///
/// # Errors
/// When the operating system gives no thread.
pub fn start(service: &Arc<EvaluationService>) -> std::io::Result<std::thread::JoinHandle<()>> {
    let service = Arc::clone(service);
    std::thread::Builder::new().name("turn".to_owned()).spawn(move || run(&service))
}
