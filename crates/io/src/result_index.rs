//! Evaluations as documents of OpenSearch or Elasticsearch, searchable by rule, group, time and value.
//!
//! Reading order: [`ResultIndexConfig`] (as it is written), [`ResultIndex`] (one that can be sent to), `document` (an evaluation there).
//!
//! Invariants:
//! - An evaluation always has the same id in the same index, that of the day in which its window ends (UTC), so sending it again
//!   makes no second document. A data stream would not keep that promise beyond a rollover.
//! - No error, description or debug output holds a secret.

use std::collections::BTreeMap;

use lanner_core::document::{Check, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::time::{DAY_MS, format_time, parse_duration_ms};
use lanner_core::{Evaluation, Score};
use serde_json::{Value, json};

use crate::bulk::{Bulk, Documents, Taken};
use crate::remote::Problem;
use crate::remote::auth::{AUTH, Auth};
use crate::remote::place::{Place, PlaceFields};
use crate::remote::url::check_url;
use crate::source::RequestError;

const PLACE: PlaceFields = PlaceFields {
    url: Field::new("url", "https://opensearch.example.org:9200", "address of OpenSearch or Elasticsearch")
        .of(Type::Secret)
        .required(),
    auth: Field::new(
        "auth",
        "{ username: lanner, password: { env: OPENSEARCH_PASSWORD } }",
        "who Lanner says it is",
    )
    .of(Type::Map(AUTH)),
    ca_file: Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM"),
};

/// The fields of one.
pub const FIELDS: &[Field] = &[
    PLACE.url,
    PLACE.auth,
    PLACE.ca_file,
    Field::new("index", "team-results", "what the names of indices begin with; the day follows, as in `team-results-2026.12.01`")
        .or("lanner-results"),
    Field::new("keep", "90d", "how long OpenSearch keeps results, at least 1d; by default for ever")
        .of(Type::Duration),
    Field::new("replicas", "1", "copies of each index, 0 to 9").of(Type::Whole).or("0"),
    Field::new(
        "max_pending",
        "100000",
        "evaluations that may wait in memory while it is away, 1000 to 1000000; the oldest leave it and are read back from the state",
    )
    .of(Type::Whole)
    .or("20000"),
];

const DEFAULT_MAX_PENDING: usize = 20_000;

/// An index as the operator writes it, checked.
#[derive(Debug, Clone)]
pub struct ResultIndexConfig {
    place: Place,
    index: String,
    keep_ms: Option<i64>,
    replicas: u8,
    max_pending: usize,
}

impl ResultIndexConfig {
    /// Reads the map at `node`, which stands at `path`. What is wrong goes to `check`.
    ///
    /// ```
    /// use lanner_core::document::{Check, Node};
    /// use lanner_io::result_index::ResultIndexConfig;
    /// let node = Node::from_yaml("{ url: 'http://localhost:9200', keep: 90d }").unwrap();
    /// let mut check = Check::default();
    /// assert!(ResultIndexConfig::read(&node, "server.result_index", &mut check).is_some());
    /// assert!(check.problems.is_empty());
    /// ```
    pub fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let n_problems = check.problems.len();
        let place = Place::read(&PLACE, &mut fields, check, |place| {
            [check_url("url", &place.url), place.auth.as_ref().and_then(Auth::check)]
        });
        let index = fields.read("index", check, index).unwrap_or_else(|| "lanner-results".to_owned());
        let keep_ms = fields.read("keep", check, |node| {
            let keep_ms = parse_duration_ms(&text(node)?).map_err(|error| error.to_string())?;
            if keep_ms >= DAY_MS {
                Ok(keep_ms)
            } else {
                Err("should be a day or longer, such as 90d".to_owned())
            }
        });
        let replicas = fields.read("replicas", check, |node| whole(node, 0, 9)).unwrap_or_default() as u8;
        let max_pending = fields.read("max_pending", check, |node| whole(node, 1_000, 1_000_000));
        let max_pending = max_pending.unwrap_or(DEFAULT_MAX_PENDING);
        fields.finish_of(FIELDS, check);
        let is_right = check.problems.len() == n_problems;
        place.filter(|_| is_right).map(|place| Self { place, index, keep_ms, replicas, max_pending })
    }

    /// Looks up secrets and certificates, and makes what sends.
    ///
    /// # Errors
    /// A secret or file that could not be read.
    pub fn build(&self) -> Result<ResultIndex, Problem> {
        let Place { url, auth, ca_file } = &self.place;
        let bulk = Bulk::new(&url.resolve("url")?, auth.as_ref(), ca_file.as_deref())?;
        Ok(ResultIndex { bulk, config: self.clone() })
    }
}

/// A name as OpenSearch allows for an index.
fn index(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    let is_right = (1..=200).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
    is_right.then_some(name).ok_or_else(|| {
        "should be 1 to 200 lower-case letters, digits, dots, _ and -, with a letter or digit first"
            .to_owned()
    })
}

fn whole(node: &Node, least: usize, most: usize) -> Result<usize, String> {
    match node.number() {
        Some(n) if n.fract() == 0.0 && (least as f64..=most as f64).contains(&n) => Ok(n as usize),
        _ => Err(format!("should be a whole number from {least} to {most}")),
    }
}

/// An index that can be sent to.
#[derive(Debug)]
pub struct ResultIndex {
    bulk: Bulk,
    config: ResultIndexConfig,
}

impl ResultIndex {
    /// How many evaluations may wait in memory.
    #[must_use]
    pub const fn max_pending(&self) -> usize {
        self.config.max_pending
    }

    /// Puts the template of all indices there and, unless they are kept for ever, the policy by which OpenSearch deletes them. Returns
    /// why the policy was refused, as Elasticsearch does, which has none of this kind.
    ///
    /// # Errors
    /// [`RequestError`], of the template, and of a policy that may be taken later.
    pub async fn prepare(&self) -> Result<Option<RequestError>, RequestError> {
        let ResultIndexConfig { index, keep_ms, replicas, .. } = &self.config;
        self.bulk.put_template(index, &template(index, *replicas)).await?;
        let Some(keep_ms) = keep_ms else { return Ok(None) };
        let path = ["_plugins", "_ism", "policies", index.as_str()];
        match self.bulk.put_new(&path, &policy(index, *keep_ms)).await {
            Err(error) if error.is_temporary() => Err(error),
            outcome => Ok(outcome.err()),
        }
    }

    /// When the newest evaluation in the index was made, milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn newest_ms(&self) -> Result<Option<i64>, RequestError> {
        self.bulk.newest_ms(&format!("{}-*", self.config.index), "evaluated").await
    }

    /// Sends evaluations, each into the index of its day, in place of a document with its id.
    ///
    /// # Errors
    /// [`RequestError`], when the cluster stays busy or away, or refuses the whole request. Sending all of them again is safe.
    pub async fn send(&self, evaluations: &[Evaluation]) -> Result<Taken, RequestError> {
        let mut days: BTreeMap<String, Documents> = BTreeMap::new();
        for evaluation in evaluations {
            let day = day(evaluation.window.end_ms);
            days.entry(format!("{}-{day}", self.config.index))
                .or_default()
                .add(&evaluation.id, &document(evaluation));
        }
        let mut taken = Taken::default();
        for (index, documents) in days {
            taken.merge(self.bulk.send(&index, documents).await?);
        }
        Ok(taken)
    }
}

/// The day of a time, as it stands in names of indices.
fn day(time_ms: i64) -> String {
    format_time(time_ms).chars().take(10).map(|c| if c == '-' { '.' } else { c }).collect()
}

/// An evaluation as a document. Each label of its group is a text `name=value` in one field, so that any of them can be searched, and
/// labels add no fields whose types could conflict.
fn document(it: &Evaluation) -> Value {
    let group: Vec<String> =
        it.group.labels().iter().map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "@timestamp": format_time(it.window.end_ms),
        "start": format_time(it.window.start_ms),
        "evaluated": format_time(it.evaluated_ms),
        "rule": &*it.rule,
        "version": it.version,
        "group": group,
        "value": it.value,
        "base": it.base,
        "lower": it.lower,
        "upper": it.upper,
        "score": it.score.map(Score::value),
        "outcome": it.outcome.name(),
        "state": it.state.name(),
        "late": it.late,
        "error": it.error,
    })
}

fn template(index: &str, replicas: u8) -> Value {
    let (word, number, time) =
        (json!({ "type": "keyword" }), json!({ "type": "double" }), json!({ "type": "date" }));
    json!({
        "index_patterns": [format!("{index}-*")],
        "priority": 200,
        "template": {
            "settings": { "number_of_shards": 1, "number_of_replicas": replicas, "refresh_interval": "5s" },
            "mappings": {
                "dynamic": false,
                "properties": {
                    "@timestamp": time, "start": time, "evaluated": time,
                    "rule": word, "version": { "type": "integer" },
                    "group": { "type": "keyword", "ignore_above": 8_000 },
                    "value": number, "base": number, "lower": number, "upper": number, "score": number,
                    "outcome": word, "state": word, "late": { "type": "boolean" }, "error": { "type": "text" },
                },
            },
        },
    })
}

fn policy(index: &str, keep_ms: i64) -> Value {
    // The age of an index counts from its first document; its last one comes a day later.
    let age = format!("{}h", (keep_ms + DAY_MS) / (DAY_MS / 24));
    json!({ "policy": {
        "description": "Deletes results of Lanner that are old enough.",
        "default_state": "kept",
        "states": [
            { "name": "kept", "actions": [], "transitions": [
                { "state_name": "old", "conditions": { "min_index_age": age } },
            ] },
            { "name": "old", "actions": [{ "delete": {} }], "transitions": [] },
        ],
        "ism_template": [{ "index_patterns": [format!("{index}-*")], "priority": 100 }],
    } })
}

#[cfg(test)]
mod tests {
    use lanner_core::{AlertState, Group, Labels, Outcome, TimeRange};

    use super::*;

    #[test]
    fn every_problem_is_told_at_once() {
        #[track_caller]
        fn check(yaml: &str, problems: &[&str]) {
            let mut check = Check::default();
            let read = ResultIndexConfig::read(&Node::from_yaml(yaml).unwrap(), "r", &mut check);
            let wrong: Vec<&str> = check.problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!((read.is_some(), wrong.as_slice()), (problems.is_empty(), problems), "{yaml}");
        }
        check("{ url: http://a }", &[]);
        check("{ url: { env: URL }, index: a-b, keep: 7d, replicas: 1, max_pending: 1000 }", &[]);
        check("{}", &["r"]);
        check(
            "{ url: a, index: Results, keep: 1h, replicas: 10, max_pending: 5, ca_file: x, idx: y }",
            &["r.url", "r.ca_file", "r.index", "r.keep", "r.replicas", "r.max_pending", "r.idx"],
        );
    }

    #[test]
    fn an_evaluation_is_a_document_of_its_day() {
        let group = Group::Of(Labels::new([("bank", "hsbc"), ("card.kind", "debit")]));
        let window = TimeRange::new(1_796_083_200_000 - 60_000, 1_796_083_200_000);
        let evaluation = Evaluation {
            id: Evaluation::identity("floor", 2, &group, window),
            rule: "floor".into(),
            version: 2,
            group,
            window,
            value: Some(150.0),
            base: Some(400.0),
            lower: Some(300.0),
            upper: None,
            score: Some(Score::new(f64::INFINITY)),
            outcome: Outcome::Breach,
            error: None,
            evidence: None,
            state: AlertState::Firing,
            late: false,
            evaluated_ms: 1_796_083_201_000,
        };
        assert_eq!(day(window.end_ms), "2026.12.01");
        let document = document(&evaluation);
        assert_eq!(document["@timestamp"], "2026-12-01T00:00:00Z");
        assert_eq!(document["group"], json!(["bank=hsbc", "card.kind=debit"]));
        assert_eq!((&document["lower"], &document["upper"]), (&json!(300.0), &Value::Null));
        // JSON has no infinity.
        assert_eq!((&document["value"], &document["score"]), (&json!(150.0), &Value::Null));
    }
}
