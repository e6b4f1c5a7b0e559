//! How good are scores, given labels? One file a metric.
//!
//! **Which to trust.** Report first [`vus_pr`] (how well all thresholds do, lenient about edges),
//! [`auc_pr`] (the same, strict), and [`at_alarm_budget`]: the events found, and how late, by somebody who
//! accepts so many alarms a day. They cannot be raised by luck, by choosing the threshold afterwards, or by long events.
//! [`nab()`] rewards early alarms in streams, with one threshold over many files.
//!
//! The rest is here to compare with what others report:
//!
//! | Metric | Threshold | What to beware of |
//! | --- | --- | --- |
//! | [`auc_roc`], [`vus_roc`] | all | look good when anomalies are rare |
//! | [`best_f1`] | the best, chosen with the labels | every point of a long event counts anew |
//! | [`point_adjusted_f1`] | the best of 100 | flatters everything: random scores reach 0.9 when events are long |
//! | [`event_f1`] | the best of 100 | mixes events (recall) with points (precision) |
//! | [`range_f1`] | the best of 100 | rewards the right number of pieces; long silences cost nothing |
//! | [`affiliation_f`] | the best of 100 | random scores reach 0.7: read differences, not values |
//!
//! All are pure functions of a checked [`Scored`]; values lie in `[0, 1]`, larger is better, except
//! [`nab()`]'s, which is 100 for a perfect detector and may be negative. Definitions agree to 1e-6 with the
//! evaluation of the TSB-AD benchmark (Liu and Paparrizos, "The Elephant in the Room: Towards a reliable
//! time-series anomaly detection benchmark", NeurIPS 2024); tests hold recorded values.

mod affiliation;
mod alarms;
mod curves;
mod event;
mod nab;
mod point_adjusted;
mod range;
mod scored;
mod vus;

pub use affiliation::affiliation_f;
pub use alarms::{AlarmBudget, Alarms, alarms_above, at_alarm_budget};
pub use curves::{auc_pr, auc_roc, best_f1};
pub use event::event_f1;
pub use nab::{NabFile, NabProfile, NabScore, nab, nab_above, nab_probation};
pub use point_adjusted::point_adjusted_f1;
pub use range::range_f1;
pub use scored::{MetricError, Scored, events};
pub use vus::{Vus, vus, vus_pr, vus_roc};

#[cfg(test)]
mod golden;

/// The harmonic mean of precision and recall; 0 when both are 0.
fn f1(precision: f64, recall: f64) -> f64 {
    let sum = precision + recall;
    if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 }
}
