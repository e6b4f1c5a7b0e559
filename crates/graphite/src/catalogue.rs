//! The list of functions that clients request (`/functions`): JSON made from their table.
//!
//! Editors such as Grafana's read names, parameters and descriptions from here. Written by hand, for its numbers: an
//! infinite default is `1e9999`, which JSON has no other way to say.

use std::fmt::Write as _;

use super::evaluate::Entry;
use super::function::Function;
use super::functions::GROUPS;
use super::number::shortest;
use super::parameter::{Default, Parameter};

/// Where the functions would be in Graphite; clients expect the field.
const MODULE: &str = "graphite.render.functions";

/// Every function by name, or of one `group` only; `by_group` puts them under the groups' names.
///
/// ```
/// use lanner_graphite::catalogue;
/// let all = catalogue::functions(false, None);
/// assert!(all.contains(r#""name":"alias","function":"alias(seriesList, newName)""#));
/// assert!(catalogue::functions(true, Some("Sorting")).starts_with(r#"{"Sorting":{"sortBy":{"#));
/// ```
#[must_use]
pub fn functions(by_group: bool, group: Option<&str>) -> String {
    let groups = GROUPS.iter().filter(|(name, _)| group.is_none_or(|group| group == *name));
    let of_group = |(name, entries): &(&str, &[Entry])| {
        let functions = entries.iter().map(|entry| &entry.function);
        functions.map(|one| format!("{}:{}", text(one.name), info(one, name))).collect::<Vec<_>>()
    };
    let all: Vec<String> = if by_group {
        groups.map(|group| format!("{}:{{{}}}", text(group.0), of_group(group).join(","))).collect()
    } else {
        let mut all: Vec<String> = groups.flat_map(of_group).collect();
        all.sort_unstable();
        all
    };
    format!("{{{}}}", all.join(","))
}

/// One function, if there is one of this name.
///
/// ```
/// use lanner_graphite::catalogue;
/// assert!(catalogue::function("keepLastValue").unwrap().contains(r#""default":1e9999"#));
/// assert!(catalogue::function("nonsense").is_none());
/// ```
#[must_use]
pub fn function(name: &str) -> Option<String> {
    GROUPS.iter().find_map(|(group, entries)| {
        let found = entries.iter().find(|entry| entry.function.name == name);
        found.map(|entry| info(&entry.function, group))
    })
}

fn info(function: &Function, group: &str) -> String {
    let Function { name, signature, about, parameters, .. } = function;
    let parameters: Vec<String> = parameters.iter().map(parameter).collect();
    format!(
        r#"{{"name":{},"function":{},"description":{},"module":{},"group":{},"params":[{}]}}"#,
        text(name),
        text(&format!("{name}{signature}")),
        text(about),
        text(MODULE),
        text(group),
        parameters.join(",")
    )
}

fn parameter(parameter: &Parameter) -> String {
    let Parameter { name, kind, required, multiple, default, options, suggestions } = parameter;
    let mut json = format!(r#"{{"name":{},"type":{}"#, text(name), text(kind.name()));
    let list = |values: &[Default]| values.iter().map(value).collect::<Vec<_>>().join(",");
    let fields = [
        ("required", required.then(|| "true".to_owned())),
        ("multiple", multiple.then(|| "true".to_owned())),
        ("default", default.as_ref().map(value)),
        ("options", (!options.is_empty()).then(|| format!("[{}]", list(options)))),
        ("suggestions", (!suggestions.is_empty()).then(|| format!("[{}]", list(suggestions)))),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            let _ = write!(json, r#","{field}":{value}"#);
        }
    }
    json + "}"
}

fn value(value: &Default) -> String {
    match value {
        Default::None => "null".to_owned(),
        Default::Int(int) => int.to_string(),
        Default::Float(float) if float.is_infinite() => "1e9999".to_owned(),
        Default::Float(float) => shortest(*float),
        Default::Text(string) => text(string),
        Default::Bool(bool) => bool.to_string(),
    }
}

/// A text in quotes.
fn text(plain: &str) -> String {
    let mut quoted = String::with_capacity(plain.len() + 2);
    quoted.push('"');
    for c in plain.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
