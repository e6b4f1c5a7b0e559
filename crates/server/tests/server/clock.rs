//! A clock that went back while the server was down: nothing is evaluated twice, and nothing is left out.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lanner_io::store::EvaluationFilter;
use lanner_server::{Clock, Server, Settings};

const NOON_MS: i64 = 1_767_268_800_000;
const HOUR_MS: i64 = 3_600_000;

async fn start(folder: &Path, now_ms: i64) -> Server {
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    Server::start(settings).await.unwrap()
}

/// The ends of the windows evaluated, in seconds after noon, after the clock was put on.
async fn evaluated(server: &Server, until_ms: i64) -> Vec<i64> {
    assert!(server.step_to(until_ms, Duration::from_secs(60)).await);
    let all = server.store().evaluations(&EvaluationFilter::default()).unwrap();
    all.iter().rev().map(|evaluation| (evaluation.window.end_ms - NOON_MS) / 1_000).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_went_back_repeats_nothing() {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    let rule = r#"{ "rules": [{ "id": "r", "query": { "stream": "s", "measure": "count" }, "window": "1s", "absolute": { "min": 1 } }] }"#;
    let apply = reqwest::Client::new().post(format!("http://{}/api/v1/apply", server.http_addr()));
    assert_eq!(apply.body(rule).send().await.unwrap().status(), 200);
    assert_eq!(evaluated(&server, NOON_MS + 5_500).await, [1, 2, 3, 4, 5]);
    server.stop().await;

    let server = start(folder.path(), NOON_MS - HOUR_MS).await;
    let ready = reqwest::get(format!("http://{}/readyz", server.http_addr())).await.unwrap();
    assert_eq!(ready.status(), 200);
    // An hour that was there before: nothing of it again.
    assert_eq!(evaluated(&server, NOON_MS - 10_000).await, [1, 2, 3, 4, 5]);
    assert_eq!(evaluated(&server, NOON_MS + 4_900).await, [1, 2, 3, 4, 5]);
    assert_eq!(evaluated(&server, NOON_MS + 7_500).await, [1, 2, 3, 4, 5, 6, 7]);
    server.stop().await;
}
