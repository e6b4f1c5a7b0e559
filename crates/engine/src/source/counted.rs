//! Measures that a server elsewhere counts, window by window: each series of an answer is a group, and windows that touch are asked for
//! in one request.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Answer, Ask, Group, Instants, Readings, RemoteAsk, Sample, SourceError, TimeRange};

use super::data::Data;
use super::gather::gather;
use super::runs::{Run, by_length, runs};
use crate::measure::stream::MAX_GROUPS;

/// A measure that a source counts.
pub(super) struct Counted<'q> {
    /// Who counts.
    pub(super) source: &'q Arc<str>,
    /// In whose language.
    pub(super) language: &'static str,
    /// The fields whose values form groups.
    pub(super) by: &'q [String],
    /// What a window without events comes to.
    pub(super) nothing: Option<f64>,
    /// The query for windows of one length, milliseconds.
    pub(super) query: &'q dyn Fn(i64) -> String,
}

impl Counted<'_> {
    /// Measures what is asked.
    pub(super) fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let windows = ask.windows();
        let mut values = BTreeMap::new();
        for (window_ms, same) in by_length(&windows) {
            self.fill(&same, window_ms, data, &mut values)?;
        }
        let nothing = self.nothing;
        let of = |at: usize| -> Vec<(Group, Option<f64>)> {
            let found = values.iter().filter_map(|(group, row)| Some((group.clone(), Some(row[at]?))));
            found.collect()
        };
        let (now, baselines): (Vec<_>, Vec<_>) = (of(0), (1..windows.len()).map(of).collect());
        // Before the first event everything comes to nothing, which is no reason to compare with it.
        let has_data = |at: usize| values.values().any(|row| row[at].is_some() && row[at] != nothing);
        let known = windows.iter().enumerate().filter(|(at, _)| has_data(*at));
        let first_data_ms = known.filter_map(|(_, window)| window.map(|window| window.start_ms)).min();
        Ok(Readings { groups: gather(ask, nothing, now, &baselines), first_data_ms })
    }

    fn ask(&self, run: &Run, window_ms: i64) -> RemoteAsk {
        let ends = run.windows.iter().map(|(_, window)| window.end_ms - 1);
        let last_ms = run.range.end_ms - 1;
        let instants =
            Instants::of(ends).unwrap_or(Instants { first_ms: last_ms, last_ms, step_ms: window_ms });
        let query = (self.query)(window_ms);
        RemoteAsk { language: self.language.to_owned(), query, range: run.range, instants }
    }

    /// Measures windows of one length; `values` has a row of `n` for each group.
    fn fill(
        &self,
        windows: &[Option<TimeRange>],
        window_ms: i64,
        data: &mut dyn Data,
        values: &mut BTreeMap<Group, Vec<Option<f64>>>,
    ) -> Result<(), SourceError> {
        for run in runs(windows) {
            let ask = self.ask(&run, window_ms);
            // Windows that begin in the middle of this one end a step later, or a window.
            let step_ms = if run.windows.len() > 1 { ask.instants.step_ms.min(window_ms) } else { window_ms };
            for series in &*data.fetch(self.source, &ask)? {
                let group = Group::of(self.by, series.labels.clone());
                let row = values.entry(group).or_insert_with(|| vec![None; windows.len()]);
                for (at, window) in &run.windows {
                    row[*at] = last_in(&series.points, window.end_ms - step_ms, window.end_ms);
                }
            }
            if values.len() > MAX_GROUPS {
                let why = format!(
                    "{}: answers more than {MAX_GROUPS} groups; narrow the filter, or name fewer fields in `by`",
                    self.source
                );
                return Err(SourceError::Permanent(why));
            }
        }
        Ok(())
    }
}

/// The last value from one time to before another, of points in order of time.
fn last_in(points: &[Sample], from_ms: i64, before_ms: i64) -> Option<f64> {
    let before = points.partition_point(|point| point.time_ms < before_ms);
    points[..before].last().filter(|point| point.time_ms >= from_ms).map(|point| point.value)
}
