//! Counts and reports data that is older than its retention when it arrives: the next upkeep of the store drops it.

use std::sync::Arc;

use lanner_core::time::format_time;
use lanner_io::data::{DataStore, SeriesId};
use lanner_io::store::{Retention, format_keep};
use lanner_wire::Report;
use lanner_wire::api::WriteReport;

use super::service::IntakeService;
use crate::metrics::METRICS;

/// The ages of what one request brings.
pub(crate) struct Ages {
    /// `None` where nothing is ever dropped: in a process that does not keep the store up.
    retention: Option<Arc<Retention>>,
    now_ms: i64,
    /// How long what is kept for the shortest time is kept, milliseconds.
    shortest_ms: Option<i64>,
    /// Whatever is later is kept, whoever's it is.
    surely_kept_ms: i64,
    /// The series looked at last, and from when on its samples are kept.
    last: Option<(SeriesId, i64)>,
    n_too_old: u64,
    first: Option<String>,
}

impl Ages {
    /// Against the retention in force.
    #[must_use]
    pub(crate) fn new(service: &IntakeService) -> Self {
        let retention = service.retention.clone();
        let shortest_ms = retention.as_ref().and_then(|retention| retention.shortest_ms());
        let (now_ms, surely_kept_ms) = (i64::MIN, i64::MIN);
        let mut ages =
            Self { retention, now_ms, shortest_ms, surely_kept_ms, last: None, n_too_old: 0, first: None };
        ages.set_now(service.now_ms());
        ages
    }

    /// Goes on at another time, for what comes over a while.
    pub(crate) fn set_now(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        self.surely_kept_ms = self.shortest_ms.map_or(i64::MIN, |keep_ms| now_ms.saturating_sub(keep_ms));
        self.last = None;
    }

    /// Looks at a sample. Cost: a comparison for what is recent.
    pub(crate) fn sample(&mut self, store: &dyn DataStore, id: SeriesId, time_ms: i64) {
        if time_ms >= self.surely_kept_ms {
            return;
        }
        let Some(retention) = &self.retention else { return };
        if let Some((last, kept_ms)) = self.last
            && last == id
        {
            self.n_too_old += u64::from(time_ms < kept_ms);
            return;
        }
        let Some(key) = store.series_key(id) else { return };
        let rule = retention.of_series(&key.name);
        let kept_ms = rule.keep_ms().map_or(i64::MIN, |keep_ms| self.now_ms.saturating_sub(keep_ms));
        self.last = Some((id, kept_ms));
        if time_ms < kept_ms {
            self.n_too_old += 1;
            self.first
                .get_or_insert_with(|| too_old(time_ms, &key.name, rule.pattern.as_str(), &rule.keep_text()));
        }
    }

    /// Looks at an event.
    pub(crate) fn event(&mut self, stream: &str, time_ms: i64) {
        let Some(retention) = &self.retention else { return };
        let rule = retention.of_stream(stream);
        if time_ms < self.now_ms.saturating_sub(rule.keep_ms) {
            self.n_too_old += 1;
            self.first
                .get_or_insert_with(|| too_old(time_ms, stream, &rule.pattern, &format_keep(rule.keep_ms)));
        }
    }

    /// Looks at all that `work` makes of one event. The caller sent one, so one at most is counted.
    pub(crate) fn of_one(&mut self, work: impl FnOnce(&mut Self)) {
        let n_before = self.n_too_old;
        work(self);
        self.n_too_old = self.n_too_old.min(n_before + 1);
    }

    /// Counts what was found, in `/metrics`. Returns a sentence about it, if there was something.
    pub(crate) fn told(self, protocol: &'static str) -> Option<(u64, String)> {
        METRICS.ingest_too_old.with_label_values(&[protocol]).inc_by(self.n_too_old);
        let first = self.first?;
        let n = self.n_too_old;
        Some((n, format!("{n} will be dropped at the next upkeep: {first}")))
    }

    /// The answer to a request: what it came to, and what of it will not be kept.
    pub(crate) fn answer(self, report: Report, protocol: &'static str) -> WriteReport {
        let mut answer = WriteReport::from(report);
        if let Some((n, warning)) = self.told(protocol) {
            (answer.too_old, answer.warning) = (n, Some(warning));
        }
        answer
    }
}

fn too_old(time_ms: i64, name: &str, pattern: &str, keep: &str) -> String {
    format!(
        "{} is older than what is kept of {name} (retention of \"{pattern}\": {keep})",
        format_time(time_ms)
    )
}
