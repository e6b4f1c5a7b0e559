//! Lanner's own metrics, as served at `/metrics`.
//!
//! Metrics belong to the process, so that what counts needs no handle; [`text`] writes all of them down. Each crate
//! lists its own in one place, with what they mean: the store's and the delivery's are here.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use prometheus::{HistogramOpts, Opts, TextEncoder};

/// A number that grows.
pub type Counter = prometheus::IntCounter;
/// Numbers that grow, by labels.
pub type Counters = prometheus::IntCounterVec;
/// A number that changes.
pub type Gauge = prometheus::Gauge;
/// Numbers that change, by labels.
pub type Gauges = prometheus::GaugeVec;
/// How long something took, seconds.
pub type Durations = prometheus::Histogram;
/// How long something took, seconds, by labels.
pub type DurationsBy = prometheus::HistogramVec;

const HISTOGRAM: &str = "histogram";

/// What a metric is called, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name; a histogram also has `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it means.
    pub help: String,
}

/// Every metric that was registered, by name: those with labels are not served before they have a value.
static DESCRIPTIONS: Mutex<BTreeMap<String, Description>> = Mutex::new(BTreeMap::new());

/// Every metric of the process, in order of names.
///
/// ```
/// let metrics = lanner_io::metrics::descriptions();
/// assert!(metrics.iter().any(|metric| metric.name == "lanner_store_samples_total" && metric.kind == "counter"));
/// ```
#[must_use]
pub fn descriptions() -> Vec<Description> {
    LazyLock::force(&METRICS);
    DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
}

/// Upper bounds of durations, seconds.
const BOUNDS_S: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::register);

pub(crate) struct Metrics {
    pub(crate) samples: Counter,
    pub(crate) events: Counter,
    pub(crate) refused: Counter,
    pub(crate) documents_read: Counter,
    pub(crate) commits: Counter,
    pub(crate) failed_commits: Counter,
    pub(crate) commit_seconds: Durations,
    pub(crate) seal_seconds: Durations,
    pub(crate) head_samples: Gauge,
    pub(crate) head_bytes: Gauge,
    pub(crate) queued_bytes: Gauge,
    pub(crate) series: Gauge,
    pub(crate) file_bytes: Gauge,
    pub(crate) damaged_blocks: Gauge,
    pub(crate) notification_attempts: Counters,
    pub(crate) notification_seconds: DurationsBy,
    pub(crate) notifications_dead: Counters,
    pub(crate) source_asks: Counters,
    pub(crate) source_seconds: DurationsBy,
}

impl Metrics {
    fn register() -> Self {
        Self {
            samples: counter("lanner_store_samples_total", "Samples made durable."),
            events: counter("lanner_store_events_total", "Events made durable."),
            refused: counter("lanner_store_refused_total", "Writes refused because the queue was full."),
            documents_read: counter(
                "lanner_store_documents_read_total",
                "Rules, receivers, switches and other documents read back.",
            ),
            commits: counter("lanner_store_commits_total", "Transactions."),
            failed_commits: counter("lanner_store_failed_commits_total", "Transactions that failed."),
            commit_seconds: durations("lanner_store_commit_seconds", "Duration of a transaction."),
            seal_seconds: durations("lanner_store_seal_seconds", "Duration of sealing one generation."),
            head_samples: gauge("lanner_store_head_samples", "Samples in memory, not sealed yet."),
            head_bytes: gauge("lanner_store_head_bytes", "Memory of unsealed data."),
            queued_bytes: gauge("lanner_store_queued_bytes", "Bytes waiting to be written."),
            series: gauge("lanner_store_series", "Number of series."),
            file_bytes: gauge("lanner_store_file_bytes", "Size of the store's file."),
            damaged_blocks: gauge(
                "lanner_store_damaged_blocks",
                "Blocks that cannot be read and are left out.",
            ),
            notification_attempts: counters(
                "lanner_notification_attempts_total",
                "Notification attempts by outcome: sent, failed.",
                &["receiver", "outcome"],
            ),
            notification_seconds: durations_by(
                "lanner_notification_seconds",
                "Duration of a notification attempt.",
                &["receiver"],
            ),
            notifications_dead: counters(
                "lanner_notifications_dead_total",
                "Notifications that became dead letters.",
                &["receiver"],
            ),
            source_asks: counters(
                "lanner_source_asks_total",
                "Queries of other servers by outcome: answered, failed.",
                &["source", "outcome"],
            ),
            source_seconds: durations_by(
                "lanner_source_seconds",
                "Duration of a query of another server, waiting and retries included.",
                &["source"],
            ),
        }
    }
}

/// Registers a counter. Like all of these, once a process for each name.
///
/// # Panics
/// When the name is taken or is no name of a metric, which the first test that asks for `/metrics` shows.
#[must_use]
pub fn counter(name: &str, help: &str) -> Counter {
    registered("counter", Counter::new(name, help))
}

/// Registers counters that labels tell apart.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn counters(name: &str, help: &str, labels: &[&str]) -> Counters {
    registered("counter", Counters::new(Opts::new(name, help), labels))
}

/// Registers a gauge.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn gauge(name: &str, help: &str) -> Gauge {
    registered("gauge", Gauge::new(name, help))
}

/// Registers gauges that labels tell apart.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn gauges(name: &str, help: &str, labels: &[&str]) -> Gauges {
    registered("gauge", Gauges::new(Opts::new(name, help), labels))
}

/// Registers a histogram of durations, seconds.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn durations(name: &str, help: &str) -> Durations {
    registered(HISTOGRAM, Durations::with_opts(HistogramOpts::new(name, help).buckets(BOUNDS_S.to_vec())))
}

/// Registers a histogram of durations that may be long.
#[must_use]
pub fn durations_up_to_a_month(name: &str, help: &str) -> Durations {
    let bounds_s =
        [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0];
    registered(HISTOGRAM, Durations::with_opts(HistogramOpts::new(name, help).buckets(bounds_s.to_vec())))
}

fn durations_by(name: &str, help: &str, labels: &[&str]) -> DurationsBy {
    registered(HISTOGRAM, DurationsBy::new(HistogramOpts::new(name, help).buckets(BOUNDS_S.to_vec()), labels))
}

/// All metrics of the process, in the text format of Prometheus, version 0.0.4.
#[must_use]
pub fn text() -> String {
    LazyLock::force(&METRICS);
    TextEncoder::new().encode_to_string(&prometheus::gather()).unwrap_or_else(|error| format!("# {error}\n"))
}

#[expect(clippy::expect_used, reason = "names are written in the program, each once")]
fn registered<T: prometheus::core::Collector + Clone + 'static>(
    kind: &'static str,
    made: prometheus::Result<T>,
) -> T {
    let collector = made.expect("a name of a metric");
    prometheus::register(Box::new(collector.clone())).expect("a name that is not taken");
    let mut descriptions = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    for desc in collector.desc() {
        let (name, labels, help) = (desc.fq_name.clone(), desc.variable_labels.clone(), desc.help.clone());
        descriptions.insert(name.clone(), Description { name, kind, labels, help });
    }
    collector
}
