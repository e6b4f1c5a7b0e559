//! Damage: bits, pages and ends of files are changed at random places. The store opens, says what is lost, and no number
//! that it tells is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a failing test")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use lanner_core::{
    AlertState, Changes, Cursor, Evaluation, Group, Labels, MatchOp, Matcher, Measured, Notification,
    NotificationLogEntry, Outcome, Sample, SeriesKey, Silence, TimeRange,
};
use lanner_io::findings::{FindingFilter, FindingPlace, FindingRow, FindingStore as _, ScanRow};
use lanner_io::state::{Shards, StateStore};
use lanner_io::store::{
    Batch, DocumentChange, EvaluationFilter, NewEvent, Repaired, RetentionRule, Store, StoreError,
    StoreOptions,
};
use serde_json::json;

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z
const PAGE: usize = 4096;
const N_SERIES: i64 = 12;
/// Samples of a series that are sealed, and that are not.
const N_SEALED: i64 = 9_000;
const N_NEW: i64 = 300;
const N_FINDINGS: u16 = 600;

fn forever() -> StoreOptions {
    StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() }
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

/// The value of a series at a time, so that a wrong number is seen wherever it turns up.
fn value(series: i64, at: i64) -> f64 {
    ((series * 7_919 + at * 104_729) % 1_000_003) as f64 / 7.0
}

fn text(at: i64) -> String {
    json!({"n": at, "bank": format!("bank-{}", at % 7), "amount": at * 31 % 1009}).to_string()
}

fn finding(n: u16) -> FindingRow {
    let mut key = [0; 16];
    key[..2].copy_from_slice(&n.to_be_bytes());
    let place = FindingPlace {
        key,
        scanner: "nessus".to_owned(),
        host: format!("192.0.2.{}", n % 200),
        check: (n % 37).to_string(),
        port: Some(n),
        level: (n % 5) as u8,
        policy: "weekly".to_owned(),
        first_seen_ms: T + i64::from(n),
        last_seen_ms: T + i64::from(n) * 2,
        last_missed_ms: n.is_multiple_of(2).then_some(T),
    };
    FindingRow {
        place,
        body: json!({"title": format!("weak cipher {n}"), "evidence": "x".repeat(200)}).to_string(),
    }
}

fn rule(n: u32) -> serde_json::Value {
    json!({"n": n, "text": "x".repeat(300)})
}

/// The files of a folder.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

fn put(files: &Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// A store with some of everything: as it lies after its end, and as a killed process leaves it.
fn stores() -> (Files, Files) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), forever()).unwrap();
    let key = |n: i64| SeriesKey::new(format!("m{n}"), Labels::new([("host", format!("h{n}"))]));
    let batch = |from: i64, to: i64| {
        let mut batch = Batch::default();
        for n in 0..N_SERIES {
            let id = store.series_id(&key(n)).unwrap();
            batch.samples.extend((from..to).map(|at| (id, Sample::new(T + at * 1_000, value(n, at)))));
        }
        let event = |at: i64| NewEvent { stream: "s".into(), time_ms: T + at * 1_000, json: text(at).into() };
        batch.events.extend((from..to).map(event));
        batch
    };
    for from in (0..N_SEALED).step_by(1_500) {
        store.append(batch(from, from + 1_500)).unwrap().wait().unwrap();
        store.seal().unwrap();
    }
    let document = |n: u32| DocumentChange { id: format!("r{n}"), document: Some(rule(n)) };
    store.save_documents("rule", "a", "b", T, (0..60).map(document).collect()).unwrap().wait().unwrap();
    store.put_findings(Vec::new(), (0..N_FINDINGS).map(finding).collect()).unwrap().wait().unwrap();
    for at in 0..800_i64 {
        let window = TimeRange::new(T + at * 1_000, T + at * 1_000 + 1_000);
        let group = Group::Of(Labels::new([("host", format!("h{}", at % 5))]));
        let evaluation = Evaluation {
            id: Evaluation::identity("r", 1, &group, window),
            rule: "r".into(),
            version: 1,
            group: group.clone(),
            window,
            value: Some(value(1, at)),
            base: None,
            lower: Some(value(3, at)),
            upper: (at % 2 == 0).then_some(40.0),
            score: None,
            outcome: Outcome::Normal,
            error: None,
            evidence: None,
            state: AlertState::Normal,
            late: false,
            evaluated_ms: T + at,
        };
        let history = vec![Measured { query: 7, group, window, value: Some(value(2, at)) }];
        let changes = Changes { evaluations: vec![evaluation], history, ..Changes::default() };
        drop(store.apply(changes).unwrap());
    }
    for from in (N_SEALED..N_SEALED + N_NEW).step_by(50) {
        store.append(batch(from, from + 50)).unwrap().wait().unwrap();
    }
    let killed = files(folder.path());
    store.close();
    (files(folder.path()), killed)
}

/// What a store told of what lies in it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Told {
    samples: i64,
    events: i64,
    evaluations: i64,
    rules: i64,
    findings: i64,
}

const ALL: Told = Told {
    samples: N_SERIES * (N_SEALED + N_NEW),
    events: N_SEALED + N_NEW,
    evaluations: 800,
    rules: 60,
    findings: N_FINDINGS as i64,
};

/// Whether a document is none, and says why.
fn is_set_aside(document: &serde_json::Value) -> bool {
    document.as_str().is_some_and(|text| text.starts_with("damaged on the disk: "))
}

/// Reads everything; whatever is told must be right.
#[track_caller]
fn read(store: &Store, what: &str) -> Told {
    let mut told = Told::default();
    for (id, key) in store.select("*", &[]).unwrap() {
        let n: Option<i64> = key.name.strip_prefix('m').and_then(|n| n.parse().ok());
        for sample in store.samples(id, EVER).unwrap_or_else(|error| panic!("{what}: {error}")) {
            let at = (sample.time_ms - T) / 1_000;
            let right = |n: i64| sample.value == value(n, at);
            // Of a series whose name is lost, the values are those of one of them.
            let is_right = n.map_or_else(|| (0..N_SERIES).any(right), right);
            assert!(is_right && (sample.time_ms - T) % 1_000 == 0, "{what}: {key} has {sample:?}");
            told.samples += 1;
        }
    }
    for stream in store.streams().unwrap() {
        let visit = &mut |time_ms: i64, json: &[u8]| {
            assert_eq!(json, text((time_ms - T) / 1_000).as_bytes(), "{what}");
            told.events += 1;
            ControlFlow::Continue(())
        };
        store.events(&stream.name, EVER, visit).unwrap();
    }
    let all = EvaluationFilter { limit: 10_000, ..EvaluationFilter::default() };
    for evaluation in store.evaluations(&all).unwrap() {
        let at = (evaluation.window.start_ms - T) / 1_000;
        assert_eq!(evaluation.value, Some(value(1, at)), "{what}");
        let written = (Some(value(3, at)), (at % 2 == 0).then_some(40.0));
        let band = (evaluation.lower, evaluation.upper);
        assert!(band == written || band == (None, None), "{what}: {band:?} at {at}");
        told.evaluations += 1;
    }
    for measured in store.measured_range(7, EVER).unwrap() {
        assert_eq!(measured.value, Some(value(2, (measured.window.start_ms - T) / 1_000)), "{what}");
    }
    for stored in store.documents("rule").unwrap() {
        let n = stored.id.strip_prefix('r').and_then(|n| n.parse().ok());
        let document = stored.document.unwrap();
        assert!(n.is_some_and(|n| document == rule(n)) || is_set_aside(&document), "{what}: {document}");
        told.rules += 1;
    }
    let each = &mut |row: FindingRow| {
        assert_eq!(row, finding(row.place.port.unwrap()), "{what}");
        told.findings += 1;
        true
    };
    store.each_finding(FindingFilter::default(), each).unwrap();
    told
}

/// Opens what is damaged, first for reading and then to go on with it. Returns what was lost.
#[track_caller]
fn check(damaged: &Files, what: &str) -> Told {
    let folder = put(damaged);
    let path = folder.path();
    let store = Store::open_to_read(path, forever()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let told = read(&store, what);
    let is_said = !store.damage().unwrap().unreadable.is_empty();
    assert!(told == ALL || is_said, "{what}: {told:?} of {ALL:?}, and nothing is said of it");
    drop(store);
    assert_eq!(files(path), *damaged, "{what}: reading changed the folder");

    let store = Store::open(path, forever()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(read(&store, what), told, "{what}: for reading and for writing");
    let damage = store.damage().unwrap();
    assert!(told == ALL || !damage.repairs.is_empty() || !damage.unreadable.is_empty(), "{what}");
    for repair in &damage.repairs {
        assert!(path.join(&repair.kept_as).exists(), "{what}: the damaged file is kept");
    }
    // It goes on as if nothing had been.
    let id = store.series_id(&SeriesKey::new("new", Labels::default())).unwrap();
    let samples = (0..5_000).map(|at| (id, Sample::new(T + at * 1_000, 1.0))).collect();
    store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    store.seal().unwrap();
    store.maintain(T + 10_000_000).unwrap();
    store.close();
    let store = Store::open(path, forever()).unwrap();
    assert_eq!(
        store
            .samples(store.series_id(&SeriesKey::new("new", Labels::default())).unwrap(), EVER)
            .unwrap()
            .len(),
        5_000
    );
    assert_eq!(store.damage().unwrap().repairs.len(), damage.repairs.len(), "{what}: one repair is enough");
    let lost = |all: i64, told: i64| all - told;
    Told {
        samples: lost(ALL.samples, told.samples),
        events: lost(ALL.events, told.events),
        evaluations: lost(ALL.evaluations, told.evaluations),
        rules: lost(ALL.rules, told.rules),
        findings: lost(ALL.findings, told.findings),
    }
}

/// `LANNER_DAMAGES=20` tries twenty times as many.
fn times(n: usize) -> usize {
    let factor = std::env::var("LANNER_DAMAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    n * factor
}

#[test]
fn any_flipped_bit_costs_at_most_what_lay_beside_it() {
    let (ended, killed) = stores();
    let mut random = Random(0x5eed);
    assert_eq!(check(&ended, "whole"), Told::default());
    assert_eq!(check(&killed, "killed"), Told::default());
    let mut n_free = 0;
    for n in 0..times(60) {
        // The first page holds what everything hangs on: a third of all.
        let size = ended["lanner.db"].len();
        let at = if n % 3 == 0 { random.below(PAGE) } else { random.below(size) };
        let mut damaged = ended.clone();
        damaged.get_mut("lanner.db").unwrap()[at] ^= 1 << random.below(8);
        let lost = check(&damaged, &format!("bit at {at} (page {}, {})", at / PAGE + 1, at % PAGE));
        n_free += usize::from(lost == Told::default());
        let bound = Told { samples: 12 * 4_096, events: 9_000, evaluations: 60, rules: 20, findings: 30 };
        let is_bounded = lost.samples <= bound.samples
            && lost.events <= bound.events
            && lost.evaluations <= bound.evaluations
            && lost.rules <= bound.rules
            && lost.findings <= bound.findings;
        assert!(is_bounded, "page {}: {lost:?}", at / PAGE + 1);
    }
    assert!(n_free > times(60) / 5, "{n_free}: many bits hold nothing, or what can be known otherwise");
}

#[test]
fn flipped_bits_in_the_log_cost_what_lay_on_their_page() {
    let (_, killed) = stores();
    let mut random = Random(0x10e);
    assert!(killed["lanner.db-wal"].len() > 100 * PAGE);
    for n in 0..times(20) {
        let size = killed["lanner.db-wal"].len();
        let at = if n % 5 == 0 { random.below(32) } else { random.below(size) };
        let mut damaged = killed.clone();
        damaged.get_mut("lanner.db-wal").unwrap()[at] ^= 1 << random.below(8);
        check(&damaged, &format!("bit at {at} of the log"));
    }
}

/// A log of which nothing is left but its length: what was acknowledged lay in it.
#[test]
fn a_log_that_is_none_is_said() {
    let (_, killed) = stores();
    let mut random = Random(0x106);
    let size = killed["lanner.db-wal"].len();
    let rubbish: Vec<u8> = (0..size).map(|_| random.below(256) as u8).collect();
    let mut headless = killed["lanner.db-wal"].clone();
    headless[..32].fill(0);
    for (log, what) in [
        (vec![0; size], "zeros"),
        (rubbish, "rubbish"),
        (headless, "no header"),
        (vec![0; 32], "a header of zeros"),
    ] {
        let mut damaged = killed.clone();
        damaged.insert("lanner.db-wal".to_owned(), log);
        check(&damaged, what);
    }
}

#[test]
fn zeroed_pages_are_read_around() {
    let (ended, _) = stores();
    let mut random = Random(0x2e05);
    let n_pages = ended["lanner.db"].len() / PAGE;
    for n in 0..times(30) {
        // Every page from the beginning, where the roots are, then some.
        let page = if n < 24 { n } else { random.below(n_pages) };
        let mut damaged = ended.clone();
        damaged.get_mut("lanner.db").unwrap()[page * PAGE..(page + 1) * PAGE].fill(0);
        check(&damaged, &format!("page {} is zero", page + 1));
    }
}

#[test]
fn files_cut_off_are_read_as_far_as_they_go() {
    let (ended, killed) = stores();
    let mut random = Random(0xc07);
    for n in 0..times(12) {
        let size = ended["lanner.db"].len();
        // At least the roots remain; less is another test's.
        let mut cut = size / 10 + random.below(size * 9 / 10);
        if n % 2 == 0 {
            cut -= cut % PAGE;
        }
        let mut damaged = ended.clone();
        damaged.get_mut("lanner.db").unwrap().truncate(cut);
        check(&damaged, &format!("cut at {cut} of {size}"));
        let mut damaged = killed.clone();
        let log = damaged.get_mut("lanner.db-wal").unwrap();
        log.truncate(random.below(log.len()));
        // What is gone from the end of a log cannot be told from what never came: only that it opens and is right.
        let folder = put(&damaged);
        read(&Store::open(folder.path(), forever()).unwrap(), "a cut log");
    }
}

#[test]
fn what_is_no_store_is_refused_by_name() {
    #[track_caller]
    fn check(files: &[(&str, &[u8])], words: &str) {
        let files: Files =
            files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
        let folder = put(&files);
        for opened in [Store::open(folder.path(), forever()), Store::open_to_read(folder.path(), forever())] {
            let error = opened.err().unwrap();
            assert!(error.to_string().contains(words), "{error}");
        }
        let mut left = self::files(folder.path());
        left.remove("lanner.lock");
        assert_eq!(left, files, "nothing was changed");
    }
    check(&[("lanner.db", b"")], "lanner.db: the file is empty (0 bytes)");
    check(&[("lanner.db", b""), ("lanner.db-wal", &[1; 500])], "still holds 500 bytes");
    check(&[("lanner.db-wal", &[1; 500])], "still holds 500 bytes");
    check(&[("lanner.db", b"name,value\na,1\n")], "no database at all; move it away");
    check(&[("lanner.db", &[7; 9 * PAGE])], "no database at all; move it away");
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("other.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    check(&[("lanner.db", &std::fs::read(&path).unwrap())], "a database of another program");
}

/// What stands where a file belongs and is none: a folder, and a pipe, at which whoever opens it waits for ever.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_by_name() {
    for name in ["lanner.db", "lanner.db-wal", "lanner.db-shm"] {
        for what in ["a folder", "no file", "a link that leads nowhere"] {
            let folder = tempfile::tempdir().unwrap();
            Store::open(folder.path(), forever()).unwrap().close();
            let path = folder.path().join(name);
            let _ = std::fs::remove_file(&path);
            match what {
                "a folder" => std::fs::create_dir(&path).unwrap(),
                // As where the disk with the data is not mounted.
                "a link that leads nowhere" => std::os::unix::fs::symlink("/none/lanner.db", &path).unwrap(),
                _ => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
            }
            let words = format!("{name}: it is {what}");
            let opened = [
                Store::open(folder.path(), forever()).err(),
                Store::open_to_read(folder.path(), forever()).err(),
                Store::repair(folder.path(), &forever()).err(),
            ];
            for error in opened {
                let error = error.expect(&words).to_string();
                assert!(error.contains(&words) && error.contains("put the file there"), "{error}");
            }
            assert!(!std::fs::symlink_metadata(&path).unwrap().is_file(), "nothing was changed");
        }
    }
}

#[test]
fn a_repair_says_exactly_which_stretches_are_lost_and_is_done_once() {
    let (ended, _) = stores();
    let folder = put(&ended);
    let path = folder.path();
    assert_eq!(Store::repair(path, &forever()).unwrap(), Repaired::default());
    let db = rusqlite::Connection::open(path.join("lanner.db")).unwrap();
    db.execute("UPDATE block SET body = zeroblob(length(body)) WHERE id = 3", []).unwrap();
    let lost: (i64, i64, i64) = db
        .query_row("SELECT start_ms, end_ms, n_rows FROM block WHERE id = 3", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    drop(db);
    let repair = Store::repair(path, &forever()).unwrap().repair.unwrap();
    let time = lanner_core::time::format_time;
    assert_eq!(repair.lost, BTreeMap::from([("block".to_owned(), 1)]));
    assert_eq!(repair.stretches.len(), 1);
    assert!(
        repair.stretches[0].ends_with(&format!(
            ": {} samples from {} to {}",
            lost.2,
            time(lost.0),
            time(lost.1)
        )),
        "{repair:?}"
    );
    assert_eq!(repair.kept_as, "lanner.db.damaged-1");
    assert_eq!(Store::repair(path, &forever()).unwrap(), Repaired::default());
    let store = Store::open(path, forever()).unwrap();
    assert_eq!(read(&store, "repaired").samples, ALL.samples - lost.2);
    assert_eq!(store.damage().unwrap().repairs[0].stretches, repair.stretches);
    assert_eq!(store.damage().unwrap().unreadable, [""; 0]);
}

#[test]
fn damage_met_while_running_is_told_and_read_around() {
    let (ended, _) = stores();
    let folder = put(&ended);
    let store = Store::open(folder.path(), forever()).unwrap();
    // Behind the store's back, as a bad disk does it.
    let db = rusqlite::Connection::open(folder.path().join("lanner.db")).unwrap();
    db.execute_batch("UPDATE block SET body = zeroblob(99) WHERE id IN (2, 5); UPDATE event_block SET body = zeroblob(99) WHERE id = 1").unwrap();
    let told = read(&store, "running");
    assert!(told.samples < ALL.samples && told.samples >= ALL.samples - 2 * 4_096, "{told:?}");
    let unreadable = store.damage().unwrap().unreadable;
    assert_eq!(unreadable.len(), 3, "{unreadable:?}");
    assert!(unreadable[0].contains(" samples from ") && unreadable[2].contains("s: "), "{unreadable:?}");
    // New data is sealed around it.
    let n_before = store.stats().unwrap().n_head_samples;
    assert!(n_before > 0);
    store.seal().unwrap();
    assert_eq!(store.stats().unwrap().n_head_samples, 0);
    assert_eq!(read(&store, "sealed").samples, told.samples);
    let to = folder.path().join("copy");
    let error = store.backup(&to, &mut |_, _| ()).unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { .. }), "{error}");
    assert!(!to.join("lanner.db").exists());
    store.close();
    // The next start makes it whole.
    let store = Store::open(folder.path(), forever()).unwrap();
    assert_eq!(store.damage().unwrap().repairs.len(), 1);
    assert_eq!(read(&store, "opened again").samples, told.samples);
    store.backup(&to, &mut |_, _| ()).unwrap();
}

/// A store with one row of each kind whose body is a text.
fn small(folder: &Path) {
    let store = Store::open(folder, forever()).unwrap();
    let group = Labels::new([("bank", "hsbc")]);
    let alert = json!({
        "rule": "r", "version": 1, "group": {"bank": "hsbc"}, "labels": {}, "state": "firing", "since_ms": T, "bad_streak": 1,
        "bad_kind": "firing", "good_streak": 0, "episode": 1, "active": true, "started_ms": T, "resolved_ms": null,
        "resolved_reason": null, "seen_ms": T, "window": {"start_ms": T, "end_ms": T + 1_000}, "value": 4_711.0, "base": null,
        "bad_value": null, "bad_base": null, "error": null, "content": null, "late": false, "acknowledged": null,
    });
    let message = Notification {
        key: "key".to_owned(),
        receiver: "on-call".into(),
        group: group.clone(),
        alerts: Vec::new(),
        omitted: lanner_core::Omitted::default(),
        repeat: false,
        give_up_ms: None,
        created_ms: T + 4_711,
    };
    let record = NotificationLogEntry {
        receiver: "on-call".into(),
        group,
        alert: None,
        record: Some(json!({"at": 4_711}).to_string()),
    };
    let changes = Changes {
        alerts: vec![serde_json::from_value(alert).unwrap()],
        outbox: vec![message],
        notification_log: vec![record],
        ..Changes::default()
    };
    store.apply(changes).unwrap().wait().unwrap();
    let matcher = Matcher { label: "bank".to_owned(), op: MatchOp::Equal, value: "4711".to_owned() };
    let silence = Silence {
        id: "0123456789abcdef".to_owned(),
        matchers: vec![matcher],
        start_ms: T,
        end_ms: T * 2,
        every: lanner_core::TimeIntervals::default(),
        author: "ann".to_owned(),
        comment: String::new(),
        created_ms: T,
    };
    store.add_silence(silence).unwrap().wait().unwrap();
    for max in [3, 4_711] {
        let document = Some(json!({"id": "r", "absolute": {"max": max}}));
        let changes = vec![DocumentChange { id: "r".to_owned(), document }];
        store.save_documents("rule", "a", "b", T, changes).unwrap().wait().unwrap();
    }
    store.put_findings(Vec::new(), vec![finding(4_711)]).unwrap().wait().unwrap();
    let scan =
        ScanRow { id: "scan".to_owned(), scanner: "nessus".to_owned(), at_ms: T, body: "4711".to_owned() };
    store.put_finding_scan(scan).unwrap().wait().unwrap();
    store.put_host_names(vec![("db".to_owned(), "192.0.2.7".to_owned())]).unwrap().wait().unwrap();
    store
        .put_list("epss", false, vec![("CVE-2026-1".to_owned(), "0.4711".to_owned())])
        .unwrap()
        .wait()
        .unwrap();
    store.close();
}

/// How many rows of each kind are shown.
fn shown(store: &Store) -> BTreeMap<&'static str, usize> {
    let documents = store.documents("rule").unwrap().into_iter().filter_map(|stored| stored.document);
    BTreeMap::from([
        ("alert", StateStore::load(store, Shards::All).unwrap().alerts.len()),
        ("told", store.load_notification_log().unwrap().len()),
        ("outbox", store.outbox_list(None, None, 10).unwrap().len()),
        ("silence", store.silences().unwrap().len()),
        ("document", documents.filter(|document| !is_set_aside(document)).count()),
        ("finding", store.findings(&[finding(4_711).place.key]).unwrap().len()),
        ("finding_scan", store.finding_scans(None).unwrap().len()),
        ("finding_host", usize::from(store.host_address("db").unwrap().is_some())),
        ("finding_list", store.list_entries("epss", &[]).unwrap().len()),
    ])
}

#[test]
fn what_a_bad_disk_changed_is_never_shown() {
    #[track_caller]
    fn check(table: &'static str, change: &str) {
        let folder = tempfile::tempdir().unwrap();
        small(folder.path());
        let store = Store::open(folder.path(), forever()).unwrap();
        let whole = shown(&store);
        assert!(whole.values().all(|n| *n == 1), "{whole:?}");
        // Nothing else differs from what was written: the file itself is whole.
        let db = rusqlite::Connection::open(folder.path().join("lanner.db")).unwrap();
        assert_eq!(db.execute(&format!("UPDATE {table} SET {change}"), []).unwrap().min(1), 1);
        drop(db);
        let mut expected = whole;
        expected.insert(table, 0);
        assert_eq!(shown(&store), expected, "{table}: while it runs");
        store.close();
        let store = Store::open(folder.path(), forever()).unwrap();
        assert_eq!(shown(&store), expected, "{table}: opened again");
        let repairs = store.damage().unwrap().repairs;
        if ["document", "silence"].contains(&table) {
            assert!(repairs.is_empty(), "{repairs:?}");
        } else {
            assert_eq!(repairs[0].lost, BTreeMap::from([(table.to_owned(), 1)]));
        }
    }
    check("alert", "body = replace(body, '4711', '4712')");
    check("told", "record = replace(record, '4711', '4712')");
    check("outbox", "receiver = 'on-cell'");
    check("silence", "body = replace(body, '4711', '4712')");
    check("silence", "end_ms = end_ms + 1");
    check("document", "body = replace(body, '4711', '4712')");
    check("finding", "level = 0");
    check("finding", "last_missed_ms = 1");
    check("finding", "body = replace(body, '4711', '4712')");
    check("finding_scan", "body = '4712'");
    check("finding_host", "address = '192.0.2.8'");
    check("finding_list", "body = '0.0000'");
}

#[test]
fn a_damaged_document_is_set_aside_until_it_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let db = rusqlite::Connection::open(folder.path().join("lanner.db")).unwrap();
    db.execute("UPDATE document SET body = replace(body, '4711', '4712')", []).unwrap();
    db.execute("UPDATE silence SET body = replace(body, '4711', '4712')", []).unwrap();
    drop(db);
    let store = Store::open(folder.path(), forever()).unwrap();
    // The version before is not in force again.
    let latest = store.document_latest("rule", "r").unwrap().unwrap();
    assert!(latest.version == 2 && is_set_aside(&latest.document.unwrap()));
    assert_eq!(store.unreadable_silences().unwrap().len(), 1);
    let document = Some(json!({"id": "r", "absolute": {"max": 4_711}}));
    let changes = vec![DocumentChange { id: "r".to_owned(), document: document.clone() }];
    store.save_documents("rule", "a", "b", T, changes).unwrap().wait().unwrap();
    let latest = store.document_latest("rule", "r").unwrap().unwrap();
    assert_eq!((latest.version, latest.document), (3, document));
    store.expire_silence("0123456789abcdef", T).unwrap().wait().unwrap();
    assert_eq!(store.unreadable_silences().unwrap(), []);
}

/// A rule whose cursor a bad disk moved would wait for years, and nobody would notice.
#[test]
fn a_rule_does_not_wait_for_a_time_that_nobody_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let cursors = |store: &Store| -> Vec<(String, TimeRange)> {
        let state = StateStore::load(store, Shards::All).unwrap();
        state.cursors.into_iter().map(|cursor| (cursor.rule.to_string(), cursor.window)).collect()
    };
    let store = Store::open(folder.path(), forever()).unwrap();
    for (turn, shard) in [(0, 3), (1, 3), (2, 4)] {
        let window = TimeRange::new(turn * 10_000, (turn + 1) * 10_000);
        let cursor = |rule: &str| Cursor { rule: rule.into(), window, shard };
        let changes =
            Changes { cursors: vec![cursor("floor"), cursor("gone"), cursor("other")], ..Changes::default() };
        store.apply(changes).unwrap().wait().unwrap();
    }
    let forgotten = Changes { forgotten_rules: vec!["gone".into()], ..Changes::default() };
    store.apply(forgotten).unwrap().wait().unwrap();
    let last = TimeRange::new(20_000, 30_000);
    let both = vec![("floor".to_owned(), last), ("other".to_owned(), last)];
    assert_eq!(cursors(&store), both);
    store.close();
    assert_eq!(cursors(&Store::open(folder.path(), forever()).unwrap()), both, "all sums agree");
    let db = rusqlite::Connection::open(folder.path().join("lanner.db")).unwrap();
    db.execute("UPDATE cursor SET end_ms = end_ms + (1 << 40) WHERE rule = 'floor'", []).unwrap();
    drop(db);
    let store = Store::open(folder.path(), forever()).unwrap();
    assert_eq!(cursors(&store), both[1..]);
    assert_eq!(store.damage().unwrap().repairs[0].lost["cursor"], 1);
}
