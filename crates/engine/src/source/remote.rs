//! Queries that another server answers, in a language of its own.
//!
//! Each series of the answer is a group, and its value in a window is the last one there. Windows that touch are asked
//! for in one request.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Answer, Ask, Group, Labels, Readings, RemoteSeries, Sample, SourceError, TimeRange};

use super::data::Data;
use super::gather::readings;
use super::query::{Query, fingerprint};
use super::runs::runs;
use crate::measure::stream::MAX_GROUPS;

/// A query for a source elsewhere.
#[derive(Debug, Clone)]
pub(super) struct RemoteQuery {
    kind: &'static str,
    source: Arc<str>,
    text: Arc<str>,
    /// The label that names groups.
    by: Vec<String>,
    fingerprint: u64,
}

impl RemoteQuery {
    /// `text`, in the language of `kind`, for `source`. The names of the series that it answers become the label `by`.
    pub(super) fn new(kind: &'static str, source: &str, text: &str, by: &str) -> Self {
        let by = vec![by.to_owned()];
        let fingerprint = fingerprint(&[kind, source, text], &by);
        Self { kind, source: source.into(), text: text.into(), by, fingerprint }
    }

    fn group(&self, series: &RemoteSeries) -> Group {
        Group::of(&self.by, Labels::new([(&*self.by[0], &*series.name)]))
    }
}

impl Query for RemoteQuery {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.by
    }

    fn source(&self) -> Option<&Arc<str>> {
        Some(&self.source)
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let windows = ask.windows();
        let mut values: BTreeMap<Group, Vec<Option<f64>>> = BTreeMap::new();
        for run in runs(&windows) {
            for series in &*data.fetch(&self.source, &self.text, run.range)? {
                for (at, window) in &run.windows {
                    // A group exists from its first value on.
                    let Some(value) = last_in(&series.points, *window) else { continue };
                    let row = values.entry(self.group(series)).or_insert_with(|| vec![None; windows.len()]);
                    row[*at] = Some(value);
                }
                if values.len() > MAX_GROUPS {
                    let why =
                        format!("answers more than {MAX_GROUPS} series; narrow the query, or sum them there");
                    return Err(SourceError::Permanent(format!("{}: {why}", self.source)));
                }
            }
        }
        let has_data = |at: usize| values.values().any(|row| row[at].is_some());
        let first = windows.iter().enumerate().filter(|(at, _)| has_data(*at));
        let first_data_ms = first.filter_map(|(_, window)| window.map(|window| window.start_ms)).min();
        Ok(Readings { groups: readings(ask, values.into_iter().collect()), first_data_ms })
    }

    fn alert_when_empty(&self) -> bool {
        true
    }

    fn is_seen(&self, _: Option<f64>) -> bool {
        true
    }

    fn knows_first_data(&self) -> bool {
        false
    }
}

/// The last value in a window, of points in order of time.
fn last_in(points: &[Sample], window: TimeRange) -> Option<f64> {
    let before_end = points.partition_point(|point| point.time_ms < window.end_ms);
    let last = points[..before_end].last()?;
    (last.time_ms >= window.start_ms).then_some(last.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Recorded;

    /// What a source comes to that answers so many series with one value each.
    fn answer(n_series: usize) -> Answer {
        let mut record = Recorded::new([], 0);
        for at in 0..n_series {
            let points = vec![Sample::new(5, 1.0)];
            let series = RemoteSeries { name: format!("s{at}"), labels: Labels::default(), points };
            record.answer_of("berlin", "a.*", series);
        }
        let ask = Ask::of_windows(vec![TimeRange::new(0, 10)], 10);
        RemoteQuery::new("target", "berlin", "a.*", "target").answer(&ask, &mut record)
    }

    #[test]
    fn an_answer_has_no_more_groups_than_a_rule_may_have() {
        assert_eq!(answer(MAX_GROUPS).map(|readings| readings.groups.len()), Ok(MAX_GROUPS));
        let why = answer(MAX_GROUPS + 1).unwrap_err();
        assert!(!why.is_temporary() && why.to_string().contains("berlin: answers more than"), "{why}");
    }
}
