//! SIGTERM ends the program within five seconds, whatever runs: nobody's patience is unbounded, least of all that of
//! whoever restarts a machine.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::program::{Program, Setup};

/// How long stopping may take.
const LIMIT: Duration = Duration::from_secs(5);
const DAY_MS: i64 = 86_400_000;
const N_SERIES: usize = 20_000;
const N_EVENTS: i64 = 200_000;

impl Program {
    async fn fine(&self, path: &str, body: impl Into<reqwest::Body>) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    async fn apply(&self, document: Value) {
        self.fine("/api/v1/apply", document.to_string()).await;
    }

    /// Series, and events of six days.
    async fn fill(&self) {
        let mut lines = String::new();
        for n in 0..N_SERIES {
            let _ = writeln!(lines, "cpu,host=h{n} value={}", n % 9);
        }
        self.fine("/write", lines).await;
        let now_ms =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        for piece in 0..10 {
            let mut lines = String::new();
            for n in 0..N_EVENTS / 10 {
                let time_ms = now_ms - (n * 10 + piece) * 6 * DAY_MS / N_EVENTS;
                let _ = writeln!(lines, r#"{{"time":{time_ms},"bank":"b{}","status":"ok"}}"#, n % 9);
            }
            self.fine("/api/v1/events/pay", lines).await;
        }
    }

    /// Asks without ever reading more than the beginning of the answer.
    async fn ask_and_dawdle(&self, path: &str) -> TcpStream {
        let address = self.url();
        let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// A receiver that takes connections and says nothing.
async fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_takes_no_longer_than_five_seconds_whatever_runs() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let program = setup.start().await;
    program.fill().await;
    let each = |id: &str, by: &str| {
        json!({
            "id": id, "query": {"series": "cpu", "measure": "avg", "by": [by]}, "window": "1d", "every": "1s",
            "absolute": {"max": 4}, "receivers": ["hangs"],
        })
    };
    let receivers = json!([{"name": "hangs", "kind": "webhook", "url": hanging().await, "timeout": "5m", "group_wait": "0s"}]);
    program.apply(json!({"receivers": receivers, "rules": [each("each", "*"), each("host", "host")]})).await;
    program.until("/api/v1/outbox", |it| !it.as_array().unwrap().is_empty()).await;

    // Clients that listen, that ask for much, and that never read what they asked for.
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut stream = program.ask_and_dawdle("/api/v1/switches/stream").await;
        assert!(stream.read_u8().await.is_ok());
        clients.push(stream);
    }
    for path in [
        // Some 12 MB: more than lies in the buffers of a connection.
        "/api/v1/export/events/pay",
        "/api/v1/export?format=csv",
        "/render?target=smartSummarize(seriesByTag('name=cpu'),'1min')&from=-7d&format=json",
        "/render?target=seriesByTag('name=cpu')&from=-7d",
    ] {
        clients.push(program.ask_and_dawdle(path).await);
    }
    // One never sends what it promised.
    let mut half = program.ask_and_dawdle("/healthz").await;
    let promised = b"POST /write HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\ncpu value=";
    half.write_all(promised).await.unwrap();
    // And rules whose past is still being counted.
    let past = (0..4).map(|n| {
        json!({
            "id": format!("past-{n}"), "window": "6d", "every": "1h", "absolute": {"min": 4},
            "query": {"stream": "pay", "measure": "count", "where": format!("status == \"ok\" and bank != \"b{n}\""), "by": ["bank"]},
        })
    });
    let mut apply = program.ask_and_dawdle("/healthz").await;
    let body = json!({"rules": past.collect::<Vec<_>>()}).to_string();
    let head = format!(
        "POST /api/v1/apply HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    apply.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;

    let took = program.stop().await;
    eprintln!("stopping took {took:?}");
    assert!(took < LIMIT, "{took:?}");
    // Nothing is the worse for it.
    let program = setup.start().await;
    assert_eq!(program.get("/api/v1/status").await["engine"]["rules"], 6);
    let took = program.stop().await;
    assert!(took < LIMIT, "{took:?}");
}
