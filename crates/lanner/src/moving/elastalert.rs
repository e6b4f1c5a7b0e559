//! Rules of `ElastAlert` 2, one in a file.
//!
//! Source: "Rule Types and Configuration Options" of the documentation of `ElastAlert` 2, release 2.22.

use lanner_core::document::Node;
use serde_json::{Value, json};

use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::prometheus::plain;
use super::span;
use super::tree::{get, items, text, texts, truth};

pub(super) const PROGRAM: Program = Program {
    name: "elastalert",
    about: "rules of ElastAlert 2",
    noun: "rules",
    source: "elasticsearch",
    take,
};

/// How often a rule looks, unless its window is shorter.
const EVERY_MS: i64 = 60_000;

/// The fields of rules of all types.
const RULE: &[Field] = &[
    ("name", Use::Read),
    ("type", Use::Read),
    ("description", Use::Read),
    ("is_enabled", Use::Read),
    ("index", Use::Read),
    ("use_strftime_index", Use::Read),
    ("filter", Use::Read),
    ("timestamp_field", Use::Read),
    ("query_key", Use::Read),
    ("timeframe", Use::Read),
    ("buffer_time", Use::Read),
    ("query_delay", Use::Read),
    // How documents are fetched, not which.
    ("doc_type", Use::Idle),
    ("use_count_query", Use::Idle),
    ("use_terms_query", Use::Idle),
    ("alert", Use::Not("how it notifies is a receiver of Lanner's; name one with --receiver")),
    ("realert", Use::Not("how often it repeats is `repeat` of the receiver")),
    (
        "exponential_realert",
        Use::Not("how often it repeats is `repeat` of the receiver, which does not grow"),
    ),
    ("aggregation", Use::Not("how alerts are joined is `group_by` of the receiver")),
    ("alert_text", Use::Not("its text is left out; write `content`")),
    ("match_enhancements", Use::Not("enhancements are programs, and left out")),
    (
        "limit_execution",
        Use::Not("the rule runs at all hours; write `active`, or `active_time_intervals` of the receiver"),
    ),
];

/// The fields of one type.
fn fields(kind: &str) -> &'static [Field] {
    match kind {
        "frequency" => &[("num_events", Use::Read)],
        "flatline" => &[("threshold", Use::Read)],
        "cardinality" => &[
            ("cardinality_field", Use::Read),
            ("min_cardinality", Use::Read),
            ("max_cardinality", Use::Read),
        ],
        "metric_aggregation" => &[
            ("metric_agg_key", Use::Read),
            ("metric_agg_type", Use::Read),
            ("min_threshold", Use::Read),
            ("max_threshold", Use::Read),
        ],
        "spike" => &[
            ("spike_height", Use::Read),
            ("spike_type", Use::Read),
            ("threshold_ref", Use::Read),
            ("threshold_cur", Use::Not("how much the later window needs has no counterpart")),
        ],
        "spike_aggregation" => &[
            ("spike_height", Use::Read),
            ("spike_type", Use::Read),
            ("threshold_ref", Use::Read),
            ("threshold_cur", Use::Not("how much the later window needs has no counterpart")),
            ("metric_agg_key", Use::Read),
            ("metric_agg_type", Use::Read),
        ],
        "blacklist" => &[("compare_key", Use::Read), ("blacklist", Use::Read)],
        "whitelist" => &[("compare_key", Use::Read), ("whitelist", Use::Read), ("ignore_null", Use::Read)],
        _ => &[],
    }
}

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    let name = text(file, "name").unwrap_or_default();
    let made = converted(file, &name, names, moving);
    if made.is_ok() {
        moving.unread(file, &[RULE, fields(&text(file, "type").unwrap_or_default())], &name);
    }
    moving.entry("rules", &name, made);
}

fn converted(rule: &Node, name: &str, names: &Names, moving: &mut Moving) -> Result<Value, Reason> {
    let at = get(rule, "type").and_then(|node| node.at).or(rule.at);
    let kind = text(rule, "type").ok_or_else(|| (at, "it has no type".to_owned()))?;
    let index = index(rule).ok_or_else(|| (rule.at, "it has no index".to_owned()))?;
    let Found { measure, detector, limits, more } = found(rule, &kind)?;
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
    let window_ms = window_ms(rule, &kind, name, moving);
    let mut document = json!({ "id": moving.id(name), "query": query, "window": span::written(window_ms) });
    if let Some(description) = text(rule, "description") {
        document["description"] = description.into();
    }
    if window_ms > EVERY_MS {
        document["every"] = span::written(EVERY_MS).into();
    }
    if truth(rule, "is_enabled") == Some(false) {
        document["status"] = "inactive".into();
    }
    if let Some(delay_ms) = moving.duration_ms(rule, "query_delay", name) {
        document["delay"] = span::written(delay_ms).into();
    }
    document[detector] = limits;
    if let Some(fields) = document.get_mut("relative") {
        fields["to"] = span::written(window_ms).into();
    }
    document["no_data"] = "ok".into();
    if !names.receivers.is_empty() {
        document["receivers"] = json!(names.receivers);
    }
    Ok(document)
}

/// The indices: where their names have dates, all of them, because queries ask for times anyway.
fn index(rule: &Node) -> Option<String> {
    let index = text(rule, "index")?;
    let dated = truth(rule, "use_strftime_index") == Some(true);
    let (Some(first), Some(last)) = (index.find('%').filter(|_| dated), index.rfind('%')) else {
        return Some(index);
    };
    let (before, after) = (index.get(..first)?, index.get(last..)?.chars().skip(2));
    Some(format!("{before}*{}", after.collect::<String>()))
}

/// The time that is looked at; of the two fields that can say it, the one that the type does not go by is named.
fn window_ms(rule: &Node, kind: &str, name: &str, moving: &mut Moving) -> i64 {
    let mut fields = ["timeframe", "buffer_time"];
    if kind == "metric_aggregation" {
        fields.reverse();
    }
    let mut there = fields.into_iter().filter_map(|field| get(rule, field).map(|node| (field, node)));
    let Some((field, _)) = there.next() else { return EVERY_MS };
    if let Some((other, node)) = there.next() {
        moving.note(node.at, name, format!("{other} is not converted; the window is {field}"));
    }
    moving.duration_ms(rule, field, name).unwrap_or(EVERY_MS)
}

/// What a type of rule counts, and how many are too many.
struct Found {
    measure: String,
    /// `absolute` or `relative`, and its fields, but for the window before, which is as long as this one.
    detector: &'static str,
    limits: Value,
    /// Filters besides those of the rule.
    more: Vec<Value>,
}

impl Found {
    fn counted(limits: Value) -> Self {
        Self::measured("count".to_owned(), limits)
    }

    fn measured(measure: String, limits: Value) -> Self {
        Self { measure, detector: "absolute", limits, more: Vec::new() }
    }
}

fn found(rule: &Node, kind: &str) -> Result<Found, Reason> {
    let need = |name: &str| {
        let node = get(rule, name).ok_or_else(|| (rule.at, format!("{kind} needs {name}")))?;
        node.number().ok_or_else(|| (node.at, format!("{name} is not a number")))
    };
    let key = || text(rule, "compare_key").ok_or_else(|| (rule.at, format!("{kind} needs compare_key")));
    let one_of = |field: String, list: &str| {
        let values = texts(rule, list);
        if let Some(file) = values.iter().find(|value| value.starts_with("!file")) {
            let at = get(rule, list).and_then(|node| node.at);
            return Err((at, format!("{list}: \"{file}\" lies in a file; write its values here")));
        }
        Ok(json!({ "terms": { field: values } }))
    };
    match kind {
        "any" => Ok(Found::counted(json!({ "max": 0 }))),
        // It fires with so many events, a limit when it is passed.
        "frequency" => Ok(Found::counted(json!({ "max": plain(need("num_events")? - 1.0) }))),
        "flatline" => Ok(Found::counted(json!({ "min": plain(need("threshold")?) }))),
        "cardinality" => {
            let field = text(rule, "cardinality_field");
            let field = field.ok_or_else(|| (rule.at, "cardinality needs cardinality_field".to_owned()))?;
            let limits = limits(rule, "min_cardinality", "max_cardinality")?;
            Ok(Found::measured(format!("distinct({field})"), limits))
        }
        "metric_aggregation" => {
            Ok(Found::measured(metric(rule)?, limits(rule, "min_threshold", "max_threshold")?))
        }
        "blacklist" => {
            let more = vec![one_of(key()?, "blacklist")?];
            Ok(Found { more, ..Found::counted(json!({ "max": 0 })) })
        }
        "whitelist" => {
            let field = key()?;
            let mut missing = json!({ "must_not": [one_of(field.clone(), "whitelist")?] });
            if truth(rule, "ignore_null") == Some(true) {
                missing["filter"] = json!([{ "exists": { "field": field } }]);
            }
            Ok(Found { more: vec![json!({ "bool": missing })], ..Found::counted(json!({ "max": 0 })) })
        }
        "spike" => spike(rule, "count".to_owned()),
        "spike_aggregation" => spike(rule, metric(rule)?),
        "new_term" | "change" | "percentage_match" => {
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

/// A window beside the one before it: three times as much is a rise of 200 %.
fn spike(rule: &Node, measure: String) -> Result<Found, Reason> {
    let number = |name: &str| get(rule, name).and_then(Node::number);
    let height = number("spike_height").filter(|height| *height > 1.0);
    let height = height.ok_or_else(|| (rule.at, "spike_height is not a number above 1".to_owned()))?;
    let (rise, drop) = ((height - 1.0) * 100.0, (1.0 - 1.0 / height) * 100.0);
    let mut limits = match text(rule, "spike_type").as_deref() {
        Some("up") => json!({ "rise": percent(rise) }),
        Some("down") => json!({ "drop": percent(drop) }),
        Some("both") => {
            return Err((
                get(rule, "spike_type").and_then(|node| node.at),
                format!(
                    "spike_type: both is two rules here, a rise of {} and a drop of {}",
                    percent(rise),
                    percent(drop)
                ),
            ));
        }
        _ => return Err((rule.at, "spike_type is not up, down or both".to_owned())),
    };
    if let Some(least) = number("threshold_ref") {
        limits["min_base"] = plain(least);
    }
    Ok(Found { detector: "relative", limits, ..Found::measured(measure, Value::Null) })
}

fn percent(share: f64) -> String {
    format!("{}%", plain((share * 100.0).round() / 100.0))
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
