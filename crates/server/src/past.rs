//! The past of measures: counted from stored events, and the history that relative rules compare with.

use std::ops::ControlFlow;
use std::sync::Arc;

use lanner_core::TimeRange;
use lanner_engine::Rule;
use lanner_engine::rule::{Query, StreamQuery};
use lanner_engine::stream::Measures;
use lanner_io::store::{EventsSnapshot, StoreError};

use crate::app::{App, Prefill, locked};
use crate::history::Kept;
use crate::{live, windows};

/// Windows measured between two writes of a prefill.
const WINDOWS_PER_WRITE: usize = 200;

/// The past of measures that were registered just now, not counted yet.
#[derive(Debug)]
pub struct Past {
    /// The stream that they measure.
    pub stream: Arc<str>,
    /// From when on somebody needs it, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// The events that were stored when they were registered.
    pub events: EventsSnapshot,
    /// What is counted of them.
    pub measures: Measures,
}

/// Counts pasts, one after the other, and lets the rules that waited for each go on. Takes as long as it takes, and
/// nobody else waits: nothing is locked while events are read.
///
/// # Errors
/// Failures of the store; rules then go on as well, and their windows are counted when they are asked for.
pub fn settle(app: &App, pasts: Vec<Past>, now_ms: i64) -> Result<(), StoreError> {
    let mut worked = Ok(());
    for Past { stream, from_ms, events, mut measures } in pasts {
        let counted = count(&mut measures, &stream, &events, &|| app.alarm.is_stopping());
        if app.alarm.is_stopping() {
            return worked;
        }
        // From now on all is counted as it arrives, whatever became of the past.
        let known_from_ms = if counted.is_ok() { from_ms } else { now_ms };
        app.counting.measures().absorb(measures, known_from_ms);
        release(app);
        worked = worked.and(counted);
    }
    worked
}

/// Tells the engine which rules still wait for their past.
pub fn release(app: &App) {
    let _in_order = locked(&app.turns);
    let waiting = app.counting.measures().waiting();
    app.engine().set_waiting(waiting);
    app.alarm.ring();
}

/// Counts the events of a snapshot, until `is_over`. Cost: about a microsecond an event.
///
/// # Errors
/// Failures of the store; [`StoreError::Closed`] when `is_over`.
pub fn count(
    past: &mut Measures,
    stream: &str,
    snapshot: &EventsSnapshot,
    is_over: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    let mut is_whole = true;
    snapshot.visit(&mut |time_ms, json| {
        if is_over() {
            is_whole = false;
            return ControlFlow::Break(());
        }
        if let Ok(fields) = serde_json::from_slice(json) {
            past.count(stream, time_ms, &fields);
        }
        ControlFlow::Continue(())
    })?;
    if is_whole { Ok(()) } else { Err(StoreError::Closed) }
}

/// Measures the windows that `rule` will compare with soonest, and keeps them in history.
///
/// Works through time in stretches, so that memory stays small and progress shows. Windows that history has
/// already are not measured again.
///
/// # Errors
/// Failures of the store.
pub fn prefill(app: &App, rule: &Arc<Rule>, now_ms: i64) -> Result<(), StoreError> {
    let Query::Stream(query) = &rule.query else { return Ok(()) };
    let first_ms = app.counting.first_ms(&query.stream).unwrap_or(now_ms);
    let from_ms = (now_ms - rule.reach_ms() - rule.schedule.window_ms).max(first_ms);
    let windows = windows_between(rule, from_ms, now_ms - rule.hold_ms());
    let report = |done: usize| {
        let progress = Prefill { done: done as u64, total: windows.len() as u64, finished: false };
        locked(&app.prefills).insert(rule.id.clone(), progress);
    };
    report(0);
    if let Some(last) = windows.last() {
        app.counting.measures().kept(query, rule.step_ms(), *last);
    }
    for (at, stretch) in windows.chunks(WINDOWS_PER_WRITE).enumerate() {
        if app.alarm.is_stopping() {
            return Ok(());
        }
        fill(app, rule, query, stretch)?;
        report((at * WINDOWS_PER_WRITE) + stretch.len());
    }
    Ok(())
}

/// Counts those of `windows` that history lacks, and keeps them.
fn fill(app: &App, rule: &Rule, query: &Arc<StreamQuery>, windows: &[TimeRange]) -> Result<(), StoreError> {
    let mut lacking = Vec::new();
    for window in windows {
        let kept = live::recall(&app.store, query, *window)?;
        lacking.push(kept.is_none().then_some(*window));
    }
    for run in windows::runs(&lacking) {
        let mark = app.history.mark(&query.stream, run.range.end_ms);
        let past =
            live::count_all(&app.store, query, rule.step_ms(), run.range, &|| app.alarm.is_stopping())?;
        let mut rows = Vec::new();
        for (_, window) in run.windows {
            let values = past.read(query, rule.step_ms(), window).unwrap_or_default();
            live::note(&mut rows, query, window, &values);
        }
        let since = mark.map(|mark| (query.stream.clone(), mark));
        app.history.keep(&app.store, Kept { rows, since })?;
    }
    Ok(())
}

/// The rule's windows that lie whole in `[from_ms, to_ms)`, whatever its validity says of them.
fn windows_between(rule: &Rule, from_ms: i64, to_ms: i64) -> Vec<TimeRange> {
    let mut schedule = rule.schedule.clone();
    schedule.valid = TimeRange::new(lanner_core::time::MIN_TIME_MS, lanner_core::time::MAX_TIME_MS);
    let mut windows = Vec::new();
    let mut at_ms = from_ms + schedule.window_ms - 1;
    while let Some(window) = schedule.next_ending_after(at_ms).filter(|window| window.end_ms <= to_ms) {
        at_ms = window.end_ms;
        windows.push(window);
    }
    windows
}
