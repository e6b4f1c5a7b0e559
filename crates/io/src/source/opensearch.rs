//! `opensearch`: OpenSearch or Elasticsearch, asked for `_search`. The query is a [`SearchQuery`]; documents are counted there,
//! and none of them comes over the wire.
//!
//! The events of a stream [become one](super::opensearch_events).
//!
//! A request has one range of time for each window, below the groups, which come page by page in the order of their names.

use std::collections::BTreeMap;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use lanner_core::{EventsQuery, Instants, Labels, RemoteAsk, RemoteSeries, Sample, SearchQuery};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::endpoint::{AUTH_FIELD, CA_FILE, Endpoint, Server, URL};
use super::kind::KindConfig;
use super::opensearch_events::search_query;
use super::{Fetch, Fetching, RequestError};
use crate::remote::{Clients, Problem};

/// The fields of an `opensearch` source.
pub(super) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

/// So many windows are asked for at once.
const MAX_WINDOWS: u32 = 500;
/// So many numbers an answer may hold: the server refuses more than 65,535.
const MAX_NUMBERS: usize = 50_000;
/// So many groups are asked for at once.
const MAX_PAGE: usize = 1_000;
/// More groups than any rule takes; whoever asks says so.
const MAX_GROUPS: usize = 10_001;
/// So many points are kept of one answer, pieces and groups together: 160 MB.
const MAX_POINTS: usize = 10_000_000;
/// Below so many different values `distinct` is nearly exact.
const DISTINCT_PRECISION: u32 = 10_000;

/// An `opensearch` source as the operator writes it.
#[derive(Debug)]
struct OpenSearchConfig(Endpoint);

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    Some(Box::new(OpenSearchConfig(Endpoint::read(fields, check)?)))
}

impl KindConfig for OpenSearchConfig {
    fn build(&self, clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        Ok(Box::new(OpenSearch(self.0.build(clients)?)))
    }
}

struct OpenSearch(Server);

impl Fetch for OpenSearch {
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.answer(ask))
    }
}

/// A part of the shards, or no index at all, must not look like fewer documents.
const WHOLE_ANSWERS: [(&str, &str); 2] =
    [("allow_partial_search_results", "false"), ("allow_no_indices", "false")];

impl OpenSearch {
    async fn answer(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let unread = |error| RequestError::permanent(format!("the query cannot be read: {error}"));
        if ask.language == EventsQuery::LANGUAGE {
            let events: EventsQuery = serde_json::from_str(&ask.query).map_err(unread)?;
            let query = search_query(&self.0, &events, ask.instants).await?;
            return self.search(&query, ask.instants, Groups::of_events(events.by)).await;
        }
        let query: SearchQuery = serde_json::from_str(&ask.query).map_err(unread)?;
        let groups = Groups { by: query.by.clone(), ..Groups::default() };
        self.search(&query, ask.instants, groups).await
    }

    async fn search(
        &self,
        query: &SearchQuery,
        instants: Instants,
        mut groups: Groups,
    ) -> Result<Vec<RemoteSeries>, RequestError> {
        for piece in instants.pieces(MAX_WINDOWS) {
            let mut after = None;
            loop {
                let body = request(query, piece, after.as_ref())?;
                let body = self.0.ask_json(&[query.index.as_str(), "_search"], &WHOLE_ANSWERS, &body).await?;
                let answer: Answer = serde_json::from_slice(&body)
                    .map_err(|error| self.0.strange("OpenSearch's JSON", &error))?;
                answer.check()?;
                after = groups.add(answer, page_size(piece))?;
                if after.is_none() || groups.series.len() >= MAX_GROUPS {
                    break;
                }
            }
        }
        Ok(groups.series.into_values().collect())
    }
}

/// The body of a request for the windows that end with `instants`.
fn request(
    query: &SearchQuery,
    instants: Instants,
    after: Option<&Map<String, Value>>,
) -> Result<Value, RequestError> {
    let ends = std::iter::successors(Some(instants.first_ms), |at| at.checked_add(instants.step_ms));
    let ends: Vec<i64> = ends.take_while(|at| *at <= instants.last_ms).collect();
    let start = |last_ms: i64| (last_ms + 1).saturating_sub(query.window_ms).to_string();
    let ranges: Vec<Value> = ends
        .iter()
        .map(|last_ms| json!({ "key": last_ms.to_string(), "from": start(*last_ms), "to": (last_ms + 1).to_string() }))
        .collect();
    let mut windows =
        json!({ "date_range": { "field": query.time, "format": "epoch_millis", "ranges": ranges } });
    if let Some(value) = aggregation(&query.measure)? {
        windows["aggs"] = json!({ "value": value });
    }
    let mut aggregations = json!({ "windows": windows });
    if !query.by.is_empty() {
        let source = |(at, field): (usize, &String)| json!({ at.to_string(): { "terms": { "field": field, "missing_bucket": true } } });
        let sources: Vec<Value> = query.by.iter().enumerate().map(source).collect();
        let mut composite = json!({ "size": page_size(instants), "sources": sources });
        if let Some(after) = after {
            composite["after"] = Value::Object(after.clone());
        }
        aggregations = json!({ "groups": { "composite": composite, "aggs": aggregations } });
    }
    let range = json!({
        "gte": start(instants.first_ms), "lt": (instants.last_ms + 1).to_string(), "format": "epoch_millis",
    });
    let mut filters = vec![json!({ "range": { query.time.as_str(): range } })];
    filters.extend((!query.filter.is_null()).then(|| query.filter.clone()));
    Ok(
        json!({ "size": 0, "track_total_hits": false, "query": { "bool": { "filter": filters } }, "aggs": aggregations }),
    )
}

/// How many groups are asked for at once, with so many windows each.
fn page_size(instants: Instants) -> usize {
    let n_windows =
        usize::try_from((instants.last_ms - instants.first_ms) / instants.step_ms + 1).unwrap_or(1);
    (MAX_NUMBERS / (n_windows + 1)).clamp(1, MAX_PAGE)
}

/// What computes a measure; `None` where the number of documents is all.
fn aggregation(measure: &str) -> Result<Option<Value>, RequestError> {
    let Some((name, field)) = measure.split_once('(') else {
        return if measure == "count" { Ok(None) } else { Err(unknown(measure)) };
    };
    let field = field.strip_suffix(')').unwrap_or(field);
    Ok(Some(match name {
        "sum" | "avg" | "min" | "max" => json!({ name: { "field": field } }),
        "distinct" => {
            json!({ "cardinality": { "field": field, "precision_threshold": DISTINCT_PRECISION } })
        }
        _ => {
            let percent: f64 =
                name.strip_prefix('p').and_then(|text| text.parse().ok()).ok_or_else(|| unknown(measure))?;
            json!({ "percentiles": { "field": field, "percents": [percent], "keyed": false } })
        }
    }))
}

fn unknown(measure: &str) -> RequestError {
    RequestError::permanent(format!("\"{measure}\" is not a measure that OpenSearch counts"))
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards", default)]
    shards: Shards,
    aggregations: Aggregations,
}

#[derive(Debug, Default, Deserialize)]
struct Shards {
    #[serde(default)]
    failed: u64,
}

/// Either has the windows, or the groups that have them.
#[derive(Debug, Deserialize)]
struct Aggregations {
    windows: Option<Windows>,
    groups: Option<Page>,
}

#[derive(Debug, Deserialize)]
struct Page {
    buckets: Vec<OfGroup>,
    after_key: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct OfGroup {
    key: Map<String, Value>,
    windows: Windows,
}

#[derive(Debug, Deserialize)]
struct Windows {
    buckets: Vec<OfWindow>,
}

#[derive(Debug, Deserialize)]
struct OfWindow {
    /// The last millisecond of the window.
    key: String,
    doc_count: f64,
    value: Option<Number>,
}

#[derive(Debug, Deserialize)]
struct Number {
    /// No number where nothing was measured.
    #[serde(default)]
    value: Value,
    /// In place of it, of a percentile.
    #[serde(default)]
    values: Vec<Percentile>,
}

#[derive(Debug, Deserialize)]
struct Percentile {
    #[serde(default)]
    value: Value,
}

impl Answer {
    fn check(&self) -> Result<(), RequestError> {
        let why = match (self.timed_out, self.shards.failed) {
            (true, _) => "the search was given up there before it was complete".to_owned(),
            (false, 0) => return Ok(()),
            (false, failed) => format!("{failed} shards did not answer"),
        };
        Err(RequestError::temporary(why))
    }
}

impl OfWindow {
    fn sample(self) -> Option<Sample> {
        let value = match self.value {
            None => Some(self.doc_count),
            Some(number) => {
                number.values.first().map_or(&number.value, |percentile| &percentile.value).as_f64()
            }
        };
        Some(Sample::new(self.key.parse().ok()?, value.filter(|value| value.is_finite())?))
    }
}

/// Series by the values that form their groups.
#[derive(Debug, Default)]
struct Groups {
    /// What the values are values of.
    by: Vec<String>,
    /// Whether they are of events: a group without one is not there, and one without a value is one whose value is empty.
    of_events: bool,
    series: BTreeMap<Vec<Option<String>>, RemoteSeries>,
    n_points: usize,
}

impl Groups {
    /// Those of events, by these fields.
    fn of_events(by: Vec<String>) -> Self {
        Self { by, of_events: true, ..Self::default() }
    }

    /// Adds an answer; what to ask for after it, if there is more. A page that is not full is the last one.
    fn add(&mut self, answer: Answer, page_size: usize) -> Result<Option<Map<String, Value>>, RequestError> {
        let Aggregations { windows, groups } = answer.aggregations;
        if let Some(windows) = windows {
            self.extend(Vec::new(), windows)?;
            return Ok(None);
        }
        let page = groups.ok_or_else(|| RequestError::permanent("answers without what was asked"))?;
        let is_last = page.buckets.len() < page_size;
        for OfGroup { key, windows } in page.buckets {
            let is_there = |value: &String| !self.of_events || !value.is_empty();
            let value = |at: usize| text(key.get(&at.to_string())).filter(is_there);
            let values = (0..self.by.len()).map(value).collect();
            self.extend(values, windows)?;
        }
        Ok(page.after_key.filter(|_| !is_last))
    }

    fn extend(&mut self, values: Vec<Option<String>>, mut windows: Windows) -> Result<(), RequestError> {
        if self.of_events {
            windows.buckets.retain(|window| window.doc_count > 0.0);
        }
        self.n_points += windows.buckets.len();
        if self.n_points > MAX_POINTS {
            let why = "answers too many values; narrow the filter, or ask for a shorter time";
            return Err(RequestError::permanent(why));
        }
        let series = self.series.entry(values).or_insert_with_key(|values| {
            let labels = self.by.iter().zip(values).filter_map(|(name, value)| Some((name, value.as_ref()?)));
            let labels = Labels::new(labels.map(|(name, value)| (name.clone(), value.clone())));
            RemoteSeries { name: String::new(), labels, points: Vec::new() }
        });
        for point in points(windows) {
            if series.points.last().is_some_and(|last| last.time_ms >= point.time_ms) {
                return Err(RequestError::permanent(format!(
                    "has documents with an empty value and documents without one, of {}, which are one group; leave out one of both in \
                     the condition",
                    self.by.join(", ")
                )));
            }
            series.points.push(point);
        }
        Ok(())
    }
}

/// In order of time; ranges are answered in that of their beginnings.
fn points(windows: Windows) -> Vec<Sample> {
    let mut points: Vec<Sample> = windows.buckets.into_iter().filter_map(OfWindow::sample).collect();
    points.sort_by_key(|point| point.time_ms);
    points
}

/// The value of a field; `None` for documents without it.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn query(measure: &str, by: &[&str]) -> SearchQuery {
        let by = by.iter().map(|name| (*name).to_owned()).collect();
        let (index, time) = ("payments-*".to_owned(), "@timestamp".to_owned());
        SearchQuery {
            index,
            time,
            window_ms: MINUTE_MS,
            measure: measure.to_owned(),
            filter: Value::Null,
            by,
        }
    }

    /// What is read of an answer: the labels, and times and values.
    #[track_caller]
    fn check(query: &SearchQuery, body: &str, expected: &[(&str, &[(i64, f64)])]) {
        let mut groups = Groups { by: query.by.clone(), ..Groups::default() };
        groups.add(serde_json::from_str(body).unwrap(), 1_000).unwrap();
        let found: Vec<(String, Vec<(i64, f64)>)> = groups
            .series
            .into_values()
            .map(|series| {
                let points = series.points.iter().map(|point| (point.time_ms, point.value)).collect();
                (series.labels.to_string(), points)
            })
            .collect();
        let expected: Vec<(String, Vec<(i64, f64)>)> =
            expected.iter().map(|(labels, points)| ((*labels).to_owned(), points.to_vec())).collect();
        assert_eq!(found, expected);
    }

    // Answers of OpenSearch 2.19.1, without what is not read.
    #[test]
    fn answers_are_read() {
        check(
            &query("count", &["bank"]),
            r#"{"took":1049,"timed_out":false,"_shards":{"total":3,"successful":3,"skipped":0,"failed":0},"hits":{"max_score":null,"hits":[]},
            "aggregations":{"groups":{"after_key":{"0":"b"},"buckets":[{"key":{"0":null},"doc_count":6,"windows":{"buckets":[
            {"key":"1767269099999","from":1767269040000.0,"from_as_string":"1767269040000","to":1767269100000.0,"doc_count":6},
            {"key":"1767269159999","from":1767269100000.0,"to":1767269160000.0,"doc_count":0}]}},
            {"key":{"0":"b"},"doc_count":6,"windows":{"buckets":[{"key":"1767269099999","doc_count":6}]}}]}}}"#,
            &[
                ("{}", &[(1_767_269_099_999, 6.0), (1_767_269_159_999, 0.0)]),
                (r#"{bank="b"}"#, &[(1_767_269_099_999, 6.0)]),
            ],
        );
        check(
            &query("p99(ms)", &[]),
            r#"{"timed_out":false,"_shards":{"total":3,"failed":0},"aggregations":{"windows":{"buckets":[
            {"key":"1767269099999","doc_count":60,"value":{"values":[{"key":99.0,"value":900.0}]}},
            {"key":"1767272399999","doc_count":0,"value":{"values":[{"key":99.0,"value":null}]}}]}}}"#,
            &[("{}", &[(1_767_269_099_999, 900.0)])],
        );
        check(
            &query("avg(ms)", &[]),
            r#"{"aggregations":{"windows":{"buckets":[{"key":"1767272399999","doc_count":0,"value":{"value":null}}]}}}"#,
            &[("{}", &[])],
        );
    }

    #[test]
    fn a_part_of_an_answer_is_none() {
        for (body, said) in [
            (r#"{"timed_out":true,"aggregations":{}}"#, "given up"),
            (r#"{"_shards":{"failed":2},"aggregations":{}}"#, "2 shards"),
        ] {
            let why = serde_json::from_str::<Answer>(body).unwrap().check().unwrap_err();
            assert!(why.is_temporary() && why.message.contains(said), "{why}");
        }
        let bare = serde_json::from_str(r#"{"aggregations":{}}"#).unwrap();
        assert!(Groups::default().add(bare, 10).is_err());
    }

    #[test]
    fn pages_follow_until_one_is_not_full() {
        let body = r#"{"aggregations":{"groups":{"after_key":{"0":"b"},"buckets":[{"key":{"0":"b"},"windows":{"buckets":[]}}]}}}"#;
        let add = |page_size| {
            let answer = serde_json::from_str(body).unwrap();
            Groups::default().add(answer, page_size).unwrap()
        };
        let after = add(1).unwrap();
        assert_eq!((add(2), after.get("0")), (None, Some(&Value::from("b"))));
        let instants = Instants { first_ms: 59_999, last_ms: 119_999, step_ms: MINUTE_MS };
        let body = request(&query("count", &["bank"]), instants, Some(&after)).unwrap();
        assert_eq!(body["aggs"]["groups"]["composite"]["after"]["0"], "b");
    }

    #[test]
    fn every_window_is_a_range_of_time() {
        let instants = Instants { first_ms: 59_999, last_ms: 119_999, step_ms: MINUTE_MS };
        let mut query = query("distinct(user)", &[]);
        (query.window_ms, query.filter) = (2 * MINUTE_MS, json!({ "term": { "status": "ok" } }));
        let body = request(&query, instants, None).unwrap();
        let ranges = json!([
            { "key": "59999", "from": "-60000", "to": "60000" }, { "key": "119999", "from": "0", "to": "120000" },
        ]);
        assert_eq!(body["aggs"]["windows"]["date_range"]["ranges"], ranges);
        assert_eq!(body["aggs"]["windows"]["aggs"]["value"]["cardinality"]["field"], "user");
        let filters = &body["query"]["bool"]["filter"];
        assert_eq!(filters[0]["range"]["@timestamp"]["gte"], "-60000");
        assert_eq!(filters[1], query.filter);
        assert!(request(&SearchQuery { measure: "median(x)".to_owned(), ..query }, instants, None).is_err());
    }
}
