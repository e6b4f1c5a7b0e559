//! What people do at one server is known at the others of the same state: alerts of workers are acknowledged, tokens are in force
//! everywhere, and a standby takes the server's place.

use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup, client};
use crate::receiver::Webhook;
use crate::shared_work::{
    N_RULES, all_fire, check_told, check_windows, four, is_shared_by, levels, set_level,
};

/// Has receivers tell again of what lasts, again and again.
fn tell_again(setup: &Setup) {
    let file = setup.config.clone().unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    config["receivers"][0]["repeat"] = json!("2s");
    config["receivers"][0]["group_interval"] = json!("1s");
    std::fs::write(&file, config.to_string()).unwrap();
}

/// How often a rule was told of.
fn times_told(webhook: &Webhook, rule: &str) -> usize {
    let label = format!("\"rule\":\"{rule}\"");
    webhook.attempts().iter().filter(|attempt| attempt.body.replace(": ", ":").contains(&label)).count()
}

/// The alert of a rule, once `ready` says so.
async fn alert(center: &Program, rule: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/alerts?rule={rule}");
    let alerts = center.until(&path, |alerts| alerts.get(0).is_some_and(&ready)).await;
    alerts[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_of_workers_are_acknowledged() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("taken");
    levels(&server, "taken");
    let (center, workers) = four(folder.path(), &url, &webhook);
    tell_again(&center);
    let center_setup = center.clone();
    let (center, worker) = (center.start().await, workers[0].start().await);
    is_shared_by(&center, 1).await;
    set_level(&server, "taken", 100);
    all_fire(&center).await;
    webhook.wait_for(2 * N_RULES).await; // told again

    let fingerprint = alert(&center, "load-3", |_| true).await["fingerprint"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/alerts/{fingerprint}/ack");
    let taken_on = json!({ "comment": "looking into it", "author": "ann" }).to_string();
    let begun = Instant::now();
    assert_eq!(center.post(&path, taken_on.clone()).await.0, 204);
    println!("acknowledged within {:?}", begun.elapsed());
    let is_taken_on = |alert: &Value| alert["acknowledged"]["author"] == "ann";
    alert(&center, "load-3", is_taken_on).await;

    // It is told of no more, others are, and that outlives whoever evaluates and whoever notifies.
    worker.kill();
    center.kill();
    let (center, worker) = (center_setup.start().await, workers[1].start().await);
    is_shared_by(&center, 1).await;
    alert(&center, "load-3", is_taken_on).await;
    let (of_taken, of_other) = (times_told(&webhook, "load-3"), times_told(&webhook, "load-4"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(times_told(&webhook, "load-3"), of_taken);
    assert!(times_told(&webhook, "load-4") > of_other, "others are told of again");

    // Given back, it is told of again. While its shard changes hands nobody can write that, and it is said so.
    let begun = Instant::now();
    loop {
        let (status, answer) = center.delete(&path).await;
        if status == 204 {
            break;
        }
        assert!(status == 503 && begun.elapsed() < PATIENCE, "{status} {answer}");
    }
    alert(&center, "load-3", |alert| alert["acknowledged"].is_null()).await;
    let begun = Instant::now();
    while times_told(&webhook, "load-3") == of_taken {
        assert!(begun.elapsed() < PATIENCE, "{}", center_setup.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Without a worker nobody can note it, and nothing is left to be noted later.
    worker.stop().await;
    let (status, answer) = center.post(&path, taken_on).await;
    assert_eq!(status, 503, "{answer}");
    assert_eq!(server.ask("taken", "SELECT count(*) FROM lanner.acknowledgement"), "0");
    assert_eq!(center.post("/api/v1/alerts/0000000000000000/ack", "{}").await.0, 404);
    center.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_show_what_they_hold_and_know_new_tokens() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("shown");
    levels(&server, "shown");
    let (center, workers) = four(folder.path(), &url, &webhook);
    let (center, worker) = (center.start().await, workers[0].start().await);
    is_shared_by(&center, 1).await;
    let reported = |status: &Value| {
        let worker = &status["sharing"]["workers"][0];
        worker["evaluations"].as_u64() > Some(0)
            && worker["rules"] == N_RULES
            && worker["lease_ms"].as_i64().is_some_and(|left| (0..=10_000).contains(&left))
    };
    center.until("/api/v1/status", reported).await;
    let shards = center.get("/api/v1/shards").await;
    let shards = shards.as_array().unwrap();
    assert_eq!(shards.len(), 256);
    assert!(shards.iter().all(|it| it["epoch"].as_u64() > Some(1) && it["worker"].is_string()), "{shards:?}");
    let n_rules: usize = shards.iter().filter_map(|it| it["rules"].as_array()).map(Vec::len).sum();
    assert_eq!(n_rules, N_RULES);

    // A token that is made at one server is asked for, and known, at the other.
    assert_eq!(worker.ask("/metrics").await.0, 200);
    let (status, made) =
        center.post("/api/v1/tokens", json!({ "name": "ann", "scopes": ["admin"] }).to_string()).await;
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap();
    let begun = Instant::now();
    while worker.ask("/metrics").await.0 != 401 {
        assert!(begun.elapsed() < PATIENCE, "{}", workers[0].log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("a worker wants the new token after {:?}", begun.elapsed());
    let shown = client().get(format!("{}/metrics", worker.url())).bearer_auth(token).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    let revoked =
        client().delete(format!("{}/api/v1/tokens/ann", center.url())).bearer_auth(token).send().await;
    assert!(revoked.unwrap().status().is_success());
    while worker.ask("/metrics").await.0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "{}", workers[0].log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop().await;
    center.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_notifies_when_the_other_is_gone() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("standby");
    levels(&server, "standby");
    let (first, workers) = four(folder.path(), &url, &webhook);
    let roles = json!(["api", "notify"]);
    let second = crate::shared_work::setup(&folder.path().join("second"), &url, &roles, &webhook);
    let center = first.start().await;
    let (one, two) = (workers[0].start().await, workers[1].start().await);
    let mut standby = second.spawn();
    is_shared_by(&center, 2).await;
    set_level(&server, "standby", 100);
    webhook.wait_for(N_RULES).await;
    assert!(!second.log().contains("Lanner listens"), "{}", second.log());

    // What was told is noted.
    center.until("/api/v1/status", |status| status["outbox"]["pending"] == 0).await;
    // The alerts end while nobody notifies; workers go on, and their ends are told by the other.
    center.kill();
    let begun = Instant::now();
    set_level(&server, "standby", 10);
    standby.ready().await;
    println!("the standby listens after {:?}", begun.elapsed());
    webhook.wait_for(2 * N_RULES).await;
    is_shared_by(&standby, 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    check_told(&webhook, &["firing", "resolved"]);
    for program in [one, two, standby] {
        program.stop().await;
    }
    check_windows(&server, "standby", "rule LIKE 'load-%'");
}
