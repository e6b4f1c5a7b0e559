//! Rules, switches and receivers do not wait for one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lanner_io::receiver::Power;
use serde_json::{Value, json};

use crate::switching::{Running, start, start_with};

/// In how many milliseconds a change of a switch is in force, whatever else runs.
const PROMPT_MS: u128 = 50;

impl Running {
    /// Turns a switch on and off until `is_over`, and says how long the quickest change took, and how many there
    /// were. The quickest, because the machine does other things as well.
    async fn flip(&self, id: &str, is_over: impl Fn() -> bool) -> (u128, usize) {
        let (mut quickest_ms, mut n) = (u128::MAX, 0);
        for change in ["activate", "deactivate"].into_iter().cycle() {
            if is_over() {
                break;
            }
            let began = Instant::now();
            // Forced: after a hundred changes the guard sees nothing but contexts that the switch matches.
            let forced = json!({ "force": true });
            self.fine("POST", &format!("/api/v1/switches/{id}/{change}"), forced).await;
            assert_eq!(self.blocks(json!({"x": 1})).await, change == "activate");
            (quickest_ms, n) = (quickest_ms.min(began.elapsed().as_millis()), n + 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (quickest_ms, n)
    }

    async fn apply_rules(&self, rules: Value) {
        self.fine("POST", "/api/v1/apply", json!({ "rules": rules })).await;
    }

    /// How much later than its windows a rule was evaluated, milliseconds, of the last windows first.
    async fn latenesses_ms(&self, rule: &str, limit: usize) -> Vec<i64> {
        let path = format!("/api/v1/evaluations?rule={rule}&limit={limit}");
        let evaluations = self.fine("GET", &path, Value::Null).await;
        let ms = |it: &Value| lanner_core::time::parse_time_ms(it.as_str().unwrap()).unwrap();
        let late = |it: &Value| ms(&it["evaluated"]) - ms(&it["window"]["end"]);
        evaluations.as_array().unwrap().iter().map(late).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_past_of_a_rule() {
    let running = Arc::new(start().await);
    let now_ms = running.server.now_ms();
    const N: i64 = 200_000;
    for piece in 0..20 {
        let times = (0..N / 20).map(|n| now_ms - (n * 20 + piece) * 6 * 86_400_000 / N);
        let line = |time_ms: i64| format!(r#"{{"time":{time_ms},"bank":"b{}","status":"ok"}}"#, time_ms % 9);
        running.text("/api/v1/events/pay", times.map(line).collect::<Vec<_>>().join("\n")).await;
    }
    running.put("stop", json!({"when": "x == 1", "status": "inactive"})).await;
    let beat = json!({"id": "beat", "query": {"stream": "beat", "measure": "count"}, "window": "1s", "absolute": {"max": 5}});
    running.apply_rules(json!([beat])).await;

    let week = json!({
        "id": "week", "query": {"stream": "pay", "measure": "count", "where": "status == \"ok\"", "by": ["bank"]},
        "window": "6d", "every": "1h", "absolute": {"min": 4},
    });
    let began = Instant::now();
    let applying = tokio::spawn({
        let running = Arc::clone(&running);
        async move { running.apply_rules(json!([week])).await }
    });
    // Switches, other rules and questions go on meanwhile.
    let (quickest_ms, n) = running.flip("stop", || applying.is_finished()).await;
    applying.await.unwrap();
    let took = began.elapsed();
    eprintln!("the rule took {took:?}; {n} changes of a switch meanwhile, the quickest {quickest_ms} ms");
    assert!(n >= 3 && quickest_ms < PROMPT_MS, "{n} changes, the quickest {quickest_ms} ms");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let late_ms = running.latenesses_ms("beat", 1_000).await.into_iter().max().unwrap();
    eprintln!("the rule beside it was {late_ms} ms late at worst");
    assert!(late_ms < 1_000 && i128::from(late_ms) < took.as_millis() as i128, "{late_ms} ms of {took:?}");
    Arc::into_inner(running).unwrap().server.stop().await;
}

/// Rules that read for longer than there is time between their windows.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_rules_that_read_for_long() {
    let running = start().await;
    let now_s = running.server.now_ms() / 1_000;
    for piece in 0..10 {
        let hosts = (0..100).map(|n| piece * 100 + n);
        let line =
            |(host, at): (i64, i64)| format!("cpu.h{host} value={} {}\n", host % 7 + at % 5, now_s - at * 60);
        let lines: String = hosts.flat_map(|host| (0..60).map(move |at| (host, at))).map(line).collect();
        running.text("/write?precision=s", lines).await;
    }
    let target = "sumSeries(movingMedian(cpu.*,'30min'))";
    let began = Instant::now();
    let form = format!("/render?format=json&from=-1h&target={target}");
    running.fine("GET", &form, Value::Null).await;
    let took = began.elapsed();
    let n_slow = (3_000 / took.as_millis() + 1).clamp(5, 200);
    let slow = (0..n_slow).map(|n| {
        json!({"id": format!("slow-{n}"), "query": {"target": target}, "window": "1h", "every": "1s", "delay": "0s", "absolute": {"max": 5}})
    });
    let beat = json!({"id": "beat", "query": {"stream": "beat", "measure": "count"}, "window": "1s", "absolute": {"max": 5}});
    running.apply_rules(slow.chain([beat]).collect()).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Once it is known who reads for long; by the middle one, as the machine does other things as well.
    let mut late_ms = running.latenesses_ms("beat", 5).await;
    late_ms.sort_unstable();
    eprintln!(
        "beside {n_slow} rules that read for {took:?} every second, a quick one was late by {late_ms:?} ms"
    );
    assert!(late_ms.len() == 5 && late_ms[2] < 500, "{late_ms:?} ms");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_receiver_that_hangs() {
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", hanging.local_addr().unwrap());
    let n_attempts = Arc::new(AtomicUsize::new(0));
    let n_accepted = Arc::clone(&n_attempts);
    let connections = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(hanging.accept().await.unwrap().0);
            n_accepted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let running = start_with(folder, |settings| settings.allow.extend([Power::Log])).await;
    running.put("stop", json!({"when": "x == 1", "status": "inactive"})).await;
    let receivers = json!([
        {"name": "hangs", "kind": "webhook", "url": url, "timeout": "2m", "group_wait": "0s"},
        {"name": "other", "kind": "log", "path": running.folder.path().join("other.json")},
    ]);
    let fires = json!({
        "id": "fires", "query": {"stream": "s", "measure": "count"}, "window": "1s", "absolute": {"min": 1}, "receivers": ["hangs"],
    });
    running.fine("POST", "/api/v1/apply", json!({"rules": [fires], "receivers": receivers})).await;
    while n_attempts.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for n in 0..5 {
        let began = Instant::now();
        let rule = json!({"id": format!("other-{n}"), "query": {"stream": "t", "measure": "count"}, "window": "1h", "absolute": {"max": 5}});
        running.apply_rules(json!([rule])).await;
        let took = began.elapsed();
        eprintln!("a rule beside a receiver that hangs took {took:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    let began = Instant::now();
    let (quickest_ms, n) = running.flip("stop", || began.elapsed() > Duration::from_millis(500)).await;
    assert!(n > 1 && quickest_ms < PROMPT_MS, "{quickest_ms} ms");
    assert_eq!(n_attempts.load(Ordering::Relaxed), 1, "its attempt was cut off");
    let began = Instant::now();
    running.server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    connections.abort();
}

/// How many switches, fewer where the program is not made to be fast.
const N_SWITCHES: usize = if cfg!(debug_assertions) { 10_000 } else { 50_000 };

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_many_switches_or_contexts() {
    let running = Arc::new(start().await);
    let contexts: Vec<Value> =
        (0..10_000).map(|n| json!({"BANK": format!("b{n}"), "amount": n, "x": n % 2})).collect();
    running.fine("POST", "/api/v1/switches/evaluate", json!({ "contexts": contexts })).await;
    let switch = |n: usize, prefix: &str| json!({"id": format!("{prefix}{n}"), "when": format!("BANK == \"b{n}\" and amount > 5")});
    let began = Instant::now();
    let many: Vec<Value> = (0..N_SWITCHES).map(|n| switch(n, "s")).collect();
    running.fine("POST", "/api/v1/switches", json!({"switches": many, "force": true})).await;
    eprintln!("{N_SWITCHES} switches were applied in {:?}", began.elapsed());
    running.put("stop", json!({"when": "x == 1 and y == 1", "status": "inactive"})).await;

    let began = Instant::now();
    let (quickest_ms, n) = running.flip_quietly(|| began.elapsed() > Duration::from_secs(2)).await;
    eprintln!(
        "beside {N_SWITCHES} switches and 10,000 contexts the quickest of {n} changes took {quickest_ms} ms"
    );
    // What it costs is held by the crate `switch`, in numbers that do not depend on the machine.
    let allowed_ms = if cfg!(debug_assertions) { 4 * PROMPT_MS } else { PROMPT_MS };
    assert!(n > 1 && quickest_ms < allowed_ms, "{quickest_ms} ms");

    // While thousands are applied, judged by all contexts.
    let applying = tokio::spawn({
        let running = Arc::clone(&running);
        let more: Vec<Value> = (0..10_000).map(|n| switch(n, "t")).collect();
        async move {
            let began = Instant::now();
            let (status, answer) = running.ask("POST", "/api/v1/switches", json!({"switches": more})).await;
            (status, answer["problems"].as_array().map(Vec::len), began.elapsed())
        }
    });
    let (quickest_ms, n) = running.flip_quietly(|| applying.is_finished()).await;
    let (status, _, took) = applying.await.unwrap();
    eprintln!("10,000 more took {took:?} ({status}); the quickest of {n} changes meanwhile {quickest_ms} ms");
    assert!(n > 1 && quickest_ms < allowed_ms, "{n} changes, the quickest {quickest_ms} ms");
    Arc::into_inner(running).unwrap().server.stop().await;
}

/// Each context is looked at once, however many switches there are to judge, and not at all where nothing is guarded.
#[tokio::test(flavor = "multi_thread")]
async fn what_switches_are_judged_by_is_looked_at_once() {
    for share in [0.5, 1.0] {
        let folder = tempfile::tempdir().unwrap();
        let running = start_with(folder, |settings| settings.guard.share = share).await;
        let contexts: Vec<Value> =
            (0..10_000).map(|n| json!({"BANK": format!("b{n}"), "amount": n, "x": n % 2})).collect();
        running.fine("POST", "/api/v1/switches/evaluate", json!({ "contexts": contexts })).await;
        let switch =
            |n: usize| json!({"id": format!("s{n}"), "when": format!("BANK == \"b{n}\" and amount > 5")});
        let switches: Vec<Value> = (0..2_000).map(switch).collect();
        let began = Instant::now();
        running.fine("POST", "/api/v1/switches", json!({ "switches": switches })).await;
        let took = began.elapsed();
        eprintln!("2,000 switches were judged by 10,000 contexts (guard {share}) in {took:?}");
        // One by one it would be twenty million questions.
        assert!(took < Duration::from_secs(15), "{took:?}");
        running.server.stop().await;
    }
}

impl Running {
    /// As `flip`, of a switch that blocks nothing that was asked.
    async fn flip_quietly(&self, is_over: impl Fn() -> bool) -> (u128, usize) {
        let (mut quickest_ms, mut n) = (u128::MAX, 0);
        for change in ["activate", "deactivate"].into_iter().cycle() {
            if is_over() {
                break;
            }
            let began = Instant::now();
            self.fine("POST", &format!("/api/v1/switches/stop/{change}"), json!({})).await;
            (quickest_ms, n) = (quickest_ms.min(began.elapsed().as_millis()), n + 1);
        }
        (quickest_ms, n)
    }
}
