//! `prometheus`: a server with Prometheus' HTTP API, asked for `/api/v1/query_range`. The query is in its language.

use std::collections::BTreeMap;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use lanner_core::{Instants, Labels, RemoteAsk, RemoteSeries, Sample};
use serde::Deserialize;

use super::endpoint::{AUTH_FIELD, CA_FILE, Endpoint, Server, URL};
use super::kind::KindConfig;
use super::{Fetch, Fetching, RequestError};
use crate::remote::{Clients, Problem};

/// The fields of a `prometheus` source.
pub(super) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

/// So many points of a series are asked for at once: Prometheus refuses more than 11,000.
const MAX_POINTS: u32 = 10_000;

/// So many points are kept of one answer, pieces and series together: 160 MB.
const MAX_POINTS_OF_ALL: usize = 10_000_000;

/// A `prometheus` source as the operator writes it.
#[derive(Debug)]
struct PrometheusConfig(Endpoint);

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    Some(Box::new(PrometheusConfig(Endpoint::read(fields, check)?)))
}

impl KindConfig for PrometheusConfig {
    fn build(&self, clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        Ok(Box::new(Prometheus(self.0.build(clients)?)))
    }
}

struct Prometheus(Server);

impl Fetch for Prometheus {
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.query(ask))
    }
}

impl Prometheus {
    async fn query(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let mut all = Joined::new(MAX_POINTS_OF_ALL);
        for piece in ask.instants.pieces(MAX_POINTS) {
            let body = self.0.ask(&["api", "v1", "query_range"], &form(&ask.query, piece)).await?;
            let answer: Answer =
                serde_json::from_slice(&body).map_err(|error| self.0.strange("Prometheus' JSON", &error))?;
            answer.data.result.into_iter().try_for_each(|series| all.add(series))?;
        }
        Ok(all.series.into_values().collect())
    }
}

type Form<'a> = [(&'static str, std::borrow::Cow<'a, str>); 4];

fn form(query: &str, instants: Instants) -> Form<'_> {
    let seconds = |ms: i64| (ms as f64 / 1e3).to_string().into();
    [
        ("query", query.into()),
        ("start", seconds(instants.first_ms)),
        ("end", seconds(instants.last_ms)),
        ("step", seconds(instants.step_ms)),
    ]
}

#[derive(Debug, Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Series>,
}

/// One series as Prometheus writes it.
#[derive(Debug, Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    /// Seconds, and a number as text.
    #[serde(default)]
    values: Vec<(f64, String)>,
    /// What stands in the place of values where they are native histograms.
    #[serde(default)]
    histograms: Vec<serde::de::IgnoredAny>,
}

/// The pieces of a range, joined to series.
struct Joined {
    series: BTreeMap<BTreeMap<String, String>, RemoteSeries>,
    /// So many points may still come.
    room: usize,
}

impl Joined {
    fn new(room: usize) -> Self {
        Self { series: BTreeMap::new(), room }
    }

    /// Adds what a piece of the range says of a series.
    fn add(&mut self, series: Series) -> Result<(), RequestError> {
        if !series.histograms.is_empty() {
            return Err(RequestError::permanent(
                "answers histograms; make a number of each, for example by histogram_quantile(0.99, ...)",
            ));
        }
        let too_many = "answers too many points; ask for fewer series, or for a shorter time";
        self.room =
            self.room.checked_sub(series.values.len()).ok_or_else(|| RequestError::permanent(too_many))?;
        // "NaN", "+Inf" and "-Inf" are gaps.
        let value = |text: String| text.parse::<f64>().ok().filter(|value| value.is_finite());
        let point =
            |(time_s, text): (f64, String)| Some(Sample::new((time_s * 1e3).round() as i64, value(text)?));
        let points = series.values.into_iter().filter_map(point);
        self.series.entry(series.metric).or_insert_with_key(named).points.extend(points);
        Ok(())
    }
}

fn named(metric: &BTreeMap<String, String>) -> RemoteSeries {
    let name = metric.get("__name__").cloned().unwrap_or_default();
    let labels = metric.iter().filter(|(label, _)| *label != "__name__");
    RemoteSeries {
        name,
        labels: Labels::new(labels.map(|(a, b)| (a.clone(), b.clone()))),
        points: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bodies: &[&str]) -> Result<Vec<RemoteSeries>, RequestError> {
        read_at_most(usize::MAX, bodies)
    }

    fn read_at_most(n_points: usize, bodies: &[&str]) -> Result<Vec<RemoteSeries>, RequestError> {
        let mut all = Joined::new(n_points);
        for body in bodies {
            let answer: Answer = serde_json::from_str(body).unwrap();
            answer.data.result.into_iter().try_for_each(|series| all.add(series))?;
        }
        Ok(all.series.into_values().collect())
    }

    #[test]
    fn all_pieces_together_are_bounded() {
        let piece = r#"{"data":{"result":[{"metric":{"job":"a"},"values":[[1,"1"],[2,"2"]]}]}}"#;
        assert_eq!(read_at_most(4, &[piece, piece]).unwrap()[0].points.len(), 4);
        let why = read_at_most(3, &[piece, piece]).unwrap_err();
        assert!(!why.is_temporary() && why.message.contains("too many points"), "{why}");
    }

    #[test]
    fn pieces_of_a_series_are_joined_and_what_is_no_number_is_a_gap() {
        let first = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"a"},"values":[[1.999,"1"],[61.999,"NaN"]]},
            {"metric":{},"values":[[1.999,"+Inf"],[61.999,"2.5e3"]]}]}}"#;
        let second = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"a"},"values":[[121.999,"0"]]}]}}"#;
        let series = read(&[first, second]).unwrap();
        let points =
            |at: usize| series[at].points.iter().map(|it| (it.time_ms, it.value)).collect::<Vec<_>>();
        assert_eq!((series[0].name.as_str(), &series[0].labels), ("", &Labels::default()));
        assert_eq!(points(0), [(61_999, 2500.0)]);
        assert_eq!((series[1].name.as_str(), &series[1].labels), ("up", &Labels::new([("job", "a")])));
        assert_eq!(points(1), [(1_999, 1.0), (121_999, 0.0)]);
    }

    #[test]
    fn histograms_are_refused_by_name() {
        let body = r#"{"data":{"result":[{"metric":{},"histograms":[[1,{"count":"3"}]]}]}}"#;
        let why = read(&[body]).unwrap_err();
        assert!(!why.is_temporary() && why.message.contains("histogram_quantile"), "{why}");
    }

    #[test]
    fn times_are_written_to_the_millisecond() {
        let instants = Instants { first_ms: 1_767_268_859_999, last_ms: 1_767_268_919_999, step_ms: 60_000 };
        let form = form("up", instants).map(|(name, value)| format!("{name}={value}"));
        assert_eq!(form, ["query=up", "start=1767268859.999", "end=1767268919.999", "step=60"]);
    }
}
