//! What workers evaluate is in the index of results, also when one of them is killed.

use std::time::{Duration, Instant};

use lanner_testkit::{OpenSearch, PostgreSql};
use serde_json::{Value, json};

use crate::program::{PATIENCE, Setup, client, now_ms};
use crate::receiver::Webhook;
use crate::shared_work::{four, is_shared_by, levels};

fn send_results(setup: &Setup, node: &OpenSearch) {
    let file = setup.config.clone().unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    config["server"]["result_index"] = json!({ "url": node.url() });
    std::fs::write(&file, config.to_string()).unwrap();
}

/// The documents of windows that end by some time.
async fn count(node: &OpenSearch, until_ms: i64) -> u64 {
    let refresh = client().post(format!("{}/lanner-results-*/_refresh", node.url()));
    refresh.send().await.unwrap();
    let asked = json!({ "query": { "range": { "@timestamp": { "lte": until_ms } } } });
    let count = client().post(format!("{}/lanner-results-*/_count", node.url())).json(&asked);
    count.send().await.unwrap().json::<Value>().await.unwrap()["count"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_workers_evaluate_is_in_the_result_index() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let Some(node) = OpenSearch::start(folder.path()) else { return };
    let webhook = Webhook::listen(false).await;
    let url = server.fresh("results");
    levels(&server, "results");
    let (center, workers) = four(folder.path(), &url, &webhook);
    for setup in workers.iter().chain([&center]) {
        send_results(setup, &node);
    }
    let center = center.start().await;
    let [one, two, _] = &workers[..] else { panic!("three workers") };
    let (first, second) = (one.start().await, two.start().await);
    is_shared_by(&center, 2).await;
    tokio::time::sleep(Duration::from_secs(3)).await;

    // What it had not sent yet is sent after its next start.
    first.kill();
    is_shared_by(&center, 1).await;
    let first = one.start().await;
    is_shared_by(&center, 2).await;
    let until_ms = now_ms();
    tokio::time::sleep(Duration::from_secs(3)).await; // until these windows are evaluated
    let written =
        server.ask("results", &format!("SELECT count(*) FROM lanner.evaluation WHERE end_ms <= {until_ms}"));
    let written: u64 = written.trim().parse().unwrap();
    assert!(written > 100, "{written}");
    let begun = Instant::now();
    while count(&node, until_ms).await != written && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(count(&node, until_ms).await, written);
    for program in [center, first, second] {
        let setup = program.setup().clone();
        program.stop().await;
        assert!(!setup.log().contains("panicked"), "{}", setup.log());
    }
}
