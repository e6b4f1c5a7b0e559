//! `opensearch`: a measure on the documents of an index, which OpenSearch or Elasticsearch counts, window by window.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::field::{Field, Type};
use lanner_core::reading::{self, text};
use lanner_core::{
    Answer, Ask, Group, Instants, Readings, RemoteAsk, Sample, SearchQuery, SourceError, TimeRange,
};

use super::data::Data;
use super::fields::{BY, MEASURE, read_by};
use super::gather::gather;
use super::query::{Kind, Query, fingerprint};
use super::runs::{Run, by_length, runs};
use crate::document::{Check, Content, Fields, Node};
use crate::measure::Measure;
use crate::measure::stream::MAX_GROUPS;

pub(super) const KIND: Kind = Kind {
    name: "opensearch",
    about: "a measure on the documents of an index, counted by OpenSearch or Elasticsearch",
    example: "{ opensearch: 'payments-*', source: logs, measure: sum(amount), filter: { term: { status: failed } }, by: [bank] }",
    read,
    fields: &[
        Field::new(
            "opensearch",
            "'payments-*'",
            "the index whose documents are measured, or a pattern of indices",
        ),
        Field::new("source", "logs", "the source under `sources` that counts them").of(Type::Id).required(),
        MEASURE,
        Field::new(
            "filter",
            "{ term: { status: failed } }",
            "which documents count: a query in the language of OpenSearch",
        )
        .of(Type::Any),
        Field::new("time", "'@timestamp'", "the field with a document's time").or("@timestamp"),
        BY,
    ],
};

/// A measure on documents elsewhere.
#[derive(Debug, Clone)]
struct Documents {
    source: Arc<str>,
    measure: Measure,
    /// What is asked, without the length of windows.
    query: SearchQuery,
    fingerprint: u64,
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let index = fields.read("opensearch", check, index);
    fields.require("source", "logs", check);
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    fields.require("measure", "count", check);
    let measure = fields.read("measure", check, measure);
    let filter = match fields.get("filter") {
        Some(node) => filter(node, &fields.path_of("filter"), check),
        None => Some(serde_json::Value::Null),
    };
    let time = match fields.get("time") {
        Some(_) => fields.read("time", check, reading::name),
        None => Some("@timestamp".to_owned()),
    };
    let by = read_by(fields, check);
    if by.iter().any(|name| name == "*") {
        let message = "cannot be \"*\" here; name the fields whose values form groups";
        check.problem(fields.node, &fields.path_of("by"), message);
    }
    let measure = measure?;
    let query = SearchQuery {
        index: index?,
        time: time?,
        window_ms: 1,
        measure: measure.to_string(),
        filter: filter?,
        by,
    };
    let source = source?;
    let written = serde_json::to_string(&query).unwrap_or_default();
    let fingerprint = fingerprint(&[KIND.name, &source, &written], &query.by);
    Some(Box::new(Documents { source: source.into(), measure, query, fingerprint }))
}

/// What can be the name of an index, or a pattern of names; it becomes a part of an address.
fn index(node: &Node) -> Result<String, String> {
    let index = reading::name(node)?;
    let is_path = index.chars().all(|c| c == '.');
    let odd = ['/', '\\', '?', '#', '"', '<', '>', '|', ' '];
    if is_path || index.starts_with('_') || index.contains(odd) {
        return Err("should be the name of an index or a pattern, for example payments-*".to_owned());
    }
    Ok(index)
}

fn measure(node: &Node) -> Result<Measure, String> {
    let measure = Measure::of_stream(&text(node)?)?;
    if measure.kind.name == "last" {
        return Err("cannot be last here; use max, or avg".to_owned());
    }
    Ok(measure)
}

fn filter(node: &Node, path: &str, check: &mut Check) -> Option<serde_json::Value> {
    if matches!(node.content, Content::Map(_)) {
        return Some(node.to_json());
    }
    check.problem(node, path, "should be a query as a map, for example { term: { status: failed } }");
    None
}

impl Documents {
    fn ask(&self, run: &Run, window_ms: i64) -> RemoteAsk {
        let ends = run.windows.iter().map(|(_, window)| window.end_ms - 1);
        let last_ms = run.range.end_ms - 1;
        let instants =
            Instants::of(ends).unwrap_or(Instants { first_ms: last_ms, last_ms, step_ms: window_ms });
        let query = SearchQuery { window_ms, ..self.query.clone() };
        let query = serde_json::to_string(&query).unwrap_or_default();
        RemoteAsk { language: KIND.name.to_owned(), query, range: run.range, instants }
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
            for series in &*data.fetch(&self.source, &ask)? {
                let group = Group::of(&self.query.by, series.labels.clone());
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

impl Query for Documents {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.query.by
    }

    fn source(&self) -> Option<&Arc<str>> {
        Some(&self.source)
    }

    fn measure(&self) -> Option<&Measure> {
        Some(&self.measure)
    }

    /// What was written while nobody looked is there all the same.
    fn is_total(&self) -> bool {
        false
    }

    fn value_when_empty(&self) -> Option<f64> {
        self.measure.kind.value_when_empty
    }

    fn knows_first_data(&self) -> bool {
        false
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let windows = ask.windows();
        let mut values = BTreeMap::new();
        for (window_ms, same) in by_length(&windows) {
            self.fill(&same, window_ms, data, &mut values)?;
        }
        let nothing = self.value_when_empty();
        let of = |at: usize| -> Vec<(Group, Option<f64>)> {
            let found = values.iter().filter_map(|(group, row)| Some((group.clone(), Some(row[at]?))));
            found.collect()
        };
        let (now, baselines): (Vec<_>, Vec<_>) = (of(0), (1..windows.len()).map(of).collect());
        // Before the first document everything comes to nothing, which is no reason to compare with it.
        let has_data = |at: usize| values.values().any(|row| row[at].is_some() && row[at] != nothing);
        let known = windows.iter().enumerate().filter(|(at, _)| has_data(*at));
        let first_data_ms = known.filter_map(|(_, window)| window.map(|window| window.start_ms)).min();
        Ok(Readings { groups: gather(ask, nothing, now, &baselines), first_data_ms })
    }
}
