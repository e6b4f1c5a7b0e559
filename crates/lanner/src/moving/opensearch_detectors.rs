//! Detectors of OpenSearch's plugin for anomaly detection, as its API answers them: `GET _plugins/_anomaly_detection/detectors/ID`, or a search
//! for them.
//!
//! A feature becomes a rule with the detector that needs no parameters. Source: "Anomaly detection API" of OpenSearch's documentation, 2.19.

use lanner_core::document::Node;
use serde_json::{Value, json};

use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::span;
use super::tree::{entries, get, items, text, texts, truth};

pub(super) const PROGRAM: Program = Program {
    name: "opensearch-detectors",
    about: "detectors of OpenSearch's plugin for anomaly detection",
    noun: "features",
    source: "opensearch",
    take,
};

/// How often a feature is measured, where nothing says it.
const DEFAULT_MS: i64 = 60 * MINUTE_MS;

const MINUTE_MS: i64 = 60_000;

/// The fields of a detector.
const DETECTOR: &[Field] = &[
    ("name", Use::Read),
    ("description", Use::Read),
    ("time_field", Use::Read),
    ("indices", Use::Read),
    ("feature_attributes", Use::Read),
    ("filter_query", Use::Read),
    ("detection_interval", Use::Read),
    ("window_delay", Use::Read),
    ("category_field", Use::Read),
    // How it is kept and shown there, and how its forest is built.
    ("detector_type", Use::Idle),
    ("schema_version", Use::Idle),
    ("last_update_time", Use::Idle),
    ("ui_metadata", Use::Idle),
    ("user", Use::Idle),
    ("shingle_size", Use::Idle),
    ("history", Use::Idle),
    ("recency_emphasis", Use::Idle),
    ("frequency", Use::Idle),
    ("result_index", Use::Not("what a rule measured is in its history, and no index")),
    ("custom_result_index", Use::Not("what a rule measured is in its history, and no index")),
    (
        "rules",
        Use::Not(
            "what is too small to be told is left to `alarms_per_week`; or write `direction`, or a second rule with limits",
        ),
    ),
    (
        "imputation_option",
        Use::Not(
            "a count of nothing is 0, and other measures of nothing have no value; `no_data` says what that means",
        ),
    ),
];

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    for detector in detectors(file) {
        let name = text(detector, "name").unwrap_or_default();
        let features = items(get(detector, "feature_attributes"));
        let features: Vec<&Node> =
            features.into_iter().filter(|feature| truth(feature, "feature_enabled") != Some(false)).collect();
        moving.unread(detector, &[DETECTOR], &name);
        if features.is_empty() {
            moving.entry("rules", &name, Err((detector.at, "it has no feature that is enabled".to_owned())));
        }
        if features.len() > 1 {
            let text = "its features are judged one by one; `lanner detector train` makes a detector of all together";
            moving.note(detector.at, &name, text);
        }
        for feature in features {
            let entry = match text(feature, "feature_name") {
                Some(feature) => format!("{name} {feature}"),
                None => name.clone(),
            };
            let made = converted(detector, feature, &entry, names, moving);
            moving.entry("rules", &entry, made);
        }
    }
}

/// The detectors of a file: one, the answer with one, a list of them, or the hits of a search.
fn detectors(file: &Node) -> Vec<&Node> {
    if let Some(hits) = get(file, "hits").and_then(|hits| get(hits, "hits")) {
        return items(Some(hits)).into_iter().filter_map(|hit| get(hit, "_source")).collect();
    }
    items(Some(file)).into_iter().map(|one| get(one, "anomaly_detector").unwrap_or(one)).collect()
}

fn converted(
    detector: &Node,
    feature: &Node,
    entry: &str,
    names: &Names,
    moving: &mut Moving,
) -> Result<Value, Reason> {
    let index = texts(detector, "indices").join(",");
    if index.is_empty() {
        return Err((detector.at, "it has no indices".to_owned()));
    }
    let mut query = json!({ "opensearch": index, "source": names.source, "measure": measure(feature)? });
    // What matches everything filters nothing.
    let filter = get(detector, "filter_query").filter(|filter| get(filter, "match_all").is_none());
    if let Some(filter) = filter.filter(|filter| !entries(filter).is_empty()) {
        query["filter"] = filter.to_json();
    }
    if let Some(field) = text(detector, "time_field").filter(|field| field != "@timestamp") {
        query["time"] = field.into();
    }
    let by = texts(detector, "category_field");
    if !by.is_empty() {
        query["by"] = json!(by);
    }
    let window_ms = period(detector, "detection_interval")?.unwrap_or(DEFAULT_MS);
    let mut document = json!({ "id": moving.id(entry), "query": query, "window": span::written(window_ms) });
    if let Some(description) = text(detector, "description").filter(|text| !text.is_empty()) {
        document["description"] = description.into();
    }
    if let Some(delay_ms) = period(detector, "window_delay")?.filter(|ms| *ms > 0) {
        document["delay"] = span::written(delay_ms).into();
    }
    document["automatic"] = json!({ "alarms_per_week": 1, "direction": "both" });
    document["no_data"] = "keep".into();
    if !names.receivers.is_empty() {
        document["receivers"] = json!(names.receivers);
    }
    Ok(document)
}

/// `{"period": {"interval": 10, "unit": "Minutes"}}`
fn period(detector: &Node, name: &str) -> Result<Option<i64>, Reason> {
    let Some(node) = get(detector, name) else { return Ok(None) };
    let period = get(node, "period").unwrap_or(node);
    let n = get(period, "interval").and_then(Node::number);
    let unit_ms = match text(period, "unit").unwrap_or_else(|| "Minutes".to_owned()).to_lowercase().as_str() {
        "seconds" => 1_000,
        "minutes" => MINUTE_MS,
        "hours" => 60 * MINUTE_MS,
        "days" => 24 * 60 * MINUTE_MS,
        other => return Err((node.at, format!("{name}: the unit {other} is not known"))),
    };
    match n {
        Some(n) if (0.0..=1e6).contains(&n) => Ok(Some((n * unit_ms as f64) as i64)),
        _ => Err((node.at, format!("{name} is no period"))),
    }
}

/// `{"aggregation_query": {"sum_of_it": {"sum": {"field": "value"}}}}`
fn measure(feature: &Node) -> Result<String, Reason> {
    let query = get(feature, "aggregation_query");
    let (at, none) = (feature.at, || "it has no aggregation_query".to_owned());
    let [(_, aggregation)] = query.map(entries).unwrap_or_default() else { return Err((at, none())) };
    let [(kind, of)] = entries(aggregation) else {
        return Err((
            aggregation.at,
            "its aggregation is made of several, which has no counterpart".to_owned(),
        ));
    };
    let field = text(of, "field");
    match (kind.name.as_str(), field) {
        ("value_count", Some(_)) => Ok("count".to_owned()),
        ("cardinality", Some(field)) => Ok(format!("distinct({field})")),
        (name @ ("avg" | "min" | "max" | "sum"), Some(field)) => Ok(format!("{name}({field})")),
        (_, None) => Err((of.at, "its aggregation names no field; scripts have no counterpart".to_owned())),
        (name, _) => Err((kind.at.or(of.at), format!("the aggregation {name} has no counterpart"))),
    }
}
