//! How late events come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lanner_engine::measure::Quantiles;
use lanner_engine::source::Query;
use lanner_io::store::Batch;
use lanner_wire::api::Lateness;

use crate::metrics::METRICS;
use crate::sync::locked;

/// How late the events of each stream came, since the start.
#[derive(Debug, Default)]
pub(crate) struct Latenesses(Mutex<HashMap<Arc<str>, OfStream>>);

#[derive(Debug, Default)]
struct OfStream {
    n_events: u64,
    n_late: u64,
    longest_ms: i64,
    ms: Quantiles,
}

/// How late events of these times are that arrived at `now_ms`, milliseconds; noted in the metric.
pub(crate) fn of_events(times_ms: impl Iterator<Item = i64>, now_ms: i64) -> Vec<i64> {
    let late_ms: Vec<i64> = times_ms.map(|time_ms| now_ms.saturating_sub(time_ms).max(0)).collect();
    let all = METRICS.event_lateness_seconds.local();
    late_ms.iter().for_each(|late_ms| all.observe(*late_ms as f64 / 1e3));
    all.flush();
    late_ms
}

/// Notes samples that arrived at `now_ms`, for the metric alone.
pub(crate) fn note_samples(batch: &Batch, now_ms: i64) {
    let all = METRICS.sample_lateness_seconds.local();
    for (_, sample) in &batch.samples {
        all.observe(now_ms.saturating_sub(sample.time_ms).max(0) as f64 / 1e3);
    }
    all.flush();
}

impl Latenesses {
    /// Notes events that came so late, milliseconds, of which `n_late` came after a window was judged.
    pub(crate) fn note(&self, stream: &Arc<str>, late_ms: &[i64], n_late: u64) {
        let mut streams = locked(&self.0);
        let of = streams.entry(stream.clone()).or_default();
        of.n_late += n_late;
        of.n_events += late_ms.len() as u64;
        for late_ms in late_ms {
            of.longest_ms = of.longest_ms.max(*late_ms);
            of.ms.add(*late_ms as f64);
        }
    }

    /// How late the events came that a query measures; `None` when none came since the start.
    pub(crate) fn of(&self, query: &dyn Query) -> Option<Lateness> {
        let query = query.streams().first()?;
        let streams = locked(&self.0);
        let of = streams.get(&query.stream)?;
        let seconds = |share| of.ms.quantile(share).map_or(0.0, |ms| ms / 1e3);
        Some(Lateness {
            events: of.n_events,
            late: of.n_late,
            median_s: seconds(0.5),
            p99_s: seconds(0.99),
            longest_s: of.longest_ms as f64 / 1e3,
        })
    }
}
