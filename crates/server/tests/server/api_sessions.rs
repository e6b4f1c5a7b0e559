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
    let is_today = |session: &&Value| session["started_ms"].as_i64() >= Some(NOON_MS + 2 * DAY_MS);
    let is_scored = |session: &&Value| session["over"] == true && session["score"].as_f64() > Some(0.5);
    let today: Vec<&Value> = told.iter().filter(is_today).filter(is_scored).collect();
    assert!(today.len() > 20, "{}", today.len());
    for session in today.into_iter().take(40) {
        check_account(&server, session).await;
    }
    server.stop().await;
}

/// Without a model, the surprise of a session adds up to its score, and steps that nobody took are marked.
async fn check_account(server: &Server, session: &Value) {
    let path = format!("/api/v1/sessions/{}?at={}", session["id"].as_str().unwrap(), session["started_ms"]);
    let detail: Value = serde_json::from_str(&get(server, &path).await).unwrap();
    let score = &detail["scores"][0];
    assert_eq!((&score["unit"], &score["model"]), (&json!("bits"), &Value::Null), "{detail}");
    let amounts = score["amounts"].as_array().unwrap().iter().map(|it| it["amount"].as_f64().unwrap());
    let (sum, total) = (amounts.sum::<f64>(), score["total"].as_f64().unwrap());
    assert!((sum - total).abs() < 1e-9, "{score}");
    let in_units = total / score["threshold"].as_f64().unwrap();
    assert!((in_units - session["score"].as_f64().unwrap()).abs() < 6e-4, "{session} {score}");
    for step in detail["steps"].as_array().unwrap() {
        let share = step["usual_share"].as_f64();
        assert_eq!(step["unusual"], json!(share.is_some_and(|share| share < 0.01)), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_of_sessions_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    apply(&server, json!({ "by": ["client"], "idle": "5m" })).await;
    let lines: Vec<String> = (0..12)
        .map(|second| format!("203.0.113.7 - - [01/Jan/2026:12:00:{second:02} +0000] \"POST /login HTTP/1.1\" 401 9 \"-\" \"-\""))
        .collect();
    server.step_to(NOON_MS + 12_000, Duration::from_secs(10)).await;
    post(&server, "/api/v1/events/api-log", "text/plain", lines.join("\n")).await;
    let id = sessions(&server).await[0]["id"].as_str().unwrap().to_owned();
    let say = async |id: &str, label: &str, why: &str, actor: &str| -> (u16, Value) {
        let url = format!("http://{}/api/v1/sessions/{id}/label", server.http_addr());
        let request = reqwest::Client::new().post(url).header("x-lanner-actor", actor);
        let answer = request.json(&json!({ "label": label, "why": why })).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, said) = say(&id, "anomalous", "guesses passwords", "ann").await;
    let expected = json!({
        "client": "203.0.113.7", "started": "2026-01-01T12:00:00Z", "label": "anomalous", "who": "anonymous (ann)",
        "when": "2026-01-01T12:00:12Z", "why": "guesses passwords", "id": id,
    });
    assert_eq!((status, &said), (200, &expected));
    // The same words again stay whose they were; others take their place.
    assert_eq!(say(&id, "anomalous", "guesses passwords", "bob").await, (200, expected));
    let (_, said) = say(&id, "normal", "our own probe", "bob").await;
    assert_eq!((&said["label"], &said["who"]), (&json!("normal"), &json!("anonymous (bob)")));
    let labels: Value = serde_json::from_str(&get(&server, "/api/v1/sessions/labels").await).unwrap();
    assert_eq!(labels, json!([said]));
    let detail: Value = serde_json::from_str(&get(&server, &format!("/api/v1/sessions/{id}")).await).unwrap();
    assert_eq!((&detail["label"], &detail["stored_requests"]), (&said, &json!(12)), "{detail}");
    assert_eq!(detail["findings"][0]["evidence"], "12 attempts to log in, 12 of them refused");

    assert_eq!(say("0123456789abcdef", "normal", "x", "ann").await.0, 404, "a session that does not exist");
    let (status, why) = say(&id, "odd", "", "ann").await;
    assert!(status == 422 && why["problems"].as_array().unwrap().len() == 2, "{why}");
    let take_back = async || {
        let url = format!("http://{}/api/v1/sessions/{id}/label", server.http_addr());
        reqwest::Client::new().delete(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!((take_back().await, take_back().await), (204, 404));
    let audit = get(&server, &format!("/api/v1/audit?subject={id}")).await;
    for what in ["session_label.create", "session_label.update", "session_label.delete"] {
        assert!(audit.contains(what), "{audit}");
    }
    server.stop().await;
}
