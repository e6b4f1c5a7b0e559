//! All documents of indices, read from OpenSearch or Elasticsearch page by page.
//!
//! Pages are those of a scroll: a view of the indices as they were when reading began, so that documents of the same time at the edge
//! of a page are neither lost nor doubled.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::remote::auth::Auth;
use crate::remote::url::parse_url;
use crate::remote::{Clients, Problem};
use crate::source::{RequestError, Server};

/// Documents asked for at once.
const PAGE: usize = 5_000;
/// How long the view is kept between two pages.
const KEPT_FOR: &str = "2m";

/// A cluster whose documents are read.
pub struct Search(Server);

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Search")
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Hit {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Its fields.
    #[serde(rename = "_source")]
    pub source: Value,
}

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// An index, or a pattern of several.
    pub index: String,
    /// Which documents, in the language of OpenSearch.
    pub query: Value,
    /// The field they are in order of.
    pub time: String,
    /// The fields that come over the wire.
    pub fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll: Option<String>,
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards", default)]
    shards: Shards,
    hits: Hits,
}

#[derive(Debug, Default, Deserialize)]
struct Shards {
    #[serde(default)]
    failed: u64,
}

#[derive(Debug, Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

impl Search {
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

    /// Shows each document to `visit`, in order of time, until it breaks; says how many were shown.
    ///
    /// # Errors
    /// [`RequestError`]; also where a part of the indices did not answer, which must not look like fewer documents.
    pub async fn read(
        &self,
        wanted: &Wanted,
        visit: &mut dyn FnMut(Hit) -> ControlFlow<()>,
    ) -> Result<u64, RequestError> {
        let parameters = [("scroll", KEPT_FOR), ("allow_no_indices", "true"), ("ignore_unavailable", "true")];
        let body = json!({
            "size": PAGE, "_source": wanted.fields,
            "query": wanted.query, "sort": [{ wanted.time.as_str(): { "order": "asc", "unmapped_type": "date" } }],
        });
        let mut answer = self.0.ask_json(&[&wanted.index, "_search"], &parameters, &body).await?;
        let (mut n, mut scroll) = (0, None);
        loop {
            let page: Page = serde_json::from_slice(&answer)
                .map_err(|error| self.0.strange("OpenSearch's JSON", &error))?;
            if page.timed_out || page.shards.failed > 0 {
                let why = format!("{} shards did not answer", page.shards.failed);
                return Err(RequestError::temporary(why));
            }
            scroll = page.scroll.or(scroll);
            let is_last = page.hits.hits.is_empty();
            let mut shown = page.hits.hits.into_iter().map(|hit| {
                n += 1;
                visit(hit)
            });
            let is_over = is_last || shown.any(|flow| flow.is_break());
            let Some(id) = scroll.as_ref().filter(|_| !is_over) else { break };
            let body = json!({ "scroll": KEPT_FOR, "scroll_id": id });
            answer = self.0.ask_json(&["_search", "scroll"], &[], &body).await?;
        }
        if let Some(id) = scroll {
            // It ends by itself soon; the server is spared the wait.
            drop(self.0.delete_json(&["_search", "scroll"], &json!({ "scroll_id": id })).await);
        }
        Ok(n)
    }
}
