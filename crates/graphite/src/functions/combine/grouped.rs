//! Grouping by nodes, tags and prefixes of names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::across::{aggregated, groups};
use super::ratio::as_text;
use crate::evaluate::Answer;
use crate::evaluate::{Call, Given};
use crate::expr::Literal;
use crate::nodes::key;
use crate::problem::Problem;
use crate::series::Series;
use crate::tags::tags_of;

/// `groupByNode`.
pub(super) fn by_node(call: &Call<'_>) -> Answer {
    by(call, &call.literals("nodeNum"))
}

/// `groupByNodes`.
pub(super) fn by_nodes(call: &Call<'_>) -> Answer {
    by(call, &call.literals("nodes"))
}

fn by(call: &Call<'_>, nodes: &[Literal]) -> Answer {
    let callback = callback(call)?;
    let groups = groups(call.series("seriesList")?, |series| key(series, nodes));
    groups.into_iter().map(|(key, series)| Ok(one_of(call, series, &callback)?.renamed(key))).collect()
}

fn callback(call: &Call<'_>) -> Result<String, Problem> {
    call.text("callback").ok_or_else(|| call.problem("callback must be a name such as 'sum'"))
}

/// What a function or an aggregate makes of a group: its first series.
fn one_of(call: &Call<'_>, group: Vec<Series>, callback: &str) -> Result<Series, Problem> {
    let Some(function) = call.named(callback) else {
        return aggregated(call, &group, callback, None)?.ok_or_else(|| nothing(call, callback));
    };
    if function.parameters.iter().filter(|parameter| parameter.required).count() > 1 {
        return Err(
            call.problem(format!("{callback}{} needs more than a group of series", function.signature))
        );
    }
    let made = call.ask(function, vec![Given::Series(group)])?;
    made.into_iter().next().ok_or_else(|| nothing(call, callback))
}

fn nothing(call: &Call<'_>, function: &str) -> Problem {
    call.problem(format!("{function} makes nothing of a group of series"))
}

/// `groupByTags`.
pub(super) fn by_tags(call: &Call<'_>) -> Answer {
    let callback = callback(call)?;
    let series = call.series("seriesList")?;
    let tags: Vec<String> = call.literals("tags").iter().map(as_text).collect();
    let by_name = tags.iter().any(|tag| tag == "name");
    let name_of = |series: &Series| series.tags.get("name").cloned().unwrap_or_default();
    let names: BTreeSet<String> = series.iter().map(name_of).collect();
    let common = if names.len() == 1 { names.into_iter().next() } else { None };
    let name = common.unwrap_or_else(|| callback.clone());
    let key = |series: &Series| {
        let value = |tag: &String| format!("{tag}={}", series.tags.get(tag).map_or("", String::as_str));
        let mut parts: Vec<String> = tags.iter().filter(|tag| *tag != "name").map(value).collect();
        parts.sort();
        parts.insert(0, if by_name { name_of(series) } else { name.clone() });
        parts.join(";")
    };
    let one = |(key, group): (String, Vec<Series>)| {
        let mut series = one_of(call, group, &callback)?.called(key);
        series.tags = Arc::new(tags_of(&series.name));
        Ok(series)
    };
    groups(series, key).into_iter().map(one).collect()
}

/// `mapSeries`: groups one after another, for `reduceSeries`.
pub(super) fn map(call: &Call<'_>) -> Answer {
    let nodes = call.literals("mapNodes");
    let groups = groups(call.series("seriesList")?, |series| key(series, &nodes));
    Ok(groups.into_iter().flat_map(|(_, group)| group).collect())
}

/// `reduceSeries`.
pub(super) fn reduce(call: &Call<'_>) -> Answer {
    let name = call.text("reduceFunction").unwrap_or_default();
    let function = call.named(&name).ok_or_else(|| call.problem(format!("there is no function {name}()")))?;
    let matchers: Vec<String> = call.literals("reduceMatchers").iter().map(as_text).collect();
    let place = call.integer("reduceNode").unwrap_or(0);
    let mut found: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<Option<Series>>)> = Vec::new();
    for series in call.series("seriesLists")? {
        let nodes: Vec<&str> = series.name.split('.').collect();
        let index = python_index(nodes.len(), place);
        let Some((index, node)) = index.and_then(|index| Some((index, *nodes.get(index)?))) else {
            return Err(call.problem(format!("{} has no node {place}", series.name)));
        };
        let Some(slot) = matchers.iter().position(|matcher| matcher == node) else { continue };
        let key = format!("{}.reduce.{name}", nodes.get(..index).unwrap_or_default().join("."));
        let group = *found.entry(key.clone()).or_insert(groups.len());
        if group == groups.len() {
            groups.push((key, vec![None; matchers.len()]));
        }
        if let Some(slot) = groups.get_mut(group).and_then(|(_, slots)| slots.get_mut(slot)) {
            *slot = Some(series);
        }
    }
    let one = |(key, slots): (String, Vec<Option<Series>>)| {
        let mut given = Vec::with_capacity(slots.len());
        for (series, matcher) in slots.into_iter().zip(&matchers) {
            let series = series.ok_or_else(|| call.problem(format!("{key}: no series for '{matcher}'")))?;
            given.push(Given::Series(vec![series]));
        }
        let made = call.ask(function, given)?;
        Ok(made.into_iter().next().ok_or_else(|| nothing(call, &name))?.renamed(key))
    };
    groups.into_iter().map(one).collect()
}

/// A place in `n` things, counted from the end where it is negative.
fn python_index(n: usize, place: i64) -> Option<usize> {
    match usize::try_from(place) {
        Ok(index) => Some(index),
        Err(_) => n.checked_sub(usize::try_from(place.checked_neg()?).ok()?),
    }
}

/// `applyByNode`.
pub(super) fn apply_by_node(call: &Call<'_>) -> Answer {
    let series = call.series("seriesList")?;
    let Some(last) = series.last() else { return Ok(Vec::new()) };
    let end = call.integer("nodeNum").unwrap_or(0).saturating_add(1);
    let template = call.text("templateFunction").unwrap_or_default();
    let new_name = call.text("newName").filter(|name| !name.is_empty());
    let prefixes: BTreeSet<String> = series.iter().map(|series| beginning(&series.name, end)).collect();
    let mut results = Vec::new();
    for prefix in prefixes {
        let text = template.replace('%', &prefix);
        let expr = call.scope.parse(&text).map_err(|problems| {
            let why = problems.first().map(ToString::to_string).unwrap_or_default();
            call.problem(format!("'{text}': {why}"))
        })?;
        for mut made in call.scope.evaluate(&expr)? {
            if let Some(name) = &new_name {
                made.name = name.replace('%', &prefix).into();
            }
            made.path_expression = prefix.as_str().into();
            // Graphite has the times of the last series here, for all.
            (made.start_s, made.end_s) = (last.start_s, last.end_s);
            results.push(made);
        }
    }
    Ok(results)
}

/// The nodes of `name` before `end`, which counts from the end where it is negative.
fn beginning(name: &str, end: i64) -> String {
    let nodes: Vec<&str> = name.split('.').collect();
    let end = python_index(nodes.len(), end).unwrap_or(0).min(nodes.len());
    nodes.get(..end).unwrap_or_default().join(".")
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn beginnings() {
        for (end, expected) in
            [(0, ""), (1, "a"), (3, "a.b.c"), (9, "a.b.c"), (-1, "a.b"), (-3, ""), (-9, ""), (i64::MIN, "")]
        {
            assert_eq!(beginning("a.b.c", end), expected, "{end}");
        }
    }
}
