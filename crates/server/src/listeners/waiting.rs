//! Samples of a protocol without answers, which wait for company before they are committed.
//!
//! Nothing is acknowledged: what came is committed in batches, at the latest 200 ms after the first of them, bad lines are
//! logged (a few) and counted. While the store is busy nothing more is read, and TCP holds the sender back.

use std::time::Duration;

use lanner_wire::carbon;
use tokio::time::Instant;

use crate::intake::error::IntakeError;
use crate::intake::samples::{Samples, WhenBusy};
use crate::intake::service::IntakeService;

/// Samples of one commit.
const BATCH: usize = 10_000;
/// How long a sample waits for company.
const LINGER: Duration = Duration::from_millis(200);
/// What they come by, for metrics and logs.
const PROTOCOL: &str = "carbon";

/// What one sender sent and is not committed.
pub(super) struct Waiting<'s> {
    service: &'s IntakeService,
    samples: Samples<'s>,
    /// When they are committed, if there are any.
    deadline: Instant,
    /// Lines and frames so far.
    n_lines: u64,
}

impl<'s> Waiting<'s> {
    /// Nothing yet.
    pub(super) fn new(service: &'s IntakeService) -> Self {
        Self { service, samples: Samples::new(service, PROTOCOL), deadline: Instant::now(), n_lines: 0 }
    }

    /// Takes a line of plaintext.
    pub(super) fn add_line(&mut self, line: &[u8]) {
        self.begin();
        if line.len() > carbon::MAX_LINE_BYTES {
            self.samples.reject(self.n_lines, "the line is longer than 64 KiB");
        } else {
            self.samples.add_carbon_line(line, self.n_lines);
        }
    }

    /// Takes a frame of pickles.
    pub(super) fn add_frame(&mut self, frame: &[u8]) {
        self.begin();
        self.samples.add_carbon_frame(frame, self.n_lines);
    }

    /// Notes a frame whose end cannot be found, or a sender that is none.
    pub(super) fn refuse(&mut self, why: impl std::fmt::Display) {
        self.begin();
        self.samples.reject(self.n_lines, why);
    }

    fn begin(&mut self) {
        self.n_lines += 1;
        if self.is_empty() {
            self.deadline = Instant::now() + LINGER;
        }
    }

    /// Whether no sample waits.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Whether there are as many as are committed at once.
    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= BATCH
    }

    /// Whether it should be committed now.
    pub(super) fn is_due(&self) -> bool {
        self.is_full() || (!self.is_empty() && self.deadline <= Instant::now())
    }

    /// When it should be committed, if there is something.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Commits what waits; a busy store is waited for.
    pub(super) async fn commit(&mut self) -> Result<(), IntakeError> {
        let samples = std::mem::replace(&mut self.samples, Samples::new(self.service, PROTOCOL));
        let report = samples.commit(WhenBusy::Wait).await?;
        if let Some(problem) = report.problems.first() {
            let line = problem.line.unwrap_or_default();
            tracing::warn!(rejected = report.rejected, "carbon: line {line}: {}", problem.message);
        }
        if let Some(warning) = report.warning {
            tracing::warn!("carbon: {warning}");
        }
        Ok(())
    }
}
