//! Documents for OpenSearch and Elasticsearch, many in a request (`_bulk`).
//!
//! Each document has an id, so that sending it again makes no second one. What the cluster is too busy for is sent again;
//! what it refuses is told and sent no more.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::remote::auth::Auth;
use crate::remote::url::parse_url;
use crate::remote::{Clients, Problem};
use crate::source::{RequestError, Server};

/// How often a batch is sent while the cluster is busy or away.
const MAX_TRIES: u32 = 6;
/// The wait before the second time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// So many reasons of refusals are kept.
const MAX_REASONS: usize = 5;

/// A cluster that takes documents.
pub struct Bulk(Server);

impl std::fmt::Debug for Bulk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bulk")
    }
}

/// Documents to be sent together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    lines: Vec<u8>,
    /// Where each document ends, its action included.
    ends: Vec<usize>,
}

impl Documents {
    /// Adds a document, in place of one with its id.
    pub fn add(&mut self, id: &str, document: &Value) {
        let action = json!({ "index": { "_id": id } });
        self.lines.extend(format!("{action}\n{document}\n").into_bytes());
        self.ends.push(self.lines.len());
    }

    /// Adds a document, unless there is one with its id: for data streams, which only grow.
    pub fn create(&mut self, id: &str, document: &Value) {
        let action = json!({ "create": { "_id": id } });
        self.lines.extend(format!("{action}\n{document}\n").into_bytes());
        self.ends.push(self.lines.len());
    }

    /// How large they are, bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.lines.len()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Those at these places, in order.
    fn only(&self, places: &[usize]) -> Self {
        let mut some = Self::default();
        for at in places {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            some.lines.extend_from_slice(&self.lines[start..self.ends[*at]]);
            some.ends.push(some.lines.len());
        }
        some
    }
}

/// What became of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Documents that were not there before.
    pub created: u64,
    /// Documents in place of others of their ids, or that were there already.
    pub updated: u64,
    /// Documents that were refused.
    pub refused: u64,
    /// Why, as the cluster says it: each reason once, the first few.
    pub reasons: Vec<String>,
}

impl Taken {
    /// Adds what became of other documents.
    pub fn merge(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.refused += other.refused;
        other.reasons.into_iter().for_each(|reason| self.note(reason));
    }

    fn note(&mut self, reason: String) {
        if self.reasons.len() < MAX_REASONS && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

impl Bulk {
    /// The cluster at `url`; nothing is sent yet. `ca_file` holds certificates to trust besides the system's.
    ///
    /// # Errors
    /// An address that is none, credentials that cannot be sent, a file that cannot be read.
    pub fn new(url: &str, auth: Option<&Auth>, ca_file: Option<&Path>) -> Result<Self, Problem> {
        let url = parse_url("url", url)?;
        if let Some(problem) = auth.and_then(Auth::check) {
            return Err(problem);
        }
        let credentials = auth.map(Auth::resolve).transpose()?;
        Ok(Self(Server::new(url, credentials, Clients::default().get(ca_file)?)))
    }

    /// Keeps something by its path, such as `["_component_template", "lanner"]`, in place of what is there.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<(), RequestError> {
        self.0.put_json(path, body).await.map(drop)
    }

    /// Keeps something by its path, unless something is there, which may have been changed on purpose.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn put_new(&self, path: &[&str], body: &Value) -> Result<(), RequestError> {
        match self.put(path, body).await {
            Err(error) if error.status == Some(409) => Ok(()),
            outcome => outcome,
        }
    }

    /// Keeps an index template, in place of one of its name.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn put_template(&self, name: &str, template: &Value) -> Result<(), RequestError> {
        self.0.put_json(&["_index_template", name], template).await.map(drop)
    }

    /// The latest time in a field of the documents of `indices`, milliseconds since the Unix epoch; `None` if there is no document.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn newest_ms(&self, indices: &str, field: &str) -> Result<Option<i64>, RequestError> {
        let asked = json!({ "size": 0, "aggs": { "newest": { "max": { "field": field } } } });
        let answer =
            self.0.ask_json(&[indices, "_search"], &[("ignore_unavailable", "true")], &asked).await?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|error| self.0.strange("OpenSearch's JSON", &error))?;
        Ok(answer.pointer("/aggregations/newest/value").and_then(Value::as_f64).map(|ms| ms as i64))
    }

    /// Sends documents into `index`, and those again that the cluster is too busy for.
    ///
    /// # Errors
    /// [`RequestError`], when the cluster stays busy or away, or takes none of them. Some may have been taken then; sending
    /// all of them again is safe.
    pub async fn send(&self, index: &str, documents: Documents) -> Result<Taken, RequestError> {
        let (mut taken, mut rest, mut wait) = (Taken::default(), documents, FIRST_WAIT);
        for n_try in 1.. {
            if rest.is_empty() {
                break;
            }
            let answer = tokio::time::timeout(TIMEOUT, self.send_once(index, &rest)).await;
            let no_answer =
                |_| Err(RequestError::temporary(format!("no answer within {} s", TIMEOUT.as_secs())));
            let why = match answer.unwrap_or_else(no_answer) {
                Ok(answer) => {
                    let busy = answer.note(&mut taken);
                    rest = rest.only(&busy);
                    RequestError::temporary(format!("{} documents were turned away: too busy", rest.len()))
                }
                Err(error) if error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            if rest.is_empty() {
                break;
            }
            if n_try == MAX_TRIES {
                return Err(why);
            }
            let asked = why.retry_after_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
            tokio::time::sleep(wait.max(asked.unwrap_or_default())).await;
            wait *= 2;
        }
        Ok(taken)
    }

    async fn send_once(&self, index: &str, documents: &Documents) -> Result<Answer, RequestError> {
        const WANTED: &str = "items.*.status,items.*.result,items.*.error";
        let lines = Bytes::from(documents.lines.clone());
        let body = self.0.post_lines(&[index, "_bulk"], &[("filter_path", WANTED)], lines).await?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| self.0.strange("OpenSearch's JSON", &error))?;
        if answer.items.len() != documents.len() {
            let why = format!("{} answers to {} documents", answer.items.len(), documents.len());
            return Err(self.0.strange("OpenSearch's JSON", &why));
        }
        Ok(answer)
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Item {
    Index(Outcome),
    Create(Outcome),
}

#[derive(Debug, Deserialize)]
struct Outcome {
    status: u16,
    result: Option<String>,
    error: Option<Cause>,
}

#[derive(Debug, Deserialize)]
struct Cause {
    #[serde(default)]
    reason: String,
    caused_by: Option<Box<Self>>,
}

impl Cause {
    /// The reason, and what is behind it.
    fn text(&self) -> String {
        match &self.caused_by {
            Some(cause) => format!("{}: {}", self.reason, cause.text()),
            None => self.reason.clone(),
        }
    }
}

impl Answer {
    /// Counts what was taken and refused; the places of those to be sent again.
    fn note(self, taken: &mut Taken) -> Vec<usize> {
        let mut busy = Vec::new();
        for (at, item) in self.items.into_iter().enumerate() {
            let (Item::Index(outcome) | Item::Create(outcome)) = &item;
            match (outcome.status, outcome.result.as_deref()) {
                (429 | 503, _) => busy.push(at),
                (409, _) if matches!(item, Item::Create(_)) => taken.updated += 1,
                (200..=299, Some("created")) => taken.created += 1,
                (200..=299, _) => taken.updated += 1,
                (status, _) => {
                    taken.refused += 1;
                    taken.note(outcome.error.as_ref().map_or_else(|| status.to_string(), Cause::text));
                }
            }
        }
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_is_too_busy_for_is_sent_again() {
        let mut documents = Documents::default();
        for id in ["a", "b", "c", "d"] {
            documents.add(id, &json!({ "n": id }));
        }
        documents.create("e", &json!({ "n": "e" }));
        let answer = r#"{"items":[{"index":{"status":201,"result":"created"}},{"index":{"status":429,"error":{"reason":"full"}}},
            {"index":{"status":400,"error":{"reason":"failed to parse","caused_by":{"reason":"'x' is not an IP"}}}},
            {"index":{"status":200,"result":"updated"}},{"create":{"status":409,"error":{"reason":"document already exists"}}}]}"#;
        let mut taken = Taken::default();
        let busy = serde_json::from_str::<Answer>(answer).unwrap().note(&mut taken);
        let reasons = vec!["failed to parse: 'x' is not an IP".to_owned()];
        assert_eq!(taken, Taken { created: 1, updated: 2, refused: 1, reasons });
        let mut expected = Documents::default();
        expected.add("b", &json!({ "n": "b" }));
        assert_eq!(documents.only(&busy), expected);
    }
}
