//! A server that was away: what it missed is no silence, the present is judged at once, and it says how far it is.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lanner_core::{AlertState, Evaluation, Outcome};
use lanner_io::store::EvaluationFilter;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

const NOON_MS: i64 = 1_767_268_800_000;
const PATIENCE: Duration = Duration::from_secs(60);

async fn start(folder: &Path, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, body: String) -> Value {
    let request = reqwest::Client::new().post(format!("http://{}{path}", server.http_addr()));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn get(server: &Server, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}{path}", server.http_addr())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn apply(server: &Server, rules: Value) {
    post(server, "/api/v1/apply", json!({ "rules": rules }).to_string()).await;
}

/// One event of each of `banks`, at a time in seconds after noon.
async fn events(server: &Server, banks: &[&str], at_s: i64) {
    let time_ms = NOON_MS + at_s * 1_000;
    let events: Vec<Value> = banks.iter().map(|bank| json!({ "time": time_ms, "bank": bank })).collect();
    post(server, "/api/v1/events/pay", json!(events).to_string()).await;
}

/// Evaluations of a rule, in the order in which they were made.
fn evaluations(server: &Server, rule: &str) -> Vec<Evaluation> {
    let filter = EvaluationFilter { rule: Some(rule.into()), limit: 100_000, ..EvaluationFilter::default() };
    let mut all = server.store().evaluations(&filter).unwrap();
    all.reverse();
    all
}

/// What was said of each window, by its end in seconds after noon.
fn said(server: &Server, rule: &str, bank: &str) -> Vec<(i64, Outcome, Option<f64>)> {
    let of_bank = |e: &&Evaluation| e.group.labels().get("bank").unwrap_or_default() == bank;
    let all = evaluations(server, rule);
    let said = |e: &Evaluation| ((e.window.end_ms - NOON_MS) / 1_000, e.outcome, e.value);
    all.iter().filter(of_bank).map(said).collect()
}

async fn step(server: &Server, at_s: i64) {
    assert!(server.step_to(NOON_MS + at_s * 1_000, PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_missed_is_no_silence() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    let count = json!({ "stream": "pay", "measure": "count", "by": ["bank"] });
    let rule = |id: &str, more: Value| {
        let mut rule =
            json!({ "id": id, "query": count, "window": "10s", "absolute": { "min": 1, "max": 3 } });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let load =
        json!({ "id": "load", "query": { "series": "load" }, "window": "10s", "absolute": { "max": 9 } });
    apply(&server, json!([rule("r", json!({})), rule("walks", json!({ "max_catchup": "1h" })), load])).await;
    for at_s in [1, 11] {
        events(&server, &["a", "b", "c"], at_s).await;
    }
    step(&server, 21).await;
    // The window that the end cuts short: a is there, b was too much already, c has not come yet.
    events(&server, &["a", "b", "b", "b", "b"], 22).await;
    step(&server, 24).await;
    server.stop().await;

    let server = start(folder.path(), NOON_MS + 61_000).await;
    step(&server, 62).await;
    events(&server, &["a", "b", "c"], 72).await;
    step(&server, 82).await;
    use Outcome::{Breach, Normal, Unknown};
    let known = [(10, Normal, Some(1.0)), (20, Normal, Some(1.0))];
    let of = |missed: &[(i64, Outcome, Option<f64>)], after: &[(i64, Outcome, Option<f64>)]| {
        [&known, missed, &[(70, Unknown, None), (80, Normal, Some(1.0))], after].concat()
    };
    assert_eq!(said(&server, "r", "a"), of(&[(30, Unknown, Some(1.0))], &[]));
    assert_eq!(said(&server, "r", "b"), of(&[(30, Breach, Some(4.0))], &[]));
    assert_eq!(said(&server, "r", "c"), of(&[(30, Unknown, None)], &[]));
    let walked = [(40, Unknown, None), (50, Unknown, None), (60, Unknown, None)];
    assert_eq!(said(&server, "walks", "c"), of(&[&[(30, Unknown, None)][..], &walked].concat(), &[]));
    let told: Vec<AlertState> = evaluations(&server, "r").iter().map(|e| e.state).collect();
    assert!(!told.contains(&AlertState::NoData), "{told:?}");
    // Series have no data because nobody took them: that is nobody's fault.
    assert!(
        evaluations(&server, "load")
            .iter()
            .filter(|e| e.window.end_ms <= NOON_MS + 20_000)
            .all(|e| e.outcome == Outcome::NoData)
    );
    let missed: Vec<_> =
        said(&server, "load", "").into_iter().filter(|(at_s, ..)| (21..=70).contains(at_s)).collect();
    assert_eq!(missed, [(30, Unknown, None), (70, Unknown, None)]);

    // A replay says the same.
    let request = json!({ "rules": [rule("r", json!({}))], "from": NOON_MS, "to": NOON_MS + 82_000 });
    let replay = post(&server, "/api/v1/replay", request.to_string()).await;
    let outcomes = |bank: &str| -> Vec<String> {
        let all = replay["evaluations"].as_array().unwrap().iter().filter(|e| e["group"]["bank"] == bank);
        all.map(|e| format!("{} {}", e["outcome"].as_str().unwrap(), e["value"])).collect()
    };
    assert_eq!(outcomes("b"), ["normal 1.0", "normal 1.0", "breach 4.0", "unknown null", "normal 1.0"]);
    assert_eq!(outcomes("c"), ["normal 1.0", "normal 1.0", "unknown null", "unknown null", "normal 1.0"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_senders_kept_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    let rule = |id: &str, more: Value| {
        let query = json!({ "stream": "pay", "measure": "count", "by": ["bank"] });
        let mut rule =
            json!({ "id": id, "query": query, "window": "10s", "delay": "10s", "absolute": { "max": 3 } });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    apply(&server, json!([rule("walks", json!({ "max_catchup": "1h" })), rule("r", json!({}))])).await;
    events(&server, &["a"], 1).await;
    step(&server, 24).await;
    server.stop().await;

    let server = start(folder.path(), NOON_MS + 61_000).await;
    step(&server, 62).await;
    // A sender tries again some seconds after the server is back.
    events(&server, &["a", "a", "a", "a"], 35).await;
    events(&server, &["a"], 55).await;
    step(&server, 85).await;
    use Outcome::{Breach, Normal, Unknown};
    let missed = [(30, Unknown, None), (40, Breach, Some(4.0)), (50, Unknown, None), (60, Normal, Some(1.0))];
    let of = |rule: &str| -> Vec<_> {
        said(&server, rule, "a").into_iter().filter(|(end_s, ..)| (21..=60).contains(end_s)).collect()
    };
    assert_eq!(of("walks"), missed);
    assert_eq!(of("r"), missed[..1], "what no rule asks for is passed over");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_the_present_is_judged_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), NOON_MS).await;
    let n_rules = if std::env::var("LANNER_AWAY_RULES").is_ok() { 10_000 } else { 500 };
    let rule = |n: usize| {
        let query = json!({ "stream": "pay", "measure": "count", "where": format!("bank == \"{n}\"") });
        json!({ "id": format!("r{n}"), "query": query, "window": "10s", "absolute": { "max": 1 } })
    };
    let mut rules: Vec<Value> = (0..n_rules).map(rule).collect();
    for rule in rules.iter_mut().take(2) {
        rule["max_catchup"] = json!("48h");
    }
    for some in rules.chunks(2_000) {
        apply(&server, json!(some)).await;
    }
    step(&server, 20).await;
    server.stop().await;

    let away_s = 26 * 3_600;
    let server = start(folder.path(), NOON_MS + away_s * 1_000 + 5_000).await;
    let (status, text) = get(&server, "/readyz").await;
    let started = std::time::Instant::now();
    server.services().base.settings.clock.put_on(NOON_MS + away_s * 1_000 + 25_000);
    server.services().evaluation.wakeup.ring();
    let present = |id: &str| {
        let last = evaluations(&server, id).last().map(|e| e.window.end_ms);
        last >= Some(NOON_MS + away_s * 1_000 + 20_000)
    };
    let mut ids: Vec<String> = (2..n_rules).map(|n| format!("r{n}")).collect();
    while !ids.is_empty() {
        ids.retain(|id| !present(id));
        assert!(started.elapsed() < PATIENCE, "the present is not judged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{n_rules} rules, away for 26 h: the present of all judged after {:?}", started.elapsed());
    // Those that asked for it are still on their way, and that is said.
    assert_eq!(status, 503, "{text}");
    // At first the others as well: a window was over when the server stopped, and not judged yet.
    assert!(text.contains(" rules have windows to evaluate"), "{text}");
    assert!(server.step_to(NOON_MS + away_s * 1_000 + 25_000, Duration::from_secs(300)).await);
    println!("and 2 rules walked through 26 h in order after {:?}", started.elapsed());
    let walked = evaluations(&server, "r1");
    assert!(walked.windows(2).all(|pair| pair[1].window.start_ms == pair[0].window.end_ms));
    // Lanner's own alert about it may take a moment longer to end.
    let (status, text) = get(&server, "/readyz").await;
    assert!(status == 200 && text.starts_with("ready\n"), "{status} {text}");
    assert!(walked.len() > 26 * 360, "{}", walked.len());
    server.stop().await;
}
