//! A host in a fleet: it joins by the terms of a server, tells it what it saw, and knows what others did.

use std::net::SocketAddr;
use std::time::Duration;

use falco_plugin_runner::CapturingPluginRunner;
use lanner_server::{Server, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{EXECVE, event, loaded, running, shown};

/// A server with the processor `usual`, beside the runtime that it lives in.
struct Fleet {
    runtime: Runtime,
    server: Option<Server>,
    url: String,
    _folder: tempfile::TempDir,
}

impl Fleet {
    fn start() -> Self {
        lanner_io::receiver::install_crypto_provider();
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let mut settings = Settings::new(folder.path());
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.carbon = None;
        settings.carbon_pickle = None;
        let server = runtime.block_on(Server::start(settings)).unwrap();
        let fleet = Self {
            url: format!("http://{}", server.http_addr()),
            runtime,
            server: Some(server),
            _folder: folder,
        };
        let processor = json!({ "processors": [{ "id": "usual", "stream": "falco", "profile": {
            "fields": ["proc.exepath", "proc.pname"], "where": "evt.type in (execve)", "learn": "1s", "memory": 1, "common": 1,
        } }] });
        fleet.ask("POST", "/api/v1/apply", processor);
        fleet
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> String {
        let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        self.runtime.block_on(async { request.send().await.unwrap().text().await.unwrap() })
    }

    fn stop(mut self) {
        let server = self.server.take().unwrap();
        self.runtime.block_on(server.stop());
    }
}

/// Cron's shell every second, and the web server's once in a thousand events.
fn seconds(n: i64) -> Vec<Value> {
    let tid = |at: i64| if at % 1_000 == 999 { 21 } else { 31 };
    (0..n).map(|at| event(EXECVE, tid(at), 1_767_225_600_000 + at * 1_000, json!([]))).collect()
}

/// Passes events until one of them is `right`, for at most ten seconds.
#[track_caller]
fn until(runner: &mut CapturingPluginRunner, field: &str, right: &str) {
    for _ in 0..500 {
        let event = runner.next_event().unwrap();
        if shown(runner, &event, field) == right {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{field} was never {right}");
}

#[test]
fn hosts_of_a_fleet_know_what_others_saw() {
    let fleet = Fleet::start();
    let config = |host: &str| json!({ "server": { "url": fleet.url, "fleet": "usual", "host": host, "every": "2s", "stream": "unusual" } });
    let mut first = running(seconds(20_000), &config("web-1"));
    until(&mut first, "anomaly.status[usual]", "active");
    until(&mut first, "anomaly.fleet.hosts[usual]", "1");
    assert!(fleet.ask("GET", "/api/v1/profiles/usual", Value::Null).contains("\"host\":\"web-1\""));
    while first.next_event().is_ok_and(|event| shown(&mut first, &event, "anomaly.rare[usual]") != "true") {}
    // What it found becomes an event, and what it saw is told when the capture ends.
    drop(first);
    let sent = fleet.ask("GET", "/api/v1/export/events/unusual", Value::Null);
    assert!(sent.contains("never seen: proc.pname") && sent.contains("\"proc.pname\":\"nginx\""), "{sent}");

    let mut second = running(seconds(20_000), &config("web-2"));
    until(&mut second, "anomaly.fleet.hosts[usual]", "2");
    loop {
        let event = second.next_event().unwrap();
        if shown(&mut second, &event, "anomaly.rare[usual]") == "true" {
            assert_eq!(shown(&mut second, &event, "anomaly.fleet.seen_on[usual]"), "1");
            assert_eq!(shown(&mut second, &event, "anomaly.fleet.common[usual]"), "true");
            assert_eq!(
                shown(&mut second, &event, "anomaly.reason"),
                "never seen: proc.pname; in the fleet on 1 of 2 hosts"
            );
            break;
        }
    }
    drop(second);
    fleet.stop();
}

/// Without its server Falco starts, and passes events.
#[test]
fn falco_goes_on_without_the_server() {
    let config = json!({ "server": { "url": "http://127.0.0.1:9", "fleet": "usual", "host": "web-1" },
        "profiles": [{ "id": "own", "fields": ["proc.exepath"], "learn": "1s", "memory": 1 }] });
    let mut runner = running(seconds(100), &config);
    for _ in 0..100 {
        let event = runner.next_event().unwrap();
        assert_ne!(shown(&mut runner, &event, "anomaly.seen[own]"), "failed");
        assert_eq!(shown(&mut runner, &event, "anomaly.seen[usual]"), "<NA>");
    }
}

#[test]
fn mistakes_about_the_server_are_told() {
    #[track_caller]
    fn check(server: &Value, expected: &str) {
        let why = loaded(Vec::new(), &json!({ "server": server })).err().unwrap();
        assert!(why.contains(expected), "{why}");
    }
    check(&json!({ "url": "http://lanner:9797" }), "fleet");
    check(&json!({ "url": "lanner:9797", "fleet": "usual", "host": "a" }), "is not the address of a server");
    check(
        &json!({ "url": "http://lanner:9797", "fleet": "usual", "token_file": "/does/not/exist" }),
        "/does/not/exist",
    );
    check(&json!({ "url": "http://lanner:9797", "fleet": "usual", "evry": "5m" }), "did you mean \"every\"?");
    let twice = json!({ "server": { "url": "http://lanner:9797", "fleet": "exec" }, "profiles": [{ "id": "exec", "fields": ["proc.name"] }] });
    let why = loaded(Vec::new(), &twice).err().unwrap();
    assert!(why.contains("leave it out here"), "{why}");
}
