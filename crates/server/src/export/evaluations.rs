//! What was measured, as samples at the ends of windows.

use lanner_core::{Evaluation, Labels, Sample, SeriesKey};
use lanner_wire::prometheus::write_request::portable;

/// The samples of an evaluation: what was measured, what it was compared with, and how strange that is, as far as there is a number.
pub(super) fn samples(evaluation: &Evaluation) -> impl Iterator<Item = (SeriesKey, Sample)> {
    let labels = evaluation.group.labels().with(&Labels::new([("rule", &*evaluation.rule)]));
    let time_ms = evaluation.window.end_ms;
    let values = [
        ("lanner_evaluation_value", evaluation.value),
        ("lanner_evaluation_base", evaluation.base),
        ("lanner_evaluation_score", evaluation.score.map(lanner_core::Score::value)),
    ];
    values
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(move |(name, value)| (portable(name, &labels), Sample::new(time_ms, value)))
}
