//! Events that come late correct what was measured: live, replay and question agree.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::Evaluation;
use lanner_io::store::EvaluationFilter;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

const NOON_MS: i64 = 1_767_268_800_000;
const HOUR_S: i64 = 3_600;

async fn start(folder: &Path, now_s: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(NOON_MS + now_s * 1_000);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, body: String) -> Value {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn get(server: &Server, path: &str) -> String {
    reqwest::get(format!("http://{}{path}", server.http_addr())).await.unwrap().text().await.unwrap()
}

async fn apply(server: &Server, rule: &Value) -> Value {
    post(server, "/api/v1/apply", json!({ "rules": [rule] }).to_string()).await
}

/// Events of these times, in seconds after noon, in this order; each of another user, with another amount.
async fn events(server: &Server, times_s: impl IntoIterator<Item = i64>) {
    static NUMBER: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    let event = |at_s| {
        let n = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        json!({ "time": NOON_MS + at_s * 1_000, "user": n, "amount": n * 7 % 31 })
    };
    let all: Vec<Value> = times_s.into_iter().map(event).collect();
    post(server, "/api/v1/events/pay", json!(all).to_string()).await;
}

async fn step(server: &Server, at_s: i64) {
    assert!(server.step_to(NOON_MS + at_s * 1_000, Duration::from_secs(60)).await);
}

fn evaluations(server: &Server) -> Vec<Evaluation> {
    let filter = EvaluationFilter { rule: Some("r".into()), limit: 100_000, ..EvaluationFilter::default() };
    server.store().evaluations(&filter).unwrap()
}

/// The last evaluation that a replay of the rule makes up to this time.
async fn replayed(server: &Server, rule: &Value, to_s: i64) -> Value {
    let request = json!({ "rules": [rule], "from": NOON_MS, "to": NOON_MS + to_s * 1_000 });
    let replay = post(server, "/api/v1/replay", request.to_string()).await;
    replay["evaluations"].as_array().unwrap().last().unwrap().clone()
}

/// What the window was compared with that ended then is what a replay and a question say of the first window.
async fn agree(server: &Server, rule: &Value, end_s: i64, expected: Option<f64>) {
    let question = json!({ "query": rule["query"], "step": "10m", "from": NOON_MS, "to": NOON_MS + 600_000 });
    let answer = post(server, "/api/v1/query", question.to_string()).await;
    let asked = answer["series"][0]["values"][0].as_f64().unwrap();
    assert_eq!(expected.unwrap_or(asked), asked);
    let live = evaluations(server).into_iter().find(|e| e.window.end_ms == NOON_MS + end_s * 1_000);
    assert_eq!(live.and_then(|e| e.base), Some(asked), "{rule}");
    assert_eq!(replayed(server, rule, end_s).await["base"], json!(asked), "{rule}");
}

/// How late events came.
async fn is_shown(server: &Server, n_late: i32, longest_s: i64) {
    let shown: Value = serde_json::from_str(&get(server, "/api/v1/rules/r").await).unwrap();
    assert_eq!(shown["state"]["lateness"]["late"], json!(n_late), "{shown}");
    assert_eq!(shown["state"]["lateness"]["longest_s"].as_f64(), Some(longest_s as f64), "{shown}");
    assert!(get(server, "/metrics").await.contains("lanner_late_events_total"));
}

/// A measure of the events.
async fn check(measure: &str, late_s: &[i64], restarts: bool) {
    check_query(json!({ "stream": "pay", "measure": measure }), late_s, restarts).await;
}

/// `late_s`: after how long more events of the first window come, out of order.
async fn check_query(query: Value, late_s: &[i64], restarts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), 0).await;
    let is_count = query["measure"] == "count";
    let rule =
        json!({ "id": "r", "query": query, "window": "10m", "relative": { "to": "6h", "change": "50%" } });
    apply(&server, &rule).await;
    events(&server, [-10]).await; // so that there was data before the window
    events(&server, [300; 5]).await;
    let mut n = 5;
    for late_s in late_s {
        step(&server, *late_s).await;
        events(&server, (0..15).map(|at| 599 - at * 173 % 600)).await;
        n += 15;
        if restarts {
            server.stop().await;
            server = start(folder.path(), *late_s).await;
        }
    }
    let end_s = 6 * HOUR_S + 600;
    events(&server, [end_s - 10; 20]).await;
    step(&server, end_s + 20).await;
    agree(&server, &rule, end_s, is_count.then(|| f64::from(n))).await;
    if !restarts {
        let first_s = (0..15).map(|at| 599 - at * 173 % 600).min().unwrap();
        is_shown(&server, n - 5, late_s.last().unwrap() - first_s).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_correct_what_was_measured() {
    check("count", &[700], false).await; // after it was judged
    check("count", &[700, 2 * HOUR_S], false).await; // and after it was kept
    check("count", &[2 * HOUR_S, 3 * HOUR_S, 5 * HOUR_S], false).await;
    check("count", &[700, 2 * HOUR_S, 3 * HOUR_S], true).await; // whatever happens in between
    for measure in ["distinct(user)", "p50(amount)", "last(amount)"] {
        check(measure, &[700, 3 * HOUR_S], false).await;
        check(measure, &[2 * HOUR_S], true).await;
    }
    let large = json!({ "stream": "pay", "measure": "count", "where": "amount > 15" });
    let all = json!({ "stream": "pay", "measure": "count" });
    let share = json!({ "formula": "100 * large / all", "of": { "large": large, "all": all } });
    check_query(share.clone(), &[700], false).await;
    check_query(share.clone(), &[2 * HOUR_S, 3 * HOUR_S, 5 * HOUR_S], false).await;
    check_query(share, &[700, 2 * HOUR_S], true).await;
}

/// What a rule measures.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Stream,
    Series,
    Expression,
}

/// Samples or events of these times, in seconds after noon.
async fn data(server: &Server, source: Source, times_s: impl IntoIterator<Item = i64>) {
    if source == Source::Stream {
        return events(server, times_s).await;
    }
    let name = if source == Source::Series { "queue,host=x" } else { "queue.x" };
    let line = |at_s| format!("{name} value={} {}\n", at_s / 10 % 9, NOON_MS + at_s * 1_000);
    let body: String = times_s.into_iter().map(line).collect();
    let request = reqwest::Client::new().post(format!("http://{}/write?precision=ms", server.http_addr()));
    assert_eq!(request.body(body).send().await.unwrap().status(), 204);
}

/// What a detector learned is learned again, whether the server went on or not.
async fn check_learned(source: Source, restarts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), 0).await;
    let detector = json!({ "season": "1h", "seasons": 2, "min_width": 1 });
    let query = match source {
        Source::Stream => json!({ "stream": "pay", "measure": "count" }),
        Source::Series => json!({ "series": "queue", "measure": "count" }),
        Source::Expression => json!({ "target": "sumSeries(queue.*)" }),
    };
    let rule = json!({ "id": "r", "query": query, "window": "10m", "holt_winters": detector });
    apply(&server, &rule).await;
    let windows = |from: i64, to: i64| (from..to).map(|window| window * 600);
    for at_s in windows(0, 30) {
        data(&server, source, (0..5 + at_s / 600 % 6).map(|n| at_s + 7 * n)).await;
        step(&server, at_s + 620).await;
    }
    let before = replayed(&server, &rule, 5 * HOUR_S).await;
    data(&server, source, windows(13, 29).rev().flat_map(|at_s| (1..20).map(move |n| at_s + 11 * n))).await;
    if restarts {
        server.stop().await;
        server = start(folder.path(), 5 * HOUR_S + 20).await;
    }
    for at_s in windows(30, 36) {
        data(&server, source, (0..8).map(|n| at_s + n)).await;
        step(&server, at_s + 620).await;
        let live = evaluations(&server).into_iter().find(|e| e.window.start_ms == NOON_MS + at_s * 1_000);
        let (live, again) = (live.unwrap(), replayed(&server, &rule, at_s + 600).await);
        assert_eq!(
            json!((live.value, live.base, live.score.map(|score| score.value()))),
            json!([again["value"], again["base"], again["score"]]),
            "{source:?}, restarts: {restarts}, {again}"
        );
        assert!(live.base.is_some());
        assert_ne!(again["base"], before["base"], "what came late changes what is expected");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_correct_what_was_learned() {
    for source in [Source::Stream, Source::Series, Source::Expression] {
        check_learned(source, false).await;
        check_learned(source, true).await;
    }
}

/// Payments of three days, at most `n`, in no order: of three banks and none, and of two kinds. What was counted of each by then
/// comes as samples, too, and once it began anew.
async fn payments(server: &Server, n: i64, seed: i64, until_s: i64) {
    let line = |at: i64| {
        let number = (at + seed) * 7_919 % 10_007;
        let at_s = until_s - 60 - number * 26 % (3 * 24 * HOUR_S);
        let total = if at_s < 40 * HOUR_S { at_s + 3 * 24 * HOUR_S } else { at_s - 40 * HOUR_S };
        let time_ms = NOON_MS + at_s * 1_000;
        format!("paid,bank=b{} total={total},level={} {time_ms}\n", number % 3, number % 131)
    };
    let body: String = (0..n).map(line).collect();
    let request = reqwest::Client::new().post(format!("http://{}/write?precision=ms", server.http_addr()));
    assert_eq!(request.body(body).send().await.unwrap().status(), 204);
    let event = |at: i64| {
        let number = (at + seed) * 7_919 % 10_007;
        let at_s = until_s - 60 - number * 26 % (3 * 24 * HOUR_S);
        let mut event = json!({ "time": NOON_MS + at_s * 1_000, "amount": number % 131, "kind": number % 2 });
        if number % 5 > 0 {
            event["bank"] = json!(format!("b{}", number % 3));
        }
        event
    };
    let all: Vec<Value> = (0..n).map(event).collect();
    post(server, "/api/v1/events/pay", json!(all).to_string()).await;
}

/// Live and a replay say the same of each group, though data of three days comes late by up to three days, out of order,
/// and over restarts. `n_groups` are judged at the end.
async fn check_alike(query: Value, rest: Value, n_groups: usize) {
    const DAYS: i64 = 3;
    let end_s = DAYS * 24 * HOUR_S;
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), 0).await;
    let mut rule = json!({ "id": "r", "query": query, "window": "2h" });
    rule.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    apply(&server, &rule).await;
    payments(&server, 200, 0, 0).await;
    for quarter in 1..=DAYS * 4 {
        let now_s = quarter * 6 * HOUR_S;
        payments(&server, 120, quarter * 331, now_s).await;
        step(&server, now_s - 3 * HOUR_S).await;
        payments(&server, 40, quarter * 77, now_s).await;
        if quarter % 5 == 0 {
            server.stop().await;
            server = start(folder.path(), now_s - 2 * HOUR_S).await;
        }
        step(&server, now_s).await;
    }
    payments(&server, 300, 5_000, end_s).await;
    step(&server, end_s + 2 * HOUR_S + 60).await;
    let all = evaluations(&server);
    let last_ms = all.iter().map(|e| e.window.end_ms).max().unwrap();
    assert!(last_ms > NOON_MS + (end_s - 12 * HOUR_S) * 1_000, "{rule}");
    let is_last = |end_ms: i64| end_ms == last_ms;
    let live = all.into_iter().filter(|e| is_last(e.window.end_ms));
    let mut live: Vec<String> = live
        .map(|e| json!([e.group, e.value, e.base, e.score.map(|score| score.value())]).to_string())
        .collect();
    let request = json!({ "rules": [rule], "from": NOON_MS, "to": NOON_MS + (end_s + 2 * HOUR_S) * 1_000 });
    let replay = post(&server, "/api/v1/replay", request.to_string()).await;
    let again = replay["evaluations"].as_array().unwrap().iter();
    let again = again
        .filter(|e| is_last(lanner_core::time::parse_time_ms(e["window"]["end"].as_str().unwrap()).unwrap()));
    let mut again: Vec<String> =
        again.map(|e| json!([e["group"], e["value"], e["base"], e["score"]]).to_string()).collect();
    live.sort_unstable();
    again.sort_unstable();
    assert_eq!(live, again, "{rule}");
    assert_eq!(live.len(), n_groups, "{rule}: {live:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_is_a_replay_whatever_came_late_by_days() {
    let day = || json!({ "relative": { "to": "1d", "change": "10%" } });
    let of = |measure: &str| json!({ "stream": "pay", "measure": measure });
    for measure in ["sum(amount)", "avg(amount)", "min(amount)", "p99.9(amount)", "last(amount)"] {
        check_alike(of(measure), day(), 1).await;
    }
    let by = |query: Value, by: &[&str]| {
        let mut query = query;
        query["by"] = json!(by);
        query
    };
    check_alike(by(of("count"), &["bank"]), day(), 4).await;
    check_alike(by(of("max(amount)"), &["bank", "kind"]), day(), 8).await;
    // Windows that overlap.
    let mut sliding = day();
    sliding["every"] = json!("30m");
    check_alike(by(of("distinct(amount)"), &["kind"]), sliding, 2).await;
    // What learns from each window.
    let learning = json!({ "holt_winters": { "season": "6h", "seasons": 2, "min_width": 1 } });
    check_alike(by(of("sum(amount)"), &["bank"]), learning, 4).await;
    let large = json!({ "stream": "pay", "measure": "count", "where": "amount > 60" });
    let share = json!({ "formula": "large / all", "of": { "large": large, "all": of("count") } });
    check_alike(by(share, &["bank"]), day(), 4).await;
}

/// As above, for each kind of detector that looks back, for counters and other samples, and for windows of other zones and of
/// parts of the day.
#[tokio::test(flavor = "multi_thread")]
async fn live_is_a_replay_for_every_detector_and_schedule() {
    let count = json!({ "stream": "pay", "measure": "count", "by": ["bank"] });
    for detector in [
        json!({ "band": { "to": "6h", "seasons": 5, "min_width": 1 } }),
        json!({ "time_shift": { "to": "6h", "median_of": 3 } }),
        json!({ "relative": { "to": "6h", "median_of": 5, "change": "10%" } }),
        json!({ "level": { "reference": 12, "recent": 3, "min_width": 1 } }),
        json!({ "variation": { "n": 8 } }),
        json!({ "automatic": {} }),
    ] {
        check_alike(count.clone(), detector, 4).await;
    }
    let day = json!({ "relative": { "to": "1d", "change": "10%" } });
    let of = |series: &str, measure: &str| json!({ "series": series, "measure": measure, "by": ["bank"] });
    for (series, measure) in
        [("paid.total", "rate"), ("paid.total", "increase"), ("paid.level", "last"), ("paid.level", "p90")]
    {
        check_alike(of(series, measure), day.clone(), 3).await;
    }
    let shares = json!({ "formula": "paid / level", "by": ["bank"], "of": {
        "paid": { "series": "paid.total", "measure": "increase" }, "level": { "series": "paid.level", "measure": "max" } } });
    check_alike(shares, day.clone(), 3).await;
    for schedule in [
        json!({ "tz": "Asia/Kolkata" }),
        json!({ "tz": "Pacific/Chatham", "every": "1h", "delay": "20m" }),
        json!({ "active": { "from": "01:00", "to": "15:00" } }),
    ] {
        let mut rest = day.clone();
        rest.as_object_mut().unwrap().extend(schedule.as_object().unwrap().clone());
        check_alike(count.clone(), rest, 4).await;
    }
}

/// A week of minutes, corrected by one batch: its cost is that of its events.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_late_events_are_taken_at_once() {
    const DAY_S: i64 = 24 * HOUR_S;
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 0).await;
    events(&server, (0..7 * 1_440).map(|minute| minute * 60 - 8 * DAY_S)).await;
    let query = json!({ "stream": "pay", "measure": "count" });
    apply(
        &server,
        &json!({ "id": "r", "query": query, "window": "1m", "relative": { "to": "1w", "change": "50%" } }),
    )
    .await;
    let is_filled = || async {
        let shown: Value = serde_json::from_str(&get(&server, "/api/v1/rules/r").await).unwrap();
        shown["state"]["prefill"]["finished"] == json!(true)
    };
    while !is_filled().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = |store: &lanner_io::store::Store| {
        let window = |minute: i64| {
            let start_ms = NOON_MS + (minute * 60 - 6 * DAY_S) * 1_000;
            lanner_core::TimeRange::new(start_ms, start_ms + 60_000)
        };
        let fingerprint = server.services().evaluation.engine().rules().next().unwrap().0.query.fingerprint();
        (0..100)
            .filter(|minute| !store.measured_window(fingerprint, window(*minute)).unwrap().is_empty())
            .count()
    };
    assert_eq!(kept(server.store()), 100);
    let times_s: Vec<i64> = (0..100_000_i64).map(|n| n * 48_611 % (6 * DAY_S) - 7 * DAY_S).collect();
    let mut slowest = Duration::ZERO;
    let (batch, punctual) = tokio::join!(
        async {
            let started = Instant::now();
            events(&server, times_s).await;
            started.elapsed()
        },
        async {
            for _ in 0..20 {
                let started = Instant::now();
                events(&server, [0]).await;
                slowest = slowest.max(started.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        }
    );
    println!("100,000 late events: {batch:?}; one event beside them: {punctual:?} at most");
    assert_eq!(kept(server.store()), 0);
    assert!(punctual < Duration::from_secs(5), "an event beside them took {punctual:?}");
    server.stop().await;
}

/// A name that is mistaken is silent for ever, so it is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_on_what_has_no_data_is_said() {
    async fn check(server: &Server, query: Value, expected: Option<&str>) {
        let rule = json!({ "id": "r", "query": query, "window": "10m", "absolute": { "min": 1 } });
        let said = expected.map(|expected| json!([format!("rule r: {expected}")])).unwrap_or_default();
        let checked = post(server, "/api/v1/check", json!({ "rules": [rule] }).to_string()).await;
        assert_eq!((&checked["valid"], &checked["warnings"]), (&json!(true), &said));
        assert_eq!(apply(server, &rule).await["warnings"], said);
        for path in ["/api/v1/rules", "/api/v1/rules/r"] {
            let shown: Value = serde_json::from_str(&get(server, path).await).unwrap();
            let shown = shown.get(0).unwrap_or(&shown);
            assert_eq!(shown["state"]["warning"].as_str(), expected, "{path}: {shown}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 0).await;
    let unknown = "there are no events in the stream \"pey\"";
    check(&server, json!({ "stream": "pey", "measure": "count" }), Some(unknown)).await;
    events(&server, [-10]).await;
    let line = reqwest::Client::new().post(format!("http://{}/write?precision=ms", server.http_addr()));
    let line = line.body(format!("queue value=1 {NOON_MS}\ncpu,host=a value=1 {NOON_MS}\n"));
    assert_eq!(line.send().await.unwrap().status(), 204);
    let meant = format!("{unknown}; did you mean \"pay\"?");
    let by = json!({ "stream": "pey", "measure": "count", "by": ["bank"] });
    check(&server, by, Some(&meant)).await;
    check(&server, json!({ "stream": "pay", "measure": "count", "by": ["bank"] }), None).await;
    let meant = "there is no series \"quee\"; did you mean \"queue\"?";
    check(&server, json!({ "series": "quee", "measure": "max", "by": ["host"] }), Some(meant)).await;
    check(&server, json!({ "series": "qu*", "measure": "max" }), None).await;
    let of_host =
        |label: &str, host: &str| json!({ "series": "cpu", "by": ["host"], "labels": { label: host } });
    check(&server, of_host("host", "a"), None).await;
    let unlike = "there is no series \"cpu\" with {host=\"b\"}";
    check(&server, of_host("host", "b"), Some(unlike)).await;
    check(&server, of_host("hsot", "a"), Some("there is no series \"cpu\" with {hsot=\"a\"}")).await;
    let each = |pattern: &str| json!({ "target": "absolute({series})", "for_each": pattern });
    let unmatched = "there is no series that matches \"qeue*\"";
    check(&server, each("qeue*"), Some(unmatched)).await;
    check(&server, each("q{ue,}ue"), None).await;
    server.stop().await;
}
