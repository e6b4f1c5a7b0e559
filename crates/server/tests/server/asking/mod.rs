//! A server whose rules ask other servers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::Evaluation;
use lanner_core::document::{Check, Node};
use lanner_engine::source::Elsewhere;
use lanner_io::source::SourceConfig;
use lanner_io::store::EvaluationFilter;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

/// When most of these tests happen, milliseconds since the Unix epoch.
pub(crate) const NOON_MS: i64 = 1_767_268_800_000;

/// A server with these `sources`, at noon.
pub(crate) async fn start(folder: &Path, sources: &str) -> Server {
    start_at(folder, sources, NOON_MS).await
}

/// As [`start`], at another time.
pub(crate) async fn start_at(folder: &Path, sources: &str, now_ms: i64) -> Server {
    start_with(folder, sources, "{}", now_ms).await
}

/// As [`start_at`], with these `streams` in the sources.
pub(crate) async fn start_with(folder: &Path, sources: &str, streams: &str, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    let mut check = Check::default();
    let configs = SourceConfig::read_all(&Node::from_yaml(sources).unwrap(), "sources", &mut check);
    let kind_of = |name: &str| configs.iter().find(|it| it.name() == name).map(SourceConfig::kind);
    let streams = Elsewhere::read(&Node::from_yaml(streams).unwrap(), "streams", &kind_of, &mut check);
    assert_eq!(check.problems, []);
    settings.streams = Arc::new(streams);
    settings.sources = Arc::new(configs);
    Server::start(settings).await.unwrap()
}

/// The status and the JSON of an answer.
pub(crate) async fn post(server: &Server, path: &str, body: String) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Applies rules, which must be right.
pub(crate) async fn apply(server: &Server, rules: Value) {
    let (status, answer) = post(server, "/api/v1/apply", json!({ "rules": rules }).to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// Lets so many seconds since noon pass.
pub(crate) async fn step(server: &Server, at_s: i64) {
    assert!(server.step_to(NOON_MS + at_s * 1_000, Duration::from_secs(60)).await);
}

/// The evaluations of a rule, or of all, oldest first.
pub(crate) fn evaluations(server: &Server, rule: Option<&str>) -> Vec<Evaluation> {
    let filter =
        EvaluationFilter { rule: rule.map(Into::into), limit: 1_000_000, ..EvaluationFilter::default() };
    let mut found = server.store().evaluations(&filter).unwrap();
    found.sort_by_key(|evaluation| evaluation.window.end_ms);
    found
}
