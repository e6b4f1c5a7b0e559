//! A backup takes the place of what a folder holds: whole or not at all, and what was there is kept.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::path::{Path, PathBuf};

use lanner_core::{Labels, Sample, SeriesKey, TimeRange};
use lanner_io::state::{Model, ModelInfo, StateStore};
use lanner_io::store::{
    Batch, DocumentChange, Restored, RetentionRule, Store, StoreError, StoreOptions, write_private,
};
use serde_json::json;

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn open(folder: &Path) -> Store {
    let keep = StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    Store::open(folder, keep).unwrap()
}

/// A folder whose store holds the sample `value`, and what a processor learned.
fn fill(folder: &Path, value: f64) {
    let store = open(folder);
    let m = store.series_id(&SeriesKey::new("m", Labels::default())).unwrap();
    let samples = vec![(m, Sample::new(T, value))];
    store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    write_private(&folder.join(format!("processors/of-{value}.profile")), b"learned").unwrap();
}

#[track_caller]
fn holds(folder: &Path, value: f64) {
    let store = open(folder);
    let m = store.series_id(&SeriesKey::new("m", Labels::default())).unwrap();
    assert_eq!(store.samples(m, EVER).unwrap(), [Sample::new(T, value)]);
    let mut learned: Vec<_> = std::fs::read_dir(folder.join("processors"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    learned.sort();
    assert_eq!(learned, [format!("of-{value}.profile")]);
}

/// A live folder that holds 2, and a backup that holds 1.
fn live_and_backup(folder: &Path) -> (PathBuf, PathBuf) {
    let (first, live, backup) = (folder.join("first"), folder.join("live"), folder.join("backup.db"));
    fill(&first, 1.0);
    open(&first).backup_file(&backup, &mut |_, _| {}).unwrap();
    fill(&live, 2.0);
    (live, backup)
}

#[test]
fn a_backup_is_restored_into_a_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (_, backup) = live_and_backup(folder.path());
    let before = std::fs::read(&backup).unwrap();
    let to = folder.path().join("new/folder");
    let restored = Store::restore(&backup, &to, false).unwrap();
    assert!(restored.n_bytes > 0 && restored.replaced.is_none(), "{restored:?}");
    holds(&to, 1.0);
    assert_eq!(std::fs::read(&backup).unwrap(), before);
}

#[test]
fn data_is_replaced_only_when_that_is_wanted_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (live, backup) = live_and_backup(folder.path());
    let refused = Store::restore(&backup, &live, false);
    assert_eq!(refused, Err(StoreError::HoldsData { path: live.clone() }));
    holds(&live, 2.0);
    for n in 1..=2 {
        let Restored { replaced, .. } = Store::restore(&backup, &live, true).unwrap();
        let aside = live.join(format!("lanner.replaced-{n}"));
        assert_eq!(replaced.as_ref(), Some(&aside));
        holds(&live, 1.0);
        holds(&aside, if n == 1 { 2.0 } else { 1.0 });
    }
    let store = open(&live);
    let refused = Store::restore(&backup, &live, true);
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    drop(store);
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (live, backup) = live_and_backup(folder.path());
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.db"), "").unwrap();
    std::fs::write(path("text.db"), "not a database, but longer than the header of one".repeat(9)).unwrap();
    rusqlite::Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let whole = std::fs::read(&backup).unwrap();
    std::fs::write(path("cut.db"), &whole[..whole.len() / 2]).unwrap();
    let mut flipped = whole;
    let at =
        flipped.windows(8).rposition(|window| window == b"learned\x00" || window.starts_with(b"learned"));
    flipped[at.unwrap()] ^= 1;
    std::fs::write(path("flipped.db"), flipped).unwrap();
    std::fs::copy(&backup, path("logged.db")).unwrap();
    std::fs::write(path("logged.db-wal"), "a log").unwrap();
    for (name, words) in [
        ("none.db", "none.db cannot be restored: No such file"),
        ("live", "it is a folder; make a backup of it with `lanner backup --data FOLDER FILE`"),
        ("empty.db", "it is empty (0 bytes)"),
        ("text.db", "text.db cannot be restored: it is a database of another program or no database at all"),
        ("other.db", "no database at all; name a file that `lanner backup` wrote"),
        ("logged.db", "a part of its data lies in a log beside it"),
        ("cut.db", "cut.db is damaged"),
        ("flipped.db", "flipped.db is damaged: a row of beside is not what was written"),
    ] {
        for (to, force) in [(live.clone(), true), (path("fresh"), false)] {
            let said = Store::restore(&path(name), &to, force).unwrap_err().to_string();
            assert!(said.contains(words), "{name}: {said}");
        }
    }
    holds(&live, 2.0);
    assert!(!live.join("lanner.replaced-1").exists());
    let left = std::fs::read_dir(path("fresh")).map_or(0, Iterator::count);
    assert!(left <= 1, "at most the lock");
}

/// Documents and silences are set aside one by one, so one of them does not keep all the rest from being restored: it is named.
#[test]
fn what_is_set_aside_is_named() {
    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let (first, backup) = (folder.path().join("first"), folder.path().join("backup.db"));
        let store = open(&first);
        let rule = vec![DocumentChange { id: "r1".into(), document: Some(json!({"max": 0})) }];
        store.save_documents("rule", "ann", "why", T, rule).unwrap().wait().unwrap();
        let silence = json!({
            "id": "s1", "matchers": [], "start_ms": T, "end_ms": T + 1, "author": "ann", "comment": "night", "created_ms": T,
        });
        store.add_silence(serde_json::from_value(silence).unwrap()).unwrap().wait().unwrap();
        let model = b"{}".to_vec();
        let info = ModelInfo {
            id: String::new(),
            kind: "api".into(),
            data: String::new(),
            threshold: 0.5,
            metrics: json!({}),
            created_ms: T,
        };
        StateStore::put_model(&store, Model { info, body: model }).unwrap().wait().unwrap();
        store.backup_file(&backup, &mut |_, _| {}).unwrap();
        rusqlite::Connection::open(&backup).unwrap().execute_batch(sql).unwrap();
        match Store::restore(&backup, &folder.path().join("new"), false) {
            Ok(restored) => assert_eq!(restored.damaged, expected, "{sql}"),
            Err(error) => assert!(error.to_string().contains(expected[0]), "{sql}: {error}"),
        }
    }
    check("", &[]);
    let change = "UPDATE document SET body = replace(body, '0', '9')";
    check(change, &["version 1 of the rule r1 is not what was written"]);
    check("UPDATE silence SET end_ms = 0", &["the silence s1 is not what was written"]);
    // As a release wrote it that had no checksums of documents.
    let unsummed = format!("{change}, sum = NULL");
    check(&unsummed, &["the audit: version 1 of the rule r1 is not what the audit says it is"]);
    check("UPDATE model SET body = x'00'", &["is damaged: model 44136fa3"]);
}

/// A restore that ends at any step after the backup was checked is finished by whoever opens the folder next.
#[test]
fn a_restore_that_was_cut_off_is_finished() {
    for n_moved in 0..=2 {
        let folder = tempfile::tempdir().unwrap();
        let (live, backup) = live_and_backup(folder.path());
        std::fs::copy(&backup, live.join("lanner.db.restored")).unwrap();
        let aside = live.join("lanner.replaced-1");
        for name in ["processors", "lanner.db"].into_iter().take(n_moved) {
            std::fs::create_dir_all(&aside).unwrap();
            std::fs::rename(live.join(name), aside.join(name)).unwrap();
        }
        holds(&live, 1.0);
        holds(&aside, 2.0);
        assert!(!live.join("lanner.db.restored").exists());
    }
}
