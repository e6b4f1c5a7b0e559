//! An endpoint that can be sent to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lanner_core::Labels;
use lanner_core::cause::deepest;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode, Url};

use super::content::{Bounds, Content};
use crate::remote::Credentials;
use crate::remote::answer::{read_start, retry_after_ms};
use crate::remote::redact::{cleaned, shown};
use crate::remote::url::secrets_of;

/// An endpoint: where it is, and what it is sent.
pub struct Endpoint {
    /// Its name.
    pub name: Arc<str>,
    pub(super) url: Url,
    pub(super) credentials: Option<Credentials>,
    pub(super) client: Client,
    /// What is sent.
    pub content: Content,
    /// Labels of all series.
    pub labels: Labels,
    /// How often, and how much.
    pub bounds: Bounds,
}

/// Why samples were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Something in this request is wrong for good: fewer samples at once may be right.
    #[error("{0}")]
    Refused(String),
    /// It may pass, or somebody has to change the configuration of either side.
    #[error("{why}")]
    Later {
        /// A lower-case fragment for people.
        why: String,
        /// How long the endpoint asked to be left alone.
        after: Option<Duration>,
    },
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Sends a request of remote write 1.0, compressed by Snappy.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, body: Bytes) -> Result<(), SendError> {
        let limit = Duration::from_millis(self.bounds.timeout_ms);
        match tokio::time::timeout(limit, self.post(body)).await {
            Ok(sent) => sent,
            Err(_) => Err(self.later(&format!("gave no answer within {} ms", self.bounds.timeout_ms), None)),
        }
    }

    async fn post(&self, body: Bytes) -> Result<(), SendError> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(CONTENT_ENCODING, "snappy")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0")
            .body(body);
        let request = match &self.credentials {
            Some(credentials) => credentials.authorize(request),
            None => request,
        };
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(self.refusal(response).await),
            Err(error) => {
                let reason = cleaned(&deepest(&error), &self.secrets());
                Err(self.later(&format!("cannot be reached: {reason}"), None))
            }
        }
    }

    async fn refusal(&self, mut response: Response) -> SendError {
        let (status, after_ms) = (response.status(), retry_after_ms(response.headers()));
        let answer = cleaned(&read_start(&mut response).await, &self.secrets());
        let said = if answer.is_empty() { String::new() } else { format!(": {answer}") };
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; check the credentials (auth)",
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                "; check the url, and whether the server takes remote write (Prometheus: --web.enable-remote-write-receiver)"
            }
            _ => "",
        };
        let why = format!("answered {status}{said}{advice}");
        if is_about_samples(status) {
            return SendError::Refused(format!("{} {why}", shown(&self.url)));
        }
        let after = after_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        self.later(&why, after)
    }

    fn later(&self, why: &str, after: Option<Duration>) -> SendError {
        SendError::Later { why: format!("{} {why}", shown(&self.url)), after }
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = secrets_of(&self.url);
        secrets.extend(self.credentials.as_ref().map(Credentials::secret));
        secrets
    }
}

/// Whether an answer speaks of what was sent, and not of who sent it, where to, or when.
const fn is_about_samples(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 409 | 413 | 415 | 422)
}
