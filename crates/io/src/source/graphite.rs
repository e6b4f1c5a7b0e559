//! `graphite`: another Graphite, asked for `/render?format=json`. The query is a target.

use std::collections::BTreeMap;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use lanner_core::{Labels, RemoteSeries, Sample};
use reqwest::{Response, Url};
use serde::Deserialize;

use super::endpoint::{AUTH_FIELD, CA_FILE, Endpoint, Server, URL};
use super::kind::KindConfig;
use super::{Fetch, Fetching, Request, RequestError};
use crate::remote::{Clients, Problem};

/// The fields of a `graphite` source.
pub(super) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

/// A larger answer is refused.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A `graphite` source as the operator writes it.
#[derive(Debug)]
struct GraphiteConfig(Endpoint);

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    Some(Box::new(GraphiteConfig(Endpoint::read(fields, check)?)))
}

impl KindConfig for GraphiteConfig {
    fn build(&self, clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>> {
        Ok(Box::new(Graphite(self.0.build(clients)?)))
    }
}

struct Graphite(Server);

impl Fetch for Graphite {
    fn fetch<'a>(&'a self, ask: &'a Request) -> Fetching<'a> {
        Box::pin(self.render(ask))
    }
}

impl Graphite {
    async fn render(&self, ask: &Request) -> Result<Vec<RemoteSeries>, RequestError> {
        let mut url = self.0.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("render");
        }
        let response = self.0.post_form(url.clone(), form(&url, ask)).await?;
        let body = self.read(response).await?;
        let answer = parse(&body).map_err(|error| {
            RequestError::permanent(format!(
                "{} answered something other than Graphite's JSON ({error}); check the `url` of this source",
                self.0.shown()
            ))
        })?;
        Ok(answer.into_iter().map(|series| series.within(ask)).collect())
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, RequestError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.0.unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(RequestError::permanent(
                    "the answer is larger than 64 MiB; ask for fewer series",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// What is asked, as a form: a target may be longer than an address can be.
fn form(url: &Url, ask: &Request) -> String {
    // Graphite leaves out the second that it is asked from.
    let from_s = ask.range.start_ms.div_euclid(1_000) - 1;
    let until_s = ask.range.end_ms.saturating_add(999).div_euclid(1_000);
    let mut form = url.clone();
    form.query_pairs_mut()
        .clear()
        .append_pair("target", &ask.query)
        .append_pair("from", &from_s.to_string())
        .append_pair("until", &until_s.to_string())
        .append_pair("format", "json");
    form.query().unwrap_or_default().to_owned()
}

/// One series as Graphite writes it.
#[derive(Debug, Deserialize)]
struct Rendered {
    target: String,
    /// Missing in old releases.
    #[serde(default)]
    tags: BTreeMap<String, serde_json::Value>,
    datapoints: Vec<(Option<f64>, i64)>,
}

impl Rendered {
    /// The points that were asked for; Graphite answers whole steps.
    fn within(self, ask: &Request) -> RemoteSeries {
        let point = |(value, time_s): (Option<f64>, i64)| {
            let time_ms = time_s.checked_mul(1_000)?;
            let is_asked = (ask.range.start_ms..ask.range.end_ms).contains(&time_ms);
            Some(Sample::new(time_ms, value.filter(|value| is_asked && value.is_finite())?))
        };
        let label = |(name, value): (String, serde_json::Value)| {
            (name != "name").then(|| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        };
        RemoteSeries {
            name: self.target,
            labels: Labels::new(self.tags.into_iter().filter_map(label)),
            points: self.datapoints.into_iter().filter_map(point).collect(),
        }
    }
}

fn parse(body: &[u8]) -> Result<Vec<Rendered>, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| {
        // Graphite writes infinity as a number that is too large for one; it is a gap here.
        let text = String::from_utf8_lossy(body);
        let finite = text.replace("[1e9999,", "[null,").replace("[-1e9999,", "[null,");
        if finite == text { Err(error) } else { serde_json::from_str(&finite) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanner_core::TimeRange;

    const ASK_MS: (i64, i64) = (1_700_000_000_000, 1_700_000_120_000);

    #[track_caller]
    fn check(body: &str, expected: &[(&str, &[(i64, f64)])]) {
        let ask = Request { query: "a".to_owned(), range: TimeRange::new(ASK_MS.0, ASK_MS.1) };
        let found: Vec<RemoteSeries> =
            parse(body.as_bytes()).unwrap().into_iter().map(|series| series.within(&ask)).collect();
        assert_eq!(found.len(), expected.len(), "{body}");
        for (series, (name, points)) in found.iter().zip(expected) {
            let expected: Vec<Sample> = points.iter().map(|(at, value)| Sample::new(*at, *value)).collect();
            assert_eq!((series.name.as_str(), &series.points), (*name, &expected), "{body}");
        }
    }

    #[test]
    fn answers_are_read() {
        check("[]", &[]);
        check(
            r#"[{"target": "a.b", "tags": {"name": "a.b"}, "datapoints":
                [[1.5, 1700000000], [null, 1700000060], [2, 1700000100], [3, 1700000120]]}]"#,
            &[("a.b", &[(1_700_000_000_000, 1.5), (1_700_000_100_000, 2.0)])],
        );
        check(
            r#"[{"target": "x", "datapoints": [[1e9999, 1700000000], [1, 1700000060]]}]"#,
            &[("x", &[(1_700_000_060_000, 1.0)])],
        );
        assert!(parse(b"<html>").is_err());
    }

    #[test]
    fn tags_become_labels() {
        let body = br#"[{"target": "disk;dc=ams", "tags": {"name": "disk", "dc": "ams"}, "datapoints": []}]"#;
        let ask = Request { query: "a".to_owned(), range: TimeRange::new(0, 1) };
        let series = parse(body).unwrap().remove(0).within(&ask);
        assert_eq!(series.labels, Labels::new([("dc", "ams")]));
    }

    #[test]
    fn whole_seconds_are_asked_for() {
        let url = Url::parse("http://a/render").unwrap();
        let ask = Request { query: "sum(a.*,'x y')".to_owned(), range: TimeRange::new(60_000, 120_500) };
        assert_eq!(form(&url, &ask), "target=sum%28a.*%2C%27x+y%27%29&from=59&until=121&format=json");
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_survived(body in ".{0,80}") {
            let _ = parse(body.as_bytes());
        }
    }
}
