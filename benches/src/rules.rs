//! Ten thousand rules every minute: how late the latest evaluations are, and what the minute costs.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Http, metric};
use crate::lanner::Lanner;
use crate::load::{self, N_SERIES};
use crate::process::Process;
use crate::prometheus::{Prometheus, REMOTE_WRITE};
use crate::setup::Setup;
use crate::table::{Row, Target};
use crate::{events, reads};

const N_RULES: usize = 10_000;
/// Samples and events go on coming in, one batch after each pause; each series has one every ten seconds.
const PAUSE: Duration = Duration::from_secs(1);
const SAMPLES: usize = N_SERIES / 10;
const EVENTS: usize = 500;
/// The first windows see rules and data arrive; they are not counted.
const WARM_UP: Duration = Duration::from_secs(90);
const RULES_OF_A_GROUP: usize = 100;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let half: Vec<Value> =
        (0..N_RULES).map(|n| if n % 2 == 0 { series_rule(n) } else { events::rule(n, false) }).collect();
    let series: Vec<Value> = (0..N_RULES).map(series_rule).collect();
    let mixed = lanner(setup, &folder.path().join("mixed"), &half, true);
    let same = lanner(setup, &folder.path().join("series"), &series, false);
    let peer = peer(setup, &folder.path().join("prometheus"));
    let of_peer = |figure: fn(&Minute) -> f64| peer.as_ref().map(figure);
    vec![
        Row::new(
            "10,000 rules a minute, half on events: lateness, p99",
            "s",
            Target::AtMost(1.0),
            mixed.late_s,
        ),
        Row::new("… processor time of a minute, with what comes in", "s", Target::Smaller, mixed.cpu_s),
        Row::new("10,000 rules a minute on series: lateness, p99", "s", Target::AtMost(1.0), same.late_s)
            .beside(of_peer(|peer| peer.late_s)),
        Row::new("… processor time of a minute, with what comes in", "s", Target::Smaller, same.cpu_s)
            .beside(of_peer(|peer| peer.cpu_s)),
        Row::new("… evaluations missed", "", Target::AtMost(0.0), same.missed)
            .beside(of_peer(|peer| peer.missed)),
        Row::new("… memory at the end", "MB", Target::Smaller, same.rss_mb)
            .beside(of_peer(|peer| peer.rss_mb)),
    ]
}

/// What a minute with ten thousand rules came to.
struct Minute {
    late_s: f64,
    /// Evaluations that did not happen in their minute.
    missed: f64,
    cpu_s: f64,
    rss_mb: f64,
}

fn series_rule(n: usize) -> Value {
    json!({
        "id": format!("series-{n}"), "window": "5m", "every": "1m", "absolute": { "max": 1_000_000 },
        "query": reads::query(n),
    })
}

/// Sends data beside `watch`, which returns what it saw.
fn feed<T>(mut send: impl FnMut(usize, i64) + Send, watch: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                let started = Instant::now();
                send(round, load::now_ms());
                round += 1;
                std::thread::sleep(PAUSE.saturating_sub(started.elapsed()));
            }
        });
        let seen = watch();
        over.store(true, Ordering::Relaxed);
        seen
    })
}

/// The tenth of the series that has a sample in this round.
fn part(round: usize) -> std::ops::Range<usize> {
    let first = round % 10 * SAMPLES;
    first..first + SAMPLES
}

fn post(http: &mut Http, path: &str, headers: &str, body: &[u8]) {
    let (status, answer) = http.post(path, headers, body);
    assert_eq!(status / 100, 2, "{}", String::from_utf8_lossy(&answer));
}

/// Runs for some minutes; processor seconds a minute.
fn cost_of_a_minute(process: &Process, minutes: u64, mut look: impl FnMut()) -> f64 {
    let (cpu, started) = (process.cpu_seconds(), Instant::now());
    while started.elapsed() < Duration::from_secs(60 * minutes) {
        std::thread::sleep(Duration::from_secs(5));
        look();
    }
    (process.cpu_seconds() - cpu) / started.elapsed().as_secs_f64() * 60.0
}

fn lanner(setup: &Setup, folder: &Path, rules: &[Value], with_events: bool) -> Minute {
    let lanner = Lanner::start(setup, folder);
    lanner.apply(rules);
    let mut writer = lanner.http();
    let send = |round: usize, now_ms: i64| {
        post(&mut writer, "/write", "", &load::lines(part(round), round / 10, now_ms));
        if with_events {
            let events = events::batch(round * EVENTS..(round + 1) * EVENTS, now_ms);
            post(&mut writer, "/api/v1/events/payments", "", &events);
        }
    };
    feed(send, || {
        std::thread::sleep(WARM_UP);
        let before = lateness(&lanner);
        let cpu_s = cost_of_a_minute(&lanner.process, setup.minutes, || {});
        let after = lateness(&lanner);
        let n = all(&after) - all(&before);
        let due = (rules.len() as u64 * setup.minutes) as f64;
        eprintln!("{n} evaluations of {due} due");
        Minute {
            late_s: quantile(&before, &after, 0.99),
            missed: (due - n).max(0.0),
            cpu_s,
            rss_mb: lanner.process.rss_mb(),
        }
    })
}

/// How many evaluations were at most this late: bounds in seconds and counts, rising.
pub(crate) fn lateness(lanner: &Lanner) -> Vec<(f64, f64)> {
    let text = String::from_utf8(lanner.http().get("/metrics").1).unwrap();
    let bound = |labels: &str| labels.split('"').nth(1)?.replace("+Inf", "inf").parse().ok();
    metric(&text, "lanner_evaluation_lateness_seconds_bucket")
        .filter_map(|(labels, count)| Some((bound(labels)?, count)))
        .collect()
}

fn all(counts: &[(f64, f64)]) -> f64 {
    counts.last().map_or(0.0, |(_, count)| *count)
}

/// The bound below which this share of the evaluations between two looks lies, straight between bounds.
pub(crate) fn quantile(before: &[(f64, f64)], after: &[(f64, f64)], share: f64) -> f64 {
    let wanted = share * (all(after) - all(before));
    let (mut low_s, mut below) = (0.0, 0.0);
    for (at, (bound_s, count)) in after.iter().enumerate() {
        let count = count - before.get(at).map_or(0.0, |(_, count)| *count);
        if count >= wanted && count > below {
            return low_s + (bound_s - low_s) * (wanted - below) / (count - below);
        }
        (low_s, below) = (*bound_s, count);
    }
    f64::INFINITY
}

/// The same rules and samples. Its groups start spread over the minute; a rule waits for those before it in its
/// group, so the duration of a group stands for the lateness of its last rule.
fn peer(setup: &Setup, folder: &Path) -> Option<Minute> {
    let peer = Prometheus::start(setup, folder, Some(&peer_rules()))?;
    let labels = load::peer_labels(0..N_SERIES);
    let mut writer = peer.http();
    let send = |round: usize, now_ms: i64| {
        let series = part(round);
        let body = load::peer_request(series.clone(), &labels[series], round / 10, now_ms);
        post(&mut writer, "/api/v1/write", REMOTE_WRITE, &body);
    };
    let missed = || {
        metric(&peer.metrics(), "prometheus_rule_group_iterations_missed_total").map(|(_, n)| n).sum::<f64>()
    };
    Some(feed(send, || {
        std::thread::sleep(WARM_UP);
        let mut durations: Vec<f64> = Vec::new();
        let before = missed();
        let cpu_s = cost_of_a_minute(&peer.process, setup.minutes, || {
            durations.extend(
                metric(&peer.metrics(), "prometheus_rule_group_last_duration_seconds")
                    .map(|(_, seconds)| seconds),
            );
        });
        durations.sort_by(f64::total_cmp);
        let late_s = durations[(durations.len() - 1) * 99 / 100];
        Minute {
            late_s,
            missed: (missed() - before) * RULES_OF_A_GROUP as f64,
            cpu_s,
            rss_mb: peer.process.rss_mb(),
        }
    }))
}

fn peer_rules() -> String {
    let mut text = "groups:\n".to_owned();
    for n in 0..N_RULES {
        if n.is_multiple_of(RULES_OF_A_GROUP) {
            let _ = writeln!(text, "- name: group-{n}\n  rules:");
        }
        let (host, core) = load::labels(n);
        let _ = writeln!(
            text,
            "  - alert: series-{n}\n    expr: avg_over_time(cpu_usage{{host=\"{host}\",core=\"{core}\"}}[5m]) > 1000000"
        );
    }
    text
}
