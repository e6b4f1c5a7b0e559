//! Where documents come from: files, or Wazuh's indexer, which is OpenSearch.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lanner_core::TimeRange;
use lanner_io::remote::Secret;
use lanner_io::remote::auth::Auth;
use lanner_io::search::{Hit, Search, Wanted};
use serde_json::{Value, json};

use super::columns::{self, Version};
use super::selection::Selection;
use super::{derived, documents};
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
    /// The version of Wazuh: 4 has alerts (wazuh-alerts-*), 5 findings (wazuh-findings-v5*) with other names of fields. Use cases name
    /// the fields of 4. Files are told apart by what is in them.
    #[arg(
        long,
        value_enum,
        value_name = "VERSION",
        default_value = "4",
        hide_possible_values = true,
        requires = "url"
    )]
    wazuh: Version,
    /// The indices; by default those of Wazuh, of the dates of the use case.
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
    /// Which of them, in the language of OpenSearch; of files only its simple clauses.
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

    /// The same on a command line, but for the password.
    pub(crate) fn as_arguments(&self) -> String {
        let mut said = String::new();
        for file in &self.data {
            said.push_str(&format!(" --data {}", file.display()));
        }
        if let Some(url) = &self.url {
            said.push_str(&format!(" --url {url}"));
        }
        if self.wazuh == Version::Five {
            said.push_str(" --wazuh 5");
        }
        for (name, value) in [("index", &self.index), ("user", &self.user)] {
            value.iter().for_each(|value| said.push_str(&format!(" --{name} '{value}'")));
        }
        if let Some(file) = &self.ca_file {
            said.push_str(&format!(" --ca-file {}", file.display()));
        }
        said
    }

    pub(crate) fn auth(&self) -> Option<Auth> {
        let (username, password) = (self.user.clone()?, self.password.clone()?);
        Some(Auth { username, password: Secret::Text(password), ..Auth::default() })
    }

    /// Shows each document.
    pub(crate) fn read(&self, asked: &Asked, visit: &mut dyn FnMut(&Value)) -> Result<u64> {
        self.read_until(asked, &mut |document| {
            visit(document);
            ControlFlow::Continue(())
        })
    }

    /// Shows each document, until one breaks.
    pub(crate) fn read_until(
        &self,
        asked: &Asked,
        visit: &mut dyn FnMut(&Value) -> ControlFlow<()>,
    ) -> Result<u64> {
        if let Some(url) = &self.url {
            return self.search(url, asked, visit);
        }
        if self.data.is_empty() {
            return Err(Failure::user("there is nothing to read")
                .hint("name files with --data, or the address of Wazuh's indexer with --url"));
        }
        let selection = asked.filter.as_ref().map(Selection::read).transpose();
        let selection = selection.map_err(|why| Failure::user(format!("alert_filter: {why}")))?;
        let (mut n, mut flow) = (0, ControlFlow::Continue(()));
        for path in &self.data {
            if flow.is_break() {
                break;
            }
            n += documents::read(path, &mut |document| {
                if selection.as_ref().is_none_or(|selection| selection.selects(document)) {
                    flow = visit(document);
                }
                flow
            })?;
        }
        Ok(n)
    }

    fn search(
        &self,
        url: &str,
        asked: &Asked,
        visit: &mut dyn FnMut(&Value) -> ControlFlow<()>,
    ) -> Result<u64> {
        let search = Search::new(url, self.auth().as_ref(), self.ca_file.as_deref())
            .map_err(|problem| Failure::user(problem.to_string()))?;
        let mut fields = columns::fields(self.wazuh, &derived::real(&asked.fields));
        fields.extend(["timestamp".to_owned(), "@timestamp".to_owned()]);
        let time = self.wazuh.time().to_owned();
        let wanted = Wanted { index: self.pattern(asked), query: query(asked, self.wazuh)?, time, fields };
        let runtime = runtime()?;
        let read = runtime.block_on(search.read(&wanted, &mut |hit: Hit| visit(&hit.source)));
        read.map_err(|error| Failure::program(error.to_string()))
    }

    /// `wazuh-alerts-*.*-2024.08.*`; indices of Wazuh 5 are not named by dates.
    fn pattern(&self, asked: &Asked) -> String {
        match (&self.index, self.wazuh) {
            (Some(index), _) => index.clone(),
            (None, Version::Four) => {
                let date = asked.index_date.as_deref().unwrap_or("*-*-*").replace('-', ".");
                format!("wazuh-alerts-*.*-{date}")
            }
            (None, Version::Five) => "wazuh-findings-v5*".to_owned(),
        }
    }

    /// The fields that the version of Wazuh has no place for.
    pub(crate) fn without_place(&self, fields: &[String]) -> Vec<String> {
        match self.wazuh {
            Version::Four => Vec::new(),
            Version::Five => {
                columns::without_place(&derived::real(fields)).into_iter().map(str::to_owned).collect()
            }
        }
    }
}

/// What runs requests.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    lanner_io::receiver::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::program(format!("cannot start the network: {error}")))
}

fn query(asked: &Asked, version: Version) -> Result<Value> {
    let range = asked
        .range
        .map(|range| json!({ "gte": range.start_ms, "lt": range.end_ms, "format": "epoch_millis" }));
    let dates = match (version, asked.index_date.as_deref()) {
        (Version::Five, Some(date)) => dates(date)?,
        _ => None,
    };
    let within = |bounds: Value| json!({ "range": { (version.time()): bounds } });
    let filter = asked.filter.as_ref().map(|filter| match version {
        Version::Four => filter.clone(),
        Version::Five => columns::filter(filter),
    });
    let filters: Vec<Value> = range.into_iter().chain(dates).map(within).chain(filter).collect();
    Ok(if filters.is_empty() { json!({ "match_all": {} }) } else { json!({ "bool": { "filter": filters } }) })
}

/// `2024-08-*` as bounds of time, by the rounding of OpenSearch's date math.
fn dates(date: &str) -> Result<Option<Value>> {
    let parts: Vec<&str> = date.split('-').collect();
    let is_number = |part: &&str| part.bytes().all(|c| c.is_ascii_digit());
    let n_known = parts.iter().take_while(|part| is_number(part)).count();
    let is_rest_any = parts.iter().skip(n_known).all(|part| *part == "*");
    let (first, unit) = match (&parts[..], n_known, is_rest_any) {
        (_, 0, true) => return Ok(None),
        ([year, ..], 1, true) => (format!("{year}-01-01"), "y"),
        ([year, month, _], 2, true) => (format!("{year}-{month}-01"), "M"),
        (_, 3, true) => (date.to_owned(), "d"),
        _ => {
            let message = format!("index_date: {date} is no day, month or year, as which Wazuh 5 is asked");
            return Err(Failure::user(message).hint("write for example 2024-08-30, 2024-08-* or 2024-*-*"));
        }
    };
    let bound = format!("{first}||/{unit}");
    Ok(Some(json!({ "gte": bound, "lte": bound, "format": "yyyy-MM-dd" })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_bounds() {
        #[track_caller]
        fn check(date: &str, expected: Option<&str>) {
            assert_eq!(dates(date).unwrap().map(|bounds| bounds["lte"].clone()), expected.map(Value::from));
        }
        check("2024-08-30", Some("2024-08-30||/d"));
        check("2024-08-*", Some("2024-08-01||/M"));
        check("2024-*-*", Some("2024-01-01||/y"));
        check("*-*-*", None);
        assert!(dates("2024-*-01").unwrap_err().text().contains("is no day, month or year"));
        assert!(dates("202*-08-01").is_err());
    }
}
