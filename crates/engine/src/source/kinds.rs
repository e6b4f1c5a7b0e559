//! The list of query kinds, and how a query is read.

use lanner_core::field::Field;

use super::query::{Kind, Query};
use super::{formula, influxql, model, opensearch, promql, series, sql, stream, target};
use crate::document::{Check, Node};

/// Every kind of query there is.
pub const KINDS: &[Kind] = &[
    stream::KIND,
    series::KIND,
    target::KIND,
    promql::KIND,
    influxql::KIND,
    sql::KIND,
    opensearch::KIND,
    formula::KIND,
    model::KIND,
];

/// The fields of a query, whichever kind it is of; those that several kinds have stand once.
pub const QUERY: &[Field] = &union::<{ n_different() }>();

/// Checks the `query` of a rule, or a question to the API, which has the same form.
pub fn read_query(node: &Node, path: &str, check: &mut Check) -> Option<Box<dyn Query>> {
    let mut fields = check.map(node, path)?;
    let chosen: Vec<&Kind> = KINDS.iter().filter(|kind| fields.get(kind.name).is_some()).collect();
    let names = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    match chosen[..] {
        [kind] => {
            let query = (kind.read)(&mut fields, check);
            fields.finish_of(kind.fields, check);
            query
        }
        [] => {
            let message =
                format!("should have one of {}, for example {{ stream: payments, measure: count }}", names());
            check.problem(node, path, message);
            None
        }
        _ => {
            check.problem(node, path, format!("has several of {}; a rule has one query", names()));
            None
        }
    }
}

/// Whether a field of this kind, by its place, also stands in an earlier list.
const fn is_repeated(kind: usize, field: usize) -> bool {
    let name = KINDS[kind].fields[field].name;
    let mut before = 0;
    while before < kind {
        let mut at = 0;
        while at < KINDS[before].fields.len() {
            if is_same(KINDS[before].fields[at].name, name) {
                return true;
            }
            at += 1;
        }
        before += 1;
    }
    false
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

const fn n_different() -> usize {
    let (mut n, mut kind) = (0, 0);
    while kind < KINDS.len() {
        let mut field = 0;
        while field < KINDS[kind].fields.len() {
            n += !is_repeated(kind, field) as usize;
            field += 1;
        }
        kind += 1;
    }
    n
}

const fn union<const N: usize>() -> [Field; N] {
    let mut all = [KINDS[0].fields[0]; N];
    let (mut n, mut kind) = (0, 0);
    while kind < KINDS.len() {
        let mut field = 0;
        while field < KINDS[kind].fields.len() {
            if !is_repeated(kind, field) {
                all[n] = KINDS[kind].fields[field];
                n += 1;
            }
            field += 1;
        }
        kind += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_accepted() {
        for kind in KINDS {
            let mut check = Check::default();
            let query = read_query(&Node::from_yaml(kind.example).unwrap(), "query", &mut check);
            assert_eq!(check.problems, [], "{}", kind.name);
            assert_eq!(query.unwrap().kind(), kind.name);
        }
    }

    #[test]
    fn fields_stand_once() {
        let names: Vec<&str> = QUERY.iter().map(|field| field.name).collect();
        let expected = [
            "stream",
            "measure",
            "where",
            "by",
            "series",
            "labels",
            "target",
            "for_each",
            "warm_up",
            "source",
            "promql",
            "influxql",
            "sql",
            "opensearch",
            "filter",
            "time",
            "formula",
            "of",
            "model",
            "columns",
        ];
        assert_eq!(names, expected);
    }
}
