//! Queries that another server answers, in a language of its own.
//!
//! Each series of the answer is a group, and its value in a window is the last one there. Windows that touch are asked
//! for in one request.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lanner_core::{
    Answer, Ask, Group, Instants, Labels, Readings, RemoteAsk, RemoteSeries, Sample, SourceError, TimeRange,
    WindowQuery,
};

use super::data::Data;
use super::gather::readings;
use super::query::{Query, fingerprint};
use super::runs::{Run, by_length, runs};
use crate::measure::stream::MAX_GROUPS;

/// A query for a source elsewhere.
#[derive(Debug, Clone)]
pub(super) struct RemoteQuery {
    kind: &'static str,
    source: Arc<str>,
    text: Arc<str>,
    names: Names,
    bounds: Bounds,
    /// The labels of groups.
    by: Vec<String>,
    fingerprint: u64,
}

/// Who says which window is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bounds {
    /// The server evaluates the query at given times; the last value in a window is the window's.
    Instants,
    /// The query, which is asked with each window's bounds in it.
    InQuery,
}

/// What the groups are called that series form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// As the series: their names are the values of the one label in `by`.
    Series,
    /// By those of the series' labels that are in `by`; `*` stands for all.
    Labels,
}

impl RemoteQuery {
    /// `text`, in the language of `kind`, for `source`.
    pub(super) fn new(kind: &'static str, source: &str, text: &str, names: Names, by: Vec<String>) -> Self {
        let fingerprint = fingerprint(&[kind, source, text], &by);
        let bounds = Bounds::Instants;
        Self { kind, source: source.into(), text: text.into(), names, bounds, by, fingerprint }
    }

    /// `text` in a language in which it names the bounds of the window that it is asked for.
    pub(super) fn bounded(kind: &'static str, source: &str, text: &str, by: Vec<String>) -> Self {
        Self { bounds: Bounds::InQuery, ..Self::new(kind, source, text, Names::Labels, by) }
    }

    fn group(&self, series: &RemoteSeries) -> Group {
        let is_all = || self.by.iter().any(|name| name == "*");
        let labels = match self.names {
            Names::Series => Labels::new(self.by.first().map(|label| (&**label, &*series.name))),
            Names::Labels if is_all() => series.labels.clone(),
            Names::Labels => {
                let label = |name: &String| Some((name.clone(), series.labels.get(name)?.to_owned()));
                Labels::new(self.by.iter().filter_map(label))
            }
        };
        Group::of(&self.by, labels)
    }

    fn ask(&self, run: &Run) -> RemoteAsk {
        let ends = run.windows.iter().map(|(_, window)| window.end_ms - 1);
        let last_ms = run.range.end_ms - 1;
        let instants = Instants::of(ends).unwrap_or(Instants { first_ms: last_ms, last_ms, step_ms: 1 });
        let query = match (self.bounds, run.windows.first()) {
            (Bounds::InQuery, Some((_, window))) => {
                let query = WindowQuery { query: self.text.to_string(), window_ms: window.length_ms() };
                serde_json::to_string(&query).unwrap_or_default()
            }
            _ => self.text.to_string(),
        };
        RemoteAsk { language: self.kind.to_owned(), query, range: run.range, instants }
    }

    /// The windows that can be asked for together.
    fn runs(&self, windows: &[Option<TimeRange>]) -> Vec<Run> {
        match self.bounds {
            Bounds::Instants => runs(windows),
            Bounds::InQuery => by_length(windows).values().flat_map(|same| runs(same)).collect(),
        }
    }

    /// Where the value of a window lies, of windows that were asked for together. Those that begin in the middle of this one
    /// end a step later.
    fn place(&self, window: TimeRange, run: &Run, ask: &RemoteAsk) -> TimeRange {
        let is_alone = self.bounds == Bounds::Instants || run.windows.len() == 1;
        let length_ms = window.length_ms();
        let length_ms = if is_alone { length_ms } else { ask.instants.step_ms.min(length_ms) };
        TimeRange::new(window.end_ms - length_ms, window.end_ms)
    }

    fn refused(&self, why: &str) -> SourceError {
        SourceError::Permanent(format!("{}: {why}", self.source))
    }

    /// Why an answer does not say one thing of each group, if it does not.
    fn ambiguity(&self, series: &[RemoteSeries]) -> Option<SourceError> {
        if self.names == Names::Series {
            return None; // the last one of a name counts, as Graphite draws it
        }
        let mut groups = HashSet::new();
        let twice =
            series.iter().map(|series| self.group(series)).find(|group| !groups.insert(group.clone()))?;
        let why = match twice {
            Group::Of(_) => {
                format!(
                    "answers several series of {twice}; sum them in the query, or add what tells them apart to `by`"
                )
            }
            _ => format!(
                "answers {} series; name the labels that form groups, for example by: [instance], or sum them in the query",
                series.len()
            ),
        };
        Some(self.refused(&why))
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
        for run in self.runs(&windows) {
            let remote = self.ask(&run);
            let answer = data.fetch(&self.source, &remote)?;
            self.ambiguity(&answer).map_or(Ok(()), Err)?;
            for series in &*answer {
                for (at, window) in &run.windows {
                    // A group exists from its first value on.
                    let place = self.place(*window, &run, &remote);
                    let Some(value) = last_in(&series.points, place) else { continue };
                    let row = values.entry(self.group(series)).or_insert_with(|| vec![None; windows.len()]);
                    row[*at] = Some(value);
                }
                if values.len() > MAX_GROUPS {
                    return Err(self.refused(&format!(
                        "answers more than {MAX_GROUPS} series; narrow the query, or sum them there"
                    )));
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
        let by = vec!["target".to_owned()];
        RemoteQuery::new("target", "berlin", "a.*", Names::Series, by).answer(&ask, &mut record)
    }

    #[test]
    fn an_answer_has_no_more_groups_than_a_rule_may_have() {
        assert_eq!(answer(MAX_GROUPS).map(|readings| readings.groups.len()), Ok(MAX_GROUPS));
        let why = answer(MAX_GROUPS + 1).unwrap_err();
        assert!(!why.is_temporary() && why.to_string().contains("berlin: answers more than"), "{why}");
    }
}
