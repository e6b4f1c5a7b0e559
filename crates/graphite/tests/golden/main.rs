//! Answers of the real Graphite (graphite-web 1.1.10), recorded: expression, time range, series.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "recorded cases are read from files and are well formed"
)]

mod memory;

use std::collections::BTreeMap;
use std::io::Read as _;

use jiff::tz::TimeZone;
use lanner_graphite::{Query, Refusal, Series};
use serde_json::Value;

use memory::{Memory, Recorder};

/// One JSON document a line.
fn lines(file: &str) -> Option<Vec<Value>> {
    let path = lanner_testkit::shared_data("graphite")?.join(file);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The families of cases that pass; every family, once all is there.
#[test]
fn answers_are_those_of_graphite() {
    let (Some(series), Some(cases)) = (lines("series.jsonl.gz"), lines("cases.jsonl.gz")) else { return };
    let datasets = memory::datasets(&series);
    let only = std::env::var("LANNER_CASES").unwrap_or_default();
    let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut passed = 0;
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let family = case["family"].as_str().unwrap();
        if !only.is_empty() && !only.split(',').any(|wanted| wanted == family || wanted == id) {
            continue;
        }
        match compare(&case, &datasets[case["dataset"].as_str().unwrap()]) {
            Ok(()) => passed += 1,
            Err(why) => {
                failed.entry(family.to_owned()).or_default().push(format!("{id} {}: {why}", case["target"]));
            }
        }
    }
    let n_failed: usize = failed.values().map(Vec::len).sum();
    for (family, cases) in &failed {
        eprintln!("{family}: {} failed\n  {}", cases.len(), cases.join("\n  "));
    }
    assert!(failed.is_empty(), "{n_failed} cases failed, {passed} passed");
}

fn compare(case: &Value, data: &Memory) -> Result<(), String> {
    let status = case["master"]["status"].as_i64().unwrap_or(case["status"].as_i64().unwrap());
    let recorder = Recorder::new(data);
    let answer = answer(case, &recorder);
    if status != 200 {
        return answer.map_or(Ok(()), |series| {
            Err(format!("refused by Graphite, but answered with {} series", series.len()))
        });
    }
    let answer = answer?;
    let expected = case["master"]["expected"].as_array().or(case["expected"].as_array()).unwrap();
    let names = |series: Vec<&str>| format!("{} series: {}", series.len(), series.join(" "));
    if answer.len() != expected.len() {
        return Err(format!(
            "{}, not {}",
            names(answer.iter().map(|series| &*series.name).collect()),
            names(expected.iter().map(|series| series["target"].as_str().unwrap()).collect())
        ));
    }
    let tolerance = Tolerance {
        absolute: 1e-9 * recorder.largest(),
        no_null_points: !case["params"]["noNullPoints"].is_null(),
        noise: case["target"].as_array().unwrap().iter().any(|target| {
            ["stdev(const.big", "stdev(const.seven"]
                .iter()
                .any(|noisy| target.as_str().unwrap().contains(noisy))
        }),
    };
    answer.iter().zip(expected).try_for_each(|(series, expected)| same(series, expected, &tolerance))
}

/// How near a value must be: 1e-9 of itself, or of the largest value that was read.
struct Tolerance {
    absolute: f64,
    /// Whether the client wants nothing of what is missing.
    no_null_points: bool,
    /// The deviation of what is nearly constant: Graphite's own answer is noise of rounding.
    noise: bool,
}

impl Tolerance {
    fn near(&self, value: f64, expected: Option<f64>) -> bool {
        match expected {
            _ if self.noise => value.is_nan() || value.abs() < 1e-6,
            None => value.is_nan(),
            Some(expected) => {
                value == expected || (value - expected).abs() <= 1e-9 * expected.abs() + self.absolute
            }
        }
    }
}

fn answer(case: &Value, source: &Recorder<'_>) -> Result<Vec<Series>, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given = |name: &str| case["params"].get(name).map(text);
    let targets = case["target"].as_array().unwrap().iter().map(text).collect();
    let mut query = Query::new(targets, case["now"].as_i64().unwrap());
    query.from = Some(text(&case["from"]));
    query.until = Some(text(&case["until"]));
    query.zone = TimeZone::get(&given("tz").unwrap_or("UTC".to_owned())).unwrap();
    query.max_data_points = given("maxDataPoints").map(|points| points.parse().unwrap());
    query.x_files_factor = given("xFilesFactor").map_or(0.0, |factor| factor.parse().unwrap());
    query.no_null_points = given("noNullPoints").is_some();
    let refused =
        |refusals: Vec<Refusal>| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Ok(query.datapoints(query.answer(source).map_err(refused)?))
}

fn same(series: &Series, expected: &Value, tolerance: &Tolerance) -> Result<(), String> {
    let name = expected["target"].as_str().unwrap();
    if *series.name != *name {
        return Err(format!("called {}, not {name}", series.name));
    }
    let tags = serde_json::to_value(&*series.tags).unwrap();
    let as_text = |tags: &Value| -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        tags.as_object().unwrap().iter().map(|(tag, value)| (tag.clone(), text(value))).collect()
    };
    if as_text(&tags) != as_text(&expected["tags"]) {
        return Err(format!("{name}: tags {tags}, not {}", expected["tags"]));
    }
    if tolerance.no_null_points {
        return same_points(series, &points(expected), tolerance);
    }
    let values: Vec<Option<f64>> = expected["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
    if Some(series.start_s) != expected["start"].as_i64() && !values.is_empty() {
        return Err(format!("{name}: starts at {}, not {}", series.start_s, expected["start"]));
    }
    if values.len() > 1 && Some(series.step_s) != expected["step"].as_i64() {
        return Err(format!("{name}: step {}, not {}", series.step_s, expected["step"]));
    }
    if series.values.len() != values.len() {
        return Err(format!("{name}: {} values, not {}", series.values.len(), values.len()));
    }
    for (i, (value, expected)) in series.values.iter().zip(values).enumerate() {
        if !tolerance.near(*value, expected) {
            return Err(format!("{name}: value {i} is {value}, not {expected:?}"));
        }
    }
    Ok(())
}

/// Values and times: irregular, or from a start at a step.
fn points(expected: &Value) -> Vec<(Option<f64>, Option<i64>)> {
    if let Some(points) = expected["datapoints"].as_array() {
        return points.iter().map(|point| (point[0].as_f64(), point[1].as_i64())).collect();
    }
    let (start, step) = (expected["start"].as_i64().unwrap(), expected["step"].as_i64().unwrap_or(0));
    let values = expected["values"].as_array().unwrap();
    (0..).zip(values).map(|(i, value)| (value.as_f64(), Some(start + i * step))).collect()
}

/// Values with their times, those that are missing left out.
fn same_points(
    series: &Series,
    expected: &[(Option<f64>, Option<i64>)],
    tolerance: &Tolerance,
) -> Result<(), String> {
    let times = (0..).map(|i| series.start_s + i * series.step_s);
    let points: Vec<(f64, i64)> =
        series.values.iter().copied().zip(times).filter(|(value, _)| !value.is_nan()).collect();
    if points.len() != expected.len() {
        return Err(format!("{}: {} points, not {}", series.name, points.len(), expected.len()));
    }
    points.iter().zip(expected).try_for_each(|((value, time), (wanted, at))| {
        if tolerance.near(*value, *wanted) && Some(*time) == *at {
            return Ok(());
        }
        Err(format!("{}: {value} at {time}, not {wanted:?} at {at:?}", series.name))
    })
}
