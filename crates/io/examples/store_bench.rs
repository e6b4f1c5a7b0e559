//! Measures the embedded store: speed of durable ingestion, size on disk, start-up, reads, turns.
//!
//! ```text
//! cargo run --release -p lanner-io --example store_bench -- [NAB_FOLDER]
//! ```
//!
//! `NAB_FOLDER` holds the Numenta Anomaly Benchmark's `*/*.csv.gz`; without it the size is not measured.

#![expect(clippy::unwrap_used, reason = "a measuring tool stops at the first surprise")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use lanner_core::time::{MINUTE_MS, parse_time_ms};
use lanner_core::{
    Alert, AlertState, Changes, Cursor, Evaluation, Group, Labels, Measured, Outcome, Sample, Score,
    SeriesKey, TimeRange,
};
use lanner_io::state::{Shards, StateStore};
use lanner_io::store::{Batch, RetentionRule, SeriesId, Store, StoreOptions};

const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z
const N_SERIES: usize = 10_000;
const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(nab) = std::env::args().nth(1) {
        size_of_real_series(&folder.path().join("nab"), Path::new(&nab));
    }
    let path = folder.path().join("ingest");
    let options = || StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    let store = Store::open(&path, options()).unwrap();
    let ids = ingest(&store);
    reads(&store, &ids, "in memory");
    let stats = store.stats().unwrap();
    println!("before the restart: {stats:?}");
    store.close();

    let started = Instant::now();
    let store = Store::open(&path, options()).unwrap();
    let n_head = store.stats().unwrap().n_head_samples;
    println!("start-up with {N_SERIES} series and {n_head} unsealed samples: {:?}", started.elapsed());
    let started = Instant::now();
    let n = store.seal().unwrap();
    println!("sealing {n} samples: {:?}", started.elapsed());
    reads(&store, &ids, "in blocks");
    store.close();
    let started = Instant::now();
    let store = Store::open(&path, options()).unwrap();
    println!("start-up with {N_SERIES} series, all sealed: {:?}", started.elapsed());
    let stats = store.stats().unwrap();
    let bytes = (stats.file_bytes - stats.free_bytes) as f64 / stats.n_block_rows as f64;
    println!("{stats:?}\n{bytes:.2} bytes a sample");
    turns(&store);
}

/// The key of series `n` and the bytes a client would send for it.
fn series(n: usize) -> (String, SeriesKey) {
    let labels = Labels::new([("host", format!("host-{:04}", n % 500)), ("core", (n / 500).to_string())]);
    (format!("cpu,core={},host=host-{:04} usage", n / 500, n % 500), SeriesKey::new("cpu.usage", labels))
}

fn ingest(store: &Store) -> Vec<SeriesId> {
    const N_BATCHES: i64 = 400;
    let raw: Vec<(String, SeriesKey)> = (0..N_SERIES).map(series).collect();
    let ids: Vec<SeriesId> = raw.iter().map(|(_, key)| store.series_id(key).unwrap()).collect();
    for (raw, key) in &raw {
        store.resolve(raw.as_bytes(), key).unwrap();
    }
    let mut slowest = std::time::Duration::ZERO;
    let cpu = cpu_seconds();
    let started = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    for round in 0..N_BATCHES {
        let sent = Instant::now();
        let samples = raw
            .iter()
            .enumerate()
            .map(|(n, (raw, _))| {
                let id = store.written_series().get(raw.as_bytes()).unwrap();
                let noise = (n as i64 * 7_919 + round * 104_729) % 1_000;
                (id, Sample::new(T + round * 10_000, noise as f64 / 10.0))
            })
            .collect();
        waiting.push_back(store.append(Batch { samples, events: Vec::new() }).unwrap());
        if waiting.len() >= 8 {
            waiting.pop_front().unwrap().wait().unwrap();
        }
        slowest = slowest.max(sent.elapsed());
    }
    waiting.into_iter().for_each(|receipt| receipt.wait().unwrap());
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let n = N_BATCHES as f64 * N_SERIES as f64;
    println!(
        "ingest: {:.2} M samples/s wall, {:.2} M samples/s of processor time, slowest turn {slowest:?}",
        n / seconds / 1e6,
        n / cpu / 1e6
    );
    ids
}

/// Turns of the engine: 1,000 rules evaluated in each, with the states of their alerts.
fn turns(store: &Store) {
    const N_TURNS: i64 = 20;
    let started = Instant::now();
    let receipts: Vec<_> = (0..N_TURNS).map(|n| store.apply(turn(n, 1_000)).unwrap()).collect();
    receipts.into_iter().for_each(|receipt| receipt.wait().unwrap());
    let each = started.elapsed() / (N_TURNS as u32 * 1_000);
    println!("turns of 1,000 rules: {each:?} an evaluation");
    let started = Instant::now();
    for n in 0..100 {
        store.apply(turn(N_TURNS + n, 1)).unwrap().wait().unwrap();
    }
    println!("one evaluation, durable: {:?}", started.elapsed() / 100);
    let started = Instant::now();
    let alerts = StateStore::load(store, Shards::All).unwrap().alerts.len();
    println!("reading {alerts} alerts back: {:?}", started.elapsed());
    let started = Instant::now();
    for n in 0..10_000 {
        let window = TimeRange::new(T + n % N_TURNS * MINUTE_MS, T + (n % N_TURNS + 1) * MINUTE_MS);
        assert_eq!(store.measured_window((n % 1_000) as u64, window).unwrap().len(), 1);
    }
    println!("one measured value from the cache: {:?}", started.elapsed() / 10_000);
}

fn turn(n: i64, n_rules: u64) -> Changes {
    let window = TimeRange::new(T + n * MINUTE_MS, T + (n + 1) * MINUTE_MS);
    let mut changes = Changes::default();
    for query in 0..n_rules {
        let (rule, group): (Arc<str>, _) = (format!("rule-{query}").into(), Group::Whole);
        changes.evaluations.push(Evaluation {
            id: Evaluation::identity(&rule, 1, &group, window),
            rule: Arc::clone(&rule),
            version: 1,
            group: group.clone(),
            window,
            value: Some(n as f64),
            base: Some(1.0),
            lower: None,
            upper: None,
            score: Some(Score::ZERO),
            outcome: Outcome::Normal,
            error: None,
            evidence: None,
            state: AlertState::Normal,
            late: false,
            evaluated_ms: window.end_ms,
        });
        changes.alerts.push(Alert {
            rule: Arc::clone(&rule),
            version: 1,
            group: group.clone(),
            labels: Labels::new([("rule", &*rule)]),
            state: AlertState::Normal,
            since_ms: T,
            bad_streak: 0,
            bad_kind: None,
            good_streak: 0,
            episode: 0,
            active: false,
            started_ms: None,
            resolved_ms: None,
            resolved_reason: None,
            seen_ms: T,
            window,
            value: Some(n as f64),
            base: Some(1.0),
            bad_value: None,
            bad_base: None,
            evidence: None,
            error: None,
            content: serde_json::Value::Null,
            annotations: lanner_core::Annotations::default(),
            late: false,
            acknowledged: None,
        });
        changes.history.push(Measured { query, group, window, value: Some(n as f64) });
        changes.cursors.push(Cursor { rule, window, shard: (query % 256) as u8 });
    }
    changes
}

/// Processor time of this process so far; 0 where it cannot be read.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        text.rsplit(')').next().unwrap_or("").split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
    fields.get(11).zip(fields.get(12)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

fn reads(store: &Store, ids: &[SeriesId], what: &str) {
    let window = TimeRange::new(T + 30 * MINUTE_MS, T + 60 * MINUTE_MS);
    for round in ["first", "second"] {
        let started = Instant::now();
        let mut n = 0;
        for id in ids {
            n += store.aggregate(*id, window).unwrap().map_or(0, |total| total.count);
        }
        let each = started.elapsed() / ids.len() as u32;
        println!("30-minute window {what}, {round} time: {each:?} a series ({n} samples)");
    }
}

fn size_of_real_series(folder: &Path, nab: &Path) {
    let options = StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    let store = Store::open(folder, options.clone()).unwrap();
    let mut n_written = 0;
    for path in csv_files(nab) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let id = store.series_id(&SeriesKey::new(name, Labels::default())).unwrap();
        let samples = read_csv(&path);
        n_written += samples.len();
        let samples = samples.into_iter().map(|sample| (id, sample)).collect();
        store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    }
    store.seal().unwrap();
    store.close();
    let store = Store::open(folder, options).unwrap();
    let stats = store.stats().unwrap();
    let ids = store.select("*", &[]).unwrap();
    let n: usize = ids.iter().map(|(id, _)| store.samples(*id, EVER).unwrap().len()).sum();
    let used = (stats.file_bytes - stats.free_bytes) as f64;
    println!(
        "real series: {} files, {n_written} rows, {n} samples; {used} bytes in use = {:.2} a sample; file {}",
        ids.len(),
        used / n as f64,
        stats.file_bytes
    );
}

fn csv_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(csv_files(&path));
        } else if path.to_string_lossy().ends_with(".csv.gz") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read_csv(path: &Path) -> Vec<Sample> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let rows = text.lines().skip(1).filter_map(|line| {
        let (time, value) = line.split_once(',')?;
        Some(Sample::new(parse_time_ms(&time.replace(' ', "T")).ok()?, value.parse().ok()?))
    });
    rows.collect()
}
