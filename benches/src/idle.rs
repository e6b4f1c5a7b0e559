//! Start-up and memory: with nothing, and with ten thousand series of half an hour.

use std::time::Duration;

use crate::http::Http;
use crate::lanner::Lanner;
use crate::load::{self, N_SERIES, STEP_MS};
use crate::prometheus::{Prometheus, REMOTE_WRITE};
use crate::setup::Setup;
use crate::table::{Row, Target};

const N_ROUNDS: usize = 180;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);

/// What was seen of one server.
struct Seen {
    empty_mb: f64,
    start_s: f64,
    full_mb: f64,
}

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let ours = lanner(setup, &folder.path().join("lanner"));
    let peer = prometheus(setup, &folder.path().join("prometheus"));
    let of_peer = |figure: fn(&Seen) -> f64| peer.as_ref().map(figure);
    vec![
        Row::new("Start with 10,000 series until ready", "s", Target::AtMost(1.0), ours.start_s)
            .beside(of_peer(|peer| peer.start_s)),
        Row::new("Memory, idle, empty", "MB", Target::AtMost(50.0), ours.empty_mb)
            .beside(of_peer(|peer| peer.empty_mb)),
        Row::new(
            "Memory, idle, restarted with 10,000 series of half an hour",
            "MB",
            Target::Smaller,
            ours.full_mb,
        )
        .beside(of_peer(|peer| peer.full_mb)),
    ]
}

fn fill(http: &mut Http, path: &str, headers: &str, body: impl Fn(usize, i64) -> Vec<u8>) {
    let first_ms = load::now_ms() - N_ROUNDS as i64 * STEP_MS;
    for round in 0..N_ROUNDS {
        let (status, answer) = http.post(path, headers, &body(round, first_ms + round as i64 * STEP_MS));
        assert_eq!(status / 100, 2, "{}", String::from_utf8_lossy(&answer));
    }
}

fn lanner(setup: &Setup, folder: &std::path::Path) -> Seen {
    let lanner = Lanner::start(setup, folder);
    std::thread::sleep(REST);
    let empty_mb = lanner.process.rss_mb();
    fill(&mut lanner.http(), "/write", "", |round, time_ms| load::lines(0..N_SERIES, round, time_ms));
    drop(lanner);
    let lanner = Lanner::start(setup, folder);
    std::thread::sleep(REST);
    Seen { empty_mb, start_s: lanner.ready_after.as_secs_f64(), full_mb: lanner.process.rss_mb() }
}

fn prometheus(setup: &Setup, folder: &std::path::Path) -> Option<Seen> {
    let peer = Prometheus::start(setup, folder, None)?;
    std::thread::sleep(REST);
    let empty_mb = peer.process.rss_mb();
    let labels = load::peer_labels(0..N_SERIES);
    fill(&mut peer.http(), "/api/v1/write", REMOTE_WRITE, |round, time_ms| {
        load::peer_request(0..N_SERIES, &labels, round, time_ms)
    });
    drop(peer);
    let peer = Prometheus::start(setup, folder, None)?;
    std::thread::sleep(REST);
    Some(Seen { empty_mb, start_s: peer.ready_after.as_secs_f64(), full_mb: peer.process.rss_mb() })
}
