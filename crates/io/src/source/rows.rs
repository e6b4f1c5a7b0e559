//! Rows of a database's answers, each of one window, joined to series: one number is the value, everything else labels.

use std::collections::BTreeMap;

use lanner_core::{Labels, RemoteSeries, Sample};
use serde_json::{Map, Value};

use super::RequestError;

/// The column whose number is the value, where a row has several numbers.
const VALUE: &str = "value";
/// So many values are kept of one answer.
const MAX_POINTS: usize = 10_000_000;

/// The series that rows come to.
#[derive(Debug, Default)]
pub(super) struct Rows {
    series: BTreeMap<Labels, RemoteSeries>,
    n_points: usize,
}

impl Rows {
    /// Adds a row of the window that ends with `time_ms`. Windows come in order.
    pub(super) fn add(&mut self, time_ms: i64, row: &Map<String, Value>) -> Result<(), RequestError> {
        let Some((column, value)) = value(row)? else { return Ok(()) };
        let others = row.iter().filter(|(name, _)| *name != column);
        let labels = Labels::new(others.filter_map(|(name, value)| Some((name.as_str(), label(value)?))));
        self.point(labels, time_ms, value)
    }

    /// Adds the value of a group in the window that ends with `time_ms`.
    pub(super) fn point(&mut self, labels: Labels, time_ms: i64, value: f64) -> Result<(), RequestError> {
        self.n_points += 1;
        if self.n_points > MAX_POINTS {
            let why = "answers too many values for one request; group by less, or ask for a shorter time";
            return Err(RequestError::permanent(why));
        }
        let series = self.series.entry(labels).or_insert_with_key(|labels| RemoteSeries {
            name: String::new(),
            labels: labels.clone(),
            points: Vec::new(),
        });
        if series.points.last().is_some_and(|point| point.time_ms == time_ms) {
            return Err(RequestError::permanent(format!(
                "answers several rows of {} for one window; write a GROUP BY",
                series.labels
            )));
        }
        series.points.push(Sample::new(time_ms, value));
        Ok(())
    }

    pub(super) fn into_series(self) -> Vec<RemoteSeries> {
        self.series.into_values().collect()
    }
}

/// The column with the value; `None` where that is missing, or no finite number.
fn value(row: &Map<String, Value>) -> Result<Option<(&str, f64)>, RequestError> {
    if let Some(value) = row.get(VALUE) {
        return match value {
            Value::Null => Ok(None),
            // How PostgreSQL writes them in JSON.
            Value::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => Ok(None),
            value => match value.as_f64() {
                Some(number) => Ok(Some((VALUE, number))),
                None => Err(RequestError::permanent(format!("answers {value} as value, which is no number"))),
            },
        };
    }
    let numbers: Vec<(&str, f64)> =
        row.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?))).collect();
    match numbers[..] {
        [only] => Ok(Some(only)),
        // An aggregate of nothing.
        [] if row.values().any(Value::is_null) => Ok(None),
        _ => {
            let names: Vec<&str> = row.keys().map(String::as_str).collect();
            let what = if numbers.is_empty() { "no number" } else { "several numbers" };
            Err(RequestError::permanent(format!(
                "answers {what} ({}); call the column with the value `value`",
                names.join(", ")
            )))
        }
    }
}

fn label(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(i64, &str)]) -> Result<Vec<String>, RequestError> {
        let mut all = Rows::default();
        for (time_ms, row) in rows {
            all.add(*time_ms, &serde_json::from_str(row).unwrap())?;
        }
        let points = |series: &RemoteSeries| {
            series
                .points
                .iter()
                .map(|it| format!("{}={}", it.time_ms, it.value))
                .collect::<Vec<_>>()
                .join(" ")
        };
        Ok(all.into_series().iter().map(|series| format!("{} {}", series.labels, points(series))).collect())
    }

    #[test]
    fn rows_become_series() {
        let found = read(&[
            (1, r#"{"bank":"a","n":5}"#),
            (1, r#"{"bank":"b","n":2.5}"#),
            (1, r#"{"bank":null,"n":1}"#),
            (2, r#"{"bank":"a","n":7}"#),
            (2, r#"{"bank":"b","n":null}"#),
            (3, r#"{"value":3,"status":200,"ok":true}"#),
            (4, r#"{"value":"NaN","status":200}"#),
            (5, r#"{"value":null}"#),
        ]);
        let expected =
            ["{} 1=1", r#"{bank="a"} 1=5 2=7"#, r#"{bank="b"} 1=2.5"#, r#"{ok="true",status="200"} 3=3"#];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_is_no_value_is_refused_by_name() {
        #[track_caller]
        fn check(rows: &[(i64, &str)], expected: &str) {
            let why = read(rows).unwrap_err();
            assert!(!why.is_temporary() && why.message.contains(expected), "{why}");
        }
        check(&[(1, r#"{"a":1,"b":2}"#)], "several numbers (a, b)");
        check(&[(1, r#"{"a":"x"}"#)], "no number (a)");
        check(&[(1, r#"{"value":"x"}"#)], r#"answers "x" as value"#);
        check(&[(1, r#"{"a":"x","b":1}"#), (1, r#"{"a":"x","b":2}"#)], r#"several rows of {a="x"}"#);
    }
}
