//! From requests to a refused request: sessions that misuse an API are found, a dry run tells what blocking them would do, a person
//! enforces it, and it steps back by itself once too much of it was wrong.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::time::format_time;
use lanner_io::receiver::Power;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

use crate::switching::Running;

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
const ATTACKERS: [&str; 3] = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];

async fn start() -> Running {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.clock = Clock::stepped(NOON_MS);
    settings.allow.insert(Power::Log);
    let server = Server::start(settings).await.unwrap();
    let url = format!("http://{}", server.http_addr());
    Running { server, http: reqwest::Client::new(), url, folder, tokens: std::collections::HashMap::new() }
}

/// What an operator writes: requests become sessions, those with a finding an alert, and that a switch.
fn configuration(told: &Path) -> Value {
    json!({
        "processors": [
            { "id": "requests", "stream": "api-log", "parse": { "as": "combined" } },
            { "id": "sessions", "stream": "api-log", "sessions": {} },
        ],
        "rules": [{
            "id": "misuse", "window": "1m", "absolute": { "max": 0 }, "receivers": ["block"], "recover_for": 60,
            "query": { "stream": "api.sessions", "measure": "count", "where": "new and finding exists", "by": ["client"] },
        }],
        "switches": [{ "id": "block-client", "when": "client exists", "status": "inactive", "reason": "misuse of the API" }],
        "receivers": [
            {
                "name": "block", "kind": "switch", "switch": "block-client", "with": { "client": "client" }, "for": "2d",
                "dry_run": { "wrong_per_day": 1, "days": 7 }, "group_wait": "0s",
            },
            { "name": "self", "kind": "log", "path": told, "group_wait": "0s", "group_interval": "0s" },
        ],
    })
}

impl Running {
    /// Somebody tries passwords from an address; the alert of that has been acted on when this returns.
    async fn misuse(&self, client: &str) {
        self.server.step_to(self.server.now_ms() + MINUTE_MS, Duration::from_secs(20)).await;
        let now_ms = self.server.now_ms();
        let line = |second: i64| {
            let time = format_time(now_ms - 12_000 + second * 1_000);
            json!({ "time": time, "client": client, "method": "POST", "path": "/login", "status": 401 })
                .to_string()
        };
        let lines: Vec<String> = (0..12).map(line).collect();
        self.text("/api/v1/events/api-log", lines.join("\n")).await;
        self.server.step_to(now_ms + 2 * MINUTE_MS, Duration::from_secs(20)).await;
        let id = format!("block-client.{client}");
        let acted = |outbox: &Value| {
            let of_client = |row: &&Value| row["notification"]["alerts"][0]["group"]["client"] == client;
            outbox.as_array().unwrap().iter().any(|row| of_client(&row) && row["status"] == "sent")
        };
        self.until("/api/v1/outbox?limit=1000", acted).await;
        self.fine("GET", &format!("/api/v1/switches/{id}"), Value::Null).await;
    }

    /// What a proxy is answered about a request of this client.
    async fn gate(&self, client: &str) -> u16 {
        self.http.get(format!("{}/gate?client={client}", self.url)).send().await.unwrap().status().as_u16()
    }

    async fn say_of_session(&self, client: &str, label: &str) {
        let text =
            self.http.get(format!("{}/api/v1/export/events/api.sessions", self.url)).send().await.unwrap();
        let text = text.text().await.unwrap();
        let mut sessions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_client = sessions.rfind(|session| session["client"] == client).unwrap();
        let path = format!("/api/v1/sessions/{}/label", of_client["id"].as_str().unwrap());
        self.fine("POST", &path, json!({ "label": label, "why": "looked at it" })).await;
    }

    async fn enforce(&self, force: bool) -> (u16, Value) {
        self.ask("POST", "/api/v1/switches/block-client/enforce", json!({ "force": force })).await
    }

    /// Somebody turns off what blocks a client.
    async fn off(&self, client: &str) {
        let path = format!("/api/v1/switches/block-client.{client}/deactivate");
        self.fine("POST", &path, json!({ "message": "our own office" })).await;
    }

    /// Waits until a message has these parts.
    async fn told(&self, told: &Path, parts: &[&str]) {
        let began = Instant::now();
        loop {
            self.server.step_to(self.server.now_ms() + 1_000, Duration::from_secs(20)).await;
            let text = std::fs::read_to_string(told).unwrap_or_default();
            if text.lines().any(|line| parts.iter().all(|part| line.contains(part))) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{parts:?} in {text}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn dry_run(&self) -> Value {
        self.fine("GET", "/api/v1/switches/block-client/dry-run", Value::Null).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_comes_first_is_enforced_and_steps_back_by_itself() {
    let running = start().await;
    let told = running.folder.path().join("told.json");
    running.fine("POST", "/api/v1/apply", configuration(&told)).await;
    tried(&running).await;
    enforced(&running).await;
    others_change(&running).await;
    stepped_back(&running).await;
    decided(&running, &told).await;
    running.server.stop().await;
}

/// A dry run: what would be blocked is counted, and passes.
async fn tried(running: &Running) {
    for client in ATTACKERS {
        running.misuse(client).await;
        assert_eq!((running.gate(client).await, running.gate("192.0.2.1").await), (204, 204));
    }
    let stands = running.dry_run().await;
    let facts = ["enforced", "decisions", "wrong", "right", "contexts"].map(|name| stands[name].clone());
    assert_eq!(facts, [json!(false), json!(3), json!(0), json!(0), json!(3)], "{stands}");
    // Nobody has reviewed anything: half of it may be wrong.
    assert_eq!(stands["expected_wrong_per_day"], json!(1.5), "{stands}");
    let simulated = running.fine("GET", "/crowdsec/v1/decisions?simulated=true", Value::Null).await;
    assert_eq!(
        (simulated.as_array().unwrap().len(), &simulated[0]["simulated"]),
        (3, &json!(true)),
        "{simulated}"
    );
}

/// Changes of other switches do not have the versions of a week read again.
async fn others_change(running: &Running) {
    running.put("other", json!({ "when": "x == 1" })).await;
    // A look that began before that is over by then.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let before = documents_read(running).await;
    for n in 0..3 {
        running.put("other", json!({ "when": format!("x == {n}") })).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    let n_read = documents_read(running).await - before;
    let n_versions =
        running.fine("GET", "/api/v1/audit?limit=1000", Value::Null).await.as_array().unwrap().len();
    println!("{n_read} documents were read for three changes, and there are {n_versions} versions");
    assert!(n_read < 2.0 * n_versions as f64, "{n_read}");
}

async fn documents_read(running: &Running) -> f64 {
    let text =
        running.http.get(format!("{}/metrics", running.url)).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("lanner_store_documents_read_total "));
    line.unwrap().parse().unwrap()
}

/// It is not enforced before a day has passed, and not before somebody looked; then the request is refused, and others learn of it.
async fn enforced(running: &Running) {
    let (status, why) = running.enforce(false).await;
    assert!(status == 409 && why.to_string().contains("less than a day ago"), "{status} {why}");
    running.server.step_to(NOON_MS + DAY_MS + 30 * MINUTE_MS, Duration::from_secs(20)).await;
    let (status, why) = running.enforce(false).await;
    assert!(
        status == 409 && why.to_string().contains("wrong activations a day are to be expected"),
        "{status} {why}"
    );
    for client in ATTACKERS {
        running.say_of_session(client, "anomalous").await;
    }
    let (status, stands) = running.enforce(false).await;
    assert_eq!((status, &stands["enforced"], &stands["right"]), (200, &json!(true), &json!(3)), "{stands}");
    running.misuse("203.0.113.9").await;
    assert_eq!((running.gate("203.0.113.9").await, running.gate("192.0.2.1").await), (403, 204));
    let stream = running.fine("GET", "/crowdsec/v1/decisions/stream?startup=true", Value::Null).await;
    let new = stream["new"].as_array().unwrap();
    assert_eq!(
        (new.len(), &new[0]["value"], &new[0]["scope"]),
        (1, &json!("203.0.113.9"), &json!("Ip")),
        "{stream}"
    );
}

/// Two were wrong, and one a day is allowed: what blocked only reports now, and so does what comes next.
async fn stepped_back(running: &Running) {
    running.misuse("198.51.100.1").await;
    running.off("198.51.100.1").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        (running.dry_run().await["enforced"].clone(), running.gate("203.0.113.9").await),
        (json!(true), 403)
    );
    running.misuse("198.51.100.2").await;
    running.off("198.51.100.2").await;
    let began = Instant::now();
    let stands = running.until("/api/v1/switches/block-client/dry-run", |it| it["by"] == "lanner").await;
    eprintln!("stepped back after {:?}", began.elapsed());
    assert_eq!((&stands["enforced"], &stands["wrong"]), (&json!(false), &json!(2)), "{stands}");
    let why = stands["message"].as_str().unwrap();
    assert!(why.starts_with("2 of its activations of the last 24 hours were wrong"), "{why}");
    assert_eq!(running.gate("203.0.113.9").await, 204);
    running.misuse("203.0.113.10").await;
    assert_eq!(running.gate("203.0.113.10").await, 204);
    let stream = running.fine("GET", "/crowdsec/v1/decisions/stream", Value::Null).await;
    assert_eq!(stream["new"], json!([]), "{stream}");
    assert!(stream["deleted"].to_string().contains("203.0.113.9"), "{stream}");
}

/// People are told, and have the last word.
async fn decided(running: &Running, told: &Path) {
    let parts = ["lanner:dry-run", "the switch block-client is in a dry run again", "1 a day are allowed"];
    running.told(told, &parts).await;
    let (status, why) = running.enforce(false).await;
    assert!(status == 409 && why.to_string().contains("are to be expected"), "{status} {why}");
    assert_eq!(running.enforce(true).await.0, 200);
    running.told(told, &["lanner:dry-run", "enforces the switch block-client again"]).await;
    let history = running.fine("GET", "/api/v1/audit?subject=block-client", Value::Null).await.to_string();
    assert!(history.contains("switch_enforcement") && history.contains("forced: "), "{history}");
    // What was wrong before was known to whoever enforced it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(running.dry_run().await["enforced"], json!(true));
    // Nor does it count what blocked nobody, since the switch itself is in shadow.
    running.put("block-client", json!({ "when": "client exists", "status": "shadow" })).await;
    for client in ["192.0.2.7", "192.0.2.8"] {
        running.misuse(client).await;
        running.off(client).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stands = running.dry_run().await;
    assert!(stands["enforced"] == true && stands["wrong"].as_u64() > Some(2), "{stands}");
}

/// The three things that a switch can do to a client, as a proxy sees them.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_marked_slowed_down_or_blocked() {
    let running = start().await;
    let client = |name: &str| format!("client == {name}");
    running.put("mark", json!({ "when": client("a"), "tag": "suspicious" })).await;
    running.put("slow", json!({ "when": client("b"), "limit": { "requests": 3, "per": "1m" }, "answer": { "status": 429 } })).await;
    running.put("block", json!({ "when": client("c") })).await;
    let ask = async |client: &str| {
        let answer = running.http.get(format!("{}/gate?client={client}", running.url)).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), header("x-lanner-tag"), header("x-lanner-status"))
    };
    let passes = (204, None, None);
    assert_eq!(ask("a").await, (204, Some("suspicious".to_owned()), None));
    for _ in 0..3 {
        assert_eq!(ask("b").await, passes);
    }
    assert_eq!(ask("b").await, (403, None, Some("429".to_owned())));
    assert_eq!(ask("c").await, (403, None, Some("503".to_owned())));
    assert_eq!(ask("d").await, passes);
    // A third of a minute later one more passes.
    running.server.step_to(NOON_MS + 20_000, Duration::from_secs(20)).await;
    assert_eq!((ask("b").await.0, ask("b").await.0), (204, 403));
    let (status, why) = running
        .ask("PUT", "/api/v1/switches/both", json!({ "when": "x", "tag": "a", "limit": { "requests": 0 } }))
        .await;
    assert!(status == 422 && why["problems"].as_array().unwrap().len() == 2, "{why}");
    running.server.stop().await;
}
