//! Connections to Kafka.

use std::path::PathBuf;
use std::time::Duration;

use krafka::auth::{AuthConfig, TlsConfig};
use krafka::error::KrafkaError;
use reqwest::Url;

use super::mechanism::Mechanism;
use super::place::{KAFKA, Place, addresses, shown};
use crate::remote::redact::cleaned;
use crate::remote::tls::{Authorities, install_crypto_provider};
use crate::remote::{Credentials, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a question may take, with all that the client tries meanwhile.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A Kafka that can be reached, with its secrets.
#[derive(Clone)]
pub(crate) struct Kafka {
    servers: Vec<Url>,
    credentials: Option<Credentials>,
    mechanism: Mechanism,
    ca_file: Option<PathBuf>,
    /// Whether the system has authorities; without any Mozilla's are trusted.
    has_system_authorities: bool,
    secrets: Vec<String>,
}

impl Kafka {
    /// Looks up secrets and certificates.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(crate) fn resolve(place: &Place, mechanism: Mechanism) -> Result<Self, Vec<Problem>> {
        let servers = place.url.resolve("url").and_then(|text| addresses(&text, &KAFKA));
        let credentials = place.auth.as_ref().map(crate::remote::auth::Auth::resolve).transpose();
        let authorities = Authorities::load(place.ca_file.as_deref());
        match (servers, credentials, authorities) {
            (Ok(servers), Ok(credentials), Ok(authorities)) => Ok(Self {
                servers,
                secrets: credentials.iter().map(Credentials::secret).collect(),
                credentials,
                mechanism,
                ca_file: place.ca_file.clone(),
                has_system_authorities: !authorities.with_builtin,
            }),
            (servers, credentials, authorities) => {
                Err([servers.err(), credentials.err(), authorities.err()].into_iter().flatten().collect())
            }
        }
    }

    /// A new connection, which looks for the servers of the cluster by itself.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub(crate) async fn connect(&self) -> Result<krafka::Kafka, String> {
        install_crypto_provider();
        let mut builder = krafka::Kafka::builder(self.bootstrap())
            .client_id("lanner")
            .connect_timeout(CONNECT_TIMEOUT)
            .request_timeout(ANSWER_TIMEOUT);
        if let Some(security) = self.security() {
            builder = builder.security(security);
        }
        match tokio::time::timeout(ANSWER_TIMEOUT, builder.connect()).await {
            Ok(connected) => connected.map_err(|error| self.refusal(&error)),
            Err(_) => Err(format!("{} does not answer within 15s; check that it runs", self.place())),
        }
    }

    /// Addresses as Kafka writes them.
    fn bootstrap(&self) -> String {
        let one = |url: &Url| {
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(KAFKA.port))
        };
        self.servers.iter().map(one).collect::<Vec<_>>().join(",")
    }

    fn security(&self) -> Option<AuthConfig> {
        let is_encrypted = self.servers.first().is_some_and(|url| url.scheme() == KAFKA.tls);
        let who = self.credentials.as_ref().map(|credentials| match (credentials, self.mechanism) {
            (Credentials::Bearer(token) | Credentials::Key { key: token, .. }, _) => {
                AuthConfig::sasl_oauthbearer(token.clone())
            }
            (Credentials::Basic { username, password }, Mechanism::Plain) => {
                AuthConfig::sasl_plain(username.clone(), password.clone())
            }
            (Credentials::Basic { username, password }, Mechanism::ScramSha256) => {
                AuthConfig::sasl_scram_sha256(username.clone(), password.clone())
            }
            (Credentials::Basic { username, password }, Mechanism::ScramSha512) => {
                AuthConfig::sasl_scram_sha512(username.clone(), password.clone())
            }
        });
        if !is_encrypted {
            return who;
        }
        let mut tls = TlsConfig::new();
        if self.has_system_authorities {
            tls = tls.with_native_roots();
        }
        if let Some(file) = &self.ca_file {
            tls = tls.with_ca_cert(file.to_string_lossy());
        }
        Some(match who {
            Some(who) => who.with_tls(tls),
            None => AuthConfig::ssl(tls),
        })
    }

    /// What it means that there is no connection.
    fn refusal(&self, error: &KrafkaError) -> String {
        let (at, why) = (self.place(), self.said(error));
        if why.contains("certificate") || why.contains("TLS") {
            format!("cannot reach {at}: {why}; if it is signed by a private authority, set `ca_file`")
        } else if matches!(error, KrafkaError::Auth { .. }) {
            format!("{at} refuses the credentials ({why}); check `auth` and `mechanism`")
        } else {
            format!("cannot reach {at}: {why}; check that it runs and can be reached from here")
        }
    }

    /// What a library says, for people: on one line, without secrets.
    pub(crate) fn said(&self, error: &KrafkaError) -> String {
        cleaned(&lanner_core::cause::deepest(error), &self.secrets)
    }

    /// Where it is, without secrets.
    pub(crate) fn place(&self) -> String {
        shown(&self.servers, &KAFKA)
    }
}
