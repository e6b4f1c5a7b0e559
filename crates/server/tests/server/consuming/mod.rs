//! Brokers: messages that come in and messages that go out, with real ones, and with connections that lose what is said.

mod kafka;
mod nats;
mod rabbitmq;
mod unruly;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lanner_core::document::{Check, Node};
use lanner_core::{AlertState, Annotations, Labels, Notification, NotifiedAlert, TimeRange};
use lanner_io::consume::ConsumeConfig;
use lanner_io::receiver::{BuildContext, Receiver, ReceiverConfig};
use lanner_server::{Server, Settings};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::sending::get;

/// A server with these consumers.
async fn start(folder: &Path, yaml: &str) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.max_body_bytes = 1 << 20;
    let mut check = Check::default();
    settings.consume =
        Arc::new(ConsumeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "consume", &mut check));
    assert_eq!(check.problems, []);
    Server::start(settings).await.unwrap()
}

/// How a consumer is, once that fulfils a condition.
async fn consumer(server: &Server, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1_200 {
        let status: Value = serde_json::from_str(&get(server, "/api/v1/status").await).unwrap();
        let found = status["consumers"].as_array().into_iter().flatten().find(|it| it["name"] == name);
        last = found.cloned().unwrap_or_default();
        if is_so(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} does not become so: {last}")
}

/// The field `n` of all events of a stream, in order.
async fn numbers(server: &Server, stream: &str) -> Vec<u64> {
    let lines = get(server, &format!("/api/v1/export/events/{stream}")).await;
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut numbers: Vec<u64> = events.filter_map(|event| event["n"].as_u64()).collect();
    numbers.sort_unstable();
    numbers
}

fn event(n: u64) -> String {
    format!(r#"{{"n":{n},"bank":"hsbc"}}"#)
}

/// A connection to a broker on which, at a word, nothing is said to it any more.
struct Wire {
    port: u16,
    is_mute: Arc<AtomicBool>,
}

impl Wire {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let wire = Self { port: listener.local_addr().unwrap().port(), is_mute: Arc::default() };
        let is_mute = Arc::clone(&wire.is_mute);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_broker, mut to_broker) = broker.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_broker, &mut to_client).await });
                let is_mute = Arc::clone(&is_mute);
                tokio::spawn(async move {
                    let mut bytes = vec![0; 64 * 1024];
                    while let Ok(n @ 1..) = from_client.read(&mut bytes).await {
                        if !is_mute.load(Ordering::Relaxed) && to_broker.write_all(&bytes[..n]).await.is_err()
                        {
                            break;
                        }
                    }
                });
            }
        });
        wire
    }

    fn mute(&self) {
        self.is_mute.store(true, Ordering::Relaxed);
    }
}

fn receiver(document: &Value) -> Receiver {
    lanner_io::receiver::install_crypto_provider();
    ReceiverConfig::from_value(document).unwrap().build(&BuildContext::default()).unwrap()
}

fn notification(key: &str) -> Notification {
    Notification {
        key: key.to_owned(),
        receiver: "broker".into(),
        group: Labels::default(),
        alerts: vec![NotifiedAlert {
            fingerprint: "0123456789abcdef".to_owned(),
            episode: 1,
            state: AlertState::Firing,
            rule: "payments-floor".into(),
            labels: Labels::new([("rule", "payments-floor")]),
            group: Labels::new([("bank", "hsbc")]),
            content: Value::from("only 150 payments"),
            annotations: Annotations::default(),
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
