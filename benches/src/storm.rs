//! An alert storm: thousands of groups fire in one window; measures the cost until they are notified.
//!
//! The peer is Alertmanager, which is sent the same alerts ready-made: it neither counts events nor evaluates. Both
//! have the grouping that they come with. From the events, or alerts, to the first message of each rule, which must say
//! that they fire: the window is long, so that nothing is over before people are told.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Http;
use crate::lanner::Lanner;
use crate::process::{Process, free_port};
use crate::setup::Setup;
use crate::table::{Row, Target};

/// The groups that one rule may have.
const PER_RULE: usize = 10_000;
/// Events or alerts of one request.
const BATCH: usize = 1_000;
/// How long the first messages may take.
const PATIENCE: Duration = Duration::from_secs(120);
const JSON: &str = "Content-Type: application/json\r\n";

/// What a storm cost one server.
struct Seen {
    cpu_s: f64,
    growth_mb: f64,
    message_kb: f64,
}

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let mut rows = Vec::new();
    for (n_groups, n_inhibitions) in [(1_000, 0), (10_000, 0), (10_000, 5), (50_000, 0)] {
        let ours = lanner(setup, n_groups, n_inhibitions);
        let peer = alertmanager(setup, n_groups, n_inhibitions);
        let of_peer = |figure: fn(&Seen) -> f64| peer.as_ref().map(figure);
        let with = if n_inhibitions == 0 { String::new() } else { format!(", {n_inhibitions} inhibitions") };
        let is_promised = n_groups <= PER_RULE;
        let target = |limit| if is_promised { Target::AtMost(limit) } else { Target::Smaller };
        let what = format!("A storm of {n_groups} groups{with}: processor time to the first message");
        rows.push(Row::new(what, "s", target(2.0), ours.cpu_s).beside(of_peer(|peer| peer.cpu_s)));
        let memory = Row::new("… memory more than before", "MB", target(150.0), ours.growth_mb);
        rows.push(memory.beside(of_peer(|peer| peer.growth_mb)));
        let size = Row::new("… size of a message", "kB", Target::AtMost(200.0), ours.message_kb);
        rows.push(size.beside(of_peer(|peer| peer.message_kb)));
    }
    rows
}

/// How many rules share the groups.
fn n_rules(n_groups: usize) -> usize {
    n_groups.div_ceil(PER_RULE)
}

fn lanner(setup: &Setup, n_groups: usize, n_inhibitions: usize) -> Seen {
    let (port, sizes) = listen();
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start(setup, folder.path());
    let rule = |n: usize| {
        json!({
            "id": format!("storm-{n}"), "query": { "stream": format!("s{n}"), "measure": "count", "by": ["k"] },
            "window": "5m", "every": "20s", "absolute": { "max": 0 }, "receivers": ["hook"], "labels": { "severity": "page" },
        })
    };
    let rules: Vec<Value> = (0..n_rules(n_groups)).map(rule).collect();
    let inhibit: Vec<Value> = (0..n_inhibitions)
        .map(|n| json!({ "source": { "severity": "page" }, "target": { "k": format!("/none-{n}.*/") }, "equal": ["rule"] }))
        .collect();
    let receivers =
        json!([{ "name": "hook", "kind": "webhook", "url": format!("http://127.0.0.1:{port}/") }]);
    let document = json!({ "rules": rules, "receivers": receivers, "inhibit": inhibit }).to_string();
    let mut http = lanner.http();
    let (status, answer) = http.post("/api/v1/apply", JSON, document.as_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let requests = (0..n_groups).step_by(BATCH).map(|from| {
        let mut body = String::new();
        for k in from..(from + BATCH).min(n_groups) {
            let _ = writeln!(body, r#"{{"k":"k{k}"}}"#);
        }
        (format!("/api/v1/events/s{}", from / PER_RULE), body)
    });
    measure(&lanner.process, &mut http, "", requests.collect(), n_rules(n_groups), &sizes)
}

fn alertmanager(setup: &Setup, n_groups: usize, n_inhibitions: usize) -> Option<Seen> {
    let program = setup.alertmanager.as_ref()?.join("prometheus-alertmanager");
    let (hook, sizes) = listen();
    let folder = tempfile::tempdir().unwrap();
    let inhibit: Vec<Value> = (0..n_inhibitions)
        .map(|n| {
            let target = format!("k=~\"none-{n}.*\"");
            json!({ "source_matchers": ["severity=\"page\""], "target_matchers": [target], "equal": ["alertname"] })
        })
        .collect();
    let config = json!({
        "route": { "receiver": "hook", "group_by": ["alertname"], "group_wait": "5s" },
        "receivers": [{ "name": "hook", "webhook_configs": [{ "url": format!("http://127.0.0.1:{hook}/") }] }],
        "inhibit_rules": inhibit,
    });
    let process = start(&program, folder.path(), &config)?;
    let (process, port) = process;
    let alert = |k: usize| json!({ "labels": { "alertname": format!("storm-{}", k / PER_RULE), "k": format!("k{k}"), "severity": "page" } });
    let requests = (0..n_groups).step_by(BATCH).map(|from| {
        let alerts: Vec<Value> = (from..(from + BATCH).min(n_groups)).map(alert).collect();
        ("/api/v2/alerts".to_owned(), Value::from(alerts).to_string())
    });
    let requests = requests.collect();
    let mut http = Http::connect(port).unwrap();
    Some(measure(&process, &mut http, JSON, requests, n_rules(n_groups), &sizes))
}

fn start(program: &Path, folder: &Path, config: &Value) -> Option<(Process, u16)> {
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config.to_string()).unwrap(); // JSON is YAML
    let port = free_port();
    let arguments = [
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
        "--log.level=error".to_owned(),
    ];
    let mut process = Process::start(program, &arguments);
    process.wait_until(|| Http::connect(port).is_some_and(|mut http| http.get("/-/ready").0 == 200));
    Some((process, port))
}

/// Sends the storm, and waits for so many messages.
fn measure(
    process: &Process,
    http: &mut Http,
    headers: &str,
    requests: Vec<(String, String)>,
    n_messages: usize,
    sizes: &Receiver<usize>,
) -> Seen {
    std::thread::sleep(Duration::from_secs(2));
    let (cpu_s, before_mb) = (process.cpu_seconds(), process.rss_mb());
    for (path, body) in requests {
        let (status, answer) = http.post(&path, headers, body.as_bytes());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
    let began = Instant::now();
    let mut largest = 0;
    for _ in 0..n_messages {
        let left = PATIENCE.saturating_sub(began.elapsed());
        largest = sizes.recv_timeout(left).unwrap().max(largest);
    }
    Seen {
        cpu_s: process.cpu_seconds() - cpu_s,
        growth_mb: (process.peak_mb() - before_mb).max(0.0),
        message_kb: largest as f64 / 1e3,
    }
}

/// A webhook on a port of its own that takes everything and tells the size of each body.
fn listen() -> (u16, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, sizes) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                while let Some(size) = take(&mut stream) {
                    if tell.send(size).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, sizes)
}

/// Reads one request and answers it; returns the size of its body, which says that something fires.
fn take(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(message["status"], "firing", "{message}");
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    Some(length)
}
