//! `graphite`: another Graphite, asked for `/render?format=json`. The query is a target.

use std::collections::BTreeMap;

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;
use lanner_core::{Labels, RemoteAsk, RemoteSeries, Sample};
use serde::Deserialize;

use super::endpoint::{AUTH_FIELD, CA_FILE, Endpoint, Server, URL};
use super::kind::KindConfig;
use super::{Fetch, Fetching, RequestError};
use crate::remote::{Clients, Problem};

/// The fields of a `graphite` source.
pub(super) const FIELDS: &[Field] = &[URL, AUTH_FIELD, CA_FILE];

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
    fn fetch<'a>(&'a self, ask: &'a RemoteAsk) -> Fetching<'a> {
        Box::pin(self.render(ask))
    }
}

impl Graphite {
    async fn render(&self, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, RequestError> {
        let [from, until] = seconds(ask);
        let form = [("target", &*ask.query), ("from", &from), ("until", &until), ("format", "json")];
        let body = self.0.ask(&["render"], &form).await?;
        let answer = parse(&body).map_err(|error| self.0.strange("Graphite's JSON", &error))?;
        Ok(answer.into_iter().map(|series| series.within(ask)).collect())
    }
}

/// From when, until when: Graphite leaves out the second that it is asked from.
fn seconds(ask: &RemoteAsk) -> [String; 2] {
    let from_s = ask.range.start_ms.div_euclid(1_000) - 1;
    let until_s = ask.range.end_ms.saturating_add(999).div_euclid(1_000);
    [from_s, until_s].map(|second| second.to_string())
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
    fn within(self, ask: &RemoteAsk) -> RemoteSeries {
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
    use lanner_core::{Instants, TimeRange};

    const ASK_MS: (i64, i64) = (1_700_000_000_000, 1_700_000_120_000);

    fn ask(start_ms: i64, end_ms: i64) -> RemoteAsk {
        let instants = Instants { first_ms: end_ms - 1, last_ms: end_ms - 1, step_ms: 1 };
        let range = TimeRange::new(start_ms, end_ms);
        RemoteAsk { language: "target".to_owned(), query: "a".to_owned(), range, instants }
    }

    #[track_caller]
    fn check(body: &str, expected: &[(&str, &[(i64, f64)])]) {
        let ask = ask(ASK_MS.0, ASK_MS.1);
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
        let ask = ask(0, 1);
        let series = parse(body).unwrap().remove(0).within(&ask);
        assert_eq!(series.labels, Labels::new([("dc", "ams")]));
    }

    #[test]
    fn whole_seconds_are_asked_for() {
        assert_eq!(seconds(&ask(60_000, 120_500)), ["59", "121"]);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_survived(body in ".{0,80}") {
            let _ = parse(body.as_bytes());
        }
    }
}
