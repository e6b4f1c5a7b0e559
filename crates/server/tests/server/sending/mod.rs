//! A server that takes what others send in their own ways, and what it has of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lanner_server::settings::Statsd;
use lanner_server::{Server, Settings};
use lanner_wire::statsd::Options;
use serde_json::{Value, json};

/// A server by the machine's clock, with syslog, and StatsD by intervals of a second.
pub(crate) async fn start(folder: &Path) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut settings = Settings::new(folder);
    settings.listen = any_port;
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.syslog = Some(any_port);
    settings.otlp_grpc = Some(any_port);
    let options = Options { interval_ms: 1_000, ..Options::default() };
    settings.statsd = Some(Statsd { listen: any_port, options });
    Server::start(settings).await.unwrap()
}

/// A Python with the clients of others; `None`, and loudly, where there is none.
pub(crate) fn python() -> Option<PathBuf> {
    let python = std::env::var_os("LANNER_TEST_SENDERS").map(PathBuf::from);
    if python.is_none() {
        eprintln!("SKIPPED: LANNER_TEST_SENDERS names no Python with senders; `cargo xtask test` makes one");
    }
    python
}

/// Runs a program of Python, which must succeed.
pub(crate) async fn run(python: &Path, program: &str, arguments: &[&str]) {
    let mut command = tokio::process::Command::new(python);
    let done = command.arg("-c").arg(program).args(arguments).output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

/// The answer to a request.
pub(crate) async fn get(server: &Server, path: &str) -> String {
    let url = format!("http://{}{path}", server.http_addr());
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// How many events and samples a server took since its start, and how many it refused.
pub(crate) async fn counts(server: &Server) -> [u64; 3] {
    let status: Value = serde_json::from_str(&get(server, "/api/v1/status").await).unwrap();
    ["events", "samples", "rejected"].map(|name| status["ingest"][name].as_u64().unwrap())
}

/// Applies a configuration, which must be right.
pub(crate) async fn apply(server: &Server, document: &Value) {
    let url = format!("http://{}/api/v1/apply", server.http_addr());
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let answer = request.body(document.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// The events of a stream, once there are `n` at least.
pub(crate) async fn events(server: &Server, stream: &str, n: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..200 {
        let lines = get(server, &format!("/api/v1/export/events/{stream}")).await;
        let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found = events.filter(|event| event.get("error").is_none()).collect();
        if found.len() >= n {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{stream} has {} of {n} events: {}", found.len(), json!(found))
}

/// All samples: series as they are shown, times, values.
pub(crate) async fn samples(server: &Server) -> Vec<(String, String, f64)> {
    let lines = get(server, "/api/v1/export").await;
    let sample = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let labels: lanner_core::Labels = serde_json::from_value(line["labels"].clone()).unwrap_or_default();
        let key = lanner_core::SeriesKey::new(line["name"].as_str().unwrap(), labels);
        (key.to_string(), line["time"].as_str().unwrap().to_owned(), line["value"].as_f64().unwrap())
    };
    lines.lines().map(sample).collect()
}

/// Waits until all samples fulfil a condition.
pub(crate) async fn wait_for(server: &Server, is_there: impl Fn(&[(String, String, f64)]) -> bool) {
    for _ in 0..200 {
        if is_there(&samples(server).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the samples do not come: {:?}", samples(server).await)
}
