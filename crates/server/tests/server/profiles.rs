//! The processor `profile`, end to end: events of Falco come in, a rule fires on an unusual one, and what was learned outlives a

//! restart and changes of the configuration.

use std::net::SocketAddr;
use std::path::Path;

use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;

async fn start(folder: &Path, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, body: String) -> Value {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// A program that was started, as Falco sends it.
fn event(at_s: i64, parent: &str) -> Value {
    json!({
        "time": NOON_MS + at_s * 1_000, "rule": "Program started",
        "output_fields": { "evt.type": "execve", "proc.pname": parent, "proc.cmdline": format!("sh -c {at_s}") },
    })
}

/// Sends an event when it happens, and returns what the profile said of it.
async fn send(server: &Server, event: &Value) -> Value {
    server.step_to(event["time"].as_i64().unwrap(), std::time::Duration::from_secs(10)).await;
    send_now(server, event).await
}

async fn send_now(server: &Server, event: &Value) -> Value {
    post(server, "/api/v1/events/falco", event.to_string()).await;
    let url = format!("http://{}/api/v1/export/events/falco", server.http_addr());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.into_iter().find(|stored| stored["time"] == event["time"]).unwrap()["anomaly"].clone()
}

fn processor(rare: u32) -> String {
    json!({ "processors": [{
        "id": "usual", "stream": "falco",
        "profile": { "fields": ["proc.pname", "template(proc.cmdline)"], "where": "evt.type in (execve)", "learn": "1m", "rare": rare, "memory": 1 },
    }] })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    assert_eq!(send(&server, &event(0, "cron")).await["status"], "learning");
    let answer = send(&server, &event(100, "nginx")).await;
    assert_eq!((&answer["rare"], &answer["reason"]), (&json!(true), &json!("never seen: proc.pname")));

    // Another limit for the same behaviours forgets nothing.
    post(&server, "/api/v1/apply", processor(3)).await;
    let answer = send(&server, &event(101, "nginx")).await;
    assert_eq!((&answer["rare"], &answer["seen"]["ever"]), (&json!(true), &json!(1)), "{answer}");
    server.stop().await;

    // Its folder is the owner's alone, with all that is in it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("processors"), mode("processors/usual.profile")), (0o700, 0o600));
    }

    // Ten seconds without a server: for as long again nothing is flagged.
    let server = start(folder.path(), NOON_MS + 110_000).await;
    let answer = send(&server, &event(112, "sshd")).await;
    assert_eq!((&answer["status"], &answer["rare"]), (&json!("incomplete"), &json!(false)), "{answer}");
    let answer = send(&server, &event(125, "nginx")).await;
    assert_eq!((&answer["status"], &answer["seen"]["ever"]), (&json!("active"), &json!(2)), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_is_in_a_backup() {
    let (folder, restored) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    send(&server, &event(0, "cron")).await;
    send(&server, &event(100, "nginx")).await;
    let copy = reqwest::get(format!("http://{}/api/v1/backup", server.http_addr())).await.unwrap();
    std::fs::write(restored.path().join("lanner.db"), copy.bytes().await.unwrap()).unwrap();
    server.stop().await;
    let server = start(restored.path(), NOON_MS + 101_000).await;
    let answer = send(&server, &event(150, "nginx")).await;
    assert_eq!((&answer["status"], &answer["seen"]["ever"]), (&json!("active"), &json!(1)), "{answer}");
    server.stop().await;
}

/// One sender whose clock is wrong: what was learned is as old as it was, and nobody learns for less long.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_the_future_ages_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    let far = event(400 * 86_400, "cron");
    assert_eq!(send_now(&server, &far).await["status"], "learning");
    assert_eq!(send(&server, &event(1, "nginx")).await["status"], "learning");
    assert_eq!(send(&server, &event(100, "nginx")).await["status"], "active");
    send_now(&server, &event(400 * 86_400 + 1, "cron")).await;
    let answer = send(&server, &event(101, "nginx")).await;
    assert_eq!((&answer["status"], &answer["seen"]["day"]), (&json!("active"), &json!(2)), "{answer}");
    let url = format!("http://{}/api/v1/processors", server.http_addr());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(text.contains("2 events were dated more than a minute ahead"), "{text}");
    server.stop().await;
}
