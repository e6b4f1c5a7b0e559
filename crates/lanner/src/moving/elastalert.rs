//! Rules of `ElastAlert` 2, one in a file.
//!
//! Source: "Rule Types and Configuration Options" of the documentation of `ElastAlert` 2, release 2.22.

use lanner_core::document::Node;
use serde_json::{Value, json};

use super::moved::{Moving, Names, Program, Reason};
use super::prometheus::plain;
use super::span;
use super::tree::{get, items, text, texts};

pub(super) const PROGRAM: Program = Program {
    name: "elastalert",
    about: "rules of ElastAlert 2",
    noun: "rules",
    source: "elasticsearch",
    take,
};

/// How often a rule looks, unless its window is shorter.
const EVERY_MS: i64 = 60_000;

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    let name = text(file, "name").unwrap_or_default();
    let made = converted(file, &name, names, moving);
    if made.is_ok() {
        remarks(file, &name, moving);
    }
    moving.entry("rules", &name, made);
}

fn converted(rule: &Node, name: &str, names: &Names, moving: &mut Moving) -> Result<Value, Reason> {
    let at = get(rule, "type").and_then(|node| node.at).or(rule.at);
    let kind = text(rule, "type").ok_or_else(|| (at, "it has no type".to_owned()))?;
    let index = text(rule, "index").ok_or_else(|| (rule.at, "it has no index".to_owned()))?;
    let Found { measure, absolute, more } = found(rule, &kind)?;
    let mut query = json!({ "opensearch": index, "source": names.source, "measure": measure });
    let mut filters: Vec<Value> = items(get(rule, "filter")).into_iter().map(filter).collect();
    filters.extend(more);
    match filters.len() {
        0 => {}
        1 => query["filter"] = filters.remove(0),
        _ => query["filter"] = json!({ "bool": { "filter": filters } }),
    }
    if let Some(field) = text(rule, "timestamp_field").filter(|field| field != "@timestamp") {
        query["time"] = field.into();
    }
    let by = texts(rule, "query_key");
    if !by.is_empty() {
        query["by"] = json!(by);
    }
    let window_ms = get(rule, "timeframe").or_else(|| get(rule, "buffer_time")).and_then(span::of_map);
    let window_ms = window_ms.unwrap_or(EVERY_MS);
    let mut document = json!({ "id": moving.id(name), "query": query, "window": span::written(window_ms) });
    if let Some(description) = text(rule, "description") {
        document["description"] = description.into();
    }
    if window_ms > EVERY_MS {
        document["every"] = span::written(EVERY_MS).into();
    }
    if let Some(delay_ms) = get(rule, "query_delay").and_then(span::of_map) {
        document["delay"] = span::written(delay_ms).into();
    }
    document["absolute"] = absolute;
    document["no_data"] = "ok".into();
    if !names.receivers.is_empty() {
        document["receivers"] = json!(names.receivers);
    }
    Ok(document)
}

/// What a type of rule counts, and how many are too many.
struct Found {
    measure: String,
    absolute: Value,
    /// Filters besides those of the rule.
    more: Vec<Value>,
}

impl Found {
    fn counted(absolute: Value) -> Self {
        Self { measure: "count".to_owned(), absolute, more: Vec::new() }
    }
}

fn found(rule: &Node, kind: &str) -> Result<Found, Reason> {
    let need = |name: &str| {
        let node = get(rule, name).ok_or_else(|| (rule.at, format!("{kind} needs {name}")))?;
        node.number().ok_or_else(|| (node.at, format!("{name} is not a number")))
    };
    let key = || text(rule, "compare_key").ok_or_else(|| (rule.at, format!("{kind} needs compare_key")));
    let one_of = |field: String, list: &str| json!({ "terms": { field: texts(rule, list) } });
    match kind {
        "any" => Ok(Found::counted(json!({ "max": 0 }))),
        // It fires with so many events, a limit when it is passed.
        "frequency" => Ok(Found::counted(json!({ "max": plain(need("num_events")? - 1.0) }))),
        "flatline" => Ok(Found::counted(json!({ "min": plain(need("threshold")?) }))),
        "cardinality" => {
            let field = text(rule, "cardinality_field");
            let field = field.ok_or_else(|| (rule.at, "cardinality needs cardinality_field".to_owned()))?;
            let absolute = limits(rule, "min_cardinality", "max_cardinality")?;
            Ok(Found { measure: format!("distinct({field})"), absolute, more: Vec::new() })
        }
        "metric_aggregation" => {
            let absolute = limits(rule, "min_threshold", "max_threshold")?;
            Ok(Found { measure: metric(rule)?, absolute, more: Vec::new() })
        }
        "blacklist" => {
            let more = vec![one_of(key()?, "blacklist")];
            Ok(Found { more, ..Found::counted(json!({ "max": 0 })) })
        }
        "whitelist" => {
            let field = key()?;
            let mut missing = json!({ "must_not": [one_of(field.clone(), "whitelist")] });
            if text(rule, "ignore_null").as_deref() == Some("true") {
                missing["filter"] = json!([{ "exists": { "field": field } }]);
            }
            Ok(Found { more: vec![json!({ "bool": missing })], ..Found::counted(json!({ "max": 0 })) })
        }
        "spike" | "spike_aggregation" | "new_term" | "change" | "percentage_match" => {
            let at = get(rule, "type").and_then(|node| node.at);
            Err((
                at,
                format!(
                    "the type {kind} has no exact counterpart; see the detectors `automatic`, `band` and `relative`"
                ),
            ))
        }
        other => Err((get(rule, "type").and_then(|node| node.at), format!("the type {other} is not known"))),
    }
}

fn limits(rule: &Node, min: &str, max: &str) -> Result<Value, Reason> {
    let mut limits = json!({});
    for (theirs, ours) in [(min, "min"), (max, "max")] {
        if let Some(limit) = get(rule, theirs).and_then(Node::number) {
            limits[ours] = plain(limit);
        }
    }
    match limits.as_object().is_some_and(serde_json::Map::is_empty) {
        true => Err((rule.at, format!("it needs {min} or {max}"))),
        false => Ok(limits),
    }
}

fn metric(rule: &Node) -> Result<String, Reason> {
    let kind = text(rule, "metric_agg_type").unwrap_or_default();
    let measure = match kind.as_str() {
        "avg" | "min" | "max" | "sum" => kind.as_str(),
        "cardinality" => "distinct",
        "value_count" => return Ok("count".to_owned()),
        other => {
            let at = get(rule, "metric_agg_type").and_then(|node| node.at).or(rule.at);
            return Err((at, format!("the aggregation {other} has no counterpart")));
        }
    };
    let field = text(rule, "metric_agg_key");
    let field = field.ok_or_else(|| (rule.at, "metric_aggregation needs metric_agg_key".to_owned()))?;
    Ok(format!("{measure}({field})"))
}

/// A filter; older rules wrap queries once more.
fn filter(node: &Node) -> Value {
    get(node, "query").filter(|_| super::tree::entries(node).len() == 1).unwrap_or(node).to_json()
}

/// What of a rule that is taken does not come along.
fn remarks(rule: &Node, name: &str, moving: &mut Moving) {
    for (field, why) in [
        ("alert", "how it notifies is a receiver of Lanner's; name one with --receiver"),
        ("realert", "how often it repeats is `repeat` of the receiver"),
        ("aggregation", "how alerts are joined is `group_by` of the receiver"),
        ("alert_text", "its text is left out; write `content`"),
        ("match_enhancements", "enhancements are programs, and left out"),
        ("aggregate_by_match_time", "left out"),
    ] {
        if let Some(node) = get(rule, field) {
            moving.note(node.at, name, format!("{field}: {why}"));
        }
    }
}
