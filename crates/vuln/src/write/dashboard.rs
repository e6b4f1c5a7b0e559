//! A dashboard for OpenSearch Dashboards and Kibana, as the saved objects that both import (NDJSON): findings by severity,
//! host, check, port and time.
//!
//! The index pattern has no field of time, so that findings of reports without times are counted too.

use serde_json::{Value, json};

use super::index::Shape;

/// The fields of documents that pictures count by.
struct Fields {
    severity: &'static str,
    host: &'static str,
    check: &'static str,
    port: &'static str,
    time: &'static str,
}

const ECS: Fields = Fields {
    severity: "vulnerability.severity",
    host: "host.name",
    check: "rule.name",
    port: "destination.port",
    time: "@timestamp",
};

const VULNTOES: Fields =
    Fields { severity: "severity", host: "ip", check: "pluginName", port: "port", time: "time" };

/// The dashboard for documents of a shape in `index`, which may be a pattern: JSON lines for "Saved objects", "Import".
///
/// ```
/// use lanner_vuln::write::{Shape, dashboard};
/// assert_eq!(dashboard(Shape::Ecs, "vulnerabilities").lines().count(), 8);
/// ```
#[must_use]
pub fn dashboard(shape: Shape, index: &str) -> String {
    let fields = match shape {
        Shape::Ecs => ECS,
        Shape::Vulntoes => VULNTOES,
    };
    let pattern = object("index-pattern", &id(index, "pattern"), &json!({"title": index}), &[]);
    let panels = [
        ("Findings", metric()),
        ("By severity", pie(fields.severity)),
        ("Over time", histogram(fields.time, fields.severity)),
        ("Hosts with most findings", table(fields.host, fields.severity)),
        ("Most frequent findings", table(fields.check, fields.severity)),
        ("By port", bars(fields.port)),
    ];
    let pictures = panels.iter().map(|(title, state)| picture(index, title, state));
    let objects: Vec<Value> =
        std::iter::once(pattern).chain(pictures).chain([board(index, &panels)]).collect();
    objects.iter().map(|object| format!("{object}\n")).collect()
}

/// The id of an object: the same for the same index, so that an import takes the place of the one before.
fn id(index: &str, name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("lanner-{}-{name}", index.trim_end_matches('*'))
}

fn object(kind: &str, id: &str, attributes: &Value, references: &[Value]) -> Value {
    json!({"type": kind, "id": id, "attributes": attributes, "references": references})
}

fn reference(kind: &str, id: &str, name: &str) -> Value {
    json!({"type": kind, "id": id, "name": name})
}

/// A visualization. What is in it is JSON in a text, as both programs keep it.
fn picture(index: &str, title: &str, state: &Value) -> Value {
    const SOURCE: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";
    let mut state = state.clone();
    state["title"] = title.into();
    let source = json!({"query": {"query": "", "language": "lucene"}, "filter": [], "indexRefName": SOURCE});
    let attributes = json!({
        "title": format!("Vulnerabilities: {title}"),
        "visState": state.to_string(),
        "uiStateJSON": "{}",
        "description": "",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()},
    });
    let references = vec![reference("index-pattern", &id(index, "pattern"), SOURCE)];
    object("visualization", &id(index, title), &attributes, &references)
}

fn count() -> Value {
    json!({"id": "1", "enabled": true, "type": "count", "schema": "metric", "params": {}})
}

fn terms(at: u32, field: &str, schema: &str, size: u32) -> Value {
    let params = json!({"field": field, "size": size, "order": "desc", "orderBy": "1"});
    json!({"id": at.to_string(), "enabled": true, "type": "terms", "schema": schema, "params": params})
}

fn metric() -> Value {
    json!({"type": "metric", "aggs": [count()], "params": {"addTooltip": true, "type": "metric"}})
}

fn pie(field: &str) -> Value {
    let params = json!({"type": "pie", "isDonut": true, "addLegend": true, "legendPosition": "right"});
    json!({"type": "pie", "aggs": [count(), terms(2, field, "segment", 10)], "params": params})
}

fn histogram(time: &str, split: &str) -> Value {
    let params = json!({"field": time, "interval": "auto", "min_doc_count": 1, "extended_bounds": {}});
    let dates =
        json!({"id": "2", "enabled": true, "type": "date_histogram", "schema": "segment", "params": params});
    json!({
        "type": "histogram",
        "aggs": [count(), dates, terms(3, split, "group", 10)],
        "params": {"type": "histogram", "addLegend": true, "legendPosition": "right"},
    })
}

fn table(field: &str, split: &str) -> Value {
    let params = json!({"perPage": 20, "showTotal": true, "totalFunc": "sum"});
    json!({"type": "table", "aggs": [count(), terms(2, field, "bucket", 50), terms(3, split, "bucket", 10)], "params": params})
}

fn bars(field: &str) -> Value {
    let params = json!({"type": "histogram", "addLegend": false});
    json!({"type": "histogram", "aggs": [count(), terms(2, field, "segment", 20)], "params": params})
}

/// The dashboard itself: two pictures in a row.
fn board(index: &str, pictures: &[(&str, Value)]) -> Value {
    let panel = |at: usize| {
        let grid = json!({"x": at % 2 * 24, "y": at / 2 * 15, "w": 24, "h": 15, "i": at.to_string()});
        json!({"panelIndex": at.to_string(), "gridData": grid, "version": "2.19.0", "embeddableConfig": {}, "panelRefName": format!("panel_{at}")})
    };
    let panels: Vec<Value> = (0..pictures.len()).map(panel).collect();
    let references: Vec<Value> = pictures
        .iter()
        .enumerate()
        .map(|(at, (title, _))| reference("visualization", &id(index, title), &format!("panel_{at}")))
        .collect();
    let source = json!({"query": {"query": "", "language": "lucene"}, "filter": []});
    let attributes = json!({
        "title": "Vulnerabilities",
        "description": "Findings of vulnerability scanners, written by Lanner",
        "hits": 0,
        "panelsJSON": Value::Array(panels).to_string(),
        "optionsJSON": "{\"useMargins\":true,\"hidePanelTitles\":false}",
        "version": 1,
        "timeRestore": false,
        "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()},
    });
    object("dashboard", &id(index, "dashboard"), &attributes, &references)
}
