//! What a target answered, as samples; and three of its own that say how asking went.

use std::time::Duration;

use bytes::Bytes;
use lanner_core::{Sample, SeriesKey};
use lanner_io::scrape::{Job, Target};
use lanner_wire::Report;
use lanner_wire::prometheus::text;

use crate::intake::error::IntakeError;
use crate::intake::samples::{Samples, WhenBusy};
use crate::intake::service::IntakeService;

/// What they come by, for metrics.
const PROTOCOL: &str = "scrape";

/// Takes an answer. One that has too many samples counts as none, so that a target is seen whole or not at all.
/// - `asked`: when the target was asked, which is the time of its samples, and how long it took
///
/// # Errors
/// Failures of the store; nothing is kept then.
pub(super) async fn take(
    service: &IntakeService,
    job: &Job,
    target: &Target,
    (time_ms, took): (i64, Duration),
    answer: Result<Bytes, String>,
) -> Result<(), IntakeError> {
    let mut samples = Samples::new(service, PROTOCOL);
    let counted = answer.and_then(|body| count(&body, job.max_samples()).map(|n_samples| (body, n_samples)));
    let (is_up, n_samples) = match counted {
        Ok((body, n_samples)) => {
            samples.add_scraped(&body, &target.labels, time_ms);
            (1.0, n_samples as f64)
        }
        Err(why) => {
            tracing::debug!(job = job.name(), instance = target.address, "{why}");
            (0.0, 0.0)
        }
    };
    for (name, value) in [
        ("up", is_up),
        ("scrape_duration_seconds", took.as_secs_f64()),
        ("scrape_samples_scraped", n_samples),
    ] {
        samples.add_made(&SeriesKey::new(name, target.labels.clone()), Sample::new(time_ms, value));
    }
    let report = samples.commit(WhenBusy::Refuse).await?;
    if let Some(problem) = report.problems.first() {
        let line = problem.line;
        tracing::warn!(job = job.name(), instance = target.address, "line {line:?}: {}", problem.message);
    }
    Ok(())
}

/// How many samples an answer has; it is looked through before any of its series is made.
fn count(body: &[u8], max_samples: usize) -> Result<usize, String> {
    let (mut report, mut n_samples) = (Report::default(), 0);
    text::parse(body, &mut report, |_| {
        n_samples += 1;
        Ok(())
    });
    match report.problems.first() {
        Some(problem) if n_samples == 0 => {
            Err(format!("answered something other than metrics: {problem}; check scheme and path"))
        }
        _ if n_samples > max_samples => {
            Err(format!("{n_samples} samples, more than {max_samples} (max_samples)"))
        }
        _ => Ok(n_samples),
    }
}
