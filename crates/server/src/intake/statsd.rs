//! StatsD: lines are summed up until their interval is over, and then are samples like any others.
//!
//! The samples of an interval have the time at which it ended, as other StatsDs send them. The first interval begins when the
//! server does, and the last one ends when it stops: nothing is counted twice or lost by a restart that is not a crash.

use std::sync::MutexGuard;

use lanner_wire::statsd::Interval;

use super::samples::{Samples, WhenBusy};
use super::service::IntakeService;
use crate::sync::locked;

/// What they come by, for metrics and logs.
const PROTOCOL: &str = "statsd";

/// Takes lines. Cost: O(length).
pub(crate) fn add(service: &IntakeService, lines: &[u8]) {
    if let Some(mut interval) = interval(service) {
        interval.add(lines, service.now_ms());
    }
}

/// Notes a line that was not even read.
pub(crate) fn reject(service: &IntakeService, why: &str) {
    if let Some(mut interval) = interval(service) {
        interval.reject(why);
    }
}

/// Ends the interval if it is over, and makes its samples durable; a busy store is waited for.
pub(crate) async fn end_if_over(service: &IntakeService) {
    let ended_ms = interval(service).and_then(|interval| interval.ended_ms(service.now_ms()));
    if let Some(ended_ms) = ended_ms {
        end(service, ended_ms).await;
    }
}

/// Ends the interval now, if anything came in it: the server stops.
pub(crate) async fn end_early(service: &IntakeService) {
    let is_used = interval(service).is_some_and(|interval| interval.is_used());
    if is_used {
        end(service, service.now_ms()).await;
    }
}

async fn end(service: &IntakeService, end_ms: i64) {
    let mut samples = Samples::new(service, PROTOCOL);
    if let Some(mut interval) = interval(service) {
        samples.add_statsd(&mut interval, end_ms);
    }
    match samples.commit(WhenBusy::Wait).await {
        Err(error) => tracing::warn!("statsd: an interval is not stored: {error}"),
        Ok(report) => {
            if let Some(problem) = report.problems.first() {
                tracing::warn!(rejected = report.rejected, "statsd: {}", problem.message);
            }
            if let Some(warning) = report.warning {
                tracing::warn!("statsd: {warning}");
            }
        }
    }
}

fn interval(service: &IntakeService) -> Option<MutexGuard<'_, Interval>> {
    service.statsd.as_ref().map(locked)
}
