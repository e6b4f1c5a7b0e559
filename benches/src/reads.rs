//! How long it takes to read a 30-minute window of one series, in memory, from blocks, and over HTTP.

use std::time::{Duration, Instant};

use lanner_core::time::MINUTE_MS;
use lanner_core::{Labels, Sample, SeriesKey, TimeRange};
use lanner_engine::document::{Check, Node};
use lanner_engine::source::{self, Query};
use lanner_io::store::{Batch, RetentionRule, Store, StoreOptions};
use lanner_server::evaluate::read;
use serde_json::{Value, json};

use crate::http::Http;
use crate::lanner::Lanner;
use crate::load::{self, N_SERIES, STEP_MS};
use crate::prometheus::{Prometheus, REMOTE_WRITE};
use crate::setup::Setup;
use crate::table::{Row, Target};

/// An hour of samples.
const N_ROUNDS: usize = 360;
const N_ASKED: usize = 2_000;
const STEPS_MS: i64 = 30 * MINUTE_MS;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = in_process(&folder.path().join("store"));
    let first_ms = load::now_ms() - N_ROUNDS as i64 * STEP_MS;
    let window = TimeRange::new(first_ms + 20 * MINUTE_MS, first_ms + 50 * MINUTE_MS);

    // Our steps are whole ones since 1970.
    let from_ms = window.start_ms / STEPS_MS * STEPS_MS;
    let lanner = Lanner::start(setup, &folder.path().join("lanner"));
    let mut http = lanner.http();
    for round in 0..N_ROUNDS {
        let body = load::lines(0..500, round, first_ms + round as i64 * STEP_MS);
        assert_eq!(http.post("/write", "", &body).0, 204);
    }
    let ours = ask(&mut http, |http, n| {
        let query =
            json!({ "query": query(n % 500), "from": from_ms, "to": from_ms + STEPS_MS, "step": "30m" });
        http.post("/api/v1/query", "Content-Type: application/json\r\n", query.to_string().as_bytes())
    });
    drop(lanner);

    let peer = Prometheus::start(setup, &folder.path().join("prometheus"), None).map(|peer| {
        let mut http = peer.http();
        let labels = load::peer_labels(0..500);
        for round in 0..N_ROUNDS {
            let body = load::peer_request(0..500, &labels, round, first_ms + round as i64 * STEP_MS);
            assert_eq!(http.post("/api/v1/write", REMOTE_WRITE, &body).0, 204);
        }
        ask(&mut http, |http, n| {
            let (host, core) = load::labels(n % 500);
            let query =
                format!("avg_over_time(cpu_usage%7Bhost%3D%22{host}%22%2Ccore%3D%22{core}%22%7D%5B30m%5D)");
            http.get(&format!("/api/v1/query?query={query}&time={}", window.end_ms / 1_000))
        })
    });
    rows.push(
        Row::new("30-minute mean of a series over HTTP, median", "µs", Target::Smaller, ours).beside(peer),
    );
    rows
}

/// The median time of an answer, microseconds.
fn ask(http: &mut Http, question: impl Fn(&mut Http, usize) -> (u16, Vec<u8>)) -> f64 {
    let mut times: Vec<Duration> = (0..N_ASKED)
        .map(|n| {
            let started = Instant::now();
            let (status, answer) = question(http, n);
            let took = started.elapsed();
            let answer = String::from_utf8_lossy(&answer);
            assert!(status == 200 && answer.len() > 100, "{status}: {answer}");
            took
        })
        .collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn in_process(folder: &std::path::Path) -> Vec<Row> {
    let options = StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    let store = Store::open(folder, options).unwrap();
    let first_ms = load::now_ms() - N_ROUNDS as i64 * STEP_MS;
    let key = |n| {
        let (host, core) = load::labels(n);
        SeriesKey::new("cpu.usage", Labels::new([("host", host), ("core", core)]))
    };
    let ids: Vec<_> = (0..N_SERIES).map(|n| store.series_id(&key(n)).unwrap()).collect();
    for round in 0..N_ROUNDS {
        let sample = |n| Sample::new(first_ms + round as i64 * STEP_MS, load::value(n, round));
        let samples = ids.iter().enumerate().map(|(n, id)| (*id, sample(n))).collect();
        store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    }
    let window = TimeRange::new(first_ms + 20 * MINUTE_MS, first_ms + 50 * MINUTE_MS);
    let aggregate =
        || timed(ids.len(), |n| store.aggregate(ids[n], window).unwrap().map_or(0, |total| total.count));
    let queries: Vec<Box<dyn Query>> = (0..N_SERIES).map(|n| read_query(&query(n))).collect();
    let selected = || {
        timed(ids.len(), |n| {
            let query = &queries[n].series()[0];
            read::series(&store, query, &[Some(window)], &|| false).unwrap().len() as u64
        })
    };
    let mut rows = Vec::new();
    for what in ["in memory", "in blocks, decoded before"] {
        aggregate();
        rows.push(Row::new(
            format!("30-minute window of a series, {what}"),
            "µs",
            Target::AtMost(20.0),
            aggregate(),
        ));
        rows.push(Row::new(
            format!("… found by its labels among {N_SERIES}, {what}"),
            "µs",
            Target::Smaller,
            selected(),
        ));
        store.seal().unwrap();
    }
    store.close();
    rows
}

/// The query of a rule on series `n`.
pub(crate) fn query(n: usize) -> Value {
    let (host, core) = load::labels(n);
    json!({ "series": "cpu.usage", "labels": { "host": host, "core": core }, "measure": "avg" })
}

fn read_query(query: &Value) -> Box<dyn Query> {
    let mut check = Check::default();
    source::read_query(&Node::from_json(query), "query", &mut check).unwrap()
}

/// Microseconds that one of `n` reads takes.
fn timed(n: usize, read: impl Fn(usize) -> u64) -> f64 {
    let started = Instant::now();
    assert!((0..n).all(|at| read(at) > 0));
    started.elapsed().as_secs_f64() * 1e6 / n as f64
}
