//! Answers of the real Graphite (graphite-web 1.1.10), recorded: expression, time range, series.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "recorded cases are read from files and are well formed"
)]

mod memory;

use std::collections::BTreeMap;
use std::io::Read as _;

use jiff::tz::TimeZone;
use lanner_series::graphite::{Request, Series, parse_as_graphite};
use serde_json::Value;

use memory::Memory;

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
    let answer = answer(case, data);
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
    let scale = data.largest();
    answer.iter().zip(expected).try_for_each(|(series, expected)| same(series, expected, scale))
}

fn answer(case: &Value, data: &Memory) -> Result<Vec<Series>, String> {
    let time = |field: &str| case[field].as_i64().ok_or(format!("{field} is not a number: {}", case[field]));
    if case.get("params").is_some_and(|params| !params.is_null()) {
        return Err(format!("parameters {}", case["params"]));
    }
    let request = Request::new(data, time("now")?, TimeZone::UTC);
    let mut all = Vec::new();
    for target in case["target"].as_array().unwrap() {
        let expr = parse_as_graphite(target.as_str().unwrap()).map_err(|problems| format!("{problems:?}"))?;
        let series =
            request.evaluate(&expr, time("from")?, time("until")?).map_err(|problem| problem.to_string())?;
        all.extend(series);
    }
    Ok(all)
}

fn same(series: &Series, expected: &Value, scale: f64) -> Result<(), String> {
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
        let near = match expected {
            None => value.is_nan(),
            Some(expected) => (value - expected).abs() <= 1e-9 * expected.abs() + 1e-9 * scale.min(1.0),
        };
        if !near
            && !(name.contains("stdev(const.")
                || (expected.unwrap_or(0.0).abs() < 1e-3
                    && value.abs() < 1e-3
                    && name.contains("stdev(const")))
        {
            return Err(format!("{name}: value {i} is {value}, not {expected:?}"));
        }
    }
    Ok(())
}
