//! Rules on a stream or series that never had data: a misspelled name would be silent for ever.

use std::collections::{BTreeMap, BTreeSet};

use lanner_core::matchers::format_matchers;
use lanner_core::{Labels, MatchOp, Matcher, Node, nearest};
use lanner_engine::Rule;
use serde_json::{Map, Value};

use super::service::RuleService;

/// More names than this are not compared with one that is unknown.
const MOST_NAMES: usize = 10_000;

/// What there is to say of the stream or series of a rule, where there is no data of it.
#[must_use]
pub(crate) fn of_rule(service: &RuleService, rule: &Rule) -> Option<String> {
    let stream = rule.query.streams().iter().find_map(|query| of_stream(service, &query.stream));
    let series =
        || rule.query.series().iter().find_map(|query| of_series(service, &query.name, &query.labels));
    let pattern = || rule.query.for_each().and_then(|pattern| of_pattern(service, pattern));
    stream.or_else(series).or_else(pattern)
}

/// What a query names: a stream, series with some labels, a pattern.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named<'d> {
    Stream(&'d str),
    Series(&'d str, Labels),
    Pattern(&'d str),
}

impl<'d> Named<'d> {
    fn all(query: &'d Value) -> impl Iterator<Item = Self> {
        let text = |field: &str| query.get(field).and_then(Value::as_str);
        let named = [
            text("stream").map(Self::Stream),
            text("series").map(|name| Self::Series(name, labels(query))),
            text("for_each").map(Self::Pattern),
        ];
        named.into_iter().flatten()
    }

    fn why(&self, service: &RuleService) -> Option<String> {
        let equal = |(label, value): (&str, &str)| Matcher {
            label: label.to_owned(),
            op: MatchOp::Equal,
            value: value.to_owned(),
        };
        match self {
            Self::Stream(name) => of_stream(service, name),
            Self::Series(name, labels) => {
                of_series(service, name, &labels.iter().map(equal).collect::<Vec<_>>())
            }
            Self::Pattern(pattern) => of_pattern(service, pattern),
        }
    }
}

fn labels(query: &Value) -> Labels {
    let labels = query.get("labels").and_then(Value::as_object).into_iter().flatten();
    Labels::new(
        labels.filter_map(|(name, value)| Some((name.as_str(), Node::from_json(value).scalar_text()?))),
    )
}

/// The same of the documents of rules, each name once.
#[must_use]
pub(crate) fn of_documents(service: &RuleService, rules: &[Value]) -> Vec<String> {
    let mut readers: BTreeMap<Named<'_>, (&str, usize)> = BTreeMap::new();
    for rule in rules {
        let (Some(id), Some(query)) = (rule.get("id").and_then(Value::as_str), rule.get("query")) else {
            continue;
        };
        let parts = query.get("of").and_then(Value::as_object).into_iter().flat_map(Map::values);
        let names = std::iter::once(query).chain(parts).flat_map(Named::all);
        for name in names.collect::<BTreeSet<_>>() {
            readers.entry(name).or_insert((id, 0)).1 += 1;
        }
    }
    let said = |(name, (id, n)): (Named<'_>, (&str, usize))| {
        let why = name.why(service)?;
        Some(match n {
            1 => format!("rule {id}: {why}"),
            n => format!("rule {id} and {} more: {why}", n - 1),
        })
    };
    readers.into_iter().filter_map(said).collect()
}

fn of_stream(service: &RuleService, stream: &str) -> Option<String> {
    if service.intake.counting.first_ms(stream).is_some() {
        return None;
    }
    let known = service.intake.counting.streams();
    let meant = nearest(stream, known.iter().take(MOST_NAMES).map(|name| &**name));
    Some(format!("there are no events in the stream \"{stream}\"{}", hint(meant)))
}

fn of_series(service: &RuleService, name: &str, labels: &[Matcher]) -> Option<String> {
    if !service.data.names(name).is_empty() {
        // Where the store does not say, there may be some.
        let is_heard =
            labels.is_empty() || service.data.select(name, labels).map_or(true, |found| !found.is_empty());
        let shown = || format!("there is no series \"{name}\" with {{{}}}", format_matchers(labels));
        return (!is_heard).then(shown);
    }
    let known = if name.contains('*') { Vec::new() } else { service.data.names("*") };
    let meant = nearest(name, known.iter().take(MOST_NAMES).map(|name| &**name));
    Some(format!("there is no series \"{name}\"{}", hint(meant)))
}

fn of_pattern(service: &RuleService, pattern: &str) -> Option<String> {
    let is_heard = service.evaluation.has_series(pattern);
    (!is_heard).then(|| format!("there is no series that matches \"{pattern}\""))
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}
