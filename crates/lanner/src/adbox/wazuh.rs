//! Where documents come from: files, or Wazuh's indexer, which is OpenSearch.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lanner_core::TimeRange;
use lanner_io::remote::Secret;
use lanner_io::remote::auth::Auth;
use lanner_io::search::{Hit, Search, Wanted};
use serde_json::{Value, json};

use super::documents;
use crate::failure::{Failure, Result};

/// From where documents are read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// Files with documents, instead of an indexer: the JSON of a search, or a document a line; gzipped or not.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "url")]
    pub(crate) data: Vec<PathBuf>,
    /// The address of Wazuh's indexer, or of any OpenSearch.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The indices; by default those of Wazuh's alerts, wazuh-alerts-*, of the dates of the use case.
    #[arg(long, value_name = "PATTERN", requires = "url")]
    pub(crate) index: Option<String>,
    /// User name for basic authentication.
    #[arg(long, value_name = "NAME", requires = "password")]
    user: Option<String>,
    /// The password of the user.
    #[arg(long, env = "LANNER_WAZUH_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    password: Option<String>,
    /// Certificates to trust besides the system's, PEM.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// What is asked of the source.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Dates of indices, such as `2024-08-*`; `None` for all.
    pub(crate) index_date: Option<String>,
    /// When documents were; `None` for all.
    pub(crate) range: Option<TimeRange>,
    /// Which of them, in the language of OpenSearch; files are not filtered.
    pub(crate) filter: Option<Value>,
    /// The fields that are looked at.
    pub(crate) fields: Vec<String>,
}

impl DataArgs {
    /// The same, or a file where nothing is named.
    pub(crate) fn or_file(&self, file: Option<&Path>) -> Self {
        let mut data = self.clone();
        if data.url.is_none() && data.data.is_empty() {
            data.data.extend(file.map(Path::to_owned));
        }
        data
    }

    /// Whether it is files, which never change.
    pub(crate) fn is_files(&self) -> bool {
        self.url.is_none()
    }

    pub(crate) fn auth(&self) -> Option<Auth> {
        let (username, password) = (self.user.clone()?, self.password.clone()?);
        Some(Auth { username, password: Secret::Text(password), ..Auth::default() })
    }

    /// Shows each document.
    pub(crate) fn read(&self, asked: &Asked, visit: &mut dyn FnMut(&Value)) -> Result<u64> {
        match &self.url {
            Some(url) => self.search(url, asked, visit),
            None if self.data.is_empty() => Err(Failure::user("there is nothing to read")
                .hint("name files with --data, or the address of Wazuh's indexer with --url")),
            None => self.data.iter().map(|path| documents::read(path, visit)).sum(),
        }
    }

    fn search(&self, url: &str, asked: &Asked, visit: &mut dyn FnMut(&Value)) -> Result<u64> {
        let search = Search::new(url, self.auth().as_ref(), self.ca_file.as_deref())
            .map_err(|problem| Failure::user(problem.to_string()))?;
        let mut fields = asked.fields.clone();
        fields.extend(["timestamp".to_owned(), "@timestamp".to_owned()]);
        let wanted =
            Wanted { index: self.pattern(asked), query: query(asked), time: "timestamp".to_owned(), fields };
        let runtime = runtime()?;
        let mut shown = |hit: Hit| {
            visit(&hit.source);
            ControlFlow::Continue(())
        };
        let read = runtime.block_on(search.read(&wanted, &mut shown));
        read.map_err(|error| Failure::program(error.to_string()))
    }

    /// `wazuh-alerts-*.*-2024.08.*`
    fn pattern(&self, asked: &Asked) -> String {
        if let Some(index) = &self.index {
            return index.clone();
        }
        let date = asked.index_date.as_deref().unwrap_or("*-*-*").replace('-', ".");
        format!("wazuh-alerts-*.*-{date}")
    }
}

/// What runs requests.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    lanner_io::receiver::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::program(format!("cannot start the network: {error}")))
}

fn query(asked: &Asked) -> Value {
    let range = asked.range.map(|range| {
        let bounds = json!({ "gte": range.start_ms, "lt": range.end_ms, "format": "epoch_millis" });
        json!({ "range": { "timestamp": bounds } })
    });
    let filters: Vec<Value> = range.into_iter().chain(asked.filter.clone()).collect();
    if filters.is_empty() { json!({ "match_all": {} }) } else { json!({ "bool": { "filter": filters } }) }
}
