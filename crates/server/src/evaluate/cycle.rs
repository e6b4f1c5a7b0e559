//! The loop: what is due is read side by side, evaluated as the answers come, and what follows is written in one
//! transaction.
//!
//! It runs in a thread of its own, and decides as the engine's [`Cycle`] says; here are its clock, its readers and the
//! store. What one transaction changes is written before the next one is put together, and writing is tried again until it
//! succeeds: a full disk stops evaluation, never loses or repeats it. People are notified even so: messages that were decided are
//! sent before they are written (see [`outgoing`](crate::notify::outgoing)).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lanner_core::Changes;
use lanner_core::time::{MINUTE_MS, format_duration};
use lanner_engine::cycle::{Answered, Cycle, Evaluated, GATHER_MS};
use lanner_engine::{Answer, Due, Rule};
use lanner_io::store::StoreError;

use super::limits::LeftOut;
use super::owner::Owner;
use super::readers::Readers;
use super::service::EvaluationService;
use super::shard_turns;
use crate::intake::history::Kept;
use crate::metrics::METRICS;
use crate::sync::locked;

/// How long after a commit the next begins at the earliest, unless something is overdue: rules that are due one shortly
/// after the other share a commit.
const GATHER: Duration = Duration::from_millis(GATHER_MS.unsigned_abs());
/// How long the loop sleeps at most; it then looks at the clock, which may have been set.
const LONGEST_SLEEP: Duration = Duration::from_millis(1_000);
/// How long a write may be under way before people are notified of what it says.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub fn run(service: &Arc<EvaluationService>) {
    let mut running = Running {
        service,
        cycle: Cycle::default(),
        readers: Readers::new(service),
        started: Instant::now(),
        failing: HashMap::new(),
    };
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
        let sleep = running.come_round(now_ms);
        service.last_turn_ms.store(service.now_ms(), Ordering::Relaxed);
        if !sleep.is_zero() {
            service.wakeup.wait(sleep);
        }
    }
    running.readers.end();
}

/// The loop while it runs.
struct Running<'a> {
    service: &'a Arc<EvaluationService>,
    cycle: Cycle<Vec<Kept>>,
    readers: Readers,
    /// Where the clock begins that nobody sets.
    started: Instant,
    /// Rules whose source fails, and whether that may pass: the log tells it once.
    failing: HashMap<Arc<str>, bool>,
}

impl Running<'_> {
    /// Plans, evaluates what was answered, and writes. Returns for how long there is nothing to do.
    fn come_round(&mut self, now_ms: i64) -> Duration {
        let began = Instant::now();
        self.service.note_standstill(now_ms);
        self.plan(now_ms);
        for (at, answered) in self.readers.take() {
            self.cycle.answer(self.since_start_ms(at), answered);
        }
        let n_evaluated = self.evaluate(self.is_ready());
        if self.service.watch.is_due(now_ms) {
            write(self.service, Changes { watched_ms: Some(now_ms), ..Changes::default() });
        }
        self.rest(now_ms, began, n_evaluated)
    }

    /// Plans what is due, and has it read while nothing is locked: a change of rules does not wait until a million series are
    /// read. What changes meanwhile is noticed when it is evaluated: the engine passes over what was read for a rule that is
    /// no more.
    fn plan(&mut self, now_ms: i64) {
        let (room, next_ms) = (self.readers.room(), self.service.engine().next_due_ms());
        // While something is read this comes round often, and mostly for its answers.
        let is_due = self.cycle.is_idle() || next_ms.is_some_and(|next_ms| next_ms <= now_ms);
        if room == 0 || !is_due {
            return;
        }
        correct(self.service);
        self.tidy();
        let plan = self.cycle.plan(&mut self.service.engine(), now_ms, room);
        for (rule, windows) in &plan.skipped {
            tracing::warn!(
                rule = &**rule,
                windows,
                "windows missed during downtime lie beyond max_catchup and are skipped"
            );
            METRICS.windows_skipped.inc_by(windows.unsigned_abs());
        }
        self.readers.send(plan.due);
    }

    /// Forgets what is known of rules that are gone, once that is more than there are rules.
    fn tidy(&mut self) {
        let engine = self.service.engine();
        if self.failing.len() > engine.n_rules() {
            self.failing.retain(|rule, _| engine.rule(rule).is_some());
        }
        self.readers.tidy(&engine);
    }

    /// Evaluates what was answered, if it is time, tells whom there is something to tell, and writes all of it. Returns how
    /// many were evaluated.
    fn evaluate(&mut self, is_ready: bool) -> usize {
        let (service, began) = (self.service, Instant::now());
        let _in_order = locked(&service.turns);
        settle(service, service.now_ms());
        let (mut changes, mut judged) = (Changes::default(), Vec::new());
        while is_ready && let Some(evaluated) = self.next() {
            let Evaluated { answered: Answered { due, beside: kept, .. }, changes: more, .. } = evaluated;
            changes.extend(more);
            keep(service, &due, kept);
            judged.push(due);
        }
        changes.extend(service.engine().tick(service.now_ms()));
        write(service, changes);
        self.cycle.written();
        release(service, &judged);
        if !judged.is_empty() {
            METRICS.cycle_seconds.observe(began.elapsed().as_secs_f64());
        }
        judged.len()
    }

    fn next(&mut self) -> Option<Evaluated<Vec<Kept>>> {
        let (service, now_ms) = (self.service, self.service.now_ms());
        let (evaluated, n_left_out) = {
            let mut engine = service.engine();
            let evaluated = self.cycle.next(&mut engine, now_ms)?;
            let n_left_out = engine.n_left_out(&evaluated.answered.due.rule.id);
            (evaluated, n_left_out)
        };
        let Answered { due, answer, .. } = &evaluated.answered;
        if !due.ask.more && evaluated.n_evaluations > 0 {
            METRICS.evaluation_lateness_seconds.observe((now_ms - due.due_ms).max(0) as f64 / 1e3);
        }
        if n_left_out > 0 {
            service.limits.note(&due.rule.id, &LeftOut::Groups(n_left_out, "values"), now_ms);
        }
        note_failure(&mut self.failing, &due.rule.id, answer);
        METRICS.evaluations.inc_by(evaluated.n_evaluations as u64);
        service.n_evaluations.fetch_add(evaluated.n_evaluations as u64, Ordering::Relaxed);
        Some(evaluated)
    }

    /// For how long there is nothing to do. While something is read, answers are looked for now and then: readers ring only
    /// when all of it is there.
    fn rest(&self, now_ms: i64, began: Instant, n_evaluated: usize) -> Duration {
        let (wake_ms, n_waiting) = {
            let engine = self.service.engine();
            (engine.wake_ms().unwrap_or(i64::MAX), engine.n_waiting())
        };
        let is_overdue = wake_ms <= now_ms;
        let more_fits = is_overdue && self.readers.room() > 0;
        if more_fits || self.is_ready() {
            return Duration::ZERO;
        }
        if self.cycle.is_idle() && !is_overdue && n_waiting == 0 {
            self.service.wakeup.settle(now_ms);
        }
        let until_due_ms = wake_ms.saturating_sub(self.service.now_ms()).clamp(0, i64::from(u32::MAX));
        let until_due = Duration::from_millis(until_due_ms.unsigned_abs()).min(LONGEST_SLEEP);
        let least = if n_evaluated == 0 { Duration::ZERO } else { GATHER.saturating_sub(began.elapsed()) };
        let sleep = if is_overdue { GATHER } else { until_due.max(least) };
        if self.cycle.is_idle() { sleep } else { sleep.min(GATHER) }
    }

    /// Whether answers wait that are to be evaluated now.
    fn is_ready(&self) -> bool {
        self.cycle.ready_ms().is_some_and(|ready_ms| ready_ms <= self.since_start_ms(Instant::now()))
    }

    fn since_start_ms(&self, at: Instant) -> i64 {
        i64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(i64::MAX)
    }
}

/// Tells the log when the source of a rule begins to fail, fails for good, or answers again.
fn note_failure(failing: &mut HashMap<Arc<str>, bool>, rule: &Arc<str>, answer: &Answer) {
    match answer {
        Ok(_) => {
            if failing.remove(rule).is_some() {
                tracing::info!(rule = &**rule, "the source answers again");
            }
        }
        Err(why) => {
            if failing.insert(rule.clone(), why.is_temporary()) != Some(why.is_temporary()) {
                tracing::error!(rule = &**rule, "the source failed: {why}");
            }
        }
    }
}

/// Keeps in history what was measured. Of a rule that is gone nobody corrects any more what is kept.
fn keep(service: &EvaluationService, due: &Due, kept: Vec<Kept>) {
    let is_current = {
        let engine = service.engine();
        engine.rule(&due.rule.id).is_some_and(|(rule, _)| rule.version == due.rule.version)
    };
    for kept in kept.into_iter().filter(|_| is_current) {
        if let Err(error) = service.intake.history.keep(&*service.state, kept) {
            tracing::debug!(rule = &*due.rule.id, "measured values are not stored: {error}");
        }
    }
}

/// Tells the engine where late data came.
fn correct(service: &EvaluationService) {
    let mut late = service.intake.counting.take_late();
    if !service.intake.late_samples.is_empty() {
        let learn = |rule: &&Arc<Rule>| rule.detector.learner().is_some();
        let rules: Vec<Arc<Rule>> =
            service.engine().rules().map(|(rule, _)| rule).filter(learn).cloned().collect();
        late.extend(service.intake.late_samples.take(&*service.data, &rules));
    }
    if !late.is_empty() {
        service.engine().correct(&late);
    }
}

/// Lets measures drop what evaluated rules no longer need.
fn release(service: &EvaluationService, due: &[Due]) {
    for due in due {
        let streams = due.rule.query.streams();
        if streams.is_empty() {
            continue;
        }
        let Some(needed_from_ms) = service.engine().needed_from_ms(&due.rule.id) else { continue };
        let held_from_ms = needed_from_ms - due.rule.hold_ms();
        for query in streams {
            let measures = service.intake.counting.of(&query.stream);
            locked(&measures).release(&due.rule.id, query, due.rule.step_ms(), held_from_ms);
        }
    }
}

/// Writes changes in one transaction, trying until it succeeds or the server stops.
///
/// Stopping without having written is like a crash before the transaction: the next run works it out again.
pub fn write(service: &EvaluationService, changes: Changes) {
    write_taking(service, changes, &Arc::default());
}

/// As [`write()`], of what follows from news of others: those are dropped with it.
pub(crate) fn write_taking(service: &EvaluationService, changes: Changes, taken: &Arc<[i64]>) {
    if changes.is_empty() && taken.is_empty() {
        return;
    }
    tell_log(&changes);
    if let Owner::Shards(held) = &service.owner {
        return shard_turns::write(held, service, changes);
    }
    let mut changes = Arc::new(changes);
    loop {
        // While nothing can be written, nothing can be received either, unless that goes elsewhere.
        let receives = service.receives_while_stuck || locked(&service.stuck).is_none();
        let watched_ms = service.watch.note(service.now_ms()).filter(|_| receives);
        Arc::make_mut(&mut changes).watched_ms = watched_ms;
        match submitted(service, &changes, taken) {
            Ok(()) => {
                service.watch.noted(watched_ms);
                break;
            }
            Err(error @ StoreError::StaleEpoch { .. }) => {
                // What it decided besides is another server's to decide.
                METRICS.cycles_refused.inc();
                service.replaced.by(&error.to_string());
                return;
            }
            Err(error @ (StoreError::AlreadyEvaluated { .. } | StoreError::WrongIdentity { .. })) => {
                // Cannot happen while one process owns the store; if it does, the stored result stands.
                tracing::error!("not written: {error}");
                METRICS.cycles_refused.inc();
                break;
            }
            Err(StoreError::Closed) => return,
            Err(error) => wait_to_write(service, &changes, &error),
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
    service.written.publish(&changes);
    if locked(&service.stuck).take().is_some() {
        tracing::info!("evaluation continues");
        service.go_on();
    }
    if !changes.outbox.is_empty() {
        service.delivery.wake();
    }
}

/// Tells the log of alerts that have just changed: their state began with this window.
fn tell_log(changes: &Changes) {
    for alert in changes.alerts.iter().filter(|alert| alert.since_ms == alert.window.end_ms) {
        tracing::info!(rule = &*alert.rule, group = %alert.group, state = %alert.state, value = alert.value, "alert");
    }
}

/// Has changes written, and waits for it. A database that does not say whether they are is waited for as long as it takes,
/// and meanwhile people are notified as when nothing can be written.
fn submitted(
    service: &EvaluationService,
    changes: &Arc<Changes>,
    taken: &Arc<[i64]>,
) -> Result<(), StoreError> {
    let mut receipt = service.submit(Arc::clone(changes), taken)?;
    loop {
        match receipt.wait_for(LONGEST_SILENCE) {
            Ok(written) => return written,
            Err(waiting) => receipt = waiting,
        }
        if service.shutdown.has_begun() {
            return Err(StoreError::Closed);
        }
        wait_to_write(service, changes, &StoreError::Unavailable { detail: "no answer yet".to_owned() });
    }
}

/// Notes that nothing can be written for now, and has what was decided sent all the same.
fn wait_to_write(service: &EvaluationService, changes: &Changes, error: &StoreError) {
    let mut stuck = locked(&service.stuck);
    if stuck.is_none() {
        tracing::error!("evaluation waits until results can be written: {error}");
    }
    *stuck = Some(error.to_string());
    drop(stuck);
    service.delivery.outgoing.hold(&changes.outbox);
    service.delivery.wake();
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
    service.feel_pulse()?;
    let service = Arc::clone(service);
    std::thread::Builder::new().name("turn".to_owned()).spawn(move || run(&service))
}
