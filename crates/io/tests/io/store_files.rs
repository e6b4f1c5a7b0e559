//! The data folder: who may open it, what is said when it cannot be, a full disk, backups, sudden ends.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lanner_core::{Changes, Labels, Sample, SeriesKey, TimeRange};
use lanner_io::state::{Shards, StateStore};
use lanner_io::store::{
    Batch, Damage, EvaluationFilter, NewEvent, RetentionRule, SeriesId, Store, StoreError, StoreOptions,
    write_private,
};

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn forever() -> StoreOptions {
    StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() }
}

fn series(store: &Store) -> SeriesId {
    store.series_id(&SeriesKey::new("m", Labels::default())).unwrap()
}

/// Samples `first` to `first + n`, one a second.
fn batch(id: SeriesId, first: i64, n: i64) -> Batch {
    let samples = (first..first + n).map(|at| (id, Sample::new(T + at * 1_000, (at * at % 1_009) as f64)));
    Batch { samples: samples.collect(), events: Vec::new() }
}

fn open_error(folder: &Path) -> StoreError {
    Store::open(folder, forever()).err().unwrap()
}

#[test]
fn one_store_per_folder_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), forever()).unwrap();
    let error = open_error(folder.path());
    assert_eq!(error, StoreError::InUse { path: folder.path().into(), pid: Some(std::process::id()) });
    assert!(error.to_string().contains("stop it, or choose another folder"), "{error}");
    let clone = store.clone();
    drop(store);
    assert!(matches!(open_error(folder.path()), StoreError::InUse { .. }));
    drop(clone);
    Store::open(folder.path(), forever()).unwrap();
}

/// Not a test by itself: the process that the next test starts. It holds a store open and appends one batch
/// after another until it is killed.
#[test]
#[ignore = "started by another test"]
fn child_that_appends() {
    let Ok(folder) = std::env::var("LANNER_TEST_FOLDER") else { return };
    let store = Store::open(Path::new(&folder), forever()).unwrap();
    let id = series(&store);
    for n in 0.. {
        store.append(batch(id, n * 100, 100)).unwrap().wait().unwrap();
        println!("\nacknowledged {}", (n + 1) * 100);
        if n % 50 == 49 {
            store.seal().unwrap();
        }
    }
}

fn start_child(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_files::child_that_appends", "--ignored", "--nocapture"])
        .env("LANNER_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn another_process_is_refused_and_its_sudden_end_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start_child(folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let acknowledged = |line: &String| line.strip_prefix("acknowledged ").and_then(|n| n.parse().ok());
    let mut last: i64 = lines.by_ref().find_map(|line| acknowledged(&line)).unwrap();
    let expected = StoreError::InUse { path: folder.path().into(), pid: Some(child.id()) };
    assert_eq!(open_error(folder.path()), expected);
    for _ in 0..150 {
        last = lines.by_ref().find_map(|line| acknowledged(&line)).unwrap();
    }
    child.kill().unwrap(); // as hard as the system can
    child.wait().unwrap();
    last = lines.filter_map(|line| acknowledged(&line)).last().unwrap_or(last);

    let store = Store::open(folder.path(), forever()).unwrap();
    let samples = store.samples(series(&store), EVER).unwrap();
    assert!(samples.len() as i64 >= last, "{} of {last}", samples.len());
    assert_eq!(
        samples,
        batch(series(&store), 0, samples.len() as i64)
            .samples
            .into_iter()
            .map(|(_, s)| s)
            .collect::<Vec<_>>()
    );
}

#[test]
fn files_that_are_not_ours_are_refused_in_words() {
    #[track_caller]
    fn check(prepare: impl FnOnce(&Path), words: &str) {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let error = open_error(folder.path()).to_string();
        assert!(error.contains(words), "{error}");
    }
    let sql = |folder: &Path, sql: &str| {
        rusqlite::Connection::open(folder.join("lanner.db")).unwrap().execute_batch(sql).unwrap();
    };
    let written = |folder: &Path| {
        let store = Store::open(folder, forever()).unwrap();
        store.append(batch(series(&store), 0, 10)).unwrap().wait().unwrap();
    };
    check(
        |folder| std::fs::write(folder.join("lanner.db"), "no database at all, only text").unwrap(),
        "no database at all; move it away",
    );
    check(|folder| sql(folder, "CREATE TABLE t (x)"), "a database of another program");
    let newer = |folder: &Path| {
        written(folder);
        sql(folder, "PRAGMA user_version = 99");
    };
    check(newer, "has schema version 99 and this release knows 12; use the release that wrote it");
    let folder_is_file = tempfile::NamedTempFile::new().unwrap();
    let error = open_error(folder_is_file.path()).to_string();
    assert!(error.contains("cannot be opened"), "{error}");
    let options = StoreOptions { max_series: 0, ..forever() };
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(folder.path(), options), Err(StoreError::BadOptions { .. })));
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_page_count: Some(150), ..forever() };
    let store = Store::open(folder.path(), options).unwrap();
    let id = series(&store);
    let mut n = 0;
    let mut fill = || loop {
        match store.append(batch(id, n, 1_000)).unwrap().wait() {
            Ok(()) => n += 1_000,
            Err(error) => break (n as usize, error),
        }
    };
    let (acknowledged, error) = fill();
    assert_eq!(error, StoreError::DiskFull);
    assert!(error.to_string().contains("free some space, then writing continues by itself"));
    assert!(acknowledged > 10_000);
    assert_eq!(store.samples(id, EVER).unwrap().len(), acknowledged);
    // Compressing what is there makes room, and writing goes on.
    store.seal().unwrap();
    assert_eq!(store.samples(id, EVER).unwrap().len(), acknowledged);
    let (more, _) = fill();
    assert!(more > acknowledged + 10_000, "{more}");
    store.close();
    let store = Store::open(folder.path(), forever()).unwrap();
    assert_eq!(store.samples(id, EVER).unwrap().len(), more);
}

/// The same on a real disk: `LANNER_TEST_SMALL_DISK` names a folder on a file system of some 20 MB.
#[test]
fn a_full_disk_refuses_and_recovers_for_real() {
    let Some(disk) = std::env::var_os("LANNER_TEST_SMALL_DISK") else { return };
    let folder = tempfile::tempdir_in(disk).unwrap();
    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).unwrap();
    let store = Store::open(&folder.path().join("data"), forever()).unwrap();
    let id = series(&store);
    let mut n = 0;
    let mut fill = |at_most: i64| {
        let end = n + at_most;
        while n < end {
            match store.append(batch(id, n, 1_000)).unwrap().wait() {
                Ok(()) => n += 1_000,
                Err(error) => return (n as usize, Some(error)),
            }
        }
        (n as usize, None)
    };
    let (acknowledged, error) = fill(i64::MAX / 2);
    assert_eq!(error, Some(StoreError::DiskFull));
    assert_eq!(store.samples(id, EVER).unwrap().len(), acknowledged);
    std::fs::remove_file(ballast).unwrap();
    let (more, error) = fill(100_000);
    assert_eq!((more, error), (acknowledged + 100_000, None));
    store.close();
    let store = Store::open(&folder.path().join("data"), forever()).unwrap();
    assert_eq!(store.samples(id, EVER).unwrap().len(), more);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        return; // the superuser may write anywhere
    }
    assert!(matches!(open_error(folder.path()), StoreError::ReadOnly { .. }));
}

#[test]
fn too_much_at_once_is_refused_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_queued_bytes: 100_000, ..forever() };
    let store = Store::open(folder.path(), options).unwrap();
    let id = series(&store);
    let mut receipts = Vec::new();
    let mut n_refused = 0;
    for n in 0..200 {
        match store.append(batch(id, n * 1_000, 1_000)) {
            Ok(receipt) => receipts.push(receipt),
            Err(StoreError::Busy { retry_after }) => {
                assert!(retry_after.as_millis() >= 50);
                n_refused += 1;
            }
            Err(error) => unreachable!("{error}"),
        }
    }
    assert!(n_refused > 0 && !receipts.is_empty(), "{n_refused} refused");
    let n_taken = receipts.len();
    receipts.into_iter().for_each(|receipt| receipt.wait().unwrap());
    assert_eq!(store.samples(id, EVER).unwrap().len(), n_taken * 1_000);
    // One batch larger than the limit is taken when nothing waits.
    store.append(batch(id, 0, 20_000)).unwrap().wait().unwrap();
}

#[test]
fn a_backup_of_a_busy_store_opens_as_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("live"), forever()).unwrap();
    let id = series(&store);
    let event = NewEvent { stream: "s".into(), time_ms: T, json: b"{}".as_slice().into() };
    store.append(Batch { samples: Vec::new(), events: vec![event] }).unwrap().wait().unwrap();
    store.append(batch(id, 0, 500_000)).unwrap().wait().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let to = folder.path().join("copy");
    let mut reports = Vec::new();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut n = 500_000;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                store.append(batch(id, n, 100)).unwrap().wait().unwrap();
                n += 100;
            }
        });
        store.backup(&to, &mut |done, total| reports.push((done, total))).unwrap();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let (done, total) = reports[reports.len() - 1];
    assert!(reports.len() > 1 && done == total && total > 1_000, "{reports:?}");
    assert_eq!(store.backup(&to, &mut |_, _| {}), Err(StoreError::BackupExists { path: to.clone() }));

    let files: Vec<_> = std::fs::read_dir(&to).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["lanner.db"]);
    let copy = Store::open(&to, forever()).unwrap();
    assert!(copy.samples(series(&copy), EVER).unwrap().len() >= 500_000);
    assert_eq!(copy.streams().unwrap()[0].n_events, 1);
}

#[test]
fn a_backup_carries_what_lies_beside_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (live, to) = (folder.path().join("live"), folder.path().join("copy"));
    let store = Store::open(&live, forever()).unwrap();
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    write_private(&live.join("processors/usual.profile"), &body).unwrap();
    std::fs::write(live.join("processors/half.profile.part"), "cut off").unwrap();
    store.backup(&to, &mut |_, _| {}).unwrap();
    let files = || std::fs::read_dir(&to).unwrap().count();
    assert_eq!(files(), 1, "one file carries all of it");
    // What reads changes nothing; what serves puts it in its place, once.
    drop(Store::open_to_read(&to, forever()).unwrap());
    assert_eq!(files(), 1);
    let processors = to.join("processors");
    for is_there in [true, false] {
        Store::open(&to, forever()).unwrap().close();
        assert_eq!(std::fs::read(processors.join("usual.profile")).ok(), is_there.then(|| body.clone()));
        assert!(!processors.join("half.profile.part").exists());
        let _ = std::fs::remove_file(processors.join("usual.profile"));
    }
    // A name that leads elsewhere is not followed.
    let db = rusqlite::Connection::open(to.join("lanner.db")).unwrap();
    for name in ["processors/../../out", "../out", "processors/a/../../out", "other/out", "processors/.."] {
        db.execute("INSERT INTO beside (name, part, body) VALUES (?1, 0, 'x')", [name]).unwrap();
    }
    drop(db);
    Store::open(&to, forever()).unwrap().close();
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["copy", "live"]);
    assert!(!to.join("out").exists() && !to.join("other").exists());
}

#[test]
fn a_store_of_an_earlier_release_is_read_as_it_is_and_upgraded_when_it_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), forever()).unwrap();
    let id = series(&store);
    store.append(batch(id, 0, 5_000)).unwrap().wait().unwrap();
    store.seal().unwrap();
    store.append(batch(id, 5_000, 10)).unwrap().wait().unwrap();
    store.close();
    let path = folder.path().join("lanner.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    for table in ["series", "stream", "history", "outbox", "silence", "document"] {
        db.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN sum")).unwrap();
    }
    db.execute_batch(
        r#"DROP TABLE finding; DROP TABLE finding_scan; DROP TABLE finding_host; DROP TABLE finding_list; DROP TABLE beside; DROP TABLE band;
         DROP TABLE shard; DROP TABLE model; DROP TABLE cursor; DROP TABLE alert; DROP TABLE evaluation;
         CREATE TABLE cursor (rule TEXT PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE alert (
           rule TEXT NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (rule, grp)
         ) WITHOUT ROWID;
         CREATE TABLE evaluation (
           seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL,
           start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, value REAL, base REAL, score REAL,
           outcome TEXT NOT NULL, error TEXT, state TEXT NOT NULL, late INTEGER NOT NULL, evaluated_ms INTEGER NOT NULL
         );
         CREATE UNIQUE INDEX evaluation_once ON evaluation (rule, end_ms, start_ms, version, grp);
         INSERT INTO cursor VALUES ('walked', 10, 20), ('never judged', 0, 5);
         INSERT INTO evaluation (rule, version, grp, start_ms, end_ms, value, outcome, state, late, evaluated_ms) VALUES
           ('walked', 1, '{"bank":"a"}', 0, 10, 1.5, 'normal', 'normal', 0, 11),
           ('walked', 1, '{"bank":"a"}', 10, 20, 2, 'breach', 'firing', 0, 21),
           ('deleted', 1, '{}', 0, 10, NULL, 'no_data', 'no_data', 0, 11);
         ALTER TABLE document DROP COLUMN cause;
         DROP TABLE told;
         CREATE TABLE told (
           receiver TEXT NOT NULL, grp TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (receiver, grp)
         ) WITHOUT ROWID;
         DELETE FROM meta WHERE key = 'schema' OR key LIKE 'revision.%';
         PRAGMA user_version = 3"#,
    )
    .unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let store = Store::open_to_read(folder.path(), forever()).unwrap();
    check_upgraded(&store);
    drop(store);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    for _ in 0..2 {
        check_upgraded(&Store::open(folder.path(), forever()).unwrap());
    }
    // What an earlier release evaluated is not evaluated again.
    let store = Store::open(folder.path(), forever()).unwrap();
    let old = store.evaluations(&EvaluationFilter { limit: 1, ..of_rule("walked") }).unwrap();
    let again = Changes { evaluations: old, ..Changes::default() };
    assert!(matches!(store.apply(again).unwrap().wait(), Err(StoreError::AlreadyEvaluated { .. })));
}

fn of_rule(rule: &str) -> EvaluationFilter {
    EvaluationFilter { rule: Some(rule.into()), ..EvaluationFilter::default() }
}

#[track_caller]
fn check_upgraded(store: &Store) {
    assert_eq!(store.samples(series(store), EVER).unwrap().len(), 5_010);
    assert_eq!(store.damage().unwrap(), Damage::default());
    let cursors: Vec<_> = StateStore::load(store, Shards::All)
        .unwrap()
        .cursors
        .into_iter()
        .map(|cursor| (cursor.rule, cursor.window))
        .collect();
    assert_eq!(
        cursors,
        [("never judged".into(), TimeRange::new(0, 5)), ("walked".into(), TimeRange::new(10, 20))]
    );
    let values = |rule: &str| -> Vec<Option<f64>> {
        store.evaluations(&of_rule(rule)).unwrap().iter().map(|evaluation| evaluation.value).collect()
    };
    assert_eq!((values("walked"), values("deleted")), (vec![Some(2.0), Some(1.5)], vec![None]));
    assert_eq!(store.evaluations(&EvaluationFilter::default()).unwrap().len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn the_pasts_of_many_streams_take_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), forever()).unwrap();
    let streams: Vec<String> = (0..1_000).map(|n| format!("s{n}")).collect();
    let event = |n: usize| NewEvent {
        stream: streams[n].as_str().into(),
        time_ms: T,
        json: format!("{{\"n\":{n}}}").into(),
    };
    let events =
        |range: std::ops::Range<usize>| Batch { samples: Vec::new(), events: range.map(event).collect() };
    // Some lie in blocks, some in memory.
    store.append(events(0..600)).unwrap().wait().unwrap();
    store.seal().unwrap();
    store.append(events(500..1_000)).unwrap().wait().unwrap();

    let n_files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = n_files();
    let wanted = streams.iter().map(|stream| (stream.as_str(), EVER));
    let snapshots = store.events_snapshots(wanted).unwrap();
    // The database and its log; other tests of this process may open a few of theirs.
    let more = n_files().saturating_sub(before);
    assert!(more < 100, "{more} files more");
    store.append(events(0..1_000)).unwrap().wait().unwrap();
    store.seal().unwrap();
    for (n, snapshot) in snapshots.iter().enumerate() {
        let mut found = Vec::new();
        snapshot
            .visit(&mut |_, json| {
                found.push(String::from_utf8_lossy(json).into_owned());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, vec![format!("{{\"n\":{n}}}"); if (500..600).contains(&n) { 2 } else { 1 }]);
    }
}
