//! Connections to RabbitMQ, and to other brokers that speak AMQP 0-9-1.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_compat::Compat;
use async_rs::{Runtime, TokioRuntime};
use lapin::types::ShortString;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, ErrorKind};
use reqwest::Url;

use super::amqp_sockets::open;
use super::place::{AMQP, Place, addresses, shown};
use crate::remote::redact::cleaned;
use crate::remote::tls::Authorities;
use crate::remote::url::secrets_of;
use crate::remote::{Credentials, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Broker and client say so often that they are there, seconds; after two that are missing the connection counts as lost.
const HEARTBEAT_S: u16 = 10;

/// A broker that can be reached, with its secrets.
#[derive(Clone)]
pub(crate) struct Amqp {
    servers: Vec<Url>,
    credentials: Option<Credentials>,
    tls: Arc<rustls::ClientConfig>,
    secrets: Vec<String>,
}

impl Amqp {
    /// Looks up secrets and certificates.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(crate) fn resolve(place: &Place) -> Result<Self, Vec<Problem>> {
        let servers = place.url.resolve("url").and_then(|text| addresses(&text, &AMQP));
        let credentials = place.auth.as_ref().map(crate::remote::auth::Auth::resolve).transpose();
        let authorities = Authorities::load(place.ca_file.as_deref());
        match (servers, credentials, authorities) {
            (Ok(servers), Ok(credentials), Ok(authorities)) => {
                let mut secrets: Vec<String> = servers.iter().flat_map(secrets_of).collect();
                secrets.extend(credentials.as_ref().map(Credentials::secret));
                Ok(Self { servers, credentials, tls: Arc::new(authorities.client_config()), secrets })
            }
            (servers, credentials, authorities) => {
                Err([servers.err(), credentials.err(), authorities.err()].into_iter().flatten().collect())
            }
        }
    }

    /// A new connection to the first server that answers. It does not come back by itself when it is lost: whoever has it makes
    /// another.
    ///
    /// # Errors
    /// What is wrong, where, and what to do: of the last server.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let mut last = Err("`url` is empty".to_owned());
        for url in &self.servers {
            last = match tokio::time::timeout(CONNECT_TIMEOUT, self.connect_to(url)).await {
                Ok(connected) => connected,
                Err(_) => {
                    Err(format!("{} does not answer within 10s; check that it runs", self.place_of(url)))
                }
            };
            if last.is_ok() {
                break;
            }
        }
        last
    }

    async fn connect_to(&self, url: &Url) -> Result<Connection, String> {
        let mut uri: AMQPUri = url.as_str().parse().map_err(|_| "`url` is no address of AMQP".to_owned())?;
        uri.query.heartbeat = uri.query.heartbeat.or(Some(HEARTBEAT_S));
        let own = &mut uri.authority.userinfo;
        match &self.credentials {
            Some(Credentials::Basic { username, password }) => {
                (own.username, own.password) = (username.clone(), password.clone());
            }
            // RabbitMQ takes a token of OAuth 2 in the place of the password, whatever the name.
            Some(Credentials::Bearer(token) | Credentials::Key { key: token, .. }) => {
                (own.username, own.password) = (String::new(), token.clone());
            }
            None => {}
        }
        let at = self.place_of(url);
        let (host, port) = (uri.authority.host.clone(), uri.authority.port);
        let tls = (uri.scheme == AMQPScheme::AMQPS).then(|| Arc::clone(&self.tls));
        // Opened here and not by the client, so that what goes wrong can be told apart.
        let socket = open(&host, port, tls).await.map_err(|error| {
            let why = cleaned(&lanner_core::cause::deepest(&error), &self.secrets);
            let advice = if why.contains("certificate") {
                "if it is signed by a private authority, set `ca_file`"
            } else {
                "check that it runs and can be reached from here"
            };
            format!("cannot reach {at}: {why}; {advice}")
        })?;
        let socket = Mutex::new(Some(socket));
        let connect = async move |_: AMQPUri, _: TokioRuntime| {
            // Once: whoever loses a connection makes another.
            let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).take();
            let socket = socket.ok_or_else(|| io::Error::other("the connection was lost"))?;
            Ok(AsyncTcpStream::Plain(Compat::new(socket)))
        };
        let properties = ConnectionProperties::default().with_connection_name("lanner".into());
        let connected = Connection::connector(uri, Runtime::tokio_current(), connect, properties).await;
        connected.map_err(|error| self.refusal(&at, &error))
    }

    /// What it means that a broker does not speak with Lanner.
    fn refusal(&self, at: &str, error: &lapin::Error) -> String {
        let why = cleaned(&said(error), &self.secrets);
        match error.kind() {
            ErrorKind::ProtocolError(refused) if refused.get_id() == 403 => {
                format!("{at} refuses the credentials ({why}); check `auth`")
            }
            ErrorKind::ProtocolError(refused) if refused.get_id() == 530 => {
                format!("{at} refuses the virtual host ({why}); check the end of `url`")
            }
            _ => format!("{at} does not speak AMQP with Lanner: {why}"),
        }
    }

    /// Where it is, without secrets.
    pub(crate) fn place(&self) -> String {
        shown(&self.servers, &AMQP)
    }

    fn place_of(&self, url: &Url) -> String {
        shown(std::slice::from_ref(url), &AMQP)
    }
}

/// What went wrong, in the broker's own words where it has some.
pub(crate) fn said(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(refused) => refused.get_message().to_string(),
        _ => lanner_core::cause::deepest(error),
    }
}

/// A name as AMQP has it.
///
/// # Errors
/// One that is longer than 255 bytes.
pub(crate) fn short(text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|_| "a name is longer than 255 bytes".to_owned())
}
