//! Rules on a stream or series that never had data: a misspelled name would be silent for ever.

use std::collections::{BTreeMap, BTreeSet};

use lanner_core::nearest;
use lanner_engine::Rule;
use serde_json::{Map, Value};

use super::service::RuleService;

/// More names than this are not compared with one that is unknown.
const MOST_NAMES: usize = 10_000;

/// What there is to say of the stream or series of a rule, where there is no data of it.
#[must_use]
pub fn of_rule(service: &RuleService, rule: &Rule) -> Option<String> {
    let stream = rule.query.streams().iter().find_map(|query| of_stream(service, &query.stream));
    stream.or_else(|| rule.query.series().iter().find_map(|query| of_series(service, &query.name)))
}

/// The same of the documents of rules, each name once.
#[must_use]
pub fn of_documents(service: &RuleService, rules: &[Value]) -> Vec<String> {
    let mut readers: BTreeMap<(&str, &str), (&str, usize)> = BTreeMap::new();
    for rule in rules {
        let (Some(id), Some(query)) = (rule.get("id").and_then(Value::as_str), rule.get("query")) else {
            continue;
        };
        let parts = query.get("of").and_then(Value::as_object).into_iter().flat_map(Map::values);
        let names = std::iter::once(query).chain(parts).flat_map(|query| {
            ["stream", "series"].into_iter().filter_map(|kind| Some((kind, query.get(kind)?.as_str()?)))
        });
        for name in names.collect::<BTreeSet<_>>() {
            readers.entry(name).or_insert((id, 0)).1 += 1;
        }
    }
    let said = |((kind, name), (id, n)): (_, (&str, usize))| {
        let why = if kind == "stream" { of_stream(service, name) } else { of_series(service, name) }?;
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

fn of_series(service: &RuleService, name: &str) -> Option<String> {
    if !service.store.names(name).is_empty() {
        return None;
    }
    let known = if name.contains('*') { Vec::new() } else { service.store.names("*") };
    let meant = nearest(name, known.iter().take(MOST_NAMES).map(|name| &**name));
    Some(format!("there is no series \"{name}\"{}", hint(meant)))
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}
