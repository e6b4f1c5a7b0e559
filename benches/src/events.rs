//! How many events per second ten thousand measures can process. The peer has no events.

use std::fmt::Write as _;
use std::time::Instant;

use lanner_engine::config::Config;
use lanner_engine::document::Node;
use lanner_engine::stream::Measures;
use lanner_wire::{Report, events};
use serde_json::{Value, json};

use crate::lanner::Lanner;
use crate::load;
use crate::process::own_cpu_seconds;
use crate::setup::Setup;
use crate::table::{Row, Target};

/// Rules on the stream.
const N_RULES: usize = 10_000;
/// Events of one request.
const BATCH: usize = 5_000;
const N_BATCHES: usize = 100;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let bodies: Vec<Vec<u8>> =
        (0..N_BATCHES).map(|at| batch(at * BATCH..(at + 1) * BATCH, load::now_ms())).collect();
    let plain: Vec<Value> = (0..N_RULES).map(|n| rule(n, false)).collect();
    let grouped: Vec<Value> = (0..N_RULES).map(|n| rule(n, true)).collect();
    let folder = tempfile::tempdir().unwrap();
    let (cpu, wall) = over_http(setup, folder.path(), &plain, &bodies);
    vec![
        Row::new(
            "10,000 measures on a stream: read and count",
            "events/s",
            Target::AtLeast(100_000.0),
            in_process(&plain, &bodies),
        ),
        Row::new("… each by currency", "events/s", Target::AtLeast(100_000.0), in_process(&grouped, &bodies)),
        Row::new(
            "… over HTTP, durable, per second of processor time",
            "events/s",
            Target::AtLeast(100_000.0),
            cpu,
        ),
        Row::new("… over HTTP, durable, per second of wall time", "events/s", Target::Larger, wall),
    ]
}

/// A rule that counts what one bank has done.
pub(crate) fn rule(n: usize, grouped: bool) -> Value {
    let by: &[&str] = if grouped { &["currency"] } else { &[] };
    json!({
        "id": format!("events-{n}"), "window": "5m", "every": "1m", "absolute": { "max": 1_000_000 },
        "query": {
            "stream": "payments", "measure": "count", "where": format!("status == \"ok\" and bank == \"b{n}\""), "by": by,
        },
    })
}

/// Events of the last seconds before `now_ms`, an object a line.
pub(crate) fn batch(events: std::ops::Range<usize>, now_ms: i64) -> Vec<u8> {
    let mut text = String::new();
    for n in events {
        let bank = n * 7_919 % N_RULES;
        let status = if n.is_multiple_of(10) { "failed" } else { "ok" };
        let (currency, amount) = (["EUR", "USD", "GBP"][n % 3], n % 997);
        let time_ms = now_ms - 1_000 + (n % 1_000) as i64;
        let _ = writeln!(
            text,
            r#"{{"time":{time_ms},"status":"{status}","bank":"b{bank}","amount":{amount}.5,"currency":"{currency}","id":"p-{n}"}}"#
        );
    }
    text.into_bytes()
}

fn in_process(rules: &[Value], bodies: &[Vec<u8>]) -> f64 {
    let mut config = Config::default();
    let problems = config.read(&Node::from_json(&json!({ "rules": rules })));
    assert!(problems.is_empty(), "{problems:?}");
    let mut measures = Measures::new(7);
    for rule in &config.rules {
        for query in rule.query.streams() {
            measures.add(&rule.id, query, rule.step_ms(), 0);
        }
    }
    measures.cover(0);
    let wanted = measures.wanted();
    let mut added = 0;
    let mut count = |body: &[u8]| {
        let options = events::Options { time_field: None, received_ms: 0, wanted: Some(&wanted) };
        events::parse(body, options, &mut Report::default(), |event| {
            added += measures.count(event.time_ms, &event.fields).added;
            Ok(())
        });
    };
    count(&bodies[0]); // builds the index
    let cpu = own_cpu_seconds();
    bodies.iter().for_each(|body| count(body));
    let cpu = own_cpu_seconds() - cpu;
    assert_eq!(added as usize, (bodies.len() + 1) * BATCH * 9 / 10);
    (bodies.len() * BATCH) as f64 / cpu
}

fn over_http(setup: &Setup, folder: &std::path::Path, rules: &[Value], bodies: &[Vec<u8>]) -> (f64, f64) {
    let lanner = Lanner::start(setup, folder);
    let started = Instant::now();
    lanner.apply(rules);
    eprintln!("{} rules took effect after {:.1} s", rules.len(), started.elapsed().as_secs_f64());
    let send = |body: &[u8]| {
        let (status, answer) = lanner.http().post("/api/v1/events/payments", "", body);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    };
    send(&bodies[0]);
    let (cpu, started) = (lanner.process.cpu_seconds(), Instant::now());
    std::thread::scope(|scope| {
        for half in bodies[1..].chunks(bodies.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|body| send(body)));
        }
    });
    let n = ((bodies.len() - 1) * BATCH) as f64;
    (n / (lanner.process.cpu_seconds() - cpu), n / started.elapsed().as_secs_f64())
}
