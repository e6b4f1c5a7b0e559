//! Events of a protocol without answers, which wait for company before they are committed.
//!
//! Nothing is acknowledged: what came is committed in batches, at the latest 200 ms after the first of them. While the store is
//! busy nothing more is read, and TCP holds the sender back.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use lanner_core::Event;
use lanner_wire::Report;
use lanner_wire::syslog::{self, Received};
use tokio::time::Instant;

use crate::intake::error::IntakeError;
use crate::intake::events::take_patiently;
use crate::intake::service::IntakeService;

/// Bytes of one commit, about.
const BATCH_BYTES: usize = 1 << 20;
/// What an event takes besides its message, about.
const EVENT_BYTES: usize = 100;
/// How long an event waits for company.
const LINGER: Duration = Duration::from_millis(200);

/// What one sender sent and is not committed.
pub(super) struct WaitingEvents<'s> {
    service: &'s Arc<IntakeService>,
    stream: Arc<str>,
    /// What they come by, for metrics and logs.
    protocol: &'static str,
    events: Vec<Event>,
    report: Report,
    n_bytes: usize,
    /// When they are committed, if there are any.
    deadline: Instant,
}

/// Messages of syslog, on their way to the stream of that name.
pub(super) fn of_syslog(service: &Arc<IntakeService>) -> WaitingEvents<'_> {
    WaitingEvents {
        service,
        stream: "syslog".into(),
        protocol: "syslog",
        events: Vec::new(),
        report: Report::default(),
        n_bytes: 0,
        deadline: Instant::now(),
    }
}

impl WaitingEvents<'_> {
    /// Takes a message of syslog. Bytes that are not UTF-8 become U+FFFD, so that no message is lost for one.
    pub(super) fn add_message(&mut self, message: &[u8], sender: &str, zone: &TimeZone) {
        if message.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return;
        }
        self.begin();
        let text = String::from_utf8_lossy(message);
        let received = Received { time_ms: self.service.now_ms(), zone, sender: Some(sender) };
        self.events.push(syslog::parse(&text, received).into_event(received));
        self.n_bytes += message.len() + EVENT_BYTES;
        self.report.accepted += 1;
    }

    /// Notes a sender that is none.
    pub(super) fn refuse(&mut self, why: &str) {
        self.begin();
        self.report.reject(1, None, why);
    }

    fn begin(&mut self) {
        if self.is_empty() {
            self.deadline = Instant::now() + LINGER;
        }
    }

    /// Whether no event waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether it should be committed now.
    pub(super) fn is_due(&self) -> bool {
        self.n_bytes >= BATCH_BYTES || (!self.is_empty() && self.deadline <= Instant::now())
    }

    /// When it should be committed, if there is something.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Commits what waits; a busy store is waited for.
    pub(super) async fn commit(&mut self) -> Result<(), IntakeError> {
        self.n_bytes = 0;
        let (events, report) = (std::mem::take(&mut self.events), std::mem::take(&mut self.report));
        let answer = take_patiently(self.service, &self.stream, self.protocol, report, events).await?;
        let protocol = self.protocol;
        if let Some(problem) = answer.problems.first() {
            tracing::warn!(rejected = answer.rejected, "{protocol}: {}", problem.message);
        }
        if let Some(warning) = answer.warning {
            tracing::warn!("{protocol}: {warning}");
        }
        Ok(())
    }
}
