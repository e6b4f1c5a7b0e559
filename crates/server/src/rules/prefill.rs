//! The history that relative rules compare with, measured ahead of need.

use std::sync::Arc;

use lanner_core::TimeRange;
use lanner_engine::Rule;
use lanner_engine::source::{StreamQuery, runs};
use lanner_io::store::StoreError;

use super::service::{Prefill, RuleService};
use crate::evaluate::read;
use crate::intake::history::Kept;
use crate::sync::locked;

/// Windows measured between two writes of a prefill.
const WINDOWS_PER_WRITE: usize = 200;

/// Measures the windows that `rule` will compare with soonest, and keeps them in history.
///
/// Works through time in stretches, so that memory stays small and progress shows. Windows that history has
/// already are not measured again.
///
/// # Errors
/// Failures of the store.
pub(crate) fn prefill(service: &RuleService, rule: &Arc<Rule>, now_ms: i64) -> Result<(), StoreError> {
    let windows = |query: &StreamQuery| {
        let first_ms = service.intake.counting.first_ms(&query.stream).unwrap_or(now_ms);
        let from_ms = (now_ms - rule.reach_ms() - rule.schedule.window_ms).max(first_ms);
        windows_between(rule, from_ms, now_ms - rule.hold_ms())
    };
    let work: Vec<_> = rule.query.streams().iter().map(|query| (query, windows(query))).collect();
    let total = work.iter().map(|(_, windows)| windows.len()).sum::<usize>() as u64;
    let report = |done: usize| {
        let progress = Prefill { done: done as u64, total, finished: false };
        locked(&service.prefills).insert(rule.id.clone(), progress);
    };
    report(0);
    for (query, last) in work.iter().filter_map(|(query, windows)| Some((query, windows.last()?))) {
        locked(&service.intake.counting.of(&query.stream)).kept(query, rule.step_ms(), *last);
    }
    let mut done = 0;
    for (query, windows) in &work {
        for stretch in windows.chunks(WINDOWS_PER_WRITE) {
            if service.shutdown.has_begun() {
                return Ok(());
            }
            fill(service, rule, query, stretch)?;
            done += stretch.len();
            report(done);
        }
    }
    Ok(())
}

/// Counts those of `windows` that history lacks, and keeps them.
fn fill(
    service: &RuleService,
    rule: &Rule,
    query: &Arc<StreamQuery>,
    windows: &[TimeRange],
) -> Result<(), StoreError> {
    let mut lacking = Vec::new();
    for window in windows {
        let kept = read::recall(&*service.state, query, *window)?;
        lacking.push(kept.is_none().then_some(*window));
    }
    for run in runs(&lacking) {
        let mark = service.intake.history.mark(&query.stream, run.range.end_ms);
        let past = read::count_all(
            (&*service.data, service.state.secret()),
            query,
            rule.step_ms(),
            run.range,
            &|| service.shutdown.has_begun(),
        )?;
        let mut rows = Vec::new();
        for (_, window) in run.windows {
            let values = past.read(query, rule.step_ms(), window).unwrap_or_default();
            read::note(&mut rows, query, window, &values);
        }
        let since = mark.map(|mark| (query.stream.clone(), mark));
        service.intake.history.keep(&*service.state, Kept { rows, since })?;
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
