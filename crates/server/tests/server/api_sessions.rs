//! Sessions of API traffic, end to end: requests come in, sessions come out on a stream of their own, a rule fires on one while it
//! lasts, and what was learned outlives a restart.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lanner_server::{Clock, Server, Settings};
use lanner_testkit::{ApiClient, ApiRequest, api_traffic};
use serde_json::{Value, json};

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;
const DAY_MS: i64 = 86_400_000;

async fn start(folder: &Path, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, kind: &str, body: String) -> Value {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", kind).body(body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn get(server: &Server, path: &str) -> String {
    reqwest::get(format!("http://{}{path}", server.http_addr())).await.unwrap().text().await.unwrap()
}

async fn sessions(server: &Server) -> Vec<Value> {
    let text = get(server, "/api/v1/export/events/api.sessions").await;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a session is told of that `is` what is looked for.
async fn wait_for(server: &Server, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        if let Some(found) = sessions(server).await.into_iter().find(&is) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no such session: {:?}", sessions(server).await)
}

async fn apply(server: &Server, sessions: Value) {
    let document = json!({
        "processors": [
            { "id": "api-access", "stream": "api-log", "parse": { "as": "combined" } },
            { "id": "api-sessions", "stream": "api-log", "sessions": sessions },
        ],
        "rules": [{
            "id": "brute-force",
            "query": { "stream": "api.sessions", "measure": "count", "where": "new and finding == \"brute_force\"", "by": ["client"] },
            "window": "1m", "absolute": { "max": 0 },
        }],
    });
    post(server, "/api/v1/apply", "application/json", document.to_string()).await;
}

async fn send(server: &Server, requests: &[ApiRequest]) {
    for batch in requests.chunks(2_000) {
        let line = |of: &ApiRequest| {
            json!({
                "time": of.time_ms, "client": of.client, "agent": of.agent, "method": of.method, "path": of.path,
                "query": of.query, "status": of.status,
            })
            .to_string()
        };
        let lines: Vec<String> = batch.iter().map(line).collect();
        post(server, "/api/v1/events/api-log", "application/json", lines.join("\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_fires_on_a_session_that_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    apply(&server, json!({ "idle": "5m" })).await;
    let lines: Vec<String> = (0..12)
        .map(|second| format!("203.0.113.7 - - [01/Jan/2026:12:00:{second:02} +0000] \"POST /login HTTP/1.1\" 401 9 \"-\" \"-\""))
        .collect();
    server.step_to(NOON_MS + 12_000, Duration::from_secs(10)).await;
    post(&server, "/api/v1/events/api-log", "text/plain", lines.join("\n")).await;
    let found = sessions(&server).await;
    assert_eq!(
        (found.len(), &found[0]["over"], &found[0]["requests"]),
        (1, &json!(false), &json!(5)),
        "{found:?}"
    );
    server.step_to(NOON_MS + 120_000, Duration::from_secs(10)).await;
    let alerts: Value = serde_json::from_str(&get(&server, "/api/v1/alerts").await).unwrap();
    assert!(alerts.to_string().contains("203.0.113.7"), "{alerts}");
    let views: Value = serde_json::from_str(&get(&server, "/api/v1/processors").await).unwrap();
    assert_eq!(views[1]["note"], "learning from 0 of 1000 sessions; 1 open", "{views}");

    // The clock alone ends it.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    server.step_to(NOON_MS + 900_000, Duration::from_secs(10)).await;
    let over = wait_for(&server, |session| session["over"] == true).await;
    assert_eq!((&over["id"], &over["new"]), (&found[0]["id"], &json!(false)));
    assert_eq!((&over["requests"], &over["client_kind"]), (&json!(12), &json!("automation")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let people = [(ApiClient::Human, 500), (ApiClient::Partner, 40)];
    let server = start(folder.path(), NOON_MS + DAY_MS).await;
    let settings = || json!({ "learn": "12h", "sessions": 200, "idle": "10m" });
    apply(&server, settings()).await;
    send(&server, &api_traffic(1, NOON_MS, "10.1", &people)).await;
    let views: Value = serde_json::from_str(&get(&server, "/api/v1/processors").await).unwrap();
    assert!(views[1]["note"].as_str().unwrap().starts_with("learned from"), "{views}");
    server.stop().await;

    let server = start(folder.path(), NOON_MS + 3 * DAY_MS).await;
    let planted = [(ApiClient::Enumerator, 10), (ApiClient::Scraper, 10)];
    let requests = api_traffic(2, NOON_MS + 2 * DAY_MS, "10.2", &[&people[..], &planted].concat());
    send(&server, &requests).await;
    let told: Vec<Value> = sessions(&server).await;
    let (mut n_planted, mut n_ordinary) = (0, 0);
    for session in told.iter().filter(|session| session["new"] == true && session["status"] == "active") {
        let of = requests.iter().find(|request| session["client"] == request.client.as_str()).map(|of| of.of);
        match of {
            Some(ApiClient::Enumerator | ApiClient::Scraper) => n_planted += 1,
            Some(_) => n_ordinary += 1,
            None => {}
        }
    }
    println!("{n_planted} of 20 planted, {n_ordinary} of 540 ordinary sessions are flagged");
    assert!(n_planted >= 18 && n_ordinary <= 11, "{n_planted} planted, {n_ordinary} ordinary");
    server.stop().await;
}
