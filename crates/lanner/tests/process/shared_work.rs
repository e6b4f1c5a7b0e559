//! Several programs that share the work of one state in a real PostgreSQL, which is also what their rules ask: workers are
//! killed, stopped and restarted, and every window is judged once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup};
use crate::receiver::Webhook;

/// Rules that ask the database, each of its own row: they lie in different shards.
pub(crate) const N_RULES: usize = 12;

fn rule(n: usize) -> Value {
    let sql = format!("SELECT max(value) FROM level WHERE rule = {n} AND since < :from AND since < :until");
    json!({
        "id": format!("load-{n}"), "query": { "sql": sql, "source": "shop" }, "window": "1s", "absolute": { "max": 80 },
        "receivers": ["hook"], "max_catchup": "1h", "error": "keep", "content": "{{ rule }} {{ state }}",
    })
}

/// A program with these roles, whose state and whose rules' data are in `database`.
pub(crate) fn setup(folder: &Path, database: &str, roles: &Value, webhook: &Webhook) -> Setup {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let here = json!({
        "id": "here", "query": { "series": "load", "measure": "max" }, "window": "1s", "absolute": { "max": 80 },
        "receivers": ["hook"], "no_data": "ok", "content": "{{ rule }} {{ state }}",
    });
    let config = json!({
        "server": { "state": { "postgresql": { "url": database } }, "roles": roles },
        "sources": [{ "name": "shop", "kind": "postgresql", "url": database }],
        "rules": (0..N_RULES).map(rule).chain([here]).collect::<Vec<_>>(),
        "receivers": [
            { "name": "hook", "kind": "webhook", "url": webhook.url, "group_wait": "0s", "group_interval": "0s" },
        ],
    });
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    setup.config = Some(file);
    setup
}

/// A server that notifies and three workers, none of them started.
pub(crate) fn four(folder: &Path, database: &str, webhook: &Webhook) -> (Setup, Vec<Setup>) {
    let center = setup(&folder.join("center"), database, &json!(["api", "notify"]), webhook);
    let worker = |n| setup(&folder.join(format!("worker-{n}")), database, &json!("worker"), webhook);
    (center, (0..3).map(worker).collect())
}

pub(crate) fn levels(server: &PostgreSql, database: &str) {
    server.ask(
        database,
        &format!(
            "CREATE TABLE level AS SELECT rule, timestamptz '2000-01-01' AS since, 10.0::float8 AS value
             FROM generate_series(0, {N_RULES}) AS rule"
        ),
    );
}

/// Sets what the rules ask for.
pub(crate) fn set_level(server: &PostgreSql, database: &str, value: u32) {
    server.ask(database, &format!("UPDATE level SET value = {value}"));
}

/// Waits until so many workers hold all shards, as evenly as can be.
pub(crate) async fn is_shared_by(center: &Program, n: u64) -> Duration {
    let begun = Instant::now();
    let fair = |status: &Value| {
        let sharing = &status["sharing"];
        let shares: Vec<u64> = sharing["workers"]
            .as_array()
            .map(|workers| workers.iter().filter_map(|it| it["shards"].as_u64()).collect())
            .unwrap_or_default();
        shares.len() as u64 == n
            && shares.iter().sum::<u64>() == 256
            && shares.iter().all(|share| (256 / n..=256 / n + 1).contains(share))
    };
    center.until("/api/v1/status", fair).await;
    begun.elapsed()
}

/// Every window of every rule was judged, once.
#[track_caller]
pub(crate) fn check_windows(server: &PostgreSql, database: &str, rules: &str) {
    let said = server.ask(
        database,
        &format!(
            "SELECT rule, count(*), count(DISTINCT end_ms), (max(end_ms) - min(end_ms)) / 1000 + 1
             FROM lanner.evaluation WHERE {rules} GROUP BY rule ORDER BY rule"
        ),
    );
    assert!(said.lines().count() >= N_RULES - 1, "{said}");
    for line in said.lines() {
        let parts: Vec<&str> = line.split('|').collect();
        assert!(
            parts[1] == parts[2] && parts[2] == parts[3],
            "rule, evaluations, different ones, windows: {said}"
        );
    }
}

/// What was told of each rule, in order, as far as it was taken.
pub(crate) fn told(webhook: &Webhook) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for attempt in webhook.attempts().into_iter().filter(|attempt| attempt.taken) {
        let message: Value =
            serde_json::from_str(&attempt.body).unwrap_or(Value::String(attempt.body.clone()));
        for alert in message["alerts"].as_array().cloned().unwrap_or_default() {
            let rule = alert["labels"]["rule"].as_str().unwrap_or_default().to_owned();
            told.entry(rule).or_default().push(alert["status"].as_str().unwrap_or_default().to_owned());
        }
    }
    told
}

#[track_caller]
pub(crate) fn check_told(webhook: &Webhook, expected: &[&str]) {
    let told = told(webhook);
    assert_eq!(told.len(), N_RULES, "{told:?} {:?}", webhook.attempts().first());
    assert!(told.values().all(|of| of == expected), "{told:?}");
}

pub(crate) async fn all_fire(center: &Program) {
    let firing = |alerts: &Value| {
        alerts.as_array().is_some_and(|it| it.iter().filter(|it| it["state"] == "firing").count() == N_RULES)
    };
    center.until("/api/v1/alerts", firing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_come_and_go_and_every_window_is_judged_once() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("work");
    levels(&server, "work");
    let (center, workers) = four(folder.path(), &url, &webhook);
    let center = center.start().await;
    let [one, two, three] = &workers[..] else { panic!("three workers") };
    let (first, second, third) = (one.start().await, two.start().await, three.start().await);
    println!("three workers share after {:?}", is_shared_by(&center, 3).await);
    set_level(&server, "work", 100);
    webhook.wait_for(N_RULES).await;
    all_fire(&center).await;

    // Killed in the middle: its shards are taken when its lease ends.
    first.kill();
    println!("taken over after a kill in {:?}", is_shared_by(&center, 2).await);
    let first = one.start().await;
    println!("shared with a new one in {:?}", is_shared_by(&center, 3).await);

    // The database goes away for a while.
    server.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.go_on();
    println!("shared again after a restart of the database in {:?}", is_shared_by(&center, 3).await);

    // One after the other is stopped and started: the others take its shards at once.
    let mut running = vec![first, second, third];
    for setup in &workers {
        running.remove(0).stop().await;
        println!("taken over after a stop in {:?}", is_shared_by(&center, 2).await);
        running.push(setup.start().await);
        is_shared_by(&center, 3).await;
    }

    // The server that notifies is killed; what happens meanwhile is told when it is there again.
    let center_setup = center.setup().clone();
    center.kill();
    set_level(&server, "work", 10);
    tokio::time::sleep(Duration::from_secs(4)).await;
    check_told(&webhook, &["firing"]);
    let center = center_setup.start().await;
    webhook.wait_for(2 * N_RULES).await;
    is_shared_by(&center, 3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for worker in running {
        worker.stop().await;
    }
    center.stop().await;
    check_windows(&server, "work", "rule LIKE 'load-%'");
    check_told(&webhook, &["firing", "resolved"]);
    for setup in workers.iter().chain([&center_setup]) {
        assert!(!setup.log().contains("panicked"), "{}", setup.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_writes_nothing() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("still");
    levels(&server, "still");
    let (center, workers) = four(folder.path(), &url, &webhook);
    let center = center.start().await;
    let [one, two, _] = &workers[..] else { panic!("three workers") };
    let (first, second) = (one.start().await, two.start().await);
    is_shared_by(&center, 2).await;
    set_level(&server, "still", 100);
    webhook.wait_for(N_RULES).await;

    first.signal(rustix::process::Signal::STOP);
    is_shared_by(&center, 1).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    first.signal(rustix::process::Signal::CONT);
    is_shared_by(&center, 2).await;
    assert!(one.log().contains("another worker"), "{}", one.log());

    // A change at one server is in force at all others soon: a rule that is new, one that asks for something else.
    let begun = Instant::now();
    let mut changed = rule(0);
    changed["query"]["sql"] = rule(N_RULES)["query"]["sql"].clone();
    let documents = json!({ "rules": [rule(N_RULES), changed] });
    let (status, answer) = center.post("/api/v1/apply", documents.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let is_judged = |rule: &str, version: u32| {
        let count =
            format!("SELECT count(*) FROM lanner.evaluation WHERE rule = '{rule}' AND version = {version}");
        server.ask("still", &count) != "0"
    };
    let new = format!("load-{N_RULES}");
    while !is_judged(&new, 1) || !is_judged("load-0", 2) {
        assert!(begun.elapsed() < PATIENCE, "{} {}", one.log(), two.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("judged {:?} after the change", begun.elapsed());
    // The alert of what it asked before has ended.
    webhook.wait_for(N_RULES + 2).await;
    let (status, _) = center.delete(&format!("/api/v1/rules/{new}")).await;
    assert_eq!(status, 200);
    for worker in [first, second] {
        worker.stop().await;
    }
    center.stop().await;
    check_windows(&server, "still", "rule LIKE 'load-%' AND rule <> 'load-0'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_what_it_lacks() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("lacks");
    levels(&server, "lacks");
    let (center, workers) = four(folder.path(), &url, &webhook);
    let said = async |setup: &Setup, text: &str| {
        let begun = Instant::now();
        while !setup.log().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "it never said \"{text}\":\n{}", setup.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Before anything is shared out it waits.
    let worker = workers[0].spawn();
    said(&workers[0], "nothing is shared out").await;
    assert_eq!(worker.ask("/readyz").await.0, 503);
    let center = center.start().await;
    is_shared_by(&center, 1).await;
    assert_eq!(worker.ask("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(worker.ask("/api/v1/rules").await.0, 404);
    let begun = Instant::now();
    while !worker.ask("/metrics").await.1.contains("lanner_shards_held 256") {
        assert!(begun.elapsed() < PATIENCE, "{}", workers[0].log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Without a source that rules may ask it takes no part, rather than judging that it fails.
    let file = workers[1].config.clone().unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    (config["rules"], config["sources"]) = (json!([]), json!([]));
    std::fs::write(&file, config.to_string()).unwrap();
    let lacking = workers[1].spawn();
    said(&workers[1], "its configuration lacks sources that rules may ask: shop").await;
    let status = center.get("/api/v1/status").await;
    assert_eq!(status["sharing"]["free"], 0, "{status}");
    lacking.stop().await;
    worker.stop().await;
    center.stop().await;
    let without = Setup { config: None, ..workers[2].clone() };
    let mut command = without.command();
    let output = command.args(["--role", "worker"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("set server.state"), "{said}");
}

/// A detector of one column that usually lies about 10.
fn detector() -> Vec<u8> {
    let values = (0..600_u16).map(|row| 10.0 + f32::from(row * 31 % 17) / 10.0).collect();
    let frame = lanner_deep::Frame::new(vec!["level".to_owned()], values).unwrap();
    let kind = lanner_deep::Kind::named("mahalanobis").unwrap();
    let training = lanner_deep::Training { kind, ..lanner_deep::Training::default() };
    let detector = lanner_deep::Detector::train(&frame, &training, &mut |_| ()).unwrap();
    detector.with_notes(json!({ "name": "level", "step_ms": 1_000 })).to_bytes()
}

/// The rule that asks a trained detector, instead of the value itself.
fn asks_detector(n: usize) -> Value {
    let mut rule = rule(n);
    let part = json!({ "sql": rule["query"]["sql"], "source": "shop" });
    rule["query"] = json!({ "model": "level", "columns": { "level": part } });
    rule["absolute"] = json!({ "max": 1 });
    rule
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_what_trained_detectors_judge() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("judged");
    levels(&server, "judged");
    let (center, workers) = four(folder.path(), &url, &webhook);
    for setup in workers.iter().chain([&center]) {
        let file = setup.config.as_ref().unwrap();
        let mut config: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        config["rules"] = (0..N_RULES).map(asks_detector).collect();
        std::fs::write(file, config.to_string()).unwrap();
    }
    let center = center.start().await;
    let (status, kept) = center.post("/api/v1/models", detector()).await;
    assert_eq!((status, &kept["kind"]), (200, &json!("detector/level")), "{kept}");
    let running = [workers[0].start().await, workers[1].start().await];
    is_shared_by(&center, 2).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    set_level(&server, "judged", 100);
    webhook.wait_for(N_RULES).await;
    all_fire(&center).await;
    // Both had their part of it, and the server that notifies none.
    let n_evaluated = async |program: &Program| {
        let metrics = program.ask("/metrics").await.1;
        let line = metrics.lines().find_map(|line| line.strip_prefix("lanner_evaluations_total "));
        line.unwrap_or("0").parse::<f64>().unwrap()
    };
    let parts = [n_evaluated(&running[0]).await, n_evaluated(&running[1]).await];
    println!("evaluations of the workers: {parts:?}");
    let all: f64 = parts.iter().sum();
    assert!(parts.iter().all(|part| *part > 0.1 * all) && n_evaluated(&center).await < 1.0, "{parts:?}");
    for worker in running {
        worker.stop().await;
    }
    center.stop().await;
    check_windows(&server, "judged", "rule LIKE 'load-%'");
    check_told(&webhook, &["firing"]);
}
