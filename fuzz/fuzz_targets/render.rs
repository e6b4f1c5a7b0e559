//! Series as Graphite answers them: what is written as JSON is JSON, and its numbers read back.
#![no_main]

use std::collections::BTreeMap;

use lanner_wire::render::{Rendered, json, msgpack, pickle, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, i64, i64, i64, u32, Vec<f64>)| {
    let (name, start_s, end_s, step_s, values_per_point, mut values) = input;
    values.retain(|value| !value.is_infinite());
    let tags = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    let series = Rendered { start_s, end_s, step_s, values_per_point, ..Rendered::new(name, &tags, &values) };

    let mut out = Vec::new();
    json::write(&[series], &json::Options::default(), &mut out);
    let answer: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    for (point, value) in answer[0]["datapoints"].as_array().into_iter().flatten().zip(&values) {
        assert_eq!(point[0].as_f64(), (!value.is_nan()).then_some(*value));
    }
    text::write_csv(&[series], &jiff::tz::TimeZone::UTC, &mut out);
    text::write_raw(&[series], &mut out);
    pickle::write(&[series], &mut out);
    msgpack::write(&[series], &mut out);
});
