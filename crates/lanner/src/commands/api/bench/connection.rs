//! One user's connection: kept, and asked one question after the other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use lanner_core::cause::deepest;
use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::failure::{Failure, Result};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// The most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 20;

/// What is asked, and where.
pub(super) struct Target {
    host: String,
    port: u16,
    path: String,
    authority: HeaderValue,
    authorization: Option<HeaderValue>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Target {
    pub(super) fn new(url: &str, path: &str, token: Option<&str>) -> Result<Self> {
        let wrong = |why: &str| {
            Failure::user(format!("--url {url}: {why}")).hint("write for example http://127.0.0.1:9797")
        };
        let base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let (Some(host), Some(port), "http" | "https") =
            (base.host_str(), base.port_or_known_default(), base.scheme())
        else {
            return Err(wrong("is not an http or https address"));
        };
        let asked = base.join(path).map_err(|error| Failure::user(format!("--path {path}: {error}")))?;
        let query = asked.query().map(|query| format!("?{query}")).unwrap_or_default();
        let port_named = base.port().map(|port| format!(":{port}")).unwrap_or_default();
        let authority = format!("{host}{port_named}");
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = match base.scheme() {
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|error| wrong(&error.to_string()))?;
                Some((TlsConnector::from(Arc::new(lanner_io::remote::client_config())), name))
            }
            _ => None,
        };
        let header = |text: &str| HeaderValue::from_str(text).map_err(|error| wrong(&error.to_string()));
        Ok(Self {
            port,
            path: format!("{}{query}", asked.path()),
            authority: header(&authority)?,
            authorization: token.map(|token| header(&format!("Bearer {token}"))).transpose()?,
            host,
            tls,
        })
    }
}

/// A connection over which questions are asked.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

impl Connection {
    pub(super) async fn open(target: &Target) -> std::result::Result<Self, String> {
        let opened = tokio::time::timeout(CONNECT, Self::connect(target)).await;
        opened.map_err(|_| format!("no connection within {CONNECT:?}"))?
    }

    async fn connect(target: &Target) -> std::result::Result<Self, String> {
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let socket: Box<dyn Socket> = match &target.tls {
            None => Box::new(stream),
            Some((tls, name)) => {
                let stream = tls.connect(name.clone(), stream).await;
                Box::new(stream.map_err(|error| error.to_string())?)
            }
        };
        let (sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| deepest(&error))?;
        // How it ends is told to whoever waits for an answer.
        let driver = tokio::spawn(async move { _ = connection.await });
        Ok(Self { sender, driver })
    }

    /// Whether it can no longer be asked.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Asks one question, and reads the whole answer.
    pub(super) async fn ask(&mut self, target: &Target, body: Bytes) -> std::result::Result<(), String> {
        let mut request = Request::post(&target.path)
            .header(HOST, &target.authority)
            .header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &target.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answered = async {
            self.sender.ready().await.map_err(|error| deepest(&error))?;
            let answer = self.sender.send_request(request).await.map_err(|error| deepest(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|error| deepest(&*error))?.to_bytes();
            if status.is_success() {
                return Ok(());
            }
            let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            Err(format!("the server answers {status} {}", said.trim()))
        };
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(result) => result,
            Err(_) => {
                // What still comes would be taken for the next answer.
                self.driver.abort();
                Err(format!("no answer within {ANSWER:?}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        #[track_caller]
        fn check(url: &str, path: &str, expected: Option<(&str, u16, &str, &str)>) {
            let target = Target::new(url, path, None).ok();
            let found = target.as_ref().map(|target| {
                (&*target.host, target.port, &*target.path, target.authority.to_str().unwrap())
            });
            assert_eq!(found, expected, "{url} {path}");
        }
        check("http://127.0.0.1:9797", "/a?b", Some(("127.0.0.1", 9797, "/a?b", "127.0.0.1:9797")));
        check("http://[::1]:80/x", "/", Some(("::1", 80, "/", "[::1]")));
        check(
            "https://lanner.example.org",
            "/a",
            Some(("lanner.example.org", 443, "/a", "lanner.example.org")),
        );
        check("ftp://lanner.example.org", "/a", None);
        check("lanner", "/a", None);
    }
}
