//! What the tests talk to, and messages to send.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use lanner_core::{AlertState, Annotations, Labels, Notification, NotifiedAlert, TimeRange};
use lanner_io::receiver::{BuildContext, Receiver, ReceiverConfig};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// A message with `key` about one firing alert of the notification group `{group="..."}`.
pub(crate) fn message(key: &str, group: &str) -> Notification {
    let labels = Labels::new([("rule", "payments-floor"), ("group", group)]);
    Notification {
        key: key.to_owned(),
        receiver: Arc::from("on-call"),
        group: Labels::new([("group", group)]),
        alerts: vec![NotifiedAlert {
            fingerprint: "0123456789abcdef".to_owned(),
            episode: 1,
            state: AlertState::Firing,
            rule: Arc::from("payments-floor"),
            labels,
            group: Labels::new([("bank", "hsbc")]),
            content: Value::from("nur 150 Zahlungen in München"),
            annotations: Annotations::from([(
                "runbook_url".to_owned(),
                "https://example.org/floor".to_owned(),
            )]),
            started_ms: 1_767_225_600_000,
            resolved_ms: None,
            resolved_reason: None,
            window: TimeRange::new(1_767_223_800_000, 1_767_225_600_000),
            value: Some(150.0),
            base: Some(200.0),
            evidence: None,
            late: false,
            acknowledged: None,
        }],
        omitted: lanner_core::Omitted::default(),
        repeat: false,
        give_up_ms: None,
        created_ms: 1_767_225_601_000,
    }
}

/// The receiver that a document describes.
#[track_caller]
pub(crate) fn receiver(document: &Value) -> Receiver {
    let config = ReceiverConfig::from_value(document).unwrap();
    config.build(&BuildContext::default()).unwrap()
}

/// How an [`HttpPeer`] answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// With a status, headers and a text.
    Status(u16, Vec<(&'static str, String)>, &'static str),
    /// Not at all.
    Hang,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), "")
    }
}

/// A request that an [`HttpPeer`] got.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The body as JSON, and as it came.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Request {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// An HTTP server that answers by a script, the last line for ever, and keeps what it got.
pub(crate) struct HttpPeer {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

struct Script {
    answers: Vec<Answer>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl HttpPeer {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, requests) = router(answers);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, requests, task }
    }

    /// The same over TLS.
    pub(crate) async fn start_tls(answers: Vec<Answer>, certificates: &Certificates) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (router, requests) = router(answers);
        let listener = TlsListener { tcp, acceptor: certificates.acceptor() };
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, requests, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for HttpPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(answers: Vec<Answer>) -> (Router, Arc<Mutex<Vec<Request>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let script = Arc::new(Script { answers, requests: Arc::clone(&requests) });
    (Router::new().fallback(answer).with_state(script), requests)
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let n_before = {
        let mut requests = script.requests.lock().unwrap();
        requests.push(Request { method, path: uri.to_string(), headers, body, text });
        requests.len() - 1
    };
    match script.answers[n_before.min(script.answers.len() - 1)].clone() {
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(120)).await;
            StatusCode::OK.into_response()
        }
        Answer::Status(status, headers, text) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.tcp.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A certificate authority of our own, and a certificate of it for `localhost` and `127.0.0.1`.
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Makes them in `dir` with `openssl`; says so and returns `None` where that is missing.
    pub(crate) fn make(dir: &Path) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: openssl is not installed, so nothing was tried over TLS");
            return None;
        }
        let openssl = |line: &str| {
            let output = Command::new("openssl").args(line.split(' ')).current_dir(dir).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!("{new} -x509 -days 2 -subj /CN=TestAuthority -keyout ca.key -out ca.pem"));
        openssl(&format!("{new} -subj /CN=localhost -keyout server.key -out server.csr"));
        std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2";
        openssl(&format!("{sign} -extfile names -out server.pem"));
        let [ca, certificate, key] = ["ca.pem", "server.pem", "server.key"].map(|name| dir.join(name));
        Some(Self { ca, certificate, key })
    }

    fn acceptor(&self) -> TlsAcceptor {
        lanner_io::receiver::install_crypto_provider();
        let chain = vec![CertificateDer::from_pem_file(&self.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
