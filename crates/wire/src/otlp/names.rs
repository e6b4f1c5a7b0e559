//! What series are called: as Prometheus calls them that takes OTLP, by its strategy `UnderscoreEscapingWithSuffixes`.
//!
//! `http.server.request.duration` in `s` is `http_server_request_duration_seconds`, a total ends in `_total`. So rules and
//! dashboards that were written for Prometheus find the same names here.

use std::collections::BTreeMap;

use lanner_core::Labels;
use serde_json::{Map, Value};

use super::data::as_text;

/// What a metric is, as far as its name shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A sum that only grows.
    Total,
    /// A value of now.
    Gauge,
    /// Anything else.
    Other,
}

const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];
const PER: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The name of a metric; `None` where nothing is left of it.
pub(super) fn metric(name: &str, unit: &str, shape: Shape) -> Option<String> {
    let mut words: Vec<&str> = split(name).collect();
    if words.is_empty() {
        return None;
    }
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = clean(word(main, UNITS));
    let per = clean(word(per, PER));
    if !main.is_empty() && !words.contains(&&*main) {
        words.push(&main);
    }
    let per = format!("per_{per}");
    if per.len() > "per_".len() && !words.contains(&&*per) {
        words.push(&per);
    }
    let suffix = match shape {
        Shape::Total => Some("total"),
        // Many that are no gauges say 1 where they count things.
        Shape::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(suffix) = suffix {
        words.retain(|word| *word != suffix);
        words.push(suffix);
    }
    let name = words.join("_");
    Some(if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name })
}

/// The parts of a name that can stay.
fn split(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':')).filter(|word| !word.is_empty())
}

/// What a unit is called; as it is where that is not known, and nothing where it is a remark in braces.
fn word<'a>(unit: &'a str, known: &[(&str, &'a str)]) -> &'a str {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return "";
    }
    known.iter().find(|(short, _)| *short == unit).map_or(unit, |(_, word)| *word)
}

fn clean(unit: &str) -> String {
    split(unit).collect::<Vec<_>>().join("_")
}

/// The name of a label; `None` where nothing is left of it.
pub(super) fn label(name: &str) -> Option<String> {
    let escaped: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if escaped.bytes().all(|byte| byte == b'_') {
        return None;
    }
    Some(if escaped.starts_with(|c: char| c.is_ascii_digit()) { format!("key_{escaped}") } else { escaped })
}

/// Attributes as labels. Values of attributes that come to the same name stand behind one another, as in Prometheus.
fn labels(attributes: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut sorted: Vec<(&String, &Value)> = attributes.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in sorted {
        let Some(name) = label(name) else { continue };
        let text = as_text(value);
        labels.entry(name).and_modify(|all| *all = format!("{all};{text}")).or_insert(text);
    }
    labels
}

/// The labels that a resource gives to its series: `job` and `instance` as in Prometheus, and all of its attributes but those
/// that say how it is measured, or that are others after each restart: each of these would begin new series.
pub(super) fn of_resource(mut attributes: Map<String, Value>) -> BTreeMap<String, String> {
    let mut take =
        |name: &str| attributes.shift_remove(name).map(|value| as_text(&value)).unwrap_or_default();
    let [namespace, name, instance] =
        ["service.namespace", "service.name", "service.instance.id"].map(&mut take);
    attributes.retain(|name, _| !name.starts_with("telemetry.") && !name.starts_with("process."));
    let mut all = labels(&attributes);
    let job = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
    all.extend([("job", job), ("instance", instance)].map(|(name, value)| (name.to_owned(), value)));
    all
}

/// The labels of a data point, on top of those of its resource.
pub(super) fn of_point(resource: &BTreeMap<String, String>, attributes: &Map<String, Value>) -> Labels {
    let resource = resource.iter().map(|(name, value)| (name.clone(), value.clone()));
    Labels::new(resource.chain(labels(attributes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_are_called_as_in_prometheus() {
        #[track_caller]
        fn check(name: &str, unit: &str, shape: Shape, expected: &str) {
            assert_eq!(metric(name, unit, shape).unwrap_or_default(), expected, "{name} in {unit}");
        }
        // Rows of the tests of prometheus/otlptranslator.
        check("requests", "", Shape::Total, "requests_total");
        check("cpu_usage", "1", Shape::Gauge, "cpu_usage_ratio");
        check("items", "1", Shape::Total, "items_total");
        check("response_time", "ms", Shape::Gauge, "response_time_milliseconds");
        check("requests", "1/s", Shape::Gauge, "requests_per_second");
        check("throughput", "By/s", Shape::Gauge, "throughput_bytes_per_second");
        check("custom_metric", "custom_unit", Shape::Gauge, "custom_metric_custom_unit");
        check("custom_metric", "{custom}", Shape::Gauge, "custom_metric");
        check("custom_metric", "By/{custom}", Shape::Gauge, "custom_metric_bytes");
        check("requests_total", "", Shape::Total, "requests_total");
        check("cpu_usage_ratio", "1", Shape::Gauge, "cpu_usage_ratio");
        check("response_time_seconds", "s", Shape::Gauge, "response_time_seconds");
        check("requests", "1/s", Shape::Total, "requests_per_second_total");
        check(
            "metric__with__multiple__underscores",
            "unit__multiple__underscores",
            Shape::Gauge,
            "metric_with_multiple_underscores_unit_multiple_underscores",
        );
        check(
            "custom_metric",
            "unit@with#special/chars",
            Shape::Gauge,
            "custom_metric_unit_with_special_per_chars",
        );
        check("@#$%", "", Shape::Gauge, "");
        check("request_duration", "s", Shape::Other, "request_duration_seconds");
        check("active_connections", "", Shape::Other, "active_connections");
        check("123metric", "", Shape::Gauge, "_123metric");
        check("http.server.request.duration", "s", Shape::Other, "http_server_request_duration_seconds");
        check("", "s", Shape::Total, "");
    }

    #[test]
    fn labels_are_called_as_in_prometheus() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(label(name).unwrap_or_default(), expected, "{name}");
        }
        // Rows of the tests of prometheus/otlptranslator.
        check("label:with:colons", "label_with_colons");
        check("LabelWithCapitalLetters", "LabelWithCapitalLetters");
        check("label!with&special$chars)", "label_with_special_chars_");
        check("label_with_foreign_characters_字符", "label_with_foreign_characters___");
        check("123label", "key_123label");
        check("_label_starting_with_underscore", "_label_starting_with_underscore");
        check("ようこそ", "");
        check("__", "");
        check("", "");
    }

    #[test]
    fn resources_and_attributes_become_labels() {
        #[track_caller]
        fn check(resource: Value, attributes: Value, expected: &str) {
            let map = |value: Value| value.as_object().cloned().unwrap();
            assert_eq!(of_point(&of_resource(map(resource)), &map(attributes)).to_string(), expected);
        }
        check(
            json!({ "service.name": "shop", "service.namespace": "eu", "service.instance.id": "a:1", "host.name": "h",
                "telemetry.sdk.name": "opentelemetry", "process.pid": 7 }),
            json!({ "http.route": "/a", "ok": true, "n": 1.5, "list": ["x"] }),
            r#"{host_name="h",http_route="/a",instance="a:1",job="eu/shop",list="[\"x\"]",n="1.5",ok="true"}"#,
        );
        check(json!({ "service.name": "shop" }), json!({}), r#"{job="shop"}"#);
        check(json!({}), json!({ "a.b": "2", "a_b": "3", "a-b": "1" }), r#"{a_b="1;2;3"}"#);
        check(json!({ "zone": "a" }), json!({ "zone": "b" }), r#"{zone="b"}"#);
    }
}
