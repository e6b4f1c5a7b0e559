//! The server is killed while it changes switches: what it acknowledged is there afterwards, and its clients go on.

use std::time::{Duration, Instant};

use lanner_client::{Options, Switches};
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup};

fn blocks(switches: &Switches, x: u64) -> bool {
    switches.evaluate(json!({ "x": x }).as_object().unwrap()).is_blocked()
}

async fn block(program: &Program, x: u64) -> Option<u64> {
    let document = json!({"switches": [{"id": "a", "when": format!("x == {x}")}]});
    let (status, _) = program.post("/api/v1/switches", document.to_string()).await;
    (status == 200).then_some(x)
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_killed_server_keep_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let options = || Options::new(setup.url()).patience(PATIENCE).cache(folder.path().join("switches.json"));
    let mut program = setup.start().await;
    block(&program, 0).await.unwrap();
    let switches = Switches::connect(options()).await.unwrap();
    for round in 1..4 {
        // Killed while it is changed again and again.
        let mut last = 0;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(300) {
            last = block(&program, 1_000 * round + last % 1_000 + 1).await.unwrap();
        }
        until("the last change", || blocks(&switches, last)).await;
        program.kill();
        until("a problem", || switches.status().problem.is_some()).await;
        assert!(blocks(&switches, last) && !blocks(&switches, 0));
        let verdict = switches.evaluate(json!({"x": last}).as_object().unwrap());
        assert!(verdict.staleness().for_ms > 0, "it says that nobody confirmed it");
        // A process that starts now starts with the file.
        let late = Switches::connect(options().patience(Duration::from_millis(100))).await.unwrap();
        assert!(blocks(&late, last));

        program = setup.start().await;
        let shown: Value = program.get("/api/v1/switches/a").await;
        assert!(shown.to_string().contains(&format!("x == {last}")), "{shown}");
        until("no problem", || switches.status().problem.is_none()).await;
        block(&program, 0).await.unwrap();
        until("a change after it came back", || blocks(&switches, 0) && blocks(&late, 0)).await;
    }
    program.stop().await;
}
