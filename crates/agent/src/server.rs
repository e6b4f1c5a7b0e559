//! The server, over HTTP.

use std::time::Duration;

use lanner_core::cause::deepest;
use lanner_profile::Terms;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A longer answer is refused: that of a fleet whose profile has 4 GiB is 600 MiB at most, and of 8 MiB one and a half.
const MAX_ANSWER_BYTES: usize = 1 << 30;
/// So much of what a server says of a mistake is shown.
const MAX_SHOWN: usize = 300;

/// Where a server is, and what is told to it.
#[derive(Clone)]
pub struct Options {
    /// Its address: `http://lanner:9797`.
    pub url: String,
    /// A token with the scope `ingest`, if the server wants one.
    pub token: Option<String>,
    /// The processor whose profile gathers what hosts tell.
    pub profile: String,
    /// The name of this host.
    pub host: String,
    /// The stream on which findings become events, if they are to.
    pub stream: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("profile", &self.profile)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// Why a server cannot be told, in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The address is none.
    #[error("\"{url}\" is not the address of a server ({why}); write for example http://lanner:9797")]
    Address {
        /// As it was written, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no answer now; it is worth trying again.
    #[error("no answer from {host}: {why}")]
    NoAnswer {
        /// The server.
        host: String,
        /// What happened.
        why: String,
    },
    /// The server refuses; the same again is refused again.
    #[error("{host} refuses: {why}")]
    Refused {
        /// The server.
        host: String,
        /// What it says.
        why: String,
    },
}

impl AgentError {
    /// Whether the same may work later.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }
}

/// A server that is asked.
pub(crate) struct Server {
    http: Client,
    base: Url,
    options: Options,
}

impl Server {
    pub(crate) fn new(options: Options) -> Result<Self, AgentError> {
        let wrong = |why: String| {
            // What stands before an @ may be a password.
            let url = options.url.rsplit('@').next().unwrap_or_default().chars().take(100).collect();
            AgentError::Address { url, why }
        };
        let base = Url::parse(&options.url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("it is neither http nor https".to_owned()));
        }
        // Fails when the program has chosen one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            let builder = Client::builder().connect_timeout(TIMEOUT).timeout(TIMEOUT);
            let is_here =
                base.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
            // A proxy leads elsewhere than to this machine.
            if is_here { builder.no_proxy() } else { builder }
        };
        let built = builder().build().or_else(|error| match base.scheme() {
            // A small container has no certificate authorities, and without TLS needs none.
            "http" => builder().tls_certs_only([]).build(),
            _ => Err(error),
        });
        let http = built.map_err(|error| wrong(deepest(&error)))?;
        Ok(Self { http, base, options })
    }

    pub(crate) fn address(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn at(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(parts);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, AgentError> {
        let request = match &self.options.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let host = self.address();
        let response = request.send().await.map_err(|error| AgentError::NoAnswer {
            host: host.clone(),
            why: deepest(&error.without_url()),
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said = limited(response, 64 << 10).await.unwrap_or_default();
        let said: String =
            String::from_utf8_lossy(&said).chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
        let why = format!("{status} {said}");
        let is_temporary = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        Err(if is_temporary { AgentError::NoAnswer { host, why } } else { AgentError::Refused { host, why } })
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, AgentError> {
        let read = limited(response, MAX_ANSWER_BYTES).await;
        read.map_err(|why| AgentError::NoAnswer { host: self.address(), why })
    }

    /// What hosts of the fleet have to learn.
    pub(crate) async fn terms(&self) -> Result<Terms, AgentError> {
        let url = self.at(&["profiles", &self.options.profile, "terms"]);
        let body = self.body(self.send(self.http.get(url)).await?).await?;
        Terms::from_json(&body).map_err(|why| AgentError::Refused { host: self.address(), why })
    }

    /// Tells what this host saw, and returns what all did; `None` when that is what the host knows.
    pub(crate) async fn tell(
        &self,
        told: Vec<u8>,
        known_ms: Option<i64>,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let mut url = self.at(&["profiles", &self.options.profile, "hosts", &self.options.host]);
        if let Some(known_ms) = known_ms {
            url.query_pairs_mut().append_pair("changed", &known_ms.to_string());
        }
        let request = self.http.post(url).header("content-type", "application/octet-stream").body(told);
        let response = self.send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        self.body(response).await.map(Some)
    }

    /// Sends findings, a JSON object each, as events.
    pub(crate) async fn find(&self, findings: &[String]) -> Result<(), AgentError> {
        let Some(stream) = &self.options.stream else { return Ok(()) };
        let request = self.http.post(self.at(&["events", stream]));
        let request = request.header("content-type", "application/x-ndjson").body(findings.join("\n"));
        self.send(request).await.map(drop)
    }
}

/// A body of at most so many bytes.
async fn limited(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| deepest(&error.without_url()))? {
        if body.len() + piece.len() > most {
            return Err(format!("the answer is longer than {most} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
