//! A hundred thousand series by the minute in rules with `automatic`: what a minute and a series cost, through a kill.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::time::MINUTE_MS;
use serde_json::{Value, json};

use crate::http::{Http, metric};
use crate::lanner::Lanner;
use crate::load;
use crate::setup::Setup;
use crate::table::{Row, Target};

/// A rule has at most ten thousand groups.
const N_RULES: usize = 10;
const N_GROUPS: usize = 10_000;
const N_SERIES: f64 = (N_RULES * N_GROUPS) as f64;
/// Minutes that are there when the rules begin: the first 51 are only learned from.
const N_BEFORE: i64 = 56;
/// How long a minute may take to be judged, at most.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start(setup, folder.path());
    let mut http = lanner.http();
    let begin_ms = load::now_ms() / MINUTE_MS * MINUTE_MS;
    (1..=N_BEFORE).rev().for_each(|ago| write(&mut http, begin_ms - ago * MINUTE_MS));
    let without_mb = lanner.process.rss_mb();
    lanner.apply(&(0..N_RULES).map(rule).collect::<Vec<_>>());
    minutes(&lanner, 2);
    let (cpu_s, n_minutes) = (lanner.process.cpu_seconds(), 3);
    minutes(&lanner, n_minutes);
    let minute_s = (lanner.process.cpu_seconds() - cpu_s) / f64::from(n_minutes);
    let series_kb = (lanner.process.rss_mb() - without_mb) * 1e3 / N_SERIES;
    // It is killed.
    drop(lanner);
    let again_s = restarted(setup, folder.path());
    vec![
        Row::new(
            "100,000 series a minute in rules with `automatic`: processor time of a minute, with writing and reading",
            "s",
            Target::AtMost(60.0),
            minute_s,
        ),
        Row::new("… memory of a series", "kB", Target::Smaller, series_kb),
        Row::new("… from a kill until all are judged again", "s", Target::Smaller, again_s),
    ]
}

fn rule(n: usize) -> Value {
    json!({
        "id": format!("rule-{n}"), "window": "1m", "automatic": { "alarms_per_week": 1 },
        "query": { "series": "load", "labels": { "part": n.to_string() }, "by": ["host"] },
    })
}

/// One minute of all series.
fn write(http: &mut Http, time_ms: i64) {
    let minute = usize::try_from(time_ms / MINUTE_MS).unwrap();
    for part in 0..N_RULES {
        let mut lines = String::with_capacity(N_GROUPS * 64);
        for host in 0..N_GROUPS {
            let value = load::value(part * N_GROUPS + host, minute);
            let _ = writeln!(lines, "load,part={part},host=host-{host} value={value} {time_ms}000000");
        }
        let (status, answer) = http.post("/write?precision=ns", "", lines.as_bytes());
        assert_eq!(status / 100, 2, "{}", String::from_utf8_lossy(&answer));
    }
}

/// Writes so many minutes as they come, and waits until each is judged.
fn minutes(lanner: &Lanner, n: u32) {
    let mut http = lanner.http();
    for _ in 0..n {
        let wanted = judged(&mut http) + N_SERIES;
        write(&mut http, load::now_ms());
        let begin = Instant::now();
        while judged(&mut http) < wanted {
            assert!(begin.elapsed() < PATIENCE, "a minute is not judged");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Evaluations so far.
fn judged(http: &mut Http) -> f64 {
    let text = String::from_utf8(http.get("/metrics").1).unwrap();
    metric(&text, "lanner_evaluations_total").map(|(_, count)| count).sum()
}

/// Starts again, and says how long it took until a minute of all series was judged.
fn restarted(setup: &Setup, folder: &Path) -> f64 {
    let begin = Instant::now();
    let lanner = Lanner::start(setup, folder);
    minutes(&lanner, 1);
    begin.elapsed().as_secs_f64()
}
