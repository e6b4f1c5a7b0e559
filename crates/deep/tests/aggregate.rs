//! Aggregation as pandas does it: every case that was recorded from it, on a day of Wazuh's alerts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads the files that were recorded"
)]

use std::collections::HashMap;
use std::io::Read as _;

use lanner_core::time::{format_time, parse_time_ms};
use lanner_deep::{Aggregation, Cell, Feature, Fill, Method};
use serde_json::Value;

/// Text of a gzipped file of the recorded data, if it is there.
fn recorded(name: &str) -> Option<String> {
    let bytes = std::fs::read(lanner_testkit::shared_data("wazuh")?.join(name)).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    Some(text)
}

fn unit_ms(granularity: &str) -> i64 {
    match granularity {
        "30s" => 30_000,
        "1min" => 60_000,
        "5min" => 300_000,
        "1h" => 3_600_000,
        other => panic!("unit {other}"),
    }
}

fn fill(case: &Value) -> Fill {
    match case["fill_na_method"].as_str().unwrap() {
        "Linear" => Fill::Linear,
        "Previous" => Fill::Previous,
        "Subsequent" => Fill::Subsequent,
        "Zero" => Fill::Zero,
        _ => Fill::Fixed(case["padding_value"].as_f64().unwrap()),
    }
}

fn method(name: &str) -> Method {
    match name {
        "average" => Method::Average,
        "max" => Method::Max,
        "min" => Method::Min,
        "count" => Method::Count,
        _ => Method::Sum,
    }
}

/// The columns of a case, each with its field: the longest name of a field that it begins with.
fn features(case: &Value) -> Vec<Feature> {
    let columns = case["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let of = |name: &str| {
        let (field, how) = name.rsplit_once('_').unwrap();
        Feature { name: name.to_owned(), field: field.to_owned(), method: method(how) }
    };
    columns.map(of).collect()
}

#[test]
fn every_recorded_case() {
    let (Some(alerts), Some(cases)) =
        (recorded("sample-alerts-predict-2024-03-01.json.gz"), recorded("aggregation_expected.jsonl.gz"))
    else {
        return;
    };
    let alerts: Value = serde_json::from_str(&alerts).unwrap();
    let hits: Vec<&Value> =
        alerts["hits"]["hits"].as_array().unwrap().iter().map(|hit| &hit["_source"]).collect();
    let mut n_cases: HashMap<String, usize> = HashMap::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut aggregation =
            Aggregation::new(features(&case), unit_ms(case["granularity"].as_str().unwrap()));
        for alert in &hits {
            let time_ms = parse_time_ms(alert["@timestamp"].as_str().unwrap()).unwrap();
            aggregation.add(time_ms, |field| {
                let value = alert.pointer(&format!("/{}", field.replace('.', "/")))?;
                value.as_f64().map(Cell::Number).or_else(|| value.as_str().map(Cell::Text))
            });
        }
        let units = aggregation.finish(fill(&case), None).unwrap().unwrap();
        let about = format!("{} {} {}", case["granularity"], case["fill_na_method"], case["features"]);
        assert_eq!(format_time(units.start_ms), case["start"].as_str().unwrap(), "{about}");
        let rows = case["rows"].as_array().unwrap();
        assert_eq!(
            (units.frame.n_rows(), rows.len() as u64),
            (rows.len(), case["n"].as_u64().unwrap()),
            "{about}"
        );
        for (at, expected) in rows.iter().enumerate() {
            for (found, expected) in units.frame.row(at).iter().zip(expected.as_array().unwrap()) {
                let is_same = match expected.as_f64() {
                    Some(expected) => (f64::from(*found) - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                    None => found.is_nan(),
                };
                assert!(is_same, "{about}, row {at}: {found} is not {expected}");
            }
        }
        *n_cases.entry(case["fill_na_method"].to_string()).or_default() += 1;
    }
    assert_eq!(n_cases.len(), 5, "{n_cases:?}");
}
