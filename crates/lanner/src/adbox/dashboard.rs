//! A dashboard for what a detector sends, as saved objects of OpenSearch Dashboards: one JSON object a line, as its export writes them.
//!
//! It shows what ADBox's tutorial builds by hand: the score beside its threshold, how many units were anomalies, each feature beside what
//! was expected, and the anomalies one by one. Shape: exports of OpenSearch Dashboards 2.x, whose objects 3.x takes as well.

use serde_json::{Value, json};

use super::shipping::stream;
use super::trained::About;

/// Features with a chart of their own: more make a page that nobody reads, and slow.
const MAX_CHARTS: usize = 30;

/// Versions of the objects' shapes, which Dashboards raises by itself.
const VERSIONS: [(&str, &str); 4] =
    [("index-pattern", "7.6.0"), ("visualization", "7.10.0"), ("search", "7.9.3"), ("dashboard", "7.9.3")];

const COLOURS: [&str; 3] = ["#1f77b4", "#d62728", "#7f7f7f"];

/// Width of a dashboard, in its own units.
const WIDTH: usize = 48;

/// The objects of a detector, those that others refer to first.
pub(crate) fn objects(about: &About) -> Vec<Value> {
    let id = |name: &str| format!("lanner-{}-{name}", about.detector_id);
    let name = &about.display_name;
    let pattern = id("index");
    let attributes = json!({ "title": stream(about), "timeFieldName": "timestamp" });
    let mut all = vec![object("index-pattern", &pattern, &attributes, &json!([]))];
    // What is on the dashboard: kind, id, width, height.
    let mut panels: Vec<(&str, String, usize, usize)> = Vec::new();
    let mut show = |object: Value, size: (usize, usize)| {
        let kind = if object["type"] == "search" { "search" } else { "visualization" };
        panels.push((kind, object["id"].as_str().unwrap_or_default().to_owned(), size.0, size.1));
        all.push(object);
    };
    let score = [("anomaly_score", "score"), ("threshold", "threshold")];
    show(chart(&id("score"), &format!("{name}: score and threshold"), &score, about), (36, 14));
    show(count(&id("count"), &format!("{name}: anomalies"), &pattern), (12, 14));
    show(anomalies(&id("anomalies"), &format!("{name}: anomalies one by one"), &pattern), (WIDTH, 14));
    for (nth, feature) in about.feature_names().take(MAX_CHARTS).enumerate() {
        let fields = ["Value", "Expected"].map(|what| format!("{what}_{feature}"));
        let series = [(fields[0].as_str(), "value"), (fields[1].as_str(), "expected")];
        show(chart(&id(&format!("feature-{nth}")), &format!("{name}: {feature}"), &series, about), (24, 11));
        let fields = ["A_Score", "Thresh"].map(|what| format!("{what}_{feature}"));
        let series = [(fields[0].as_str(), "contribution"), (fields[1].as_str(), "threshold of the feature")];
        let title = format!("{name}: contribution of {feature}");
        show(chart(&id(&format!("contribution-{nth}")), &title, &series, about), (24, 11));
    }
    all.push(dashboard(&id("dashboard"), name, &panels));
    all
}

/// The file to import: the objects, and what an export says at its end.
pub(crate) fn ndjson(about: &About) -> String {
    let objects = objects(about);
    let end = json!({ "exportedCount": objects.len(), "missingRefCount": 0, "missingReferences": [] });
    objects.iter().chain([&end]).map(|line| format!("{line}\n")).collect()
}

fn object(kind: &str, id: &str, attributes: &Value, references: &Value) -> Value {
    let version = VERSIONS.iter().find(|(known, _)| *known == kind).map(|(_, version)| *version);
    json!({
        "type": kind, "id": id, "attributes": attributes, "references": references,
        "migrationVersion": { (kind): version },
    })
}

/// Lines over time, each the greatest value of a field.
fn chart(id: &str, title: &str, fields: &[(&str, &str)], about: &About) -> Value {
    let series: Vec<Value> = fields
        .iter()
        .zip(COLOURS)
        .map(|((field, label), colour)| {
            json!({
                "id": format!("{id}-{label}"), "label": label, "color": colour,
                "split_mode": "everything", "chart_type": "line", "line_width": 1, "point_size": 1, "fill": 0,
                "stacked": "none", "separate_axis": 0, "axis_position": "right", "formatter": "number",
                "metrics": [{ "id": format!("{id}-{label}-max"), "type": "max", "field": field }],
            })
        })
        .collect();
    let state = json!({ "title": title, "type": "metrics", "aggs": [], "params": {
        "id": id, "type": "timeseries", "series": series,
        "index_pattern": stream(about), "default_index_pattern": stream(about),
        "time_field": "timestamp", "default_timefield": "timestamp", "interval": "",
        "axis_position": "left", "axis_formatter": "number", "axis_scale": "normal",
        "show_legend": 1, "show_grid": 1, "isModelInvalid": false, "tooltip_mode": "show_all",
    } });
    visualization(
        id,
        title,
        &state,
        &json!({ "query": { "query": "", "language": "kuery" }, "filter": [] }),
        None,
    )
}

/// How many units were anomalies.
fn count(id: &str, title: &str, pattern: &str) -> Value {
    let state = json!({ "title": title, "type": "metric",
        "aggs": [{ "id": "1", "enabled": true, "type": "count", "schema": "metric", "params": { "customLabel": "anomalies" } }],
        "params": { "addTooltip": true, "addLegend": false, "type": "metric", "metric": {
            "percentageMode": false, "useRanges": false, "colorSchema": "Green to Red", "metricColorMode": "None",
            "colorsRange": [{ "from": 0, "to": 10_000 }], "labels": { "show": true }, "invertColors": false,
            "style": { "bgFill": "#000", "bgColor": false, "labelColor": false, "subText": "", "fontSize": 60 },
        } },
    });
    visualization(id, title, &state, &of_anomalies(), Some(pattern))
}

/// The anomalies, the latest first.
fn anomalies(id: &str, title: &str, pattern: &str) -> Value {
    let attributes = json!({
        "title": title, "description": "", "hits": 0, "version": 1,
        "columns": ["anomaly_score", "threshold"], "sort": [["timestamp", "desc"]],
        "kibanaSavedObjectMeta": { "searchSourceJSON": of_anomalies().to_string() },
    });
    object("search", id, &attributes, &json!([index_reference(pattern)]))
}

/// Selects units that were anomalies.
fn of_anomalies() -> Value {
    json!({ "query": { "query": "is_anomaly: true", "language": "kuery" }, "filter": [],
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index" })
}

fn index_reference(pattern: &str) -> Value {
    json!({ "name": "kibanaSavedObjectMeta.searchSourceJSON.index", "type": "index-pattern", "id": pattern })
}

fn visualization(id: &str, title: &str, state: &Value, source: &Value, pattern: Option<&str>) -> Value {
    let attributes = json!({
        "title": title, "description": "", "version": 1, "visState": state.to_string(), "uiStateJSON": "{}",
        "kibanaSavedObjectMeta": { "searchSourceJSON": source.to_string() },
    });
    let references: Vec<Value> = pattern.map(index_reference).into_iter().collect();
    object("visualization", id, &attributes, &references.into())
}

/// Panels from left to right and from top to bottom.
fn dashboard(id: &str, name: &str, panels: &[(&str, String, usize, usize)]) -> Value {
    let (mut x, mut y, mut row_height) = (0, 0, 0);
    let (mut placed, mut references) = (Vec::new(), Vec::new());
    for (nth, (kind, panel, width, height)) in panels.iter().enumerate() {
        if x + width > WIDTH {
            (x, y, row_height) = (0, y + row_height, 0);
        }
        let (index, reference) = (nth.to_string(), format!("panel_{nth}"));
        placed.push(json!({
            "panelIndex": index, "panelRefName": reference, "embeddableConfig": {}, "version": "2.11.0",
            "gridData": { "x": x, "y": y, "w": width, "h": height, "i": index },
        }));
        references.push(json!({ "name": reference, "type": kind, "id": panel }));
        (x, row_height) = (x + width, row_height.max(*height));
    }
    let attributes = json!({
        "title": format!("Detector {name}"), "description": "Made by lanner detector dashboard.", "hits": 0, "version": 1,
        "panelsJSON": Value::from(placed).to_string(),
        "optionsJSON": json!({ "hidePanelTitles": false, "useMargins": true }).to_string(),
        "timeRestore": true, "timeFrom": "now-24h", "timeTo": "now",
        "refreshInterval": { "pause": false, "value": 60_000 },
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json!({ "query": { "query": "", "language": "kuery" }, "filter": [] }).to_string(),
        },
    });
    object("dashboard", id, &attributes, &references.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::adbox::shipping::{own, shared};

    fn about() -> About {
        serde_json::from_value(json!({
            "detector_id": "2d36a80a-6d1f-4c3f-a1f1-9b0b27d1ab3e", "display_name": "web \"1\"",
            "created_time": "", "last_updated_time": "", "unit_ms": 60_000, "window_size": 6, "fill": "Zero", "limits": [], "ships": true,
            "features": [
                { "name": "data.cpu_usage_%_average", "field": "data.cpu_usage_%", "method": "average" },
                { "name": "rule.level_count", "field": "rule.level", "method": "count" },
            ],
        }))
        .unwrap()
    }

    /// All fields that the templates of a detector map.
    fn mapped() -> BTreeSet<String> {
        let about = about();
        let columns: Vec<String> = about.feature_names().map(str::to_owned).collect();
        let templates = shared().into_iter().chain(own(&about, &columns));
        let properties =
            templates.filter_map(|(_, body)| body.pointer("/template/mappings/properties").cloned());
        properties
            .flat_map(|fields| fields.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
            .collect()
    }

    fn parsed(text: &Value) -> Value {
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    }

    #[test]
    fn objects_refer_to_each_other_and_to_fields_that_exist() {
        let text = ndjson(&about());
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (end, objects) = lines.split_last().unwrap();
        assert_eq!((end["exportedCount"].as_u64(), objects.len()), (Some(9), 9));
        let (mut known, mapped) = (BTreeSet::new(), mapped());
        let check_field = |field: &Value| {
            let field = field.as_str().unwrap();
            assert!(mapped.contains(field), "{field} is in no template");
        };
        for object in objects {
            let (kind, attributes) = (object["type"].as_str().unwrap(), &object["attributes"]);
            assert!(
                object["migrationVersion"][kind].is_string() && attributes["title"].is_string(),
                "{object}"
            );
            // Only what stands above, so that an import never misses one.
            for reference in object["references"].as_array().unwrap() {
                let to = (reference["type"].to_string(), reference["id"].to_string());
                assert!(known.contains(&to), "{reference}");
            }
            assert!(known.insert((object["type"].to_string(), object["id"].to_string())), "twice: {object}");
            match kind {
                "index-pattern" => check_field(&attributes["timeFieldName"]),
                "visualization" => {
                    let state = parsed(&attributes["visState"]);
                    let series = state["params"]["series"].as_array().cloned().unwrap_or_default();
                    series.iter().for_each(|one| check_field(&one["metrics"][0]["field"]));
                    assert!(
                        parsed(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"].is_object()
                    );
                }
                "search" => attributes["columns"].as_array().unwrap().iter().for_each(check_field),
                _ => check_panels(object),
            }
        }
    }

    /// Every panel has its reference, lies on the page and on no other.
    #[track_caller]
    fn check_panels(dashboard: &Value) {
        let panels = parsed(&dashboard["attributes"]["panelsJSON"]);
        let panels = panels.as_array().unwrap();
        let mut taken = BTreeSet::new();
        for (panel, reference) in panels.iter().zip(dashboard["references"].as_array().unwrap()) {
            assert_eq!(panel["panelRefName"], reference["name"]);
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| panel["gridData"][name].as_u64().unwrap());
            assert!(x + w <= 48, "{panel}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{panel} lies on another");
            }
        }
        assert_eq!((panels.len(), taken.len()), (7, 48 * 14 * 2 + 2 * 48 * 11));
    }
}
