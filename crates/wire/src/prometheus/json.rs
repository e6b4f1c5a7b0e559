//! Series as JSON: answers of Prometheus's `query_range` and `query`, and lines of VictoriaMetrics' export.

use std::collections::BTreeMap;
use std::fmt;

use lanner_core::{Labels, SeriesKey};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::series::named;
use super::text;
use crate::instant::within_bounds;

/// A series with its samples: milliseconds since 1970, and values, NaN where there is none.
pub type Series = (SeriesKey, Vec<(i64, f64)>);

/// Reads the answer of `/api/v1/query_range` or `/api/v1/query`, or only the part called `data` or `result`.
///
/// # Errors
/// What Prometheus said instead of an answer, or what is wrong with the text.
///
/// ```
/// let answer = br#"{"status":"success","data":{"resultType":"matrix","result":[
///     {"metric":{"__name__":"up","job":"a"},"values":[[1767225600,"1"],[1767225660.5,"NaN"]]}]}}"#;
/// let series = lanner_wire::prometheus::json::answer(answer)?;
/// assert_eq!(series[0].0.to_string(), r#"up{job="a"}"#);
/// assert_eq!(series[0].1[0], (1_767_225_600_000, 1.0));
/// # Ok::<(), String>(())
/// ```
pub fn answer(body: &[u8]) -> Result<Vec<Series>, String> {
    let failed = |error: serde_json::Error| error.to_string();
    if body.trim_ascii_start().starts_with(b"[") {
        let result: Vec<Found> = serde_json::from_slice(body).map_err(failed)?;
        return result.into_iter().map(Found::read).collect();
    }
    let Answer { data, result, error } = serde_json::from_slice(body).map_err(failed)?;
    let result = match (data, result, error) {
        (Some(Data { result }), ..) | (None, Some(result), _) => result,
        (None, None, Some(error)) => return Err(format!("Prometheus answered with an error: {error}")),
        (None, None, None) => return Err("it holds neither data nor a result".to_owned()),
    };
    result.into_iter().map(Found::read).collect()
}

/// Reads a line of VictoriaMetrics' `/api/v1/export`: `{"metric":{...},"values":[...],"timestamps":[...]}`.
///
/// # Errors
/// What is wrong with the line.
pub fn exported(line: &[u8]) -> Result<Series, String> {
    let Exported { metric, values, timestamps } =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if values.len() != timestamps.len() {
        return Err(format!("{} values, but {} timestamps", values.len(), timestamps.len()));
    }
    let samples = timestamps.into_iter().zip(values).map(|(time_ms, value)| match within_bounds(time_ms) {
        Some(time_ms) => Ok((time_ms, value.0)),
        None => Err(format!("the time {time_ms} ms is outside 1900 to 2200")),
    });
    Ok((key(metric), samples.collect::<Result<_, _>>()?))
}

/// What the series is called. A query such as `sum(rate(x[5m]))` answers with one of which it says nothing.
fn key(metric: BTreeMap<String, String>) -> SeriesKey {
    named(String::new(), metric.into_iter().collect())
        .unwrap_or_else(|| SeriesKey::new("value", Labels::default()))
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    result: Option<Vec<Found>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Found>,
}

/// One series of an answer: with many samples, or as it is now.
#[derive(Deserialize)]
struct Found {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, Number)>,
    value: Option<(f64, Number)>,
}

impl Found {
    fn read(self) -> Result<Series, String> {
        let key = key(self.metric);
        let samples = self.values.into_iter().chain(self.value).map(|(seconds, value)| {
            let time_ms = text::ms_of_seconds(seconds);
            time_ms
                .map(|time_ms| (time_ms, value.0))
                .ok_or_else(|| format!("{key}: the time {seconds} is outside 1900 to 2200"))
        });
        let samples = samples.collect::<Result<_, _>>()?;
        Ok((key, samples))
    }
}

#[derive(Deserialize)]
struct Exported {
    metric: BTreeMap<String, String>,
    values: Vec<Number>,
    timestamps: Vec<i64>,
}

/// A number, as text or not; NaN for null and for what is not finite.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, as text or not")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
        text::value(text).map(Number).ok_or_else(|| E::custom(format!("\"{text}\" is not a number")))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(series: Result<Vec<Series>, String>) -> Result<Vec<String>, String> {
        Ok(series?.iter().map(|(key, samples)| format!("{key} {samples:?}")).collect())
    }

    #[test]
    fn answers() {
        #[track_caller]
        fn check(body: &str, expected: &[&str]) {
            assert_eq!(shown(answer(body.as_bytes())).unwrap(), expected, "{body}");
        }
        let result =
            r#"[{"metric":{"job":"a","__name__":"up"},"values":[[1767225600,"1"],[1767225660.5,"2.5"]]}]"#;
        let expected = [r#"up{job="a"} [(1767225600000, 1.0), (1767225660500, 2.5)]"#];
        check(result, &expected);
        check(&format!(r#"{{"resultType":"matrix","result":{result}}}"#), &expected);
        check(
            &format!(
                r#"{{"status":"success","warnings":["x"],"data":{{"resultType":"matrix","result":{result}}}}}"#
            ),
            &expected,
        );
        check(
            r#"{"data":{"result":[{"metric":{},"value":[1767225600,"7"]}]}}"#,
            &["value [(1767225600000, 7.0)]"],
        );
        check(
            r#"{"data":{"result":[{"metric":{"a":"b"},"values":[[1767225600,"+Inf"],[1767225660,null]]}]}}"#,
            &[r#"{a="b"} [(1767225600000, NaN), (1767225660000, NaN)]"#],
        );
        check(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, &[]);
    }

    #[test]
    fn mistakes() {
        #[track_caller]
        fn check(body: &str, part: &str) {
            let why = answer(body.as_bytes()).map(|_| ()).unwrap_err();
            assert!(why.contains(part), "{body}: {why}");
        }
        check(
            r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
            "with an error: parse error",
        );
        check(r#"{"data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}"#, "\"x\" is not a number");
        check(r#"{"data":{"result":[{"metric":{},"values":[[9e14,"1"]]}]}}"#, "outside 1900 to 2200");
        check(r#"{"status":"success"}"#, "neither data nor a result");
        check(r#"{"data":{"result":[{"metric":{},"values":[[1,"1"]]"#, "EOF while parsing");
    }

    #[test]
    fn exports_of_victoria_metrics() {
        let line =
            r#"{"metric":{"__name__":"up","job":"a"},"values":[1,null,2.5],"timestamps":[0,60000,120000]}"#;
        let series = exported(line.as_bytes()).map(|one| vec![one]);
        assert_eq!(shown(series).unwrap(), [r#"up{job="a"} [(0, 1.0), (60000, NaN), (120000, 2.5)]"#]);
        assert!(exported(br#"{"metric":{},"values":[1],"timestamps":[]}"#).unwrap_err().contains("1 values"));
    }
}
