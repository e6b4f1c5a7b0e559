//! The load: ten thousand series with a sample every ten seconds, ending now.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::prometheus;

/// Series of the load.
pub(crate) const N_SERIES: usize = 10_000;
/// Distance of samples.
pub(crate) const STEP_MS: i64 = 10_000;

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The host and the core that series `n` is about.
pub(crate) fn labels(n: usize) -> (String, String) {
    (format!("host-{:04}", n % 500), (n / 500).to_string())
}

/// The value of series `n` at step `round`: one decimal, hard to foresee.
pub(crate) fn value(n: usize, round: usize) -> f64 {
    ((n * 7_919 + round * 104_729) % 1_000) as f64 / 10.0
}

/// The labels of some series as the peer wants them, in order of their names.
pub(crate) fn peer_labels(series: std::ops::Range<usize>) -> Vec<Vec<(String, String)>> {
    let of = |n: usize| {
        let (host, core) = labels(n);
        let (name, region) = ("cpu_usage".to_owned(), "eu-west".to_owned());
        [("__name__", name), ("core", core), ("host", host), ("region", region)]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
    };
    series.map(of).collect()
}

/// One step of some series as line protocol.
pub(crate) fn lines(series: std::ops::Range<usize>, round: usize, time_ms: i64) -> Vec<u8> {
    let mut text = String::with_capacity(series.len() * 64);
    for n in series {
        let (host, core) = labels(n);
        let _ = writeln!(
            text,
            "cpu,core={core},host={host},region=eu-west usage={} {time_ms}000000",
            value(n, round)
        );
    }
    text.into_bytes()
}

/// The same step for the peer.
pub(crate) fn peer_request(
    series: std::ops::Range<usize>,
    labels: &[Vec<(String, String)>],
    round: usize,
    time_ms: i64,
) -> Vec<u8> {
    prometheus::remote_write(series.zip(labels).map(|(n, labels)| (&labels[..], time_ms, value(n, round))))
}
