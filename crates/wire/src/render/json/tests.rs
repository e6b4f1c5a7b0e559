//! The forms of JSON, byte for byte; and that all of them are JSON.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NAN: f64 = f64::NAN;

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

/// A series from `start_s` on, with the step 60.
fn series<'a>(tags: &'a BTreeMap<String, String>, start_s: i64, values: &'a [f64]) -> Rendered<'a> {
    let end_s = start_s + 60 * values.len() as i64;
    Rendered { start_s, end_s, step_s: 60, ..Rendered::new("a", tags, values) }
}

#[test]
fn datapoints() {
    #[track_caller]
    fn check(series: &[Rendered<'_>], no_null_points: bool, expected: &str) {
        let options = Options { no_null_points, jsonp: None };
        assert_eq!(text(|out| write(series, &options, out)), expected);
    }
    let tags = BTreeMap::new();
    let plain = series(&tags, 60, &[1.5, NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    let points = "[1.5, 60], [null, 120], [1e9999, 180], [-1e9999, 240], [-0.0, 300]";
    check(&[plain], false, &format!(r#"[{{"target": "a", "tags": {{}}, "datapoints": [{points}]}}]"#));
    let points = points.replace(" [null, 120],", "");
    check(&[plain], true, &format!(r#"[{{"target": "a", "tags": {{}}, "datapoints": [{points}]}}]"#));
    check(&[series(&tags, 0, &[NAN]), series(&tags, 0, &[])], true, "[]");
    check(&[], false, "[]");
    check(&[series(&tags, 0, &[])], false, "[]");
    // Graphite runs the times to the end and no further, one step later than the last value at most.
    check(
        &[Rendered { end_s: 60, ..plain }],
        false,
        r#"[{"target": "a", "tags": {}, "datapoints": [[1.5, 60]]}]"#,
    );
    check(&[Rendered { end_s: 0, ..plain }], false, r#"[{"target": "a", "tags": {}, "datapoints": []}]"#);
    let wide = Rendered { values_per_point: 5, end_s: 400, ..plain };
    check(&[wide], false, r#"[{"target": "a", "tags": {}, "datapoints": [[1.5, 60], [null, 360]]}]"#);
    // Nothing here overflows.
    check(&[Rendered { step_s: i64::MAX, end_s: i64::MAX, ..plain }], true, &points_of("[1.5, 60]"));
    check(&[Rendered { step_s: 0, end_s: 60, ..plain }], true, &points_of("[1.5, 60]"));

    let tags = BTreeMap::from([
        ("b".to_owned(), "\"\\\n\u{1}".to_owned()),
        ("é".to_owned(), "€😀\u{7f}/".to_owned()),
    ]);
    let expected = "{\"b\": \"\\\"\\\\\\n\\u0001\", \"\\u00e9\": \"\\u20ac\\ud83d\\ude00\u{7f}/\"}";
    let two = [series(&tags, 0, &[1.0]), series(&tags, 0, &[2.0])];
    let one = |value| format!(r#"{{"target": "a", "tags": {expected}, "datapoints": [[{value}, 0]]}}"#);
    check(&two, false, &format!("[{}, {}]", one("1.0"), one("2.0")));

    let jsonp = Options { jsonp: Some("cb"), no_null_points: false };
    assert_eq!(text(|out| write(&[], &jsonp, out)), "cb([])");
}

fn points_of(points: &str) -> String {
    format!(r#"[{{"target": "a", "tags": {{}}, "datapoints": [{points}]}}]"#)
}

#[test]
fn rickshaw() {
    let tags = BTreeMap::new();
    let series = [series(&tags, 60, &[1.5, NAN]), series(&tags, 60, &[])];
    let expected = r#"[{"target": "a", "datapoints": [{"x": 60, "y": 1.5}, {"x": 120, "y": null}]}, {"target": "a", "datapoints": []}]"#;
    assert_eq!(text(|out| write_rickshaw(&series, None, out)), expected);
    assert_eq!(text(|out| write_rickshaw(&[], Some("f"), out)), "f([])");
}

#[test]
fn dygraph() {
    #[track_caller]
    fn check(series: &[Rendered<'_>], expected: &str) {
        assert_eq!(text(|out| write_dygraph(series, None, out).unwrap()), expected);
    }
    let tags = BTreeMap::new();
    check(&[], "{}");
    let first = series(&tags, 0, &[1.0, NAN]);
    check(&[first], r#"{"labels" : ["Time", "a"], "data" : [[0, 1.0], [60000, null]]}"#);
    check(
        &[first, first],
        r#"{"labels" : ["Time", "a", "a"], "data" : [[0, 1.0, 1.0], [60000, null, null]]}"#,
    );
    let coarse = Rendered { step_s: 90, ..series(&tags, 0, &[5.0, 6.0]) };
    let rows = "[0, 1.0, 5.0], [60000, null, null], [90000, null, 6.0]";
    check(&[first, coarse], &format!(r#"{{"labels" : ["Time", "a", "a"], "data" : [{rows}]}}"#));

    let values = vec![1.0; 1_000];
    let apart: Vec<_> = (0..200).map(|at| series(&tags, at * 1_000_000, &values)).collect();
    let mut out = Vec::new();
    let error = write_dygraph(&apart, None, &mut out).unwrap_err();
    assert_eq!((error.n_rows, error.n_series, out.len()), (200_000, 200, 0));
}

proptest! {
    #[test]
    fn what_is_written_is_json(
        name: String,
        values in proptest::collection::vec(any::<f64>(), 0..20),
        (start_s, end_s, step_s, values_per_point) in any::<(i64, i64, i64, u32)>(),
    ) {
        // 1e9999 is JSON, but this reader of it refuses what is no finite number.
        let values: Vec<f64> = values.into_iter().filter(|value| !value.is_infinite()).collect();
        let tags = BTreeMap::from([(name.clone(), name.clone())]);
        let series = Rendered { start_s, end_s, step_s, values_per_point, ..Rendered::new(&name, &tags, &values) };
        let json = |write: &dyn Fn(&mut Vec<u8>)| -> serde_json::Value {
            serde_json::from_str(&text(|out| write(out))).unwrap()
        };
        let points = json(&|out| write(&[series], &Options::default(), out));
        if !values.is_empty() {
            prop_assert_eq!(points[0]["target"].as_str(), Some(name.as_str()));
            prop_assert_eq!(points[0]["tags"][&name].as_str(), Some(name.as_str()));
            for (point, value) in points[0]["datapoints"].as_array().unwrap().iter().zip(&values) {
                prop_assert_eq!(point[0].as_f64(), Some(*value).filter(|value| value.is_finite()));
            }
        }
        json(&|out| write_rickshaw(&[series], None, out));
        json(&|out| write_dygraph(&[series, series], None, out).unwrap());
    }
}
