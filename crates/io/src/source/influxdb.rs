//! `influxdb`: an InfluxDB, asked for `/query` with one statement for each window. The query is a [`WindowQuery`].
//!
//! The events of a stream [become one](super::influxdb_events).
//!
//! Versions 1, 2 and 3 answer there, and so do others that speak the protocol of version 1.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use lanner_core::reading;
use lanner_core::{EventsQuery, Instants, Labels, RemoteAsk, RemoteSeries, Sample, WindowQuery};
use serde::Deserialize;
use serde_json::Value;

use super::endpoint::{AUTH_FIELD, CA_FILE, Endpoint, Server, URL};
use super::influxdb_events::{self, Kinds};
use super::kind::KindConfig;
use super::{Fetch, Fetching, RequestError};
use crate::remote::{Clients, Problem};

const DATABASE: Field =
    Field::new("database", "telegraf", "the database; of InfluxDB 2 the bucket").required();
const POLICY: Field =
    Field::new("retention_policy", "a_year", "the retention policy; by default that of the database");

/// The fields of an `influxdb` source.
pub(super) const FIELDS: &[Field] = &[URL, DATABASE, POLICY, AUTH_FIELD, CA_FILE];

/// So many windows are asked for at once.
const MAX_WINDOWS: u32 = 100;
/// So many points are kept of one answer, pieces and series together: 160 MB.
const MAX_POINTS: usize = 10_000_000;
/// What InfluxDB says of a statement beside one that failed.
const NOT_EXECUTED: &str = "not executed";

/// An `influxdb` source as the operator writes it.
#[derive(Debug)]
struct InfluxDbConfig {
    endpoint: Endpoint,
    database: String,
    policy: Option<String>,
}

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    fields.require(DATABASE.name, DATABASE.example, check);
    let database = fields.read(DATABASE.name, check, reading::name);
    let policy = fields.read(POLICY.name, check, reading::name);
    let endpoint = Endpoint::read(fields, check)?;
    Some(Box::new(InfluxDbConfig { endpoint, database: database?, policy }))
}

impl KindConfig for InfluxDbConfig {
    fn build(&self, clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        let server = self.endpoint.build(clients)?;
        Ok(Box::new(InfluxDb { server, database: self.database.clone(), policy: self.policy.clone() }))
    }
}

struct InfluxDb {
    server: Server,
    database: String,
    policy: Option<String>,
}

impl Fetch for InfluxDb {
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.query(ask))
    }
}

impl InfluxDb {
    async fn query(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let unread = |error| RequestError::permanent(format!("the query cannot be read: {error}"));
        let query = if ask.language == EventsQuery::LANGUAGE {
            let events: EventsQuery = serde_json::from_str(&ask.query).map_err(unread)?;
            let keys = self.keys(&events.table).await?;
            match influxdb_events::query(&events, keys)? {
                Some(query) => query,
                None => return Ok(Vec::new()),
            }
        } else {
            serde_json::from_str(&ask.query).map_err(unread)?
        };
        let mut all = Joined::default();
        for piece in ask.instants.pieces(MAX_WINDOWS) {
            let answer = self.answer(&query, piece).await?;
            if answer.error() == Some(NOT_EXECUTED) {
                // InfluxDB 1 says no more when none of several can be executed; of one it says why.
                let one = Instants { first_ms: piece.last_ms, ..piece };
                refused(self.answer(&query, one).await?.error())?;
            }
            all.add(piece, answer)?;
        }
        Ok(all.series.into_values().collect())
    }

    /// The keys of a measurement by name.
    async fn keys(&self, measurement: &str) -> Result<Kinds, RequestError> {
        let answer = self.ask(&influxdb_events::asks_for_keys(measurement)).await?;
        refused(answer.error())?;
        let rows = answer.results.iter().map(|result| result.series.iter().flat_map(|series| &series.values));
        influxdb_events::kinds(rows)
    }

    /// What the database says of the windows that end with `instants`.
    async fn answer(&self, query: &WindowQuery, instants: Instants) -> Result<Answer, RequestError> {
        self.ask(&statements(query, instants)).await
    }

    async fn ask(&self, statements: &str) -> Result<Answer, RequestError> {
        let mut form = vec![("db", &*self.database), ("epoch", "ms"), ("q", statements)];
        form.extend(self.policy.as_deref().map(|policy| ("rp", policy)));
        let body = self.server.ask(&["query"], &form).await?;
        serde_json::from_slice(&body).map_err(|error| self.server.strange("InfluxDB's JSON", &error))
    }
}

/// The query once for each window that ends with one of `instants`.
fn statements(query: &WindowQuery, instants: Instants) -> String {
    let mut all = String::new();
    for last_ms in instants.times() {
        let until_ms = last_ms.saturating_add(1);
        let from = format!("{}ms", until_ms.saturating_sub(query.window_ms));
        let until = format!("{until_ms}ms");
        let _ = write!(all, "{};", query.query.replace(":from", &from).replace(":until", &until));
    }
    all
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<OfWindow>,
    error: Option<String>,
}

impl Answer {
    /// Why it is none: what is said of a statement that failed, rather than of those beside it.
    fn error(&self) -> Option<&str> {
        let errors =
            || self.error.iter().chain(self.results.iter().filter_map(|result| result.error.as_ref()));
        errors().find(|error| *error != NOT_EXECUTED).or_else(|| errors().next()).map(String::as_str)
    }
}

/// What a statement came to.
#[derive(Debug, Deserialize)]
struct OfWindow {
    #[serde(default)]
    statement_id: usize,
    #[serde(default)]
    series: Vec<Series>,
    error: Option<String>,
    /// Set where the answer was cut short.
    #[serde(default)]
    partial: bool,
}

#[derive(Debug, Deserialize)]
struct Series {
    #[serde(default)]
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<Value>>,
    #[serde(default)]
    partial: bool,
}

impl Series {
    /// Its last number; `None` without any.
    fn value(&self) -> Result<Option<f64>, RequestError> {
        let columns = self.columns.iter().enumerate().filter(|(_, name)| *name != "time");
        let [at] = columns.map(|(at, _)| at).collect::<Vec<_>>()[..] else {
            let names = self.columns.join(", ");
            return Err(RequestError::permanent(format!("answers several columns ({names}); select one")));
        };
        let mut rows = self.values.iter().rev().filter_map(|row| row.get(at)).filter(|cell| !cell.is_null());
        match rows.next() {
            None => Ok(None),
            Some(cell) => cell.as_f64().map(Some).ok_or_else(|| {
                let name = self.columns.get(at).map_or("", String::as_str);
                RequestError::permanent(format!("answers {cell} as {name}, which is no number"))
            }),
        }
    }
}

/// The windows of a range, joined to series.
#[derive(Debug, Default)]
struct Joined {
    series: BTreeMap<(String, BTreeMap<String, String>), RemoteSeries>,
    n_points: usize,
}

impl Joined {
    fn add(&mut self, instants: Instants, answer: Answer) -> Result<(), RequestError> {
        refused(answer.error())?;
        let times: Vec<i64> = instants.times().collect();
        for result in answer.results {
            let time_ms = times.get(result.statement_id).copied();
            let time_ms =
                time_ms.ok_or_else(|| RequestError::permanent("answers a statement that was not asked"))?;
            let is_cut = result.partial || result.series.iter().any(|series| series.partial);
            if is_cut || self.n_points + result.series.len() > MAX_POINTS {
                let why =
                    "answers too many points for one request; group by fewer tags, or ask for a shorter time";
                return Err(RequestError::permanent(why));
            }
            for series in result.series {
                let Some(value) = series.value()? else { continue };
                self.n_points += 1;
                let key = (series.name, series.tags);
                self.series.entry(key).or_insert_with_key(named).points.push(Sample::new(time_ms, value));
            }
        }
        Ok(())
    }
}

fn named((name, tags): &(String, BTreeMap<String, String>)) -> RemoteSeries {
    // A tag that a point does not have is an empty one there, and no label here.
    let labels =
        tags.iter().filter(|(_, value)| !value.is_empty()).map(|(tag, value)| (tag.clone(), value.clone()));
    RemoteSeries { name: name.clone(), labels: Labels::new(labels), points: Vec::new() }
}

/// What the server says of a query that it cannot answer.
fn refused(error: Option<&str>) -> Result<(), RequestError> {
    match error {
        None => Ok(()),
        Some(why) if why.contains("timeout") || why.contains("max-concurrent") => {
            Err(RequestError::temporary(why))
        }
        Some(why) => Err(RequestError::permanent(format!("refuses the query: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: Instants = Instants { first_ms: 59_999, last_ms: 119_999, step_ms: 60_000 };

    fn read(body: &str) -> Result<Vec<RemoteSeries>, RequestError> {
        let mut all = Joined::default();
        all.add(WINDOWS, serde_json::from_str(body).unwrap())?;
        Ok(all.series.into_values().collect())
    }

    #[test]
    fn each_window_is_a_statement() {
        let query = "SELECT sum(v) FROM s WHERE time >= :from AND time < :until".to_owned();
        let query = WindowQuery { query, window_ms: 60_000 };
        assert_eq!(
            statements(&query, WINDOWS),
            "SELECT sum(v) FROM s WHERE time >= 0ms AND time < 60000ms;\
             SELECT sum(v) FROM s WHERE time >= 60000ms AND time < 120000ms;"
        );
    }

    #[test]
    fn windows_become_series() {
        let series = read(
            r#"{"results":[
                {"statement_id":0,"series":[
                    {"name":"s","tags":{"host":"a","dc":""},"columns":["time","sum"],"values":[[0,5]]},
                    {"name":"s","tags":{"host":"b","dc":""},"columns":["time","sum"],"values":[[0,null]]}]},
                {"statement_id":1,"series":[
                    {"name":"s","tags":{"host":"a","dc":""},"columns":["time","sum"],"values":[[60000,1],[90000,2.5],[99999,null]]}]}]}"#,
        )
        .unwrap();
        assert_eq!(series.len(), 1);
        assert_eq!((series[0].name.as_str(), &series[0].labels), ("s", &Labels::new([("host", "a")])));
        let points: Vec<_> = series[0].points.iter().map(|it| (it.time_ms, it.value)).collect();
        assert_eq!(points, [(59_999, 5.0), (119_999, 2.5)]);
    }

    #[test]
    fn what_cannot_be_a_value_is_refused_by_name() {
        #[track_caller]
        fn check(body: &str, is_temporary: bool, expected: &str) {
            let why = read(body).unwrap_err();
            assert!(why.is_temporary() == is_temporary && why.message.contains(expected), "{why}");
        }
        let of = |columns: &str, row: &str| {
            format!(
                r#"{{"results":[{{"statement_id":0,"series":[{{"name":"s","columns":{columns},"values":[{row}]}}]}}]}}"#
            )
        };
        check(
            &of(r#"["time","a","b"]"#, "[0,1,2]"),
            false,
            "answers several columns (time, a, b); select one",
        );
        check(&of(r#"["time","a"]"#, r#"[0,"up"]"#), false, r#"answers "up" as a, which is no number"#);
        check(
            r#"{"results":[{"statement_id":0,"error":"database not found: x"}]}"#,
            false,
            "database not found",
        );
        check(
            r#"{"results":[{"statement_id":1,"error":"not executed"},{"statement_id":0,"error":"database not found: x"}]}"#,
            false,
            "database not found",
        );
        check(r#"{"error":"query timeout reached"}"#, true, "timeout");
        check(r#"{"results":[{"statement_id":9}]}"#, false, "not asked");
        check(r#"{"results":[{"statement_id":0,"partial":true}]}"#, false, "too many points");
    }
}
