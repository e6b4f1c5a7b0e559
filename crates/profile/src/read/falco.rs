//! Falco's JSON output (`json_output: true`): the fields that a rule prints, with the rule.

use serde_json::{Map, Value};

use super::event::{HostEvent, add, complete};
use super::instant;

/// Ancestors that are collected into a list.
const MAX_ANCESTORS: usize = 32;

pub(super) fn read(object: &mut Map<String, Value>) -> Result<HostEvent, String> {
    let Some(Value::Object(mut fields)) = object.remove("output_fields") else {
        return Err(
            "has no output_fields, which Falco writes with json_include_output_fields_property: true"
                .to_owned(),
        );
    };
    let time_ms =
        instant::first(object, &["time"]).or_else(|| instant::first(&fields, &["evt.rawtime", "evt.time"]));
    for (name, field) in [
        ("rule", "falco.rule"),
        ("priority", "falco.priority"),
        ("source", "evt.source"),
        ("hostname", "evt.hostname"),
    ] {
        add(&mut fields, field, object.remove(name));
    }
    for (list, parent) in [("proc.aname", "proc.pname"), ("proc.aexepath", "proc.pexepath")] {
        let ancestors = ancestors(&fields, list, parent);
        add(&mut fields, list, ancestors);
    }
    complete(&mut fields);
    Ok(HostEvent { time_ms, fields })
}

/// `proc.pname`, `proc.aname[2]`, `proc.aname[3]`, ... as one list, the nearest first, as far as they are printed.
fn ancestors(fields: &Map<String, Value>, list: &str, parent: &str) -> Option<Value> {
    let indexed = |level: usize| fields.get(&format!("{list}[{level}]"));
    let nearest = fields.get(parent).or_else(|| indexed(1))?;
    let others = (2..MAX_ANCESTORS).map_while(indexed);
    let all = std::iter::once(nearest).chain(others).filter(|name| name.is_string()).cloned();
    Some(Value::Array(all.collect()))
}
