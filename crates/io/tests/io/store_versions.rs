//! Files of every schema version that there was open, and all that they hold is there.
//!
//! `testdata/versions` has a file for each as SQL: the tables as the program of that time made them, and rows as it wrote
//! them. Whoever adds a version adds its file; the others stay as they are.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::path::{Path, PathBuf};

use lanner_core::{Labels, SeriesKey, TimeRange};
use lanner_io::state::{Shards, StateStore};
use lanner_io::store::{Damage, EvaluationFilter, RetentionRule, Store, StoreError, StoreOptions};
use rusqlite::Connection;

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z
/// The newest version with a file.
const NEWEST: usize = 12;

fn forever() -> StoreOptions {
    StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() }
}

/// Makes the file of a version in `folder`.
fn write(version: usize, folder: &Path) -> PathBuf {
    let path = format!("{}/testdata/versions/{version}.sql", env!("CARGO_MANIFEST_DIR"));
    let file = folder.join("lanner.db");
    Connection::open(&file).unwrap().execute_batch(&std::fs::read_to_string(path).unwrap()).unwrap();
    file
}

#[track_caller]
fn check(version: usize, store: &Store) {
    assert_eq!(store.damage().unwrap(), Damage::default(), "version {version}");
    let cpu = store.series_id(&SeriesKey::new("cpu", Labels::new([("host", "a")]))).unwrap();
    let samples: Vec<_> =
        store.samples(cpu, EVER).unwrap().iter().map(|sample| (sample.time_ms - T, sample.value)).collect();
    let expected = [(0, 0.5), (1_000, 1.25), (2_000, 3.0), (10_000, 7.5), (11_000, 8.5)];
    assert_eq!(samples, expected, "version {version}");

    let mut events = Vec::new();
    let snapshot = store.events_snapshot("orders", EVER).unwrap();
    let mut note = |time_ms: i64, json: &[u8]| {
        events.push((time_ms - T, String::from_utf8(json.to_vec()).unwrap()));
        std::ops::ControlFlow::Continue(())
    };
    snapshot.visit(&mut note).unwrap();
    let statuses = [(0, "ok"), (500, "failed"), (10_000, "late")];
    let expected = statuses.map(|(at, status)| (at, format!(r#"{{"status":"{status}"}}"#)));
    assert_eq!(events, expected, "version {version}");

    let state = StateStore::load(store, Shards::All).unwrap();
    let cursors: Vec<_> = state.cursors.iter().map(|cursor| (&*cursor.rule, cursor.window)).collect();
    assert_eq!(cursors, [("floor", TimeRange::new(T + 10_000, T + 20_000))], "version {version}");
    let alerts: Vec<_> = state.alerts.iter().map(|alert| (&*alert.rule, alert.state.name())).collect();
    assert_eq!(alerts, [("floor", "firing")], "version {version}");
    let evaluations = store.evaluations(&EvaluationFilter::default()).unwrap();
    let evaluations: Vec<_> = evaluations
        .iter()
        .map(|evaluation| (evaluation.version, evaluation.value, evaluation.lower, evaluation.upper))
        .collect();
    let lower = (version >= 12).then_some(3.0);
    assert_eq!(evaluations, [(2, Some(2.0), lower, None), (1, Some(4.0), None, None)], "version {version}");

    let documents = |kind: &str| -> Vec<(String, u32)> {
        store.documents(kind).unwrap().into_iter().map(|document| (document.id, document.version)).collect()
    };
    assert_eq!(documents("rule"), [("floor".to_owned(), 2)], "version {version}");
    assert_eq!(documents("switch"), [("block-a".to_owned(), 1)], "version {version}");
    assert_eq!(store.document_revision("rule").unwrap(), 4, "version {version}");
    let silences: Vec<_> = store.silences().unwrap().into_iter().map(|silence| silence.comment).collect();
    assert_eq!(silences, ["maintenance"], "version {version}");
    let due = store.outbox_due("hook", T + 30_000, 10).unwrap();
    assert_eq!(due.len(), 1, "version {version}");
}

#[test]
fn files_of_every_version_are_read_served_and_restored() {
    for version in 1..=NEWEST {
        let folder = tempfile::tempdir().unwrap();
        let file = write(version, folder.path());
        let before = std::fs::read(&file).unwrap();
        check(version, &Store::open_to_read(folder.path(), forever()).unwrap());
        assert_eq!(std::fs::read(&file).unwrap(), before, "version {version}: reading changes nothing");

        let restored = folder.path().join("restored");
        Store::restore(&file, &restored, false).unwrap();
        check(version, &Store::open(&restored, forever()).unwrap());

        for _ in 0..2 {
            check(version, &Store::open(folder.path(), forever()).unwrap());
        }
        assert!(!folder.path().join("lanner.db.damaged-1").exists(), "version {version}");
    }
}

#[test]
fn there_is_a_file_of_the_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(folder.path(), forever()).unwrap().close();
    let db = Connection::open(folder.path().join("lanner.db")).unwrap();
    let made: usize = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(made, NEWEST, "add testdata/versions/{made}.sql, and leave the others as they are");
}

#[test]
fn a_file_of_a_later_version_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(NEWEST, folder.path());
    Connection::open(&file).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = std::fs::read(&file).unwrap();
    let refused = [
        Store::open(folder.path(), forever()).err(),
        Store::open_to_read(folder.path(), forever()).err(),
        Store::restore(&file, &folder.path().join("restored"), false).err(),
        Store::repair(folder.path(), &forever()).err(),
    ];
    for error in refused {
        assert_eq!(error, Some(StoreError::TooNew { path: file.clone(), found: 99, known: NEWEST as i64 }));
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert!(!folder.path().join("restored").exists());
}
