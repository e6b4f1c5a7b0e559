//! An axum service behind the switches of a real server: blocked and unblocked while it runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::request::Parts;
use axum::routing::post;
use lanner_client::{GateLayer, Switches};
use serde_json::{Map, Value, json};

use crate::running::{Running, client};

/// `POST /buy` with the header `x-bank` is a purchase with that bank.
fn context(parts: &Parts) -> Map<String, Value> {
    let bank = parts.headers.get("x-bank").and_then(|bank| bank.to_str().ok()).unwrap_or_default();
    let workflow = if parts.uri.path() == "/buy" { "PURCHASE" } else { "OTHER" };
    Map::from_iter([("WORKFLOW".to_owned(), json!(workflow)), ("BANK".to_owned(), json!(bank))])
}

async fn shop(switches: Switches) -> String {
    let app = Router::new()
        .route("/buy", post(async || "bought"))
        .route("/refund", post(async || "refunded"))
        .layer(GateLayer::new(switches, context));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_blocked_and_unblocked_while_it_runs() {
    let server = Running::start().await;
    let switches = client(&server.url).await;
    let shop = shop(switches.clone()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: &str, bank: &str| {
        let response = http.post(format!("{shop}{path}")).header("x-bank", bank).send().await.unwrap();
        let header = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), header, response.text().await.unwrap())
    };
    assert_eq!(ask("/buy", "HSBC").await, (200, None, "bought".to_owned()));

    let document = json!({
        "when": "WORKFLOW == \"PURCHASE\" and BANK == \"HSBC\"", "reason": "HSBC is down",
        "answer": {"status": 503, "headers": {"retry-after": "60"}, "body": "Temporarily blocked"},
    });
    let changed = Instant::now();
    let revision = server.put("block-bank", &document).await;
    tokio::time::timeout(Duration::from_secs(5), switches.reached(revision)).await.unwrap();
    eprintln!("a change was enforced {:?} after it was asked for", changed.elapsed());
    let blocked = (503, Some("60".to_owned()), "Temporarily blocked".to_owned());
    assert_eq!(ask("/buy", "HSBC").await, blocked);
    assert_eq!(ask("/buy", "ING").await.0, 200);
    assert_eq!(ask("/refund", "HSBC").await.2, "refunded");

    let revision = server.change("block-bank", "deactivate").await;
    tokio::time::timeout(Duration::from_secs(5), switches.reached(revision)).await.unwrap();
    assert_eq!(ask("/buy", "HSBC").await.0, 200);
    server.stop().await;
}
