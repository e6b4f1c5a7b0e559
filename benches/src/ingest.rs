//! How many samples a second become durable: over HTTP, and without it.

use std::time::Instant;

use lanner_core::{Sample, SeriesKey};
use lanner_io::store::{Batch, RetentionRule, Store, StoreOptions};
use lanner_wire::Report;
use lanner_wire::line_protocol::{self, Options, Precision};

use crate::http::Http;
use crate::lanner::Lanner;
use crate::load::{self, N_SERIES, STEP_MS};
use crate::process::{Process, own_cpu_seconds};
use crate::prometheus::{Prometheus, REMOTE_WRITE};
use crate::setup::Setup;
use crate::table::{Row, Target};

/// Samples of each series.
const N_ROUNDS: usize = 300;
/// Connections that write at the same time, each some of the series.
const N_WRITERS: usize = 2;
/// Series, and so samples, of one request.
const BATCH: usize = N_SERIES / N_WRITERS;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start(setup, &folder.path().join("lanner"));
    let ours = send(&lanner.process, lanner.port, "/write", "", |_, series, round, time_ms| {
        load::lines(series, round, time_ms)
    });
    drop(lanner);
    let peer = Prometheus::start(setup, &folder.path().join("prometheus"), None).map(|peer| {
        let labels = load::peer_labels(0..N_SERIES);
        send(&peer.process, peer.port, "/api/v1/write", REMOTE_WRITE, |writer, series, round, time_ms| {
            load::peer_request(series, &labels[writer * BATCH..], round, time_ms)
        })
    });
    let mut rows = vec![
        Row::new(
            "Ingest, HTTP, per second of processor time",
            "samples/s",
            Target::AtLeast(500_000.0),
            ours.0,
        )
        .beside(peer.map(|peer| peer.0)),
        Row::new("Ingest, HTTP, per second of wall time", "samples/s", Target::Larger, ours.1)
            .beside(peer.map(|peer| peer.1)),
    ];
    rows.extend(in_process(&folder.path().join("store")));
    rows
}

/// Sends everything over a few connections; samples a second of the server's processor time and of wall time.
fn send(
    process: &Process,
    port: u16,
    path: &str,
    headers: &str,
    body: impl Fn(usize, std::ops::Range<usize>, usize, i64) -> Vec<u8> + Sync,
) -> (f64, f64) {
    let first_ms = load::now_ms() - N_ROUNDS as i64 * STEP_MS;
    // Made before the clock runs: only the server is measured.
    let bodies: Vec<Vec<Vec<u8>>> = (0..N_WRITERS)
        .map(|writer| {
            let series = writer * BATCH..(writer + 1) * BATCH;
            let round = |round| body(writer, series.clone(), round, first_ms + round as i64 * STEP_MS);
            (0..N_ROUNDS).map(round).collect()
        })
        .collect();
    // The first request of each makes the series known; it is not counted.
    let post = |http: &mut Http, body: &[u8]| {
        let (status, answer) = http.post(path, headers, body);
        assert_eq!(status / 100, 2, "{}", String::from_utf8_lossy(&answer));
    };
    let mut writers: Vec<Http> = bodies.iter().map(|_| Http::connect(port).unwrap()).collect();
    for (http, bodies) in writers.iter_mut().zip(&bodies) {
        post(http, &bodies[0]);
    }
    let (cpu, started) = (process.cpu_seconds(), Instant::now());
    std::thread::scope(|scope| {
        for (mut http, bodies) in writers.into_iter().zip(&bodies) {
            scope.spawn(move || bodies[1..].iter().for_each(|body| post(&mut http, body)));
        }
    });
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), process.cpu_seconds() - cpu);
    let n = ((N_ROUNDS - 1) * N_SERIES) as f64;
    (n / cpu, n / seconds)
}

/// The same path without a server: parse, look up, append; then seal into blocks.
fn in_process(folder: &std::path::Path) -> [Row; 2] {
    let options = StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() };
    let store = Store::open(folder, options).unwrap();
    let first_ms = load::now_ms() - N_ROUNDS as i64 * STEP_MS;
    let bodies: Vec<Vec<u8>> = (0..N_ROUNDS)
        .map(|round| load::lines(0..N_SERIES, round, first_ms + round as i64 * STEP_MS))
        .collect();
    append(&store, &bodies[0]);
    let cpu = own_cpu_seconds();
    bodies[1..].iter().for_each(|body| append(&store, body));
    let appended = own_cpu_seconds() - cpu;
    store.seal().unwrap();
    let sealed = own_cpu_seconds() - cpu;
    store.close();
    let n = ((N_ROUNDS - 1) * N_SERIES) as f64;
    [
        Row::new("Ingest without HTTP: parse and append", "samples/s", Target::Larger, n / appended),
        Row::new("Ingest without HTTP, with sealing into blocks", "samples/s", Target::Larger, n / sealed),
    ]
}

fn append(store: &Store, body: &[u8]) {
    let options = Options { precision: Precision::Nanoseconds, received_ms: 0 };
    let (mut batch, mut report, mut raw) = (Batch::default(), Report::default(), Vec::new());
    line_protocol::parse(body, options, &mut report, |line| {
        for field in line.fields {
            raw.clear();
            raw.extend_from_slice(line.raw_series.as_bytes());
            raw.push(b'\n');
            raw.extend_from_slice(field.raw_key.as_bytes());
            let key = || -> SeriesKey { line_protocol::series_key(line.raw_series, field.raw_key).unwrap() };
            let id = store.written_series().get(&raw).map_or_else(|| store.resolve(&raw, &key()), Ok);
            batch
                .samples
                .push((id.map_err(|error| error.to_string())?, Sample::new(line.time_ms, field.value)));
        }
        Ok(())
    });
    assert_eq!(report.rejected, 0);
    store.append(batch).unwrap().wait().unwrap();
}
