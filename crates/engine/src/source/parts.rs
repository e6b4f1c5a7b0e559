//! Measures by name, of which another query consists: each on a stream or on series, or asked of a source elsewhere, all with the same
//! groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_core::field::Field;

use super::data::{SeriesQuery, StreamQuery};
use super::elsewhere::Elsewhere;
use super::fields::{LABELS, MEASURE, SERIES, STREAM, WHERE};
use super::query::{Query, fingerprint};
use super::{promql, series, sql, stream};
use crate::document::{Check, Content, Key, Node};

/// The fields of a measure.
pub(super) const PART: &[Field] = &[STREAM, SERIES, MEASURE, WHERE, LABELS];

/// What the measures are called where one is wrong.
pub(super) struct Named<'a> {
    pub(super) what: &'a str,
    /// What `by` stands beside, instead of in each of them.
    pub(super) beside: &'a str,
    /// More are refused.
    pub(super) most: usize,
    /// Refuses names.
    pub(super) name: &'a dyn Fn(&str) -> Result<(), String>,
    /// Whether sources elsewhere may be asked.
    pub(super) asks_sources: bool,
}

/// The measures, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) queries: Vec<Box<dyn Query>>,
    pub(super) streams: Vec<Arc<StreamQuery>>,
    pub(super) series: Vec<SeriesQuery>,
}

/// The names of the measures, and the measures.
pub(super) fn read_parts(
    node: &Node,
    path: &str,
    by: &[String],
    named: &Named<'_>,
    check: &mut Check,
) -> Option<(Vec<String>, Parts)> {
    let Content::Map(entries) = &node.content else {
        let message = format!(
            "should be a map of names to {}, for example {{ all: {{ stream: requests, measure: count }} }}",
            named.what
        );
        check.problem(node, path, message);
        return None;
    };
    if entries.is_empty() || entries.len() > named.most {
        check.problem(node, path, format!("should hold 1 to {} {}", named.most, named.what));
        return None;
    }
    let (mut parts, mut is_whole) = (Parts::default(), true);
    for (key, node) in entries {
        let path = format!("{path}.{}", key.name);
        if let Err(message) = (named.name)(&key.name) {
            check.problem(node, &path, message);
        }
        is_whole &= parts.read(node, &path, by, named, check).is_some();
    }
    is_whole.then(|| (entries.iter().map(|(key, _)| key.name.clone()).collect(), parts))
}

impl Parts {
    /// Adds the measure of a node.
    fn read(
        &mut self,
        node: &Node,
        path: &str,
        by: &[String],
        named: &Named<'_>,
        check: &mut Check,
    ) -> Option<()> {
        let mut fields = check.map(node, path)?;
        if let Some(node) = fields.get("by") {
            let message = format!("stands beside {}, once for all {}", named.beside, named.what);
            check.problem(node, &fields.path_of("by"), message);
        }
        let (is_stream, is_series) = (fields.get("stream").is_some(), fields.get("series").is_some());
        let kind = [&promql::KIND, &sql::KIND].into_iter().find(|kind| fields.get(kind.name).is_some());
        if let Some(kind) = kind.filter(|_| named.asks_sources && !is_stream && !is_series) {
            let node = with_by(node, by);
            let mut fields = check.map(&node, path)?;
            let query = (kind.read)(&mut fields, check);
            fields.finish_of(kind.fields, check);
            self.queries.push(query?);
            return Some(());
        }
        match (is_stream, is_series) {
            (true, false) => {
                let query = stream::read_query(&mut fields, by.to_vec(), check);
                fields.finish_of(stream::KIND.fields, check);
                self.streams.push(Arc::clone(query.as_ref()?));
                self.queries.push(Box::new(query?));
            }
            (false, true) => {
                let query = series::read_query(&mut fields, by.to_vec(), check);
                fields.finish_of(series::KIND.fields, check);
                self.series.push(query.clone()?);
                self.queries.push(Box::new(query?));
            }
            _ => {
                let message = if named.asks_sources {
                    "should have one of stream, series, promql and sql, for example { stream: requests, measure: count }"
                } else {
                    "should have either stream or series, for example { stream: requests, measure: count }"
                };
                check.problem(node, path, message);
                return None;
            }
        }
        Some(())
    }
}

/// Measures and the source that answers all of them.
type InSource = (Vec<Box<dyn Query>>, Arc<str>);

/// The measures asked where their streams lie, all of them in one source; `None` where all of them lie here.
///
/// # Errors
/// What cannot be asked there with the same meaning, or that they lie in several places.
pub(super) fn located(queries: &[Box<dyn Query>], streams: &Elsewhere) -> Result<Option<InSource>, Refused> {
    let located = queries.iter().map(|query| query.located(streams)).collect::<Result<Vec<_>, _>>()?;
    if located.iter().all(Option::is_none) {
        return Ok(None);
    }
    let of = |query: &Option<Box<dyn Query>>| query.as_ref().and_then(|query| query.source().cloned());
    let sources: BTreeSet<Option<Arc<str>>> = located.iter().map(of).collect();
    match (sources.len(), sources.into_iter().next().flatten()) {
        (1, Some(source)) => Ok(Some((located.into_iter().flatten().collect(), source))),
        _ => Err(Refused::new(
            "its measures lie in several places",
            "ask all of one source, or measure all of them here; a rule each can measure them apart",
        )),
    }
}

/// A name for a query whose measures are asked elsewhere.
pub(super) fn located_fingerprint(before: u64, parts: &[Box<dyn Query>], by: &[String]) -> u64 {
    let names: Vec<String> = [before]
        .into_iter()
        .chain(parts.iter().map(|part| part.fingerprint()))
        .map(|it| it.to_string())
        .collect();
    let names: Vec<&str> = ["located"].into_iter().chain(names.iter().map(String::as_str)).collect();
    fingerprint(&names, by)
}

/// A query with the labels of its groups, which stand beside all of them.
fn with_by(node: &Node, by: &[String]) -> Node {
    let Content::Map(entries) = &node.content else { return node.clone() };
    let mut entries = entries.clone();
    if !by.is_empty() {
        let labels = by.iter().map(|label| Node::new(node.at, Content::Text(label.clone())));
        let labels = Node::new(node.at, Content::List(labels.collect()));
        entries.push((Key { at: node.at, name: "by".to_owned() }, labels));
    }
    Node::new(node.at, Content::Map(entries))
}
