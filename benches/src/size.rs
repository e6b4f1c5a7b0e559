//! Bytes on disk for a real sample: the series of the Numenta Anomaly Benchmark.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lanner_core::time::{DAY_MS, parse_time_ms};
use lanner_core::{Labels, Sample, SeriesKey};
use lanner_io::store::{Batch, RetentionRule, Store, StoreOptions};

use crate::prometheus::{self, Prometheus, REMOTE_WRITE};
use crate::setup::Setup;
use crate::table::{Row, Target};

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let Some(nab) = &setup.nab else {
        eprintln!("SKIPPED: size on disk, because the real series are not there");
        return Vec::new();
    };
    let folder = tempfile::tempdir().unwrap();
    let mut series: Vec<(String, Vec<Sample>)> = files(nab).iter().map(|path| read(path)).collect();
    for (_, samples) in &mut series {
        // A time given twice holds one sample, the later one.
        samples.reverse();
        samples.sort_by_key(|sample| sample.time_ms);
        samples.dedup_by_key(|sample| sample.time_ms);
    }
    let n: usize = series.iter().map(|(_, samples)| samples.len()).sum();
    eprintln!("{} series, {n} samples", series.len());
    let per_sample = |bytes: u64| bytes as f64 / n as f64;
    let ours = ours(&folder.path().join("store"), &series);
    let peer = peer(setup, folder.path(), &series);
    vec![
        Row::new("Real series on disk, everything", "bytes/sample", Target::AtMost(3.0), per_sample(ours))
            .beside(peer.map(|(whole, _)| per_sample(whole))),
        Row::new("… against the peer's chunks alone", "bytes/sample", Target::Smaller, per_sample(ours))
            .beside(peer.map(|(_, chunks)| per_sample(chunks))),
    ]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.to_string_lossy().ends_with(".csv.gz") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> (String, Vec<Sample>) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let rows = text.lines().skip(1).filter_map(|line| {
        let (time, value) = line.split_once(',')?;
        Some(Sample::new(parse_time_ms(&time.replace(' ', "T")).ok()?, value.parse().ok()?))
    });
    (path.file_stem().unwrap().to_string_lossy().replace(".csv", ""), rows.collect())
}

/// The whole file, without what is free in it.
fn ours(folder: &Path, series: &[(String, Vec<Sample>)]) -> u64 {
    let options = StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    let store = Store::open(folder, options.clone()).unwrap();
    for (name, samples) in series {
        let id = store.series_id(&SeriesKey::new(name.as_str(), Labels::default())).unwrap();
        let samples = samples.iter().map(|sample| (id, *sample)).collect();
        store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    }
    store.seal().unwrap();
    store.close();
    let store = Store::open(folder, options).unwrap();
    let stats = store.stats().unwrap();
    store.close();
    stats.file_bytes - stats.free_bytes
}

/// All of the peer's blocks, and their chunks alone. They span 31 days each, the largest that it makes.
fn peer(setup: &Setup, folder: &Path, series: &[(String, Vec<Sample>)]) -> Option<(u64, u64)> {
    let folder = folder.join("prometheus");
    let peer = Prometheus::start_with(
        setup,
        &folder,
        None,
        &["min", "max"].map(|which| format!("--storage.tsdb.{which}-block-duration=31d")),
    )?;
    let labels: Vec<Vec<(String, String)>> = series
        .iter()
        .map(|(name, _)| vec![("__name__".to_owned(), "nab".to_owned()), ("file".to_owned(), name.clone())])
        .collect();
    let mut rows: Vec<(usize, Sample)> = series
        .iter()
        .enumerate()
        .flat_map(|(at, (_, samples))| samples.iter().map(move |sample| (at, *sample)))
        .collect();
    rows.sort_by_key(|(_, sample)| sample.time_ms);
    // It keeps the newest months in memory: a sample long after the last one makes it write them.
    let last_ms = rows.last().map_or(0, |(_, sample)| sample.time_ms);
    rows.push((0, Sample::new(last_ms + 200 * DAY_MS, 0.0)));
    let mut http = peer.http();
    for rows in rows.chunks(2_000) {
        let samples = rows.iter().map(|(at, sample)| (&labels[*at][..], sample.time_ms, sample.value));
        let (status, answer) = http.post("/api/v1/write", REMOTE_WRITE, &prometheus::remote_write(samples));
        assert_eq!(status / 100, 2, "{}", String::from_utf8_lossy(&answer));
    }
    let blocks = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder.join("data")).unwrap().flatten().map(|entry| entry.path());
        entries.filter(|path| path.join("meta.json").exists()).collect()
    };
    let (mut n_blocks, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_secs(1));
        if blocks().len() != n_blocks {
            (n_blocks, since) = (blocks().len(), Instant::now());
        }
    }
    let samples: u64 = blocks().iter().map(|block| n_samples(block)).sum();
    eprintln!("the peer has {n_blocks} blocks with {samples} samples");
    Some((
        blocks().iter().map(|block| bytes(block)).sum(),
        blocks().iter().map(|block| bytes(&block.join("chunks"))).sum(),
    ))
}

fn n_samples(block: &Path) -> u64 {
    let text = std::fs::read_to_string(block.join("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_str(&text).unwrap();
    meta["stats"]["numSamples"].as_u64().unwrap()
}

fn bytes(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| bytes(&entry.path())).sum(),
        Err(_) => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
    }
}
