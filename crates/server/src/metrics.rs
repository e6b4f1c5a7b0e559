//! The metrics of the server, in addition to those of [`lanner_io::metrics`].

use std::sync::LazyLock;

use lanner_io::metrics::{Counter, Counters, Description, Durations, Gauge, Gauges};
use lanner_io::metrics::{counter, counters, durations, durations_up_to_a_month, gauge, gauges};

/// Every metric of a server, in order of names.
#[must_use]
pub fn descriptions() -> Vec<Description> {
    LazyLock::force(&METRICS);
    lanner_io::metrics::descriptions()
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::register);

pub(crate) struct Metrics {
    pub(crate) ingest_accepted: Counters,
    pub(crate) ingest_rejected: Counters,
    pub(crate) ingest_too_old: Counters,
    pub(crate) consumers: OfConsumers,
    pub(crate) remote_write: OfRemoteWrite,
    pub(crate) results: OfResults,
    pub(crate) processed: Counters,
    pub(crate) unmatched: Counters,
    pub(crate) late_events: Counter,
    pub(crate) event_lateness_seconds: Durations,
    pub(crate) sample_lateness_seconds: Durations,
    pub(crate) groups_overflow: Counter,
    pub(crate) rule_left_out: Gauges,
    pub(crate) http_refused: Counter,
    pub(crate) evaluations: Counter,
    pub(crate) evaluation_lateness_seconds: Durations,
    pub(crate) windows_skipped: Counter,
    pub(crate) cycle_seconds: Durations,
    pub(crate) cycles_refused: Counter,
    pub(crate) sharing: Sharing,
    pub(crate) switches: OfSwitches,
    pub(crate) rules: Gauge,
    pub(crate) measures: Gauge,
    pub(crate) measures_unindexed: Gauge,
    pub(crate) alerts_active: Gauge,
}

/// Those of consumers of brokers.
pub(crate) struct OfConsumers {
    pub(crate) messages: Counters,
    pub(crate) up: Gauges,
}

impl OfConsumers {
    fn register() -> Self {
        Self {
            messages: counters(
                "lanner_consumed_messages_total",
                "Messages of brokers, by what became of them: stored, doubled (stored before), refused (unreadable).",
                &["consumer", "outcome"],
            ),
            up: gauges(
                "lanner_consumer_up",
                "1 while a consumer has a connection to its broker.",
                &["consumer"],
            ),
        }
    }
}

/// Those of endpoints that samples are sent to.
pub(crate) struct OfRemoteWrite {
    pub(crate) samples: Counters,
    pub(crate) pending: Gauges,
    pub(crate) up: Gauges,
}

impl OfRemoteWrite {
    fn register() -> Self {
        Self {
            samples: counters(
                "lanner_remote_write_samples_total",
                "Samples for an endpoint, by what became of them: sent, refused (by the endpoint), dropped (too many waited).",
                &["endpoint", "outcome"],
            ),
            pending: gauges(
                "lanner_remote_write_pending",
                "Samples that wait to be sent to an endpoint.",
                &["endpoint"],
            ),
            up: gauges("lanner_remote_write_up", "1 while an endpoint takes what it is sent.", &["endpoint"]),
        }
    }
}

/// Those of the index of results.
pub(crate) struct OfResults {
    pub(crate) evaluations: Counters,
    pub(crate) pending: Gauge,
    pub(crate) up: Gauge,
}

impl OfResults {
    fn register() -> Self {
        Self {
            evaluations: counters(
                "lanner_result_index_evaluations_total",
                "Evaluations for the result index, by what became of them: sent, refused.",
                &["outcome"],
            ),
            pending: gauge(
                "lanner_result_index_pending",
                "Evaluations that wait in memory for the result index.",
            ),
            up: gauge("lanner_result_index_up", "1 while the result index takes what it is sent."),
        }
    }
}

impl Metrics {
    fn register() -> Self {
        Self {
            ingest_accepted: counters(
                "lanner_ingest_accepted_total",
                "Samples and events accepted.",
                &["protocol"],
            ),
            ingest_rejected: counters(
                "lanner_ingest_rejected_total",
                "Lines and samples refused.",
                &["protocol"],
            ),
            ingest_too_old: counters(
                "lanner_ingest_too_old_total",
                "Accepted samples and events that are older than their retention.",
                &["protocol"],
            ),
            consumers: OfConsumers::register(),
            remote_write: OfRemoteWrite::register(),
            results: OfResults::register(),
            processed: counters(
                "lanner_processor_events_total",
                "Events that passed a processor.",
                &["processor"],
            ),
            unmatched: counters(
                "lanner_processor_unmatched_total",
                "Events that were not what a processor expects, and stayed as they were.",
                &["processor"],
            ),
            late_events: counter(
                "lanner_late_events_total",
                "Events that arrived after a window they belong to was evaluated.",
            ),
            event_lateness_seconds: durations_up_to_a_month(
                "lanner_event_lateness_seconds",
                "Time between the timestamp of an event and its arrival.",
            ),
            sample_lateness_seconds: durations_up_to_a_month(
                "lanner_sample_lateness_seconds",
                "Time between the timestamp of a sample and its arrival.",
            ),
            groups_overflow: counter(
                "lanner_groups_overflow_total",
                "Events beyond a measure's limit of groups.",
            ),
            rule_left_out: gauges(
                "lanner_rule_left_out",
                "Events or series of groups beyond the limit, or groups without a trained detector, that a rule left out of its latest window.",
                &["rule"],
            ),
            http_refused: counter(
                "lanner_http_refused_total",
                "Requests refused because of a missing or wrong token.",
            ),
            evaluations: counter("lanner_evaluations_total", "Evaluations made."),
            evaluation_lateness_seconds: durations(
                "lanner_evaluation_lateness_seconds",
                "Time between when an evaluation is due and when it is made.",
            ),
            windows_skipped: counter("lanner_windows_skipped_total", "Windows missed beyond max_catchup."),
            cycle_seconds: durations(
                "lanner_evaluation_cycle_seconds",
                "Duration of an evaluation cycle that evaluated something.",
            ),
            cycles_refused: counter(
                "lanner_evaluation_cycles_refused_total",
                "Evaluation cycles whose results the store refused.",
            ),
            sharing: Sharing::register(),
            switches: OfSwitches::register(),
            rules: gauge("lanner_rules", "Rules that are evaluated."),
            measures: gauge("lanner_measures", "Measures kept on streams."),
            measures_unindexed: gauge("lanner_measures_unindexed", "Measures tried on every event."),
            alerts_active: gauge("lanner_alerts_active", "Alerts that are pending or firing."),
        }
    }
}

/// Those of kill switches.
pub(crate) struct OfSwitches {
    pub(crate) evaluations: Counters,
    pub(crate) blocked: Counters,
    pub(crate) shadow: Counters,
    pub(crate) snapshots: Counters,
    pub(crate) by_phase: Gauges,
    pub(crate) unindexed: Gauge,
    pub(crate) revision: Gauge,
    pub(crate) streams: Gauge,
}

impl OfSwitches {
    fn register() -> Self {
        Self {
            evaluations: counters("lanner_switch_evaluations_total", "Contexts judged.", &["face"]),
            blocked: counters("lanner_switch_blocked_total", "Contexts blocked.", &["switch"]),
            shadow: counters(
                "lanner_switch_shadow_total",
                "Contexts that a switch in shadow would have blocked.",
                &["switch"],
            ),
            snapshots: counters(
                "lanner_switch_snapshots_total",
                "Snapshots sent, by form: whole, delta, unchanged.",
                &["form"],
            ),
            by_phase: gauges("lanner_switches", "Switches by phase.", &["phase"]),
            unindexed: gauge("lanner_switches_unindexed", "Switches tried on every context."),
            revision: gauge("lanner_switch_revision", "Revision of the switches."),
            streams: gauge("lanner_switch_streams", "Clients connected to the stream of switch changes."),
        }
    }
}

/// How several servers share the work.
pub(crate) struct Sharing {
    pub(crate) news_relayed: Counter,
    pub(crate) workers: Gauge,
    pub(crate) shards_free: Gauge,
    pub(crate) shards_held: Gauge,
}

impl Sharing {
    fn register() -> Self {
        Self {
            news_relayed: counter(
                "lanner_news_relayed_total",
                "Changes of alerts that workers reported and that were taken into the notification log.",
            ),
            workers: gauge(
                "lanner_workers",
                "Workers that share the work, as the server that notifies sees them.",
            ),
            shards_free: gauge(
                "lanner_shards_free",
                "Shards that no worker holds, as the server that notifies sees them.",
            ),
            shards_held: gauge("lanner_shards_held", "Shards that this worker holds."),
        }
    }
}
