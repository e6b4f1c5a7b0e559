//! What a client does when the server, its stream, its data or the disk is not as it should be.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use lanner_client::{ConnectError, OnUnavailable, Options, Snapshot, Source, Switches};
use serde_json::{Value, json};

use crate::running::{Running, client, eventually, options};

fn blocks(switches: &Switches, context: &Value) -> bool {
    switches.evaluate(context.as_object().unwrap()).is_blocked()
}

fn when(condition: &str) -> Value {
    json!({ "when": condition })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_leaves_what_was_known() {
    let server = Running::start().await;
    server.put("a", &when("x == 1")).await;
    let switches = client(&server.url).await;
    eventually("pushed", || switches.status().is_pushed).await;
    assert!(blocks(&switches, &json!({"x": 1})) && !blocks(&switches, &json!({"x": 2})));
    assert_eq!(switches.status().not_ready(), None);
    assert!(switches.status().to_prometheus().contains("\nlanner_client_revision 1\n"));
    let port = server.port();
    let folder = server.stop().await;
    eventually("a problem", || switches.status().problem.is_some()).await;
    assert!(blocks(&switches, &json!({"x": 1})));
    let verdict = switches.evaluate(json!({"x": 2}).as_object().unwrap());
    assert!(verdict.staleness().for_ms > 0 && !verdict.is_blocked());
    // It comes back, and so do changes.
    let server = Running::start_in(folder, port).await;
    let revision = server.change("a", "deactivate").await;
    tokio::time::timeout(Duration::from_secs(10), switches.reached(revision)).await.unwrap();
    assert!(!blocks(&switches, &json!({"x": 1})));
    eventually("no problem", || switches.status().problem.is_none()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_starts_from_its_file() {
    let server = Running::start().await;
    server.put("a", &when("x == 1")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switches.json");
    let first = Switches::connect(options(&server.url).cache(&file)).await.unwrap();
    eventually("a file", || file.exists()).await;
    assert_eq!(first.status().source, Source::Server);
    drop(first);
    let url = server.url.clone();
    server.stop().await;
    let away = || options(&url).cache(&file).patience(Duration::from_millis(100));
    let second = Switches::connect(away()).await.unwrap();
    assert_eq!((second.status().source, second.status().revision), (Source::Disk, 1));
    assert!(blocks(&second, &json!({"x": 1})));
    // A file that was cut or changed is not believed.
    let text = std::fs::read_to_string(&file).unwrap();
    for damaged in [&text[..text.len() / 2], &text.replace("x == 1", "x == 2")] {
        std::fs::write(&file, damaged).unwrap();
        let third = Switches::connect(away()).await.unwrap();
        assert_eq!(third.status().source, Source::Nothing);
        assert!(third.status().not_ready().is_some_and(|why| why.starts_with("no kill switches")));
        assert!(!blocks(&third, &json!({"x": 1})) && !blocks(&third, &json!({"x": 2})));
        assert!(third.status().problem.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_follows_the_policy() {
    let server = Running::start().await;
    server.put("kept", &when("x == 1")).await;
    server.put("open", &json!({"when": "x == 2", "on_unavailable": "open"})).await;
    server.put("closed", &json!({"when": "x == 3", "status": "inactive", "on_unavailable": "closed"})).await;
    let of = |policy| options(&server.url).max_stale(Duration::from_millis(1_500)).on_unavailable(policy);
    let last_good = Switches::connect(of(OnUnavailable::LastGood)).await.unwrap();
    let open = Switches::connect(of(OnUnavailable::Open)).await.unwrap();
    let closed = Switches::connect(of(OnUnavailable::Closed)).await.unwrap();
    let all = |switches: &Switches| [1, 2, 3, 4].map(|x| blocks(switches, &json!({ "x": x })));
    for switches in [&last_good, &open, &closed] {
        assert_eq!(all(switches), [true, true, false, false]);
    }
    server.stop().await;
    eventually("too old", || last_good.status().staleness.is_too_old && closed.status().staleness.is_too_old)
        .await;
    assert_eq!(all(&last_good), [true, false, true, false]);
    eventually("too old", || open.status().staleness.is_too_old).await;
    assert!(open.status().not_ready().is_some_and(|why| why.contains("not been confirmed")));
    assert!(open.status().to_prometheus().contains("\nlanner_client_too_old 1\n"));
    assert_eq!((all(&open), all(&closed)), ([false; 4], [true; 4]));
    // Where nothing was ever known, only `closed` blocks.
    for (policy, is_blocked) in
        [(OnUnavailable::LastGood, false), (OnUnavailable::Open, false), (OnUnavailable::Closed, true)]
    {
        let never =
            Options::new("http://127.0.0.1:1").patience(Duration::from_millis(50)).on_unavailable(policy);
        let never = Switches::connect(never).await.unwrap();
        assert_eq!(all(&never), [is_blocked; 4]);
        assert_eq!(never.status().source, Source::Nothing);
    }
}

/// A server that answers with this text, without a stream.
async fn answering(text: String) -> String {
    let app = Router::new().route("/api/v1/switches/snapshot", get(async move || text));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_or_damaged_snapshot_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switches.json");
    let newer = Snapshot::new(9, vec![json!({"id": "a", "when": "x == 1"})]);
    let document = |condition: &str| vec![json!({"id": "a", "when": condition})];
    let cases = [
        (Snapshot::new(8, document("x == 2")).to_text(), "set back"),
        (Snapshot::new(9, document("x == 2")).to_text(), "set back"),
        (Snapshot::new(10, document("x == 2")).to_text().replace("x == 2", "x == 3"), "damaged"),
        (Snapshot::new(10, document("x ==")).to_text(), "cannot be read by this release"),
        ("{}".to_owned(), "not a snapshot"),
    ];
    for (text, part) in cases {
        std::fs::write(&file, newer.to_text()).unwrap();
        let url = answering(text).await;
        let switches = Switches::connect(options(&url).cache(&file)).await.unwrap();
        let problem = switches.status().problem.unwrap_or_default();
        assert!(problem.contains(part), "{problem}");
        assert!(blocks(&switches, &json!({"x": 1})) && !blocks(&switches, &json!({"x": 2})));
        assert_eq!(switches.status().revision, 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_push_changes_are_fetched() {
    let server = Running::start().await;
    let switches = Switches::connect(options(&server.url).without_push()).await.unwrap();
    let revision = server.put("a", &when("x == 1")).await;
    tokio::time::timeout(Duration::from_secs(5), switches.reached(revision)).await.unwrap();
    assert!(blocks(&switches, &json!({"x": 1})) && !switches.status().is_pushed);
    // Validity is judged when it is asked.
    let soon = json!({"when": "x == 2", "valid": {"to": "2020-01-01"}});
    let revision = server.put("b", &soon).await;
    tokio::time::timeout(Duration::from_secs(5), switches.reached(revision)).await.unwrap();
    assert!(!blocks(&switches, &json!({"x": 2})));
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_said_at_once() {
    for url in ["", "nowhere", "ftp://example.org"] {
        assert!(matches!(Switches::connect(Options::new(url)).await, Err(ConnectError::Url { .. })), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_told_what_switches_did() {
    let server = Running::start().await;
    server.put("a", &when("x == 1")).await;
    server.put("b", &json!({"when": "x > 0", "status": "shadow"})).await;
    let switches = Switches::connect(options(&server.url).tell(Duration::from_millis(100))).await.unwrap();
    for x in [0, 1, 1, 2] {
        let _ = blocks(&switches, &json!({ "x": x }));
    }
    // What nobody has is not asked.
    assert!(switches.flag("c", json!({"x": 1}).as_object().unwrap()).is_err());
    eventually("told", || server.counts("a") == (2, 0) && server.counts("b") == (0, 3)).await;
    // What was not told in time is told later, also of switches that have changed since.
    let port = server.port();
    let folder = server.stop().await;
    let _ = blocks(&switches, &json!({"x": 1}));
    let server = Running::start_in(folder, port).await;
    server.put("b", &json!({"when": "x > 9", "status": "shadow"})).await;
    eventually("told later", || server.counts("a") == (1, 0) && server.counts("b") == (0, 1)).await;
    server.stop().await;
}
