//! Lanner's own metrics as Prometheus reads them.

use lanner_io::metrics::text;
use lanner_switch::Phase;

use super::service::HealthService;
use crate::metrics::METRICS;

/// All metrics, those that are looked up and not counted as they are now.
pub(crate) fn page(service: &HealthService) -> String {
    let (n_measures, n_unindexed) = service.intake.counting.size();
    METRICS.measures.set(n_measures as f64);
    METRICS.measures_unindexed.set(n_unindexed as f64);
    {
        let engine = service.evaluation.engine();
        METRICS.rules.set(engine.n_rules() as f64);
        METRICS.alerts_active.set(engine.alerts().filter(|alert| alert.active).count() as f64);
    }
    METRICS.rule_left_out.reset();
    for (rule, n_left_out) in service.evaluation.limits.counts() {
        METRICS.rule_left_out.with_label_values(&[&*rule]).set(n_left_out as f64);
    }
    describe_switches(service);
    service.store.record_sizes();
    text()
}

fn describe_switches(service: &HealthService) {
    let (current, now_ms) = (service.switches.current(), service.now_ms());
    METRICS.switches.revision.set(current.set.revision() as f64);
    METRICS.switches.unindexed.set(current.set.n_unindexed() as f64);
    METRICS.switches.streams.set(service.switches.n_streams() as f64);
    for phase in Phase::ALL {
        let n = current.set.iter().filter(|switch| switch.phase(now_ms) == phase).count();
        METRICS.switches.by_phase.with_label_values(&[phase.name()]).set(n as f64);
    }
}
