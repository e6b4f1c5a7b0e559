//! A shop that can be stopped from selling with one bank while it runs.
//!
//! ```text
//! lanner serve
//! cargo run -p lanner-client --features tower --example shop
//! curl -X POST -H 'x-bank: HSBC' http://127.0.0.1:8080/buy
//! curl http://127.0.0.1:8080/readyz http://127.0.0.1:8080/metrics
//! ```

use axum::Router;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use lanner_client::{GateLayer, Options, Switches};
use serde_json::{Map, Value, json};

/// What the switches are asked of each request.
fn context(parts: &Parts) -> Map<String, Value> {
    let bank = parts.headers.get("x-bank").and_then(|bank| bank.to_str().ok()).unwrap_or_default();
    let workflow = if parts.uri.path() == "/buy" { "PURCHASE" } else { "OTHER" };
    Map::from_iter([("WORKFLOW".to_owned(), json!(workflow)), ("BANK".to_owned(), json!(bank))])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("LANNER_URL").unwrap_or_else(|_| "http://127.0.0.1:9797".to_owned());
    let switches = Switches::connect(Options::new(url).cache("shop-switches.json")).await?;
    println!("{:?}", switches.status());
    let (ready, metrics) = (switches.clone(), switches.clone());
    let app = Router::new()
        .route("/buy", post(async || "bought\n"))
        .route("/refund", post(async || "refunded\n"))
        .layer(GateLayer::new(switches, context))
        .route(
            "/readyz",
            get(async move || match ready.status().not_ready() {
                None => (StatusCode::OK, "ready\n".to_owned()),
                Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
            }),
        )
        .route("/metrics", get(async move || metrics.status().to_prometheus()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("the shop is open on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
