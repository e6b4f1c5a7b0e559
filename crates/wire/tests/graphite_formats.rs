//! The formats of `/render`, byte for byte as graphite-web 1.1.10 wrote them over the recorded series.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its data should say so and fail"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use jiff::tz::TimeZone;
use lanner_wire::render::{Rendered, json, text};
use serde_json::Value;

/// A stored series, of the case's dataset.
struct Stored {
    name: String,
    start_s: i64,
    step_s: i64,
    values: Vec<f64>,
    /// Whether the recording server was given whole numbers, which it wrote without `.0`.
    is_whole: bool,
}

fn lines(path: &Path) -> Vec<Value> {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    // The list of functions has Python's `Infinity` in it, which is not JSON, and is not wanted here.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn stored(line: &Value) -> Option<Stored> {
    let values = line["values"].as_array()?;
    Some(Stored {
        name: line["name"].as_str()?.to_owned(),
        start_s: line["start"].as_i64()?,
        step_s: line["step"].as_i64()?,
        values: values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect(),
        is_whole: values.iter().all(|value| value.is_i64() || value.is_null()),
    })
}

/// Whether a path with `*` for whole nodes names the series.
fn matches(pattern: &str, name: &str) -> bool {
    let nodes = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (pattern, name) = (nodes(pattern), nodes(name));
    pattern.len() == name.len() && pattern.iter().zip(&name).all(|(p, n)| p == "*" || p == n)
}

/// Start, end and values of what a store answers for a range: from is not in it, until is.
fn fetch(series: &Stored, from_s: i64, until_s: i64) -> (i64, i64, &[f64]) {
    let step_s = series.step_s;
    let start_s = from_s - from_s % step_s + step_s;
    let end_s = until_s - until_s % step_s + step_s;
    let at = |time_s: i64| ((time_s - series.start_s) / step_s) as usize;
    (start_s, end_s, &series.values[at(start_s)..at(end_s)])
}

fn render(format: &str, jsonp: Option<&str>, series: &[Rendered<'_>]) -> String {
    let mut out = Vec::new();
    match format {
        "json" => json::write(series, &json::Options { jsonp, no_null_points: false }, &mut out),
        "rickshaw" => json::write_rickshaw(series, jsonp, &mut out),
        "dygraph" => json::write_dygraph(series, jsonp, &mut out).unwrap(),
        "csv" => text::write_csv(series, &TimeZone::UTC, &mut out),
        "raw" => text::write_raw(series, &mut out),
        other => panic!("no test of the format {other}"),
    }
    String::from_utf8(out).unwrap()
}

/// `5.0` as `5`: a store of doubles cannot tell them apart.
fn without_point_zero(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(".0") {
        let is_end = !rest[at + 2..].starts_with(|next: char| next.is_ascii_digit());
        kept.push_str(&rest[..if is_end { at } else { at + 2 }]);
        rest = &rest[at + 2..];
    }
    kept + rest
}

#[test]
fn recorded_answers() {
    let Some(folder) = lanner_testkit::shared_data("graphite") else { return };
    let mut datasets: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    for line in lines(&folder.join("series.jsonl.gz")) {
        datasets.entry(line["dataset"].as_str().unwrap().to_owned()).or_default().extend(stored(&line));
    }
    let mut n_cases = 0;
    for case in lines(&folder.join("http.jsonl.gz")) {
        if case["path"] != "/render" || case["status"] != 200 {
            continue;
        }
        let query = &case["query"];
        let number = |name: &str| query[name].as_str().unwrap().parse::<i64>().unwrap();
        let targets = match &query["target"] {
            Value::Array(targets) => targets.iter().map(|target| target.as_str().unwrap()).collect(),
            target => vec![target.as_str().unwrap()],
        };
        let all = &datasets[case["dataset"].as_str().unwrap()];
        let mut chosen: Vec<&Stored> = Vec::new();
        for target in targets {
            let mut found: Vec<&Stored> = all.iter().filter(|series| matches(target, &series.name)).collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            chosen.extend(found);
        }
        let tags: Vec<_> =
            chosen.iter().map(|series| BTreeMap::from([("name".to_owned(), series.name.clone())])).collect();
        let series: Vec<_> = chosen
            .iter()
            .zip(&tags)
            .map(|(series, tags)| {
                let (start_s, end_s, values) = fetch(series, number("from"), number("until"));
                Rendered {
                    start_s,
                    end_s,
                    step_s: series.step_s,
                    ..Rendered::new(&series.name, tags, values)
                }
            })
            .collect();
        let actual = render(query["format"].as_str().unwrap(), query["jsonp"].as_str(), &series);
        let expected = case["text"].as_str().unwrap();
        if chosen.iter().all(|series| series.is_whole) {
            assert_eq!(without_point_zero(&actual), without_point_zero(expected), "{query}");
        } else {
            assert_eq!(actual, expected, "{query}");
        }
        n_cases += 1;
    }
    assert!(n_cases >= 20, "{n_cases}");
}
