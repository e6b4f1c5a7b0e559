//! A kill switch beside other work: how soon a change is in force while the server does something large.
//!
//! The server has 50,000 switches and 10,000 recorded contexts. A switch is activated and deactivated again and again, and
//! evaluated over HTTP until the verdict changes: the time is from sending the change until then. Beside it nothing else,
//! a rule that counts a long past while its receiver hangs, many rules, or many more switches. Rules of one second run
//! all the time, and must keep theirs.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Http;
use crate::lanner::Lanner;
use crate::load::now_ms;
use crate::process::ALL_CORES;
use crate::rules;
use crate::setup::Setup;
use crate::table::{Row, Target};

const N_SWITCHES: usize = 50_000;
const MORE_SWITCHES: usize = 10_000;
const N_CONTEXTS: usize = 10_000;
const N_RULES: usize = 20_000;
/// Rules of one second that run all the time.
const N_QUICK: usize = 20;
/// How often rules, or switches, are applied beside the changes.
const N_TIMES: usize = 3;
/// How long changes are timed where nothing else runs.
const ALONE: Duration = Duration::from_secs(8);
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(10);
/// The span of time that the events of the past cover.
const PAST_MS: i64 = 6 * 24 * 3_600_000;
/// Events of one request.
const BATCH: usize = 20_000;
const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start_on(ALL_CORES, setup, folder.path());
    let started = Instant::now();
    fill(&lanner, setup.events);
    eprintln!("filled after {:.0} s", started.elapsed().as_secs_f64());
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts by its queue, and never answers
    apply(&lanner, &standing(hanging.local_addr().unwrap().port()));
    std::thread::sleep(Duration::from_secs(3));
    let past = format!("a rule over {} events is applied, a receiver hangs", setup.events);
    let rules = format!("{N_RULES} rules are applied, {N_TIMES} times");
    let switches = format!("{MORE_SWITCHES} more switches are applied, {N_TIMES} times");
    let mut rows = Vec::new();
    rows.extend(beside(&lanner, "nothing else runs", Target::AtMost(50.0), || std::thread::sleep(ALONE)));
    rows.extend(beside(&lanner, &past, Target::AtMost(50.0), || apply(&lanner, &of_the_past())));
    rows.extend(beside(&lanner, &rules, Target::AtMost(50.0), || {
        (0..N_TIMES).for_each(|n| apply(&lanner, &json!({ "rules": many_rules(n) })));
    }));
    rows.extend(beside(&lanner, &switches, Target::AtMost(50.0), || {
        (0..N_TIMES).for_each(|n| apply(&lanner, &json!({ "switches": more_switches(n) })));
    }));
    rows
}

/// Switches, contexts, and events of six days.
fn fill(lanner: &Lanner, n_events: usize) {
    let mut switches: Vec<Value> = (0..N_SWITCHES).map(|n| switch(n, true)).collect();
    switches.push(json!({ "id": "stop", "when": "BANK == \"stopped\"", "status": "inactive" }));
    apply(lanner, &json!({ "switches": switches }));
    let mut http = lanner.http();
    for from in (0..N_CONTEXTS).step_by(100) {
        let contexts: Vec<Value> =
            (from..from + 100).map(|n| json!({ "BANK": format!("bank-{n}"), "AMOUNT": n })).collect();
        let report = json!({ "client": "bench", "revision": 1, "contexts": contexts }).to_string();
        post(&mut http, "/api/v1/switches/clients", report.as_bytes());
    }
    let (first_ms, step) = (now_ms() - PAST_MS, PAST_MS as f64 / n_events as f64);
    for from in (0..n_events).step_by(BATCH) {
        let mut body = String::with_capacity(BATCH * 64);
        for n in from..(from + BATCH).min(n_events) {
            let time_ms = first_ms + (n as f64 * step) as i64;
            let _ = writeln!(
                body,
                r#"{{"time":{time_ms},"status":"ok","bank":"b{}","amount":{}}}"#,
                n % 7,
                n % 997
            );
        }
        post(&mut http, "/api/v1/events/pay", body.as_bytes());
    }
}

fn switch(n: usize, is_active: bool) -> Value {
    json!({
        "id": format!("s{n}"), "when": format!("WORKFLOW == \"WF{n}\" and BANK == \"BANK{n}\""), "status": if is_active { "active" } else { "inactive" },
    })
}

fn more_switches(round: usize) -> Vec<Value> {
    let first = N_SWITCHES + round * MORE_SWITCHES;
    (first..first + MORE_SWITCHES).map(|n| switch(n, false)).collect()
}

/// Rules of one second, and one that fires all the time into a receiver that hangs.
fn standing(port: u16) -> Value {
    let rule = |n: usize| {
        let receivers = if n == 0 { json!(["hangs"]) } else { json!([]) };
        let least = if n == 0 { 1 } else { 0 };
        json!({
            "id": format!("quick-{n}"), "query": { "stream": format!("beat{n}"), "measure": "count" }, "window": "1s",
            "absolute": { "min": least }, "receivers": receivers,
        })
    };
    let url = format!("http://127.0.0.1:{port}/");
    json!({
        "rules": (0..N_QUICK).map(rule).collect::<Vec<_>>(),
        "receivers": [{ "name": "hangs", "kind": "webhook", "url": url, "timeout": "2m" }],
    })
}

/// A rule whose first windows are counted from all stored events.
fn of_the_past() -> Value {
    json!({ "rules": [{
        "id": "week", "window": "6d", "every": "1h", "absolute": { "min": 4 },
        "query": { "stream": "pay", "measure": "sum(amount)", "where": "status == \"ok\"", "by": ["bank"] },
    }] })
}

fn many_rules(round: usize) -> Vec<Value> {
    let rule = |n: usize| {
        json!({
            "id": format!("r{n}"), "window": "5m", "every": "10m", "absolute": { "max": round + 10 },
            "query": { "stream": format!("t{}", n % 1_000), "measure": "count", "where": format!("k == \"{n}\"") },
        })
    };
    (0..N_RULES).map(rule).collect()
}

fn apply(lanner: &Lanner, documents: &Value) {
    post(&mut lanner.http(), "/api/v1/apply", documents.to_string().as_bytes());
}

fn post(http: &mut Http, path: &str, body: &[u8]) {
    let (status, answer) = http.post(path, JSON, body);
    let start = &answer[..answer.len().min(500)];
    assert_eq!(status / 100, 2, "{path}: {}", String::from_utf8_lossy(start));
}

/// Times changes while `work` runs, and how late the rules of one second are meanwhile.
fn beside(lanner: &Lanner, what: &str, target: Target, work: impl FnOnce() + Send) -> Vec<Row> {
    let (over, before, started) = (AtomicBool::new(false), rules::lateness(lanner), Instant::now());
    let mut delays = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            work();
            over.store(true, Ordering::Relaxed);
        });
        let mut changes = Changes { asks: lanner.http(), sends: lanner.http() };
        while !over.load(Ordering::Relaxed) {
            delays.push(changes.time(delays.len().is_multiple_of(2)));
            std::thread::sleep(PAUSE);
        }
    });
    let took_s = started.elapsed().as_secs_f64();
    let after = rules::lateness(lanner);
    delays.sort_unstable();
    let at = |share: f64| {
        let rank = (delays.len() as f64 * share).ceil() as usize;
        delays[rank.clamp(1, delays.len()) - 1].as_secs_f64() * 1e3
    };
    eprintln!("{what}: {} changes in {took_s:.1} s", delays.len());
    vec![
        Row::new(format!("A change of a switch while {what}: longest"), "ms", target, at(1.0)),
        Row::new("… 99 of 100 within", "ms", Target::Smaller, at(0.99)),
        Row::new("… half of them within", "ms", Target::Smaller, at(0.5)),
        Row::new(
            "… evaluations meanwhile, most of one second: lateness, p99",
            "s",
            Target::Smaller,
            rules::quantile(&before, &after, 0.99),
        ),
    ]
}

/// Two connections: one changes the switch, the other asks for it.
struct Changes {
    asks: Http,
    sends: Http,
}

impl Changes {
    /// From sending a change to the first verdict that follows it.
    fn time(&mut self, activates: bool) -> Duration {
        let path = if activates { "activate" } else { "deactivate" };
        let started = Instant::now();
        let sends = &mut self.sends;
        let asks = &mut self.asks;
        std::thread::scope(|scope| {
            scope.spawn(|| post(sends, &format!("/api/v1/switches/stop/{path}"), br#"{"force":true}"#));
            while is_stopped(asks) != activates {}
            started.elapsed()
        })
    }
}

fn is_stopped(http: &mut Http) -> bool {
    let body = br#"{"context":{"targetingKey":"u","BANK":"stopped"}}"#;
    let (status, answer) = http.post("/ofrep/v1/evaluate/flags/stop", JSON, body);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["value"] == true
}
