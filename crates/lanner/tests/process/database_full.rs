//! The disk of the database of the state is full: rules wait, people are told, and afterwards nothing is missing.

use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::json;

use crate::program::{PATIENCE, Program, now_ms};
use crate::random::Random;
use crate::receiver::Webhook;
use crate::room::Room;
use crate::verdict::{Verdict, caught_up, check_log, end, seeds};
use crate::ways::node;

const N_RULES: usize = 12;
/// Enough for a new database and what it needs to run.
const ROOM_MIB: usize = 160;

/// Waits until a program says that it cannot write, and why.
async fn cannot_write(program: &Program) -> String {
    let begun = Instant::now();
    loop {
        let (status, why) = program.ask("/readyz").await;
        if status == 503 {
            return why;
        }
        assert!(begun.elapsed() < PATIENCE, "it is ready although the database has no room");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_delays_windows_and_loses_none() {
    for seed in seeds(4) {
        let mut random = Random::of(seed);
        let Some(room) = Room::of_mib(ROOM_MIB) else { return };
        let folder = tempfile::tempdir().unwrap();
        let Some(mut server) = PostgreSql::start(room.path()) else { return };
        let webhook = Webhook::listen(false).await;
        drop(server.fresh("no_room"));
        let center =
            node(&folder.path().join("center"), &server, "no_room", &json!(["api", "notify"]), &webhook);
        let worker = node(&folder.path().join("worker"), &server, "no_room", &json!("worker"), &webhook);
        let running_center = center.0.start().await;
        let running = worker.0.start().await;
        caught_up(&server, "no_room", N_RULES).await;
        tokio::time::sleep(Duration::from_millis(random.between(0, 3_000))).await;
        let begun_ms = now_ms();
        room.fill();
        let why = cannot_write(&running).await;
        println!("seed {seed}: after {} ms the worker says: {why}", now_ms() - begun_ms);
        // A change is refused, or it is written; the database may have ended by then.
        let (status, answer) =
            running_center.post("/api/v1/apply", json!({ "silences": [] }).to_string()).await;
        assert!([200, 503].contains(&status), "{status} {answer}");
        // A database makes room for a while, by what it no longer needs.
        for _ in 0..random.between(40, 80) {
            room.fill();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        room.free();
        // A database that could not write its log has ended itself; who keeps it starts it again.
        if !server.psql("postgres", "SELECT 1").is_ok_and(|said| said.status.success()) {
            println!("seed {seed}: the database has ended");
            server.kill();
            server.go_on();
        }
        let after = caught_up(&server, "no_room", N_RULES).await;
        let away = begun_ms - 1_000..now_ms() + 5_000;
        tokio::time::sleep(Duration::from_secs(2)).await;
        end(&server, "no_room", vec![running], running_center).await;
        let verdict = Verdict::of_database(&server, "no_room");
        let (n, latest_ms) = verdict.check_windows(N_RULES);
        let n_told = verdict.check_told(&webhook, &away);
        println!(
            "seed {seed}: {n} evaluations, the latest {latest_ms} ms after its window, {n_told} told; caught up after {after:?}"
        );
        check_log(&center.0);
        check_log(&worker.0);
    }
}
