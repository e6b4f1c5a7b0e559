//! A job that can be run.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use lanner_core::cause::deepest;
use reqwest::header::ACCEPT;
use reqwest::{Client, Response};

use super::discovery;
use super::how::{Address, Bounds};
use super::target::Target;
use crate::remote::Credentials;
use crate::remote::redact::cleaned;

/// What Lanner reads, the likes of Prometheus' text format first.
const ACCEPTED: &str =
    "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";

/// A job: whom to ask, and how.
pub struct Job {
    pub(super) name: String,
    pub(super) targets: Vec<Target>,
    pub(super) files: Vec<PathBuf>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) address: Address,
    pub(super) credentials: Option<Credentials>,
    pub(super) client: Client,
    pub(super) bounds: Bounds,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Job {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often each of its targets is asked.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(self.bounds.interval_ms)
    }

    /// An answer with more samples than this counts as none.
    #[must_use]
    pub const fn max_samples(&self) -> usize {
        self.bounds.max_samples
    }

    /// Its targets as of now, each once, and what is wrong with files that cannot be read. Blocks.
    #[must_use]
    pub fn targets(&self) -> (Vec<Target>, Vec<String>) {
        let (in_files, problems) = discovery::targets(&self.name, &self.files, &self.labels);
        let mut targets: Vec<Target> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for target in self.targets.iter().cloned().chain(in_files) {
            if seen.insert(target.labels.clone()) {
                targets.push(target);
            }
        }
        (targets, problems)
    }

    /// Asks a target for its metrics.
    ///
    /// # Errors
    /// Why there are none, for people.
    pub async fn ask(&self, target: &Target) -> Result<Bytes, String> {
        let limit = Duration::from_millis(self.bounds.timeout_ms);
        let asked = tokio::time::timeout(limit, self.fetch(target)).await;
        asked.unwrap_or_else(|_| Err(format!("no answer within {} ms", self.bounds.timeout_ms)))
    }

    async fn fetch(&self, target: &Target) -> Result<Bytes, String> {
        let Address { scheme, path } = &self.address;
        let request =
            self.client.get(format!("{scheme}://{}{path}", target.address)).header(ACCEPT, ACCEPTED);
        let request = match &self.credentials {
            Some(credentials) => credentials.authorize(request),
            None => request,
        };
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(format!("answered {}", response.status()));
        }
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<Bytes, String> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > self.bounds.max_body_bytes {
                return Err(format!(
                    "the answer is larger than {} bytes (max_body)",
                    self.bounds.max_body_bytes
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        let secret = self.credentials.as_ref().map(Credentials::secret);
        format!("cannot be reached: {}", cleaned(&deepest(error), &Vec::from_iter(secret)))
    }
}
