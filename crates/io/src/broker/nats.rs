//! Connections to NATS.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, ServerAddr};
use reqwest::Url;

use super::place::{NATS, Place, addresses, shown};
use crate::remote::redact::cleaned;
use crate::remote::tls::Authorities;
use crate::remote::url::secrets_of;
use crate::remote::{Credentials, Problem, Secret};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the broker is asked whether it is there. After two that it does not answer the connection counts as lost.
const PING: Duration = Duration::from_secs(5);

/// A NATS that can be reached, with its secrets.
#[derive(Clone)]
pub(crate) struct Nats {
    servers: Vec<Url>,
    credentials: Option<Credentials>,
    /// The text of a file with a token and a key, as NATS' tools make it.
    key: Option<String>,
    tls: Arc<rustls::ClientConfig>,
    secrets: Vec<String>,
}

impl Nats {
    /// Looks up secrets and certificates.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(crate) fn resolve(place: &Place, key: &Secret) -> Result<Self, Vec<Problem>> {
        let servers = place.url.resolve("url").and_then(|text| addresses(&text, &NATS));
        let credentials = place.auth.as_ref().map(crate::remote::auth::Auth::resolve).transpose();
        let key = if key.is_empty() { Ok(None) } else { key.resolve("credentials").map(Some) };
        let authorities = Authorities::load(place.ca_file.as_deref());
        match (servers, credentials, key, authorities) {
            (Ok(servers), Ok(credentials), Ok(key), Ok(authorities)) => {
                let mut secrets: Vec<String> = servers.iter().flat_map(secrets_of).collect();
                secrets.extend(credentials.as_ref().map(Credentials::secret));
                Ok(Self { servers, credentials, key, tls: Arc::new(authorities.client_config()), secrets })
            }
            (servers, credentials, key, authorities) => {
                let problems = [servers.err(), credentials.err(), key.err(), authorities.err()];
                Err(problems.into_iter().flatten().collect())
            }
        }
    }

    /// A new connection. It does not come back by itself when it is lost: whoever has it makes another.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub(crate) async fn connect(&self) -> Result<Client, String> {
        let mut options = ConnectOptions::new()
            .name("lanner")
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING)
            .max_reconnects(1)
            .tls_client_config((*self.tls).clone());
        match &self.credentials {
            Some(Credentials::Basic { username, password }) => {
                options = options.user_and_password(username.clone(), password.clone());
            }
            Some(Credentials::Bearer(token) | Credentials::Key { key: token, .. }) => {
                options = options.token(token.clone());
            }
            None => {}
        }
        if let Some(key) = &self.key {
            let refused = |error| format!("`credentials` is no file of credentials of NATS: {error}");
            options = options.credentials(key).map_err(refused)?;
        }
        let servers: Result<Vec<ServerAddr>, _> =
            self.servers.iter().map(|url| ServerAddr::from_url(url.clone())).collect();
        let servers = servers.map_err(|error| format!("`url` cannot be used: {error}"))?;
        options.connect(servers).await.map_err(|error| self.refusal(&error))
    }

    /// What it means that there is no connection.
    fn refusal(&self, error: &ConnectError) -> String {
        let why = self.cleaned(&lanner_core::cause::deepest(error));
        let at = self.place();
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                format!("{at} refuses the credentials ({why}); check `auth`, or `credentials`")
            }
            ConnectErrorKind::Tls => {
                format!("cannot reach {at}: {why}; if it is signed by a private authority, set `ca_file`")
            }
            _ if why.contains("certificate") => {
                format!("cannot reach {at}: {why}; if it is signed by a private authority, set `ca_file`")
            }
            ConnectErrorKind::TimedOut => format!("{at} does not answer within 10s; check that it runs"),
            _ => format!("cannot reach {at}: {why}; check that it runs and can be reached from here"),
        }
    }

    /// What a library says, for people: on one line, without secrets.
    pub(crate) fn cleaned(&self, text: &str) -> String {
        cleaned(text, &self.secrets)
    }

    /// Where it is, without secrets.
    pub(crate) fn place(&self) -> String {
        shown(&self.servers, &NATS)
    }
}
