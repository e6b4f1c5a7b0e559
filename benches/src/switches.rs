//! Kill switches over the network: requests per second of one core, and how soon a change applies everywhere.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lanner_client::{Options, Switches};
use serde_json::{Value, json};

use crate::http::Http;
use crate::lanner::Lanner;
use crate::setup::Setup;
use crate::table::{Row, Target};

/// Switches that the server has while it is asked.
const N_SWITCHES: usize = 1_000;
/// Switches that clients hold while one of them changes.
const HELD: [usize; 2] = [100, 1_000];
/// Connections that ask, each as soon as it was answered.
const N_CONNECTIONS: usize = 32;
/// How long they ask.
const ASKING: Duration = Duration::from_secs(4);
/// Processes that hold the switches.
const N_CLIENTS: usize = 100;
/// Changes that are timed.
const N_CHANGES: usize = 100;
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let mut rows = asked(setup);
    for n_switches in HELD {
        let [median, p99, last] = changed(setup, n_switches);
        let what = format!("a change of one of {n_switches} switches counts in {N_CLIENTS} clients");
        rows.extend([
            Row::new(format!("{what}: 99 of 100 after"), "ms", Target::AtMost(50.0), p99),
            Row::new("… half of them after", "ms", Target::Smaller, median),
            Row::new("… the last one after", "ms", Target::Smaller, last),
        ]);
    }
    rows
}

fn asked(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start(setup, folder.path());
    apply(&lanner, N_SWITCHES);
    let (cpu, wall) = answers(&lanner, "/ofrep/v1/evaluate/flags/s7", N_CONNECTIONS);
    let (gate_cpu, _) = answers(&lanner, "/gate?WORKFLOW=WF7&BANK=BANK8", N_CONNECTIONS);
    let what = format!("OFREP, one flag, {N_SWITCHES} switches: answers per second of processor time");
    vec![
        Row::new(what, "/s", Target::AtLeast(50_000.0), cpu),
        Row::new("… per second of wall time, the server on one core", "/s", Target::Larger, wall),
        Row::new(
            "`/gate`, as nginx asks: answers per second of processor time",
            "/s",
            Target::Larger,
            gate_cpu,
        ),
    ]
}

fn changed(setup: &Setup, n_switches: usize) -> [f64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let lanner = Lanner::start(setup, folder.path());
    apply(&lanner, n_switches);
    delays(&lanner)
}

fn switch(n: usize) -> Value {
    json!({"id": format!("s{n}"), "when": format!("WORKFLOW == \"WF{n}\" and BANK == \"BANK{n}\"")})
}

fn apply(lanner: &Lanner, n_switches: usize) {
    let switches: Vec<Value> = (0..n_switches).map(switch).collect();
    let body = json!({ "switches": switches }).to_string();
    let (status, answer) =
        lanner.http().post("/api/v1/switches", "Content-Type: application/json\r\n", body.as_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
}

/// Answers per second of the server's processor time, and of wall time.
fn answers(lanner: &Lanner, path: &str, n_connections: usize) -> (f64, f64) {
    let body = r#"{"context":{"targetingKey":"u-1234","WORKFLOW":"WF7","BANK":"BANK7","AMOUNT":129.95}}"#;
    let mut request = String::new();
    let _ = write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let n_bytes = length_of_answer(lanner, request.as_bytes());
    let ask = |until: Instant| {
        let mut stream = TcpStream::connect(("127.0.0.1", lanner.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut answer, mut n_answers) = (vec![0; n_bytes], 0);
        while Instant::now() < until {
            stream.write_all(request.as_bytes()).unwrap();
            stream.read_exact(&mut answer).unwrap();
            n_answers += 1;
        }
        n_answers
    };
    let all = |long: Duration| -> usize {
        let until = Instant::now() + long;
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..n_connections).map(|_| scope.spawn(|| ask(until))).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    };
    all(ASKING / 4); // connections, caches
    let (cpu, started) = (lanner.process.cpu_seconds(), Instant::now());
    let n = all(ASKING) as f64;
    (n / (lanner.process.cpu_seconds() - cpu), n / started.elapsed().as_secs_f64())
}

/// All answers to one question are as long as this one.
fn length_of_answer(lanner: &Lanner, request: &[u8]) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", lanner.port)).unwrap();
    stream.write_all(request).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4_096];
    while let Ok(n @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..n]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&answer));
    answer.len()
}

/// From sending a change to its counting in each client, milliseconds: the median, the 99th of 100, the longest.
fn delays(lanner: &Lanner) -> [f64; 3] {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let url = format!("http://127.0.0.1:{}", lanner.port);
    let clients: Vec<Switches> = runtime.block_on(async {
        let mut clients = Vec::with_capacity(N_CLIENTS);
        for _ in 0..N_CLIENTS {
            clients.push(Switches::connect(Options::new(&url)).await.unwrap());
        }
        clients
    });
    while !clients.iter().all(|client| client.status().is_pushed) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut http = lanner.http();
    let mut delays = Vec::with_capacity(N_CHANGES * N_CLIENTS);
    for n in 0..N_CHANGES {
        delays.extend(change(&runtime, &mut http, &clients, n % 2 == 0));
        std::thread::sleep(PAUSE);
    }
    delays.sort_unstable();
    let at = |share: f64| {
        let rank = (delays.len() as f64 * share).ceil() as usize;
        delays[rank.clamp(1, delays.len()) - 1].as_secs_f64() * 1e3
    };
    [at(0.5), at(0.99), at(1.0)]
}

/// Turns a switch on or off, and sees each client block or let pass.
fn change(
    runtime: &tokio::runtime::Runtime,
    http: &mut Http,
    clients: &[Switches],
    is_off: bool,
) -> Vec<Duration> {
    let revision = clients[0].status().revision + 1;
    let context = json!({"WORKFLOW": "WF7", "BANK": "BANK7"});
    let waiting: Vec<_> = clients
        .iter()
        .map(|client| {
            let (client, context) = (client.clone(), context.clone());
            runtime.spawn(async move {
                client.reached(revision).await;
                assert_eq!(client.evaluate(context.as_object().unwrap()).is_blocked(), !is_off);
                Instant::now()
            })
        })
        .collect();
    let started = Instant::now();
    let how = if is_off { "deactivate" } else { "activate" };
    let (status, answer) = http.post(&format!("/api/v1/switches/s7/{how}"), "", b"{}");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let ended = waiting.into_iter().map(|task| runtime.block_on(task).unwrap());
    ended.map(|ended| ended - started).collect()
}
