//! The processor `profile`, end to end: events of Falco come in, a rule fires on an unusual one, and what was learned outlives a

//! restart and changes of the configuration.

use std::net::SocketAddr;
use std::path::Path;

use lanner_core::document::{Check, Node};
use lanner_profile::{Filter, Profile, Terms};
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

/// The processor's condition, as an agent reads it.
fn filter(_: &Node, _: &str, _: &mut Check) -> Option<Filter> {
    Some(Filter::new(|_| true))
}

/// The status and the body of an answer to a request with this token.
async fn ask(server: &Server, method: &str, path: &str, token: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let url = format!("http://{}{path}", server.http_addr());
    let request = reqwest::Client::new().request(method.parse().unwrap(), url).body(body);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A host by the terms of the server that saw these programs' parents.
async fn host(server: &Server, token: &str, parents: &[&str]) -> Profile {
    let (status, terms) = ask(server, "GET", "/api/v1/profiles/usual/terms", token, Vec::new()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&terms));
    let mut profile = Profile::by_terms(&Terms::from_json(&terms).unwrap(), &filter).unwrap();
    for parent in parents {
        let seen = event(0, parent)["output_fields"].clone();
        profile.observe(&object(&seen), NOON_MS);
    }
    profile
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_tell_what_they_saw_and_events_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    assert_eq!(send(&server, &event(0, "cron")).await.get("fleet"), None);
    for name in ["web-1", "web-2", "web 3 ä/ö"] {
        let told = host(&server, "", &["nginx"]).await.tell(NOON_MS);
        let path: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("/api/v1/profiles/usual/hosts/{}", path.replace('+', "%20"));
        let (status, fleet) = ask(&server, "POST", &path, "", told.clone()).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&fleet));
        let member = host(&server, "", &[]).await;
        member.learn_of_fleet(&fleet).unwrap();
        let changed = member.fleet().unwrap().changed_ms();
        let (status, nothing) = ask(&server, "POST", &format!("{path}?changed={changed}"), "", told).await;
        assert_eq!((status, nothing.len()), (204, 0));
    }
    let answer = send(&server, &event(100, "nginx")).await;
    assert_eq!(
        (&answer["rare"], &answer["fleet"]),
        (&json!(true), &json!({ "seen_on": 3, "hosts": 3, "common": true }))
    );
    let answer = send(&server, &event(101, "bash")).await;
    assert_eq!(answer["fleet"], json!({ "seen_on": 0, "hosts": 3, "common": false }));
    assert_eq!(answer["reason"], "never seen: proc.pname; in the fleet on none of 3 hosts");

    // It outlives a change of the configuration, and a restart.
    post(&server, "/api/v1/apply", processor(2)).await;
    server.step_to(NOON_MS + 110_000, std::time::Duration::from_secs(10)).await;
    server.stop().await;
    let server = start(folder.path(), NOON_MS + 110_000).await;
    let answer = send(&server, &event(200, "nginx")).await;
    assert_eq!(answer["fleet"], json!({ "seen_on": 3, "hosts": 3, "common": true }));
    let (_, shown) = ask(&server, "GET", "/api/v1/profiles/usual", "", Vec::new()).await;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown["profile"]["hosts"], 3);
    assert_eq!(
        (&shown["hosts"][1]["host"], &shown["hosts"][1]["events"]),
        (&json!("web-1"), &json!(1)),
        "{shown}"
    );
    assert!(shown["frequent"][0]["behaviour"].as_str().unwrap().contains("nginx | sh -c #"), "{shown}");

    let odd = event(0, "sshd")["output_fields"].to_string().into_bytes();
    let (status, answer) = ask(&server, "POST", "/api/v1/profiles/usual/explain", "", odd).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (status, &answer["parts"][0]),
        (200, &json!({ "part": "proc.pname", "value": "sshd", "seen": 0, "seen_without": 4 })),
        "{answer}"
    );
    let (status, why) =
        ask(&server, "POST", "/api/v1/profiles/usual/explain", "", b"{\"evt.type\": \"open\"}".to_vec())
            .await;
    assert_eq!(status, 422, "{}", String::from_utf8_lossy(&why));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_tells_needs_the_right_token_and_makes_sense() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    let mut tokens = std::collections::HashMap::<&str, String>::new();
    // The last one closes the door for whoever has none.
    for scope in ["admin", "ingest", "read"] {
        let token: String = tokens.get("admin").cloned().unwrap_or_default();
        let body = json!({ "name": scope, "scopes": [scope] }).to_string();
        let url = format!("http://{}/api/v1/tokens", server.http_addr());
        let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer: Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        tokens.insert(scope, answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
    }
    let good = host(&server, &tokens["ingest"], &["nginx"]).await.tell(NOON_MS);
    let hosts = "/api/v1/profiles/usual/hosts/a";
    for (method, path, token, expected) in [
        ("POST", hosts, "", 401),
        ("POST", hosts, &*tokens["read"], 403),
        ("POST", hosts, &*tokens["ingest"], 200),
        ("GET", "/api/v1/profiles/usual/terms", "", 401),
        ("GET", "/api/v1/profiles/usual/terms", &*tokens["read"], 403),
        ("GET", "/api/v1/profiles/usual", &*tokens["ingest"], 403),
        ("GET", "/api/v1/profiles/usual", &*tokens["read"], 200),
        ("POST", "/api/v1/profiles/other/hosts/a", &*tokens["ingest"], 404),
    ] {
        let (status, body) = ask(&server, method, path, token, good.clone()).await;
        assert_eq!(status, expected, "{method} {path}: {}", String::from_utf8_lossy(&body));
    }
    let foreign = Profile::new(
        host(&server, &tokens["ingest"], &[]).await.spec().clone(),
        &lanner_profile::Seed::new(1),
    );
    for (body, expected) in [
        (Vec::new(), "cut short"),
        (b"PK\x03\x04 and more".to_vec(), "is not a sketch"),
        (good[..good.len() / 2].to_vec(), "cut short"),
        (foreign.tell(NOON_MS), "another seed"),
    ] {
        let (status, why) = ask(&server, "POST", hosts, &tokens["ingest"], body).await;
        let why = String::from_utf8_lossy(&why).into_owned();
        assert!(
            status == 422 && why.contains(expected) && why.contains("the host \\\"a\\\""),
            "{status} {why}"
        );
    }
    let (_, shown) = ask(&server, "GET", "/api/v1/profiles", &tokens["read"], Vec::new()).await;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown[0]["hosts"], 1);
    server.stop().await;
}

/// What happens under an alert of a rule in `hold`, or in a time that a person names, becomes no more usual.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_learned_while_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    let config = json!({
        "processors": [{ "id": "usual", "stream": "falco", "profile": {
            "fields": ["proc.pname"], "learn": "1m", "memory": 1, "hold": ["attack"] } }],
        "rules": [{ "id": "attack", "query": { "stream": "falco", "measure": "count", "where": "rule == 'Attack'" },
            "window": "10s", "every": "10s", "absolute": { "max": 0 } }],
    });
    post(&server, "/api/v1/apply", config.to_string()).await;
    send(&server, &event(0, "cron")).await;
    let mut attack = event(105, "nginx");
    attack["rule"] = "Attack".into();
    assert_eq!(send(&server, &attack).await["rare"], true);
    // The window with it ends, and the rule fires until a window without one.
    server.step_to(NOON_MS + 110_000, std::time::Duration::from_secs(10)).await;
    for at_s in [111, 112] {
        assert_eq!(send(&server, &event(at_s, "sshd")).await["rare"], true);
    }
    let (_, shown) = ask(&server, "GET", "/api/v1/processors", "", Vec::new()).await;
    assert!(String::from_utf8_lossy(&shown).contains("nothing is learned in the group of an alert"));
    server.step_to(NOON_MS + 120_000, std::time::Duration::from_secs(10)).await;
    assert_eq!(send(&server, &event(121, "sshd")).await["rare"], true);
    assert_eq!(send(&server, &event(122, "sshd")).await["rare"], false);

    let times = |from: i64, to: i64| {
        json!({ "from": (NOON_MS + from * 1_000), "to": (NOON_MS + to * 1_000) }).to_string().into_bytes()
    };
    let told = async |what: &str, body: Vec<u8>| {
        let path = format!("/api/v1/profiles/usual/{what}");
        let url = format!("http://{}{path}", server.http_addr());
        let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(told("hold", times(130, 140)).await.0, 204);
    assert_eq!(told("hold", times(140, 140)).await.0, 422);
    for at_s in [131, 132] {
        assert_eq!(send(&server, &event(at_s, "perl")).await["rare"], true);
    }
    assert_eq!(send(&server, &event(141, "perl")).await["rare"], true);
    assert_eq!(send(&server, &event(142, "perl")).await["rare"], false);
    let (status, forgotten) = told("unlearn", times(141, 143)).await;
    let forgotten: Value = serde_json::from_str(&forgotten).unwrap();
    assert_eq!(
        (status, &forgotten),
        (200, &json!({ "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "all": true }))
    );
    assert_eq!(send(&server, &event(150, "perl")).await["rare"], true);

    // A rule that does not exist is said.
    let (_, shown) = ask(&server, "GET", "/api/v1/processors", "", Vec::new()).await;
    assert!(!String::from_utf8_lossy(&shown).contains("there is no rule"));
    ask(&server, "DELETE", "/api/v1/rules/attack", "", Vec::new()).await;
    let (_, shown) = ask(&server, "GET", "/api/v1/processors", "", Vec::new()).await;
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains(r#"there is no rule \"attack\" to hold for"#), "{shown}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_begins_with_what_was_learned_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    post(&server, "/api/v1/apply", processor(1)).await;
    let mut learned = host(&server, "", &["cron", "nginx"]).await;
    learned.finish();
    let bytes = |profile: &Profile| {
        let mut bytes = Vec::new();
        profile.write(NOON_MS, &mut bytes);
        bytes
    };
    let path = "/api/v1/profiles/usual/learned";
    let (status, shown) = ask(&server, "POST", path, "", bytes(&learned)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&shown));
    let answer = send(&server, &event(1, "cron")).await;
    assert_eq!((&answer["status"], &answer["seen"]["ever"]), (&json!("active"), &json!(1)), "{answer}");
    assert_eq!(send(&server, &event(2, "sshd")).await["rare"], true);

    let mut document = learned.spec().to_json();
    document["fields"] = json!(["proc.name"]);
    let node = Node::from_json(&document);
    let spec = lanner_profile::Spec::read_document(&node, "", &filter, &mut Check::default()).unwrap();
    let other = bytes(&Profile::new(spec, learned.seed()));
    for (body, expected) in [
        (other, "other fields"),
        ([bytes(&learned), bytes(&learned)].concat(), "holds several profiles"),
        (bytes(&learned)[..200].to_vec(), "cut short"),
    ] {
        let (status, why) = ask(&server, "POST", path, "", body).await;
        let why = String::from_utf8_lossy(&why).into_owned();
        assert!(status == 422 && why.contains(expected), "{status} {why}");
    }
    assert_eq!(send(&server, &event(3, "nginx")).await["seen"]["ever"], 1);
    server.stop().await;
}
