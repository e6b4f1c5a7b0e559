//! The service that takes samples and events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lanner_engine::source::Elsewhere;
use lanner_io::data::DataStore;
use lanner_io::state::StateStore;
use lanner_io::store::{Retention, StoreError};
use lanner_wire::Report;
use lanner_wire::statsd::Interval;

use super::consumers::Consumers;
use super::error::IntakeError;
use super::history::History;
use super::late_samples::LateSamples;
use super::lateness::Latenesses;
use super::measures::Counting;
use super::processing::Processing;
use crate::base::Base;
use crate::clock::Clock;
use crate::metrics::METRICS;
use crate::settings::live::InForce;
use crate::shutdown::Shutdown;

/// What was taken since the start, for `/api/v1/status`.
#[derive(Debug, Default)]
pub(crate) struct Ingested {
    /// Samples taken.
    pub samples: AtomicU64,
    /// Events taken.
    pub events: AtomicU64,
    /// Lines refused.
    pub rejected: AtomicU64,
}

/// Takes samples and events: makes them durable, and counts them for the rules that measure them.
#[derive(Debug)]
pub struct IntakeService {
    pub(crate) data: Arc<dyn DataStore>,
    pub(crate) state: Arc<dyn StateStore>,
    clock: Clock,
    pub(crate) live: Arc<InForce>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// What is kept; `None` in a process that does not keep the store up.
    pub(crate) retention: Option<Arc<Retention>>,
    /// What becomes of events before they are stored.
    pub(crate) processing: Processing,
    /// What is counted as events arrive.
    pub(crate) counting: Counting,
    /// Streams whose events are not taken, because they lie elsewhere.
    pub(super) elsewhere: Arc<Elsewhere>,
    /// What may be kept of what was measured.
    pub(crate) history: History,
    /// Samples that came after they should have been learned.
    pub(crate) late_samples: LateSamples,
    /// How late events come.
    pub(crate) lateness: Latenesses,
    /// How consumers of brokers fare.
    pub(crate) consumers: Consumers,
    /// What was taken since the start.
    pub(crate) ingested: Ingested,
    /// What came by StatsD since its last interval ended, if it is taken.
    pub(super) statsd: Option<Mutex<Interval>>,
    writers: Arc<tokio::sync::Semaphore>,
}

impl IntakeService {
    /// Nothing taken yet.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(base: &Base, retention: &Arc<Retention>) -> Result<Self, StoreError> {
        let first_ms: HashMap<Arc<str>, i64> =
            base.data.streams()?.into_iter().map(|info| (info.name, info.first_ms)).collect();
        Ok(Self {
            clock: base.clock(),
            live: Arc::clone(&base.live),
            shutdown: Arc::clone(&base.shutdown),
            retention: base.settings.evaluate.then(|| Arc::clone(retention)),
            processing: Processing::default(),
            counting: Counting::new(base.state.secret(), first_ms),
            elsewhere: Arc::clone(&base.settings.streams),
            history: History::default(),
            late_samples: LateSamples::default(),
            lateness: Latenesses::default(),
            consumers: Consumers::default(),
            ingested: Ingested::default(),
            statsd: base
                .settings
                .statsd
                .as_ref()
                .map(|statsd| Mutex::new(Interval::new(statsd.options.clone(), base.clock().now_ms()))),
            writers: Arc::new(tokio::sync::Semaphore::new(base.settings.max_writers)),
            data: Arc::clone(&base.data),
            state: Arc::clone(&base.state),
        })
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A permit to write, for whoever can be told to come back.
    ///
    /// # Errors
    /// [`IntakeError::Busy`].
    pub(crate) fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, IntakeError> {
        Arc::clone(&self.writers).try_acquire_owned().map_err(|_| IntakeError::Busy)
    }

    /// Counts what a batch of samples came to.
    pub(super) fn count_samples(&self, protocol: &'static str, report: &Report) {
        self.count(&self.ingested.samples, protocol, report);
    }

    /// Counts what a batch of events came to.
    pub(super) fn count_events(&self, protocol: &'static str, report: &Report) {
        self.count(&self.ingested.events, protocol, report);
    }

    /// Counts what a batch came to, here and in `/metrics`.
    fn count(&self, taken: &AtomicU64, protocol: &'static str, report: &Report) {
        taken.fetch_add(report.accepted, Ordering::Relaxed);
        self.ingested.rejected.fetch_add(report.rejected, Ordering::Relaxed);
        METRICS.ingest_accepted.with_label_values(&[protocol]).inc_by(report.accepted);
        METRICS.ingest_rejected.with_label_values(&[protocol]).inc_by(report.rejected);
    }
}
