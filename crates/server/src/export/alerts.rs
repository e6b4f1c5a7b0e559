//! Alerts as the series that Prometheus makes of its own: `ALERTS` and `ALERTS_FOR_STATE`.

use std::collections::BTreeMap;

use lanner_core::{Alert, AlertState, Labels, SeriesKey};
use lanner_wire::prometheus::write_request::portable;

use crate::evaluate::service::EvaluationService;

/// So many alerts are shown at most; those that fire come first.
const MAX_ALERTS: usize = 10_000;

/// What there is to say of alerts at one time.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// Each series once, with its value: 1 for `ALERTS`, the second since which it lasts for `ALERTS_FOR_STATE`.
    pub(super) series: BTreeMap<SeriesKey, f64>,
    /// Alerts beyond the limit.
    pub(super) n_left_out: usize,
}

impl Alerts {
    /// Of all that the engine has now. It is locked only while those that last are copied.
    pub(super) fn now(service: &EvaluationService) -> Self {
        let lasting: Vec<Alert> =
            service.engine().alerts().filter(|alert| Since::of(alert).is_some()).cloned().collect();
        Self::of(lasting.iter())
    }

    /// Of those alerts that are pending, or whose episode lasts.
    fn of<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Self {
        let mut lasting: Vec<(Since<'_>, &Alert)> =
            alerts.filter_map(|alert| Some((Since::of(alert)?, alert))).collect();
        let n_left_out = lasting.len().saturating_sub(MAX_ALERTS);
        if n_left_out > 0 {
            lasting.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            lasting.truncate(MAX_ALERTS);
        }
        let mut series = BTreeMap::new();
        for (since, alert) in lasting {
            let labels = Labels::new([("alertname", &*alert.rule)]).with(&alert.labels);
            let state = if since.is_pending { "pending" } else { "firing" };
            let of_state = labels.with(&Labels::new([("alertstate", state)]));
            series.insert(portable("ALERTS", &of_state), 1.0);
            series.insert(portable("ALERTS_FOR_STATE", &labels), since.time_ms as f64 / 1e3);
        }
        Self { series, n_left_out }
    }
}

/// Since when an alert lasts; those that fire before those that are pending, the earliest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Since<'a> {
    is_pending: bool,
    time_ms: i64,
    rule: &'a str,
    group: &'a lanner_core::Group,
}

impl<'a> Since<'a> {
    fn of(alert: &'a Alert) -> Option<Self> {
        let is_pending = !alert.active && alert.state == AlertState::Pending;
        let time_ms = if alert.active { alert.started_ms.unwrap_or(alert.since_ms) } else { alert.since_ms };
        (alert.active || is_pending).then_some(Self {
            is_pending,
            time_ms,
            rule: &alert.rule,
            group: &alert.group,
        })
    }
}
