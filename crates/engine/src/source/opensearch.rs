//! `opensearch`: a measure on the documents of an index, which OpenSearch or Elasticsearch counts, window by window.

use std::sync::Arc;

use lanner_core::field::{Field, Type};
use lanner_core::reading::{self, text};
use lanner_core::{Answer, Ask, SearchQuery};

use super::counted::Counted;
use super::data::Data;
use super::fields::{BY, MEASURE, index, read_by};
use super::query::{Kind, Query, fingerprint};
use crate::document::{Check, Content, Fields, Node};
use crate::measure::Measure;

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
        let query = |window_ms| {
            let query = SearchQuery { window_ms, ..self.query.clone() };
            serde_json::to_string(&query).unwrap_or_default()
        };
        let counted = Counted {
            source: &self.source,
            language: KIND.name,
            by: &self.query.by,
            nothing: self.value_when_empty(),
            query: &query,
        };
        counted.answer(ask, data)
    }
}
