//! A real OpenSearch has every evaluation once, whoever was away meanwhile.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lanner_core::document::{Check, Node};
use lanner_io::result_index::ResultIndexConfig;
use lanner_server::{Clock, Server, Settings};
use lanner_testkit::OpenSearch;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::asking::{NOON_MS, apply, evaluations, post};

/// A way to a server that can be closed: then connections are cut, and new ones get no answer.
struct Way {
    port: u16,
    is_open: Arc<AtomicBool>,
}

impl Way {
    async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let way = Self { port: listener.local_addr().unwrap().port(), is_open: Arc::default() };
        let is_open = Arc::clone(&way.is_open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (target, is_open) = (target.clone(), Arc::clone(&is_open));
                tokio::spawn(async move {
                    if !is_open.load(Ordering::Relaxed) {
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    let closed = async {
                        while is_open.load(Ordering::Relaxed) {
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        () = closed => {}
                    }
                });
            }
        });
        way
    }

    fn open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }
}

async fn start(folder: &Path, port: u16, now_ms: i64) -> Server {
    let yaml = format!("{{ url: 'http://127.0.0.1:{port}', index: results, keep: 30d, max_pending: 1000 }}");
    let mut check = Check::default();
    let index = ResultIndexConfig::read(&Node::from_yaml(&yaml).unwrap(), "server.result_index", &mut check);
    assert_eq!(check.problems, []);
    Server::start(Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        carbon: None,
        carbon_pickle: None,
        clock: Clock::stepped(now_ms),
        result_index: index,
        ..Settings::new(folder)
    })
    .await
    .unwrap()
}

async fn ask(node: &OpenSearch, path: &str, body: Value) -> Value {
    let request = reqwest::Client::new().post(format!("{}/{path}", node.url()));
    request.json(&body).send().await.unwrap().json().await.unwrap()
}

/// The ids of all documents, once there are as many as expected, or after a minute.
async fn ids(node: &OpenSearch, n_expected: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let _ = ask(node, "results-*/_refresh", json!({})).await;
        let found = ask(node, "results-*/_search?size=10000&_source=false", json!({})).await;
        let hits = found["hits"]["hits"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = hits.iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect();
        if ids.len() >= n_expected || begun.elapsed() > Duration::from_secs(60) {
            ids.sort_unstable();
            return ids;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn expected(server: &Server) -> Vec<String> {
    let mut ids: Vec<String> = evaluations(server, None).into_iter().map(|it| it.id).collect();
    ids.sort_unstable();
    ids
}

async fn pay(server: &Server, n_banks: usize, end_ms: i64) {
    let one = |n: usize| json!({ "time": end_ms - 30_000, "bank": format!("bank-{n}") });
    let events: Vec<Value> = (0..n_banks).map(one).collect();
    let (status, answer) = post(server, "/api/v1/events/payments", json!(events).to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// Lets minutes pass, one after the other. In each, so many banks pay.
async fn pass(server: &Server, minutes: std::ops::Range<i64>, n_banks: usize) {
    for n in minutes {
        let end_ms = NOON_MS + n * 60_000;
        pay(server, n_banks, end_ms).await;
        assert!(server.step_to(end_ms + 30_000, Duration::from_secs(60)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_evaluation_is_found_by_rule_time_and_value() {
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = data.path().to_owned();
    let Some(node) = tokio::task::spawn_blocking(move || OpenSearch::start(&path)).await.unwrap() else {
        return;
    };
    let way = Way::to(node.url()).await;
    way.open(true);
    let server = start(folder.path(), way.port, NOON_MS).await;
    let query = json!({ "stream": "payments", "measure": "count", "by": "bank" });
    apply(&server, json!([{ "id": "many", "query": query, "window": "1m", "absolute": { "min": 1 } }])).await;
    pass(&server, 1..4, 3).await;
    assert_eq!(ids(&node, 9).await, expected(&server));
    let of = |from: &str, to: &str, value: f64| {
        json!({ "query": { "bool": { "filter": [
            { "term": { "rule": "many" } }, { "term": { "group": "bank=bank-1" } },
            { "range": { "@timestamp": { "gte": from, "lt": to } } }, { "range": { "value": { "gte": value } } },
        ] } } })
    };
    for (from, to, value, n) in [
        ("2026-01-01T12:01:00Z", "2026-01-01T12:03:00Z", 1.0, 2),
        ("2026-01-01T12:01:00Z", "2026-01-01T12:03:00Z", 2.0, 0),
        ("2025-12-01T00:00:00Z", "2026-01-01T12:00:00Z", 0.0, 0),
    ] {
        let found = ask(&node, "results-2026.01.01/_search", of(from, to, value)).await;
        assert_eq!(found["hits"]["total"]["value"], n, "{found}");
    }
    let template = reqwest::get(format!("{}/_index_template/results", node.url())).await.unwrap();
    assert!(template.status().is_success());

    // It goes away. Evaluation goes on, and more waits than memory may hold.
    way.open(false);
    pass(&server, 4..12, 400).await;
    way.open(true);
    let all = expected(&server);
    assert!(all.len() > 2_000, "{}", all.len());
    assert_eq!(ids(&node, all.len()).await, all);

    // It is away while the server ends. The next server sends what is missing.
    way.open(false);
    pass(&server, 12..14, 10).await;
    server.stop().await;
    way.open(true);
    let server = start(folder.path(), way.port, NOON_MS + 15 * 60_000).await;
    assert!(server.step_to(NOON_MS + 15 * 60_000 + 30_000, Duration::from_secs(60)).await);
    let all = expected(&server);
    assert_eq!(ids(&node, all.len()).await, all);
    server.stop().await;
}
