//! `formula`: arithmetic over several measures, such as the share of requests that failed.
//!
//! Each measure is a query of its own, on a stream or on series, and is kept and corrected as if it stood alone in a rule:
//! rules that ask for the same share it. The formula is applied to what they come to, group by group and window by
//! window, whoever asks: live, in a replay, or as a question. `by` stands once, so that all have the same groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::{Answer, Ask, Group, Reading, Readings, SeriesKey, TimeRange};

use super::arithmetic::{Expr, is_name};
use super::data::{Data, SeriesQuery, StreamQuery};
use super::elsewhere::Elsewhere;
use super::fields::{BY, read_by};
use super::parts::{Named, PART, Parts, located, located_fingerprint, read_parts};
use super::query::{Kind, Query, fingerprint};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "formula",
    about: "arithmetic over several measures",
    example: "{ formula: failed / all * 100, of: { failed: { stream: requests, measure: count, where: 'status >= 500' }, \
              all: { stream: requests, measure: count } }, by: [path] }",
    read,
    fields: &[
        Field::new(
            "formula",
            "failed / all * 100",
            "numbers and names of measures with `+ - * /` and parentheses; without a value where a measure has none, or where \
             it divides by zero",
        ),
        Field::new(
            "of",
            "{ failed: { stream: requests, measure: count, where: 'status >= 500' }, all: { stream: requests, measure: count } }",
            "the measures by name: each a query with `stream` or `series`, without `by`",
        )
        .of(Type::ByName(&Type::Map(PART))),
        BY,
    ],
};

/// More measures are refused.
const MAX_PARTS: usize = 20;

/// A checked query.
#[derive(Debug)]
struct Formula {
    expr: Expr,
    parts: Vec<Box<dyn Query>>,
    streams: Vec<Arc<StreamQuery>>,
    series: Vec<SeriesQuery>,
    /// Who counts all of them, where that is somebody else.
    source: Option<Arc<str>>,
    by: Vec<String>,
    fingerprint: u64,
}

impl Query for Formula {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.by
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let answers = self.parts.iter().map(|part| part.answer(ask, data)).collect::<Result<Vec<_>, _>>()?;
        let first_data_ms = answers.iter().filter_map(|readings| readings.first_data_ms).max();
        let mut groups: BTreeMap<Group, Vec<Option<Reading>>> = BTreeMap::new();
        for (at, readings) in answers.into_iter().enumerate() {
            for reading in readings.groups {
                let none = || self.parts.iter().map(|_| None).collect();
                let of = groups.entry(reading.group.clone()).or_insert_with(none);
                of[at] = Some(reading);
            }
        }
        let groups = groups.into_iter().map(|(group, of)| self.reading(group, &of, ask.baselines.len()));
        Ok(Readings { groups: groups.collect(), first_data_ms })
    }

    fn value_when_empty(&self) -> Option<f64> {
        self.value(self.parts.iter().map(|part| part.value_when_empty()).collect())
    }

    fn is_seen(&self, value: Option<f64>) -> bool {
        value != self.value_when_empty()
    }

    fn counts(&self) -> bool {
        self.expr.counts(&|at| self.parts[at].counts())
    }

    fn is_total(&self) -> bool {
        self.expr.is_total(&|at| self.parts[at].is_total())
    }

    fn only_grows(&self) -> bool {
        self.expr.only_grows(&|at| self.parts[at].only_grows())
    }

    fn streams(&self) -> &[Arc<StreamQuery>] {
        &self.streams
    }

    fn series(&self) -> &[SeriesQuery] {
        &self.series
    }

    fn source(&self) -> Option<&Arc<str>> {
        self.source.as_ref()
    }

    fn knows_first_data(&self) -> bool {
        self.source.is_none()
    }

    fn located(&self, streams: &Elsewhere) -> Result<Option<Box<dyn Query>>, Refused> {
        let Some((parts, source)) = located(&self.parts, streams)? else { return Ok(None) };
        Ok(Some(Box::new(Self {
            expr: self.expr.clone(),
            fingerprint: located_fingerprint(self.fingerprint, &parts, &self.by),
            parts,
            streams: Vec::new(),
            series: Vec::new(),
            source: Some(source),
            by: self.by.clone(),
        })))
    }

    fn corrected(&self, late: &[(Arc<SeriesKey>, TimeRange)]) -> Option<TimeRange> {
        let corrected = self.parts.iter().filter_map(|part| part.corrected(late));
        corrected.reduce(|all, range| all.hull(range))
    }
}

impl Formula {
    /// What the formula comes to. Of a group of which one measure found something, those that found nothing count it as what
    /// they come to when empty: 0 failed requests of many are none.
    fn value(&self, mut values: Vec<Option<f64>>) -> Option<f64> {
        if values.iter().any(Option::is_some) {
            for (value, part) in values.iter_mut().zip(&self.parts) {
                *value = value.or_else(|| part.value_when_empty());
            }
        }
        self.expr.value(&values)
    }

    fn reading(&self, group: Group, of: &[Option<Reading>], n_baselines: usize) -> Reading {
        let each = |value: &dyn Fn(&Reading) -> Option<f64>| {
            self.value(of.iter().map(|reading| value(reading.as_ref()?)).collect())
        };
        let now = each(&|reading| reading.value);
        let baseline = |at: usize| each(&|reading| reading.baselines.get(at).copied().flatten());
        let mut reading = Reading::new(group, now, (0..n_baselines).map(baseline).collect());
        reading.is_new = of.iter().flatten().any(|reading| reading.is_new);
        reading
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let by = read_by(fields, check);
    let of = fields.require("of", "{ all: { stream: requests, measure: count } }", check);
    let named = Named {
        what: "measures",
        beside: "the formula",
        most: MAX_PARTS,
        name: &checked_name,
        asks_sources: false,
    };
    let parts = of.and_then(|node| read_parts(node, &fields.path_of("of"), &by, &named, check));
    let formula = fields.get("formula");
    let written = formula.map(text).transpose();
    let written = match (written, formula) {
        (Ok(written), _) => written,
        (Err(message), Some(node)) => {
            check.problem(node, &fields.path_of("formula"), message);
            None
        }
        (Err(_), None) => None,
    };
    let (parts, written, node) = (parts?, written?, formula?);
    let (names, parts) = parts;
    let path = fields.path_of("formula");
    let expr = Expr::parse(&written, &names).map_err(|mistake| {
        let message = format!("character {}: {}", mistake.column, mistake.message);
        check.push(node.at, &path, message, mistake.hint);
    });
    let expr = expr.ok()?;
    let used = expr.names();
    for (at, name) in names.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
        check.problem(node, &path, format!("does not use {name}, measure {} of {}", at + 1, names.len()));
    }
    Some(Box::new(Formula::new(expr, &names, parts, by)))
}

/// Names stand in the formula.
fn checked_name(name: &str) -> Result<(), String> {
    let message = "cannot be a name in a formula; write letters, digits and _, a letter first";
    if is_name(name) { Ok(()) } else { Err(message.to_owned()) }
}

impl Formula {
    fn new(expr: Expr, names: &[String], parts: Parts, by: Vec<String>) -> Self {
        let Parts { queries: parts, streams, series } = parts;
        let mut key = vec!["formula".to_owned(), format!("{expr:?}")];
        key.extend(names.iter().cloned());
        key.extend(parts.iter().map(|part| part.fingerprint().to_string()));
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let fingerprint = fingerprint(&key, &by);
        Self { expr, parts, streams, series, source: None, by, fingerprint }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::read_query;
    use super::*;
    use crate::document::Node;

    const FAILED: &str = "failed: { stream: r, measure: count, where: 'status >= 500' }";
    const ALL: &str = "all: { stream: r, measure: count }";

    fn read(text: &str) -> (Option<Box<dyn Query>>, Vec<String>) {
        let mut check = Check::default();
        let query = read_query(&Node::from_yaml(text).unwrap(), "query", &mut check);
        let problem = |problem: &lanner_core::Problem| format!("{}: {}", problem.path, problem.message);
        (query, check.problems.iter().map(problem).collect())
    }

    #[test]
    fn measures_are_those_of_rules_that_ask_for_the_same() {
        let (formula, problems) =
            read(&format!("{{ formula: failed / all, of: {{ {FAILED}, {ALL} }}, by: [path] }}"));
        assert_eq!(problems, Vec::<String>::new());
        let (alone, _) = read("{ stream: r, measure: count, by: [path] }");
        let (formula, alone) = (formula.unwrap(), alone.unwrap());
        assert_eq!(formula.streams()[1].fingerprint, alone.fingerprint());
        assert_ne!(formula.fingerprint(), alone.fingerprint());
        // No requests have no share that failed, and requests of which none failed do.
        assert_eq!((formula.value_when_empty(), formula.is_seen(Some(0.0))), (None, true));
        assert_eq!((formula.counts(), formula.is_total()), (true, false));
        let (other, _) = read(&format!("{{ formula: all / failed, of: {{ {FAILED}, {ALL} }}, by: [path] }}"));
        assert_ne!(formula.fingerprint(), other.unwrap().fingerprint());
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        #[track_caller]
        fn check(formula: &str, of: &str, expected: &[&str]) {
            let (query, problems) = read(&format!("{{ formula: '{formula}', of: {{ {of} }} }}"));
            assert_eq!(problems, expected);
            assert!(query.is_some() || !expected.is_empty());
        }
        let both = format!("{FAILED}, {ALL}");
        check("failed / all", &both, &[]);
        check("faild / all", &both, &["query.formula: character 1: faild is not one of the measures in of"]);
        check("all * 2", &both, &["query.formula: does not use failed, measure 1 of 2"]);
        check("failed / ", &both, &["query.formula: character 10: expected a name, a number or ("]);
        check("1", "", &["query.of: should hold 1 to 20 measures"]);
        let message = "cannot be a name in a formula; write letters, digits and _, a letter first";
        check(
            "1",
            "a-b: { stream: r, measure: count }",
            &[&format!("query.of.a-b: {message}"), "query.formula: does not use a-b, measure 1 of 1"],
        );
        check(
            "a",
            "a: { measure: count }",
            &[
                "query.of.a: should have either stream or series, for example { stream: requests, measure: count }",
            ],
        );
        check(
            "a",
            "a: { stream: r, measure: count, by: [x] }",
            &["query.of.a.by: stands beside the formula, once for all measures"],
        );
        check(
            "a",
            "a: { stream: r, measure: rate }",
            &[
                "query.of.a.measure: rate measures counters, which are series; of the events of a stream write sum(f), or count",
            ],
        );
    }
}
