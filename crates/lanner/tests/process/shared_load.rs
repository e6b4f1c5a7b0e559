//! Workers under load: the requests that rules make, a rolling restart, and a worker killed each minute.
//!
//! The figures of docs/reliability.md come from the same tests: `LANNER_WORK_RULES` and `LANNER_WORK_MINUTES` make them larger.

use std::path::Path;
use std::time::{Duration, Instant};

use lanner_testkit::{InfluxDb, PostgreSql};
use serde_json::{Value, json};

use crate::program::{Program, Setup};
use crate::receiver::Webhook;
use crate::shared_work::is_shared_by;

/// What a variable says, or what a test is content with.
fn size(variable: &str, by_default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(by_default)
}

/// A program with these roles, sources and rules, whose state is in `database`.
fn setup(
    folder: &Path,
    database: &str,
    roles: &Value,
    sources: &Value,
    rules: &[Value],
    hook: &str,
) -> Setup {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let receivers = json!([
        { "name": "hook", "kind": "webhook", "url": hook, "group_by": ["rule"], "group_wait": "0s", "group_interval": "0s" },
    ]);
    let server = json!({ "state": { "postgresql": { "url": database } }, "roles": roles });
    let config = json!({ "server": server, "sources": sources, "rules": rules, "receivers": receivers });
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    setup.config = Some(file);
    setup
}

/// A server that notifies and three workers, none of them started.
fn four(folder: &Path, database: &str, sources: &Value, rules: &[Value], hook: &str) -> (Setup, Vec<Setup>) {
    let center = setup(&folder.join("center"), database, &json!(["api", "notify"]), sources, rules, hook);
    let worker =
        |n: u32| setup(&folder.join(format!("worker-{n}")), database, &json!("worker"), sources, &[], hook);
    (center, (0..3).map(worker).collect())
}

fn number(server: &PostgreSql, database: &str, sql: &str) -> f64 {
    server.ask(database, sql).parse().unwrap_or(0.0)
}

/// How many queries an InfluxDB has answered, by its own count.
async fn queries(influxdb: &InfluxDb) -> u64 {
    let url = format!("http://127.0.0.1:{}/debug/vars", influxdb.port());
    let vars: Value = crate::program::client().get(url).send().await.unwrap().json().await.unwrap();
    let of_http = vars.as_object().unwrap().values().find(|it| it["name"] == "httpd").unwrap();
    of_http["values"]["queryReq"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_ask_the_same_ask_once() {
    let Some(influxd) = std::env::var_os("LANNER_TEST_INFLUXDB") else {
        eprintln!("SKIPPED: LANNER_TEST_INFLUXDB names no InfluxDB; `cargo xtask test` unpacks it");
        return;
    };
    let (folder, data, of_influxdb) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let influxdb = InfluxDb::start_program(Path::new(&influxd), of_influxdb.path()).unwrap();
    influxdb.create("load").unwrap();
    let n_rules = size("LANNER_WORK_RULES", 500);
    let rule = |n: u64| {
        let influxql = format!("SELECT count(value) FROM m{} WHERE time >= :from AND time < :until", n % 100);
        json!({
            "id": format!("rule-{n}"), "query": { "influxql": influxql, "source": "load" }, "window": "10s",
            "absolute": { "max": n }, "no_data": "ok", "max_catchup": "1h",
        })
    };
    let rules: Vec<Value> = (0..n_rules).map(rule).collect();
    let address = format!("http://127.0.0.1:{}", influxdb.port());
    let sources =
        json!([{ "name": "load", "kind": "influxdb", "url": address, "database": "load", "parallel": 8 }]);
    let url = server.fresh("same");
    let (center, workers) = four(folder.path(), &url, &sources, &rules, "http://127.0.0.1:9/");
    let center = center.start().await;
    let mut running = Vec::new();
    for worker in &workers {
        running.push(worker.start().await);
    }
    is_shared_by(&center, 3).await;
    // From the middle between two windows to another one, three windows later.
    let evaluated = "SELECT count(*) FROM lanner.evaluation";
    let middle = async || {
        let now_ms = crate::program::now_ms();
        let rest = u64::try_from(10_000 - (now_ms + 5_000).rem_euclid(10_000)).unwrap();
        tokio::time::sleep(Duration::from_millis(rest)).await;
    };
    middle().await;
    let (asked, made) = (queries(&influxdb).await, number(&server, "same", evaluated));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        middle().await;
    }
    let asked = queries(&influxdb).await - asked;
    let made = number(&server, "same", evaluated) - made;
    println!("{n_rules} rules with 100 queries: {asked} requests and {made} evaluations in three windows");
    assert_eq!((asked, made), (300, 3.0 * n_rules as f64));
    for program in running.into_iter().chain([center]) {
        program.stop().await;
    }
}

/// Rules that ask PostgreSQL, each for itself, and wait for the answer.
fn slow_rules(n_rules: u64, every: &str, wait_s: f64) -> Vec<Value> {
    let rule = |n: u64| {
        let sql = format!(
            "SELECT {n} + 0 * length(pg_sleep({wait_s})::text) AS value WHERE :from < :until::timestamptz"
        );
        json!({
            "id": format!("rule-{n}"), "query": { "sql": sql, "source": "slow" }, "window": every, "max_catchup": "1h",
            "absolute": { "max": 1_000_000 },
        })
    };
    (0..n_rules).map(rule).collect()
}

/// How many evaluations are made in so long.
async fn pace(server: &PostgreSql, database: &str, within: Duration) -> f64 {
    let made = "SELECT count(*) FROM lanner.evaluation";
    let before = number(server, database, made);
    let begun = Instant::now();
    tokio::time::sleep(within).await;
    (number(server, database, made) - before) / begun.elapsed().as_secs_f64()
}

/// By how much the latest of the windows was evaluated after its end, seconds.
fn latest_s(server: &PostgreSql, database: &str, since_ms: i64) -> f64 {
    let sql = format!(
        "SELECT max(evaluated_ms - end_ms) / 1000.0 FROM lanner.evaluation WHERE end_ms > {since_ms}"
    );
    number(server, database, &sql)
}

/// How many windows are missing, or there twice.
fn wrong_windows(server: &PostgreSql, database: &str, every_ms: u64) -> f64 {
    let sql = format!(
        "SELECT coalesce(sum(abs(n - different) + abs(n - windows)), 0) FROM (
             SELECT count(*) AS n, count(DISTINCT end_ms) AS different,
                    (max(end_ms) - min(end_ms)) / {every_ms} + 1 AS windows
             FROM lanner.evaluation GROUP BY rule) AS of_rule"
    );
    number(server, database, &sql)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_delays_no_window_by_more_than_one() {
    const EVERY_MS: u64 = 5_000;
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let url = server.fresh("rolling");
    let sources = json!([{ "name": "slow", "kind": "postgresql", "url": url }]);
    let mut rules = slow_rules(60, "5s", 0.0);
    for rule in &mut rules {
        rule["absolute"] = json!({ "max": -1 });
        rule["receivers"] = json!(["hook"]);
    }
    let webhook = Webhook::listen(false).await;
    let (center, workers) = four(folder.path(), &url, &sources, &rules, &webhook.url);
    let center = center.start().await;
    let mut running: Vec<Program> = Vec::new();
    for worker in &workers {
        running.push(worker.start().await);
    }
    is_shared_by(&center, 3).await;
    webhook.wait_for(rules.len()).await;
    let begun_ms = crate::program::now_ms();
    for setup in &workers {
        running.remove(0).stop().await;
        is_shared_by(&center, 2).await;
        running.push(setup.start().await);
        is_shared_by(&center, 3).await;
    }
    tokio::time::sleep(Duration::from_millis(2 * EVERY_MS)).await;
    let latest_s = latest_s(&server, "rolling", begun_ms);
    println!("rolling restart of three: the latest window came {latest_s:.1} s after its end");
    // Within a sixth of `every` it is not late.
    assert!(latest_s <= 5.0 + 5.0 / 6.0, "{latest_s}");
    assert_eq!(webhook.attempts().len(), rules.len(), "told once each, and of no end");
    for program in running.into_iter().chain([center]) {
        program.stop().await;
    }
    assert_eq!(wrong_windows(&server, "rolling", EVERY_MS), 0.0);
}

/// A long run for a figure: thousands of rules, and a worker killed each minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_hold_their_pace_while_one_is_killed_each_minute() {
    let minutes = size("LANNER_WORK_MINUTES", 0);
    if minutes == 0 {
        eprintln!("SKIPPED: LANNER_WORK_MINUTES says for how many minutes workers are killed");
        return;
    }
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let n_rules = size("LANNER_WORK_RULES", 12_500);
    let url = server.fresh("pace");
    let sources = json!([{ "name": "slow", "kind": "postgresql", "url": url, "parallel": 8 }]);
    let rule = |n: u64| {
        let sql = format!("SELECT {} AS value WHERE :from < :until::timestamptz", n % 100);
        json!({
            "id": format!("rule-{n}"), "query": { "sql": sql, "source": "slow" }, "window": "5s", "max_catchup": "1h",
            "absolute": { "max": n % 100 + 1 },
        })
    };
    let rules: Vec<Value> = (0..n_rules).map(rule).collect();
    let (center, workers) = four(folder.path(), &url, &sources, &rules, "http://127.0.0.1:9/");
    let center = center.start().await;
    let mut running = Vec::new();
    for worker in &workers {
        running.push(worker.start().await);
    }
    is_shared_by(&center, 3).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let begun_ms = crate::program::now_ms();
    for minute in 0..minutes {
        let pace = pace(&server, "pace", Duration::from_secs(45)).await;
        println!("minute {minute}: {pace:.0} evaluations a second");
        running.remove(0).kill();
        tokio::time::sleep(Duration::from_secs(12)).await;
        running.push(workers[usize::try_from(minute).unwrap() % 3].start().await);
        is_shared_by(&center, 3).await;
    }
    tokio::time::sleep(Duration::from_secs(15)).await;
    let seconds = (crate::program::now_ms() - begun_ms) as f64 / 1_000.0;
    let made = number(
        &server,
        "pace",
        &format!("SELECT count(*) FROM lanner.evaluation WHERE evaluated_ms > {begun_ms}"),
    );
    let latest_s = latest_s(&server, "pace", begun_ms);
    println!(
        "{:.0} evaluations a second over {seconds:.0} s; the latest came {latest_s:.1} s after its window",
        made / seconds
    );
    for program in running.into_iter().chain([center]) {
        program.stop().await;
    }
    assert_eq!(wrong_windows(&server, "pace", 5_000), 0.0);
}
