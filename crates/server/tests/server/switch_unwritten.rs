//! Changes of switches are in force before they are written, and whatever else is being written.

use std::path::Path;
use std::time::Duration;

use crate::switching::{Running, start, start_in, start_with};
use lanner_core::{Labels, Sample, SeriesKey};
use lanner_io::store::{Batch, Store, StoreError, StoreOptions};
use lanner_switch::Snapshot;
use serde_json::{Value, json};

/// Longer than anything here takes, and shorter than the store waits for whoever holds it.
const LONG: Duration = Duration::from_secs(8);

/// Keeps the server from writing until it is dropped, as a long transaction of its own would.
struct Held(rusqlite::Connection);

impl Held {
    fn new(folder: &Path) -> Self {
        let db = rusqlite::Connection::open(folder.join("lanner.db")).unwrap();
        db.busy_timeout(LONG).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(db)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// Waits until the context is blocked, or is no more.
async fn until_blocked(server: &Running, context: &Value, blocked: bool) {
    let wait = async {
        while server.blocks(context.clone()).await != blocked {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.expect("the change is not in force");
}

async fn snapshot(server: &Running) -> Snapshot {
    Snapshot::from_json(&server.fine("GET", "/api/v1/switches/snapshot", Value::Null).await).unwrap()
}

#[tokio::test]
async fn a_change_is_in_force_while_something_else_is_written() {
    let server = start().await;
    server.put("bank", json!({"when": "bank == \"b\"", "status": "inactive"})).await;
    let context = json!({"bank": "b"});
    let before = snapshot(&server).await.revision();

    let held = Held::new(server.folder.path());
    let activated = server.ask("POST", "/api/v1/switches/bank/activate", json!({"message": "down"}));
    let deactivated = async {
        until_blocked(&server, &context, true).await;
        // What is in force is what is shown, and what the next change starts from.
        let shown = server.fine("GET", "/api/v1/switches/bank", Value::Null).await;
        assert_eq!((&shown["version"], &shown["phase"]), (&json!(2), &json!("blocking")));
        let listed = server.fine("GET", "/api/v1/switches?phase=blocking", Value::Null).await;
        assert_eq!(listed[0]["id"], "bank");
        let (status, answer) =
            server.ask("POST", "/api/v1/switches/bank/activate", json!({"expect": 1})).await;
        assert_eq!(status, 409, "{answer}");
        assert_eq!(server.server.store().document_latest("switch", "bank").unwrap().unwrap().version, 1);
        // The writer is held for as long as the next change is not in force.
        let off = server.ask("POST", "/api/v1/switches/bank/deactivate", json!({"expect": 2}));
        let release = async {
            until_blocked(&server, &context, false).await;
            assert_eq!(snapshot(&server).await.revision(), before + 2);
            drop(held);
        };
        tokio::join!(off, release).0
    };
    let ((status, answer), (second_status, second)) = tokio::join!(activated, deactivated);
    assert_eq!((status, second_status), (200, 200), "{answer} {second}");
    // Both are answered when they are on disk, in their order.
    let history = server.fine("GET", "/api/v1/switches/bank/history", Value::Null).await;
    let stored = server.server.store().last_versions("switch", "bank", usize::MAX).unwrap();
    let said = |of: &Value| [&of["version"], &of["document"]["status"], &of["message"]].map(Value::to_string);
    assert_eq!(said(&history[1]), ["2", "\"active\"", "\"down\""]);
    assert_eq!(said(&history[0])[..2], ["3", "\"inactive\""]);
    assert_eq!(stored.iter().map(|stored| stored.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(server.server.store().document_revision("switch"), Ok(snapshot(&server).await.revision()));
    assert_eq!(server.server.store().verify_audit().unwrap().problem, None);
}

#[tokio::test]
async fn requests_do_not_wait_for_the_disk_either() {
    let mut server = start().await;
    server.put("bank", json!({"when": "bank == \"b\"", "status": "inactive"})).await;
    server.invite(&["ann", "bob"]).await;
    let held = Held::new(server.folder.path());
    let requested = server.ask("POST", "/api/v1/switches/bank/request", json!({}));
    let approved = async {
        let waits = async {
            while server.fine("GET", "/api/v1/switches/requests", Value::Null).await == json!([]) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, waits).await.expect("the request is not listed");
        let approve = server.ask_as("bob", "POST", "/api/v1/switches/bank/approve", json!({}));
        let release = async {
            until_blocked(&server, &json!({"bank": "b"}), true).await;
            drop(held);
        };
        tokio::join!(approve, release).0
    };
    let ((asked, _), (done, answer)) = tokio::join!(requested, approved);
    assert_eq!((asked, done), (202, 200), "{answer}");
    assert_eq!(server.fine("GET", "/api/v1/switches/requests", Value::Null).await, json!([]));
    assert_eq!(server.server.store().document_latest("switch_request", "bank").unwrap().unwrap().version, 2);
}

/// A server whose disk is full, and a way to make room.
async fn full() -> Running {
    let set = |settings: &mut lanner_server::Settings| {
        settings.evaluate = false;
        settings.store = StoreOptions { max_page_count: Some(250), ..StoreOptions::default() };
    };
    let server = start_with(tempfile::tempdir().unwrap(), set).await;
    // Long, so that no version fits into what is left of a page.
    let text = "x".repeat(20_000);
    server.put("bank", json!({"when": "bank == \"b\"", "status": "inactive", "description": text})).await;
    fill(server.server.store());
    server
}

fn fill(store: &Store) {
    let id = store.series_id(&SeriesKey::new("m", Labels::default())).unwrap();
    for n_samples in [1_000, 100, 1] {
        for start in 0.. {
            let sample =
                |n: i64| (id, Sample::new(1_700_000_000_000 + (start * 1_000 + n) * 1_000, 0.1 * n as f64));
            let batch = Batch { samples: (0..n_samples).map(sample).collect(), events: Vec::new() };
            match store.append(batch).unwrap().wait() {
                Ok(()) => {}
                Err(StoreError::DiskFull) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_stops_no_emergency() {
    let server = full().await;
    let context = json!({"bank": "b"});
    let (status, answer) =
        server.ask("POST", "/api/v1/switches/bank/activate", json!({"message": "down"})).await;
    let said = answer["error"].as_str().unwrap();
    assert!(status == 507 && said.contains("in force, but not recorded"), "{status} {answer}");
    assert!(server.blocks(context.clone()).await);
    // It is shown as it is, everywhere, and the server is not well.
    let shown = server.fine("GET", "/api/v1/switches/bank", Value::Null).await;
    assert_eq!((&shown["phase"], &shown["message"]), (&json!("blocking"), &json!("down")));
    let ready = server.http.get(format!("{}/readyz", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(ready.contains("1 changes of switches are in force and not recorded"), "{ready}");
    // The next one is told the same, and goes by it.
    let (status, _) = server.ask("POST", "/api/v1/switches/bank/deactivate", json!({"expect": 2})).await;
    assert_eq!(status, 507);
    assert!(!server.blocks(context.clone()).await);
    assert_eq!(server.server.store().document_latest("switch", "bank").unwrap().unwrap().version, 1);
    // Once there is room, both are recorded without anybody's doing.
    server.server.store().seal().unwrap();
    let recorded = async {
        while server.server.store().document_latest("switch", "bank").unwrap().unwrap().version < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, recorded).await.expect("it is not recorded");
    let history = server.fine("GET", "/api/v1/switches/bank/history", Value::Null).await;
    assert_eq!((history.as_array().unwrap().len(), &history[1]["message"]), (3, &json!("down")));
    assert_eq!(server.ask("GET", "/readyz", Value::Null).await.0, 200);
    assert_eq!(server.server.store().verify_audit().unwrap().problem, None);
}

#[tokio::test]
async fn what_belongs_to_a_configuration_is_undone_with_it() {
    let server = full().await;
    let context = json!({"bank": "b"});
    let before = snapshot(&server).await;
    let rule = |n: usize| json!({"id": format!("r{n}"), "query": {"stream": "s", "measure": "count"}, "absolute": {"max": 1}, "window": "1m"});
    let document = json!({
        "rules": (0..200).map(rule).collect::<Vec<_>>(),
        "switches": [{"id": "bank", "when": "bank == \"b\""}, {"id": "new", "when": "bank == \"b\""}],
    });
    let (status, answer) = server.ask("POST", "/api/v1/apply", document).await;
    assert!(status == 507 && !answer.to_string().contains("in force"), "{status} {answer}");
    assert!(!server.blocks(context).await);
    let after = snapshot(&server).await;
    assert!(after.switches().eq(before.switches()));
    assert!(after.revision() > before.revision(), "clients saw the revision between");
    assert_eq!(server.ask("GET", "/api/v1/switches/new", Value::Null).await.0, 404);
    // It is as if it had never been.
    server.server.store().seal().unwrap();
    server.put("bank", json!({"when": "bank == \"b\"", "status": "active"})).await;
    let shown = server.fine("GET", "/api/v1/switches/bank", Value::Null).await;
    assert_eq!(shown["version"], 2);
}

#[tokio::test]
async fn what_a_crash_took_does_not_return_under_its_revision() {
    let server = start().await;
    server.put("bank", json!({"when": "bank == \"b\"", "status": "inactive"})).await;
    let recorded = snapshot(&server).await;
    let held = Held::new(server.folder.path());
    let crashed = tempfile::tempdir().unwrap();
    let activated = server.ask("POST", "/api/v1/switches/bank/activate", json!({}));
    let crash = async {
        until_blocked(&server, &json!({"bank": "b"}), true).await;
        let shown = snapshot(&server).await;
        for name in ["lanner.db", "lanner.db-wal"] {
            std::fs::copy(server.folder.path().join(name), crashed.path().join(name)).unwrap();
        }
        drop(held);
        shown
    };
    let (_, shown) = tokio::join!(activated, crash);
    assert!(shown.revision() > recorded.revision());

    let again = start_in(crashed).await;
    let now = snapshot(&again).await;
    assert!(now.switches().eq(recorded.switches()));
    assert!(now.revision() > shown.revision(), "{} after {}", now.revision(), shown.revision());
    // Whoever holds what was recorded is told that nothing else changed.
    let path = format!("/api/v1/switches/snapshot?since={}", recorded.tag());
    let delta = again.fine("GET", &path, Value::Null).await;
    assert_eq!((&delta["changed"], &delta["removed"]), (&json!([]), &json!([])));

    // A stop is no crash, and a copy made by a backup has shown nothing.
    let copy = tempfile::tempdir().unwrap();
    let backup = copy.path().join("backup");
    again.server.store().backup(&backup, &mut |_, _| ()).unwrap();
    assert_eq!(Store::open(&backup, StoreOptions::default()).unwrap().reserved_revision("switch"), Ok(None));
    let Running { server: stopped, folder, .. } = again;
    stopped.stop().await;
    let last = start_in(folder).await;
    assert_eq!(snapshot(&last).await, now);
}

#[tokio::test]
async fn many_switches_get_one_index_in_the_end() {
    let server = start().await;
    let switch = |n: usize| json!({"id": format!("s{n}"), "when": format!("x == {n}")});
    for part in [0..600, 600..1_300] {
        let switches: Vec<Value> = part.map(switch).collect();
        server.fine("POST", "/api/v1/switches", json!({ "switches": switches })).await;
    }
    let switches = &server.server.services().switches;
    let indexed = async {
        while switches.current().set.is_worn() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, indexed).await.expect("nobody makes an index");
    assert!(server.blocks(json!({"x": 1_299})).await && server.blocks(json!({"x": 3})).await);
    assert_eq!(snapshot(&server).await.revision(), 1_300);
}
