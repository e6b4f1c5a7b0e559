//! InfluxDB's answer to `/query` (version 1): `{"results":[{"series":[{"name":"cpu","columns":["time","mean"],"values":[...]}]}]}`.

use std::collections::BTreeMap;

use lanner_core::{Labels, SeriesKey};
use serde::Deserialize;
use serde_json::Value;

use crate::instant;
use crate::prometheus::json::Series;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Statement>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    series: Vec<Table>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

/// Reads the answer; columns of texts are left out.
pub(super) fn answer(body: &[u8]) -> Result<Vec<Series>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let errors = answer.results.iter().filter_map(|result| result.error.clone());
    if let Some(error) = answer.error.into_iter().chain(errors).next() {
        return Err(format!("InfluxDB answered with an error: {error}"));
    }
    let mut series = Vec::new();
    for table in answer.results.into_iter().flat_map(|result| result.series) {
        series.extend(read(&table)?);
    }
    Ok(series)
}

fn read(table: &Table) -> Result<Vec<Series>, String> {
    let Table { name, tags, columns, values } = table;
    let time_at = columns.iter().position(|column| column == "time");
    let time_at = time_at.ok_or_else(|| format!("{name}: there is no column time"))?;
    let times: Vec<i64> = values
        .iter()
        .map(|row| instant::from_json(row.get(time_at).unwrap_or(&Value::Null)))
        .collect::<Result<_, _>>()
        .map_err(|why| format!("{name}: time: {why}"))?;
    let series = columns.iter().enumerate().filter(|(at, _)| *at != time_at).filter_map(|(at, column)| {
        let number = |row: &Vec<Value>| row.get(at).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let numbers: Vec<f64> = values.iter().map(number).collect();
        let has_numbers = numbers.iter().any(|number| !number.is_nan());
        has_numbers.then(|| (key(name, column, tags), times.iter().copied().zip(numbers).collect()))
    });
    Ok(series.collect())
}

/// As line protocol names it.
fn key(name: &str, column: &str, tags: &BTreeMap<String, String>) -> SeriesKey {
    let name = match (name, column) {
        ("", column) => column.to_owned(),
        (name, "value") => name.to_owned(),
        (name, column) => format!("{name}.{column}"),
    };
    SeriesKey::new(name, Labels::new(tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()))))
}
