//! What clients do in an outage: an older backup, a forged snapshot, a full disk, a wrong clock, a thousand at once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use lanner_client::{ConnectError, Options, Source, Switches};
use lanner_core::time::{DAY_MS, HOUR_MS, format_time};
use lanner_io::receiver::Secret;
use lanner_server::Clock;
use serde_json::{Value, json};

use crate::running::{Running, client, eventually, options};

fn blocks(switches: &Switches, context: &Value) -> bool {
    switches.evaluate(context.as_object().unwrap()).is_blocked()
}

async fn reached(switches: &Switches, revision: u64) {
    tokio::time::timeout(Duration::from_secs(20), switches.reached(revision)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_set_back_is_not_believed() {
    let server = Running::start().await;
    server.put("a", &json!({"when": "x == 1"})).await;
    let backup = tempfile::tempdir().unwrap();
    server.backup(backup.path());
    let revision = server.put("b", &json!({"when": "x == 2"})).await;
    let switches = client(&server.url).await;
    reached(&switches, revision).await;
    let port = server.port();
    server.stop().await;

    let server = Running::start_in(backup, port).await;
    eventually("a problem", || switches.status().problem.is_some_and(|why| why.contains("set back"))).await;
    let both = |switches: &Switches| [1, 2].map(|x| blocks(switches, &json!({ "x": x })));
    assert_eq!(both(&switches), [true, true]);
    assert!(switches.status().staleness.for_ms > 0);
    // Its next change has a revision that the client knows with other switches in it; the one after is newer.
    server.put("c", &json!({"when": "x == 3"})).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(both(&switches), [true, true]);
    let revision = server.put("d", &json!({"when": "x == 4"})).await;
    reached(&switches, revision).await;
    assert_eq!(both(&switches), [true, false]);
    eventually("no problem", || switches.status().problem.is_none()).await;
    server.stop().await;
}

/// A private key, as in a configuration.
fn key(digit: &str) -> Option<Secret> {
    Some(Secret::Text(digit.repeat(64)))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_signatures_believes_nobody_else() {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Running::start_with(folder, 0, |settings| settings.switch_key = key("a")).await;
    let (public, file) = (server.public_key(), files.path().join("switches.json"));
    server.put("a", &json!({"when": "x == 1"})).await;
    let of = |url: &str, public: &str| options(url).key(public).patience(Duration::from_millis(300));
    let signed = Switches::connect(of(&server.url, &public).cache(&file)).await.unwrap();
    assert!(blocks(&signed, &json!({"x": 1})) && signed.status().problem.is_none());
    let other = Switches::connect(of(&server.url, &"0".repeat(64))).await.unwrap();
    assert_eq!(other.status().source, Source::Nothing);
    assert!(other.status().problem.unwrap().contains("signed by somebody else"));
    for wrong in ["", "12", &"g".repeat(64)] {
        let refused = Switches::connect(of(&server.url, wrong)).await;
        assert!(matches!(refused, Err(ConnectError::Key { .. })), "{wrong}");
    }
    let (port, url) = (server.port(), server.url.clone());
    let folder = server.stop().await;

    // The file is signed as well; a copy with another signature, or none, is not believed.
    let text = std::fs::read_to_string(&file).unwrap();
    let second = Switches::connect(of(&url, &public).cache(&file)).await.unwrap();
    assert_eq!(second.status().source, Source::Disk);
    drop(second);
    let at = text.find("\"signature\":\"").unwrap() + 13;
    let forged = format!("{}{}{}", &text[..at], "0".repeat(128), &text[at + 128..]);
    let unsigned = text.replace(&text[at - 14..=at + 128], "");
    for (damaged, part) in [(forged, "signed by somebody else"), (unsigned, "is not signed")] {
        std::fs::write(&file, damaged).unwrap();
        let third = Switches::connect(of(&url, &public).cache(&file)).await.unwrap();
        assert_eq!(third.status().source, Source::Nothing, "{part}");
    }

    // Another server at the same address, with another key: what was known stays.
    let server = Running::start_with(folder, port, |settings| settings.switch_key = key("b")).await;
    server.put("a", &json!({"when": "x == 2"})).await;
    eventually("a problem", || {
        signed.status().problem.is_some_and(|why| why.contains("signed by somebody else"))
    })
    .await;
    assert!(blocks(&signed, &json!({"x": 1})) && !blocks(&signed, &json!({"x": 2})));
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_file_only() {
    let server = Running::start().await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("switches.json");
    server.put("a", &json!({"when": "x == 1"})).await;
    let switches = Switches::connect(options(&server.url).cache(&file)).await.unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    // What is written beside the file from now on meets a device that is always full.
    let part = format!("{}.{}.part", file.display(), std::process::id());
    std::os::unix::fs::symlink("/dev/full", part).unwrap();
    let revision = server.put("a", &json!({"when": "x == 2"})).await;
    reached(&switches, revision).await;
    eventually("a problem of the file", || switches.status().file_problem.is_some()).await;
    assert!(blocks(&switches, &json!({"x": 2})) && switches.status().problem.is_none());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    // There is room again.
    let revision = server.put("a", &json!({"when": "x == 3"})).await;
    reached(&switches, revision).await;
    eventually("no problem of the file", || switches.status().file_problem.is_none()).await;
    assert!(std::fs::read_to_string(&file).unwrap().contains("x == 3"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_day_off_goes_by_the_server() {
    for off_ms in [DAY_MS, -DAY_MS] {
        let clock = Clock::stepped(Clock::default().now_ms() + off_ms);
        clock.run_on();
        let folder = tempfile::tempdir().unwrap();
        let server = Running::start_with(folder, 0, |settings| settings.clock = clock.clone()).await;
        let around = |middle_ms: i64| json!({"from": format_time(middle_ms - HOUR_MS), "to": format_time(middle_ms + HOUR_MS)});
        server.put("theirs", &json!({"when": "x == 1", "valid": around(clock.now_ms())})).await;
        server.put("ours", &json!({"when": "x == 2", "valid": around(clock.now_ms() - off_ms)})).await;
        let switches = client(&server.url).await;
        let verdicts = || [1, 2].map(|x| blocks(&switches, &json!({ "x": x })));
        assert_eq!(verdicts(), [true, false], "off by {off_ms}");
        server.stop().await;
        assert_eq!(verdicts(), [true, false], "off by {off_ms}, and the server is away");
    }
}

/// How many clients come back at once.
const MANY: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_come_back_at_once() {
    let server = Running::start().await;
    server.put("a", &json!({"when": "x == 1"})).await;
    let begin = Instant::now();
    let mut many = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        many.push(
            Switches::connect(Options::new(&server.url).patience(Duration::from_secs(30))).await.unwrap(),
        );
    }
    eprintln!("{MANY} clients connected in {:?}", begin.elapsed());
    assert!(many.iter().all(|switches| blocks(switches, &json!({"x": 1}))));
    let port = server.port();
    let folder = server.stop().await;
    eventually("all know that it is away", || many.iter().all(|it| it.status().problem.is_some())).await;
    assert!(
        many.iter()
            .all(|switches| blocks(switches, &json!({"x": 1})) && switches.status().staleness.for_ms > 0)
    );
    let begin = Instant::now();
    let server = Running::start_in(folder, port).await;
    let revision = server.put("a", &json!({"when": "x == 2"})).await;
    for switches in &many {
        tokio::time::timeout(Duration::from_secs(60), switches.reached(revision)).await.unwrap();
    }
    eprintln!("all {MANY} had the change {:?} after the server came back", begin.elapsed());
    assert!(many.iter().all(|switches| blocks(switches, &json!({"x": 2}))));
    let begin = Instant::now();
    let revision = server.change("a", "deactivate").await;
    for switches in &many {
        reached(switches, revision).await;
    }
    eprintln!("all {MANY} had the next change after {:?}", begin.elapsed());
    drop(many);
    server.stop().await;
}
