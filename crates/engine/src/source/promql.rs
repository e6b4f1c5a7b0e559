//! `promql`: a query in Prometheus' language, which a source under `sources` evaluates at the end of each window.

use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::fields::{BY, read_by};
use super::query::{Kind, Query};
use super::remote::{Names, RemoteQuery};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "promql",
    about: "a query in Prometheus' language, asked of a Prometheus",
    example: "{ promql: 'sum by (job) (rate(http_requests_total[5m]))', source: prod, by: [job] }",
    read,
    fields: &[
        Field::new(
            "promql",
            "'sum by (job) (rate(http_requests_total[5m]))'",
            "a query in Prometheus' language; evaluated at the end of each window",
        ),
        Field::new("source", "prod", "the source under `sources` that evaluates it").of(Type::Id).required(),
        BY,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let text = fields.read("promql", check, |node| match reading::text(node)? {
        text if text.trim().is_empty() => Err("should be a query, for example up".to_owned()),
        text => Ok(text),
    });
    fields.require("source", "prod", check);
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    let by = read_by(fields, check);
    Some(Box::new(RemoteQuery::new(KIND.name, &source?, &text?, Names::Labels, by)))
}
