//! The program comes back on a disk without room: what was in force is, people are told, and the rest is made up for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::faults::{apply, floor, webhook};
use crate::program::{PATIENCE, Program, Setup};
use crate::receiver::Webhook;
use crate::room::Room;

async fn blocks(program: &Program) -> bool {
    let asked = json!({ "context": { "bank": "hsbc" } }).to_string();
    let (status, answer) = program.post("/api/v1/switches/evaluate", asked).await;
    assert_eq!(status, 200, "{answer}");
    answer["verdicts"][0]["blocked"] == true
}

/// Waits until the program answers at all, which is not ready while the disk is full; says why it is not.
async fn there(program: &Program) -> String {
    let http = crate::program::client();
    let started = Instant::now();
    loop {
        if let Ok(answer) = http.get(format!("{}/readyz", program.url())).send().await
            && answer.status() == 503
        {
            return answer.text().await.unwrap();
        }
        assert!(started.elapsed() < PATIENCE, "it is not there, or ready with a full disk");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn change(program: &Program, what: &str) -> (u16, Value) {
    program.post(&format!("/api/v1/switches/stop/{what}"), "{}").await
}

async fn firing(program: &Program) -> Value {
    let fires = |alerts: &Value| {
        alerts.as_array().unwrap().iter().any(|it| it["rule"] == "floor" && it["state"] == "firing")
    };
    program.until("/api/v1/alerts", fires).await
}

/// Waits until people are told by a message after the first `n_before`; how many there are then.
async fn told_that_it_is_full(own: &Webhook, n_before: usize) -> usize {
    let started = Instant::now();
    loop {
        let attempts = own.attempts();
        if attempts.iter().skip(n_before).any(|it| it.body.contains("is full") && it.body.contains("firing"))
        {
            return attempts.len();
        }
        assert!(started.elapsed() < PATIENCE, "{attempts:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until people are told that the alert was over and fires again.
async fn ended_and_began_again(hook: &Webhook, n_before: usize) {
    let started = Instant::now();
    loop {
        let told: String = hook.attempts().iter().skip(n_before).map(|it| it.body.as_str()).collect();
        let ended = told.find(r#""status":"resolved""#);
        if ended.is_some_and(|at| told[at..].contains(r#""status":"firing""#)) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_on_a_full_disk() {
    let Some(room) = Room::of_mib(24) else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lanner.yaml");
    let configured = |reason: &str| json!({ "switches": [{ "id": "other", "when": "bank == \"ing\"", "reason": reason }] });
    std::fs::write(&config, configured("before").to_string()).unwrap();
    let setup =
        Setup { data: room.path().join("data"), config: Some(config.clone()), ..Setup::new(folder.path()) };
    let (hook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    let mut program = setup.start().await;
    apply(
        &program,
        json!([floor(&["hook"])]),
        json!([webhook("hook", &hook.url), webhook("self", &own.url)]),
    )
    .await;
    let stop = json!({ "switches": [{ "id": "stop", "when": "bank == \"hsbc\"" }] });
    assert_eq!(program.post("/api/v1/apply", stop.to_string()).await.0, 200);
    firing(&program).await;
    let mut n_own = 0;
    for (n, is_killed) in [true, false].into_iter().enumerate() {
        // What is killed leaves the log of the store and its index behind; what ends by itself leaves no room for them.
        if is_killed {
            room.fill();
            program.kill();
        } else {
            program.stop().await;
            room.fill();
        }
        // Also with a configuration that cannot be stored.
        std::fs::write(&config, configured(&format!("after {n}")).to_string()).unwrap();
        program = setup.spawn();
        let why = there(&program).await;
        assert!(why.contains("full"), "{why}");
        // What was in force is, and can be changed.
        assert!(blocks(&program).await);
        firing(&program).await;
        let (status, answer) = change(&program, "deactivate").await;
        assert!(status == 507 && answer.to_string().contains("is in force"), "{status} {answer}");
        assert!(!blocks(&program).await);
        let (status, _) = program.post("/api/v1/events/orders", "{}").await;
        assert_eq!(status, 507);
        n_own = told_that_it_is_full(&own, n_own).await;
        room.free();
        program.ready().await;
        // What could not be written is, and evaluation goes on.
        let recorded = |all: &Value| all[0]["document"]["status"] == "inactive";
        program.until("/api/v1/switches/stop/history", recorded).await;
        let reason = format!("after {n}");
        let is_applied = |other: &Value| other.to_string().contains(&reason);
        program.until("/api/v1/switches/other", is_applied).await;
        let n_hook = hook.attempts().len();
        assert_eq!(program.post("/api/v1/events/orders", "{}").await.0, 200);
        let (status, answer) = change(&program, "activate").await;
        assert_eq!(status, 200, "{answer}");
        ended_and_began_again(&hook, n_hook).await;
        firing(&program).await;
    }
    program.stop().await;
    let log = setup.log();
    assert!(log.contains("opened with its index in memory"), "{log}");
    assert!(!log.contains("panicked") && !log.contains("damaged"), "{log}");
}

/// Whoever restores where there is no room reads which disk and how much it takes, and still has what was there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_without_room_changes_nothing() {
    let Some(room) = Room::of_mib(24) else { return };
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { data: room.path().join("data"), ..Setup::new(folder.path()) };
    let backup = folder.path().join("backup.db");
    let (data, backup) = (setup.data.to_str().unwrap().to_owned(), backup.to_str().unwrap().to_owned());
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lanner"));
        let output = command.args(arguments).env_remove("LANNER_DATA").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    };
    let program = setup.start().await;
    assert_eq!(program.post("/write", "there value=1".to_owned()).await.0, 204);
    program.stop().await;
    assert_eq!(run(&["backup", "--data", &data, &backup]).0, Some(0));
    room.fill();
    let (status, said) = run(&["restore", &backup, "--data", &data, "--force"]);
    let words = [
        &format!("the disk of {data} is full: restoring {backup} needs at least 1 MB"),
        "nothing was changed",
    ];
    assert!(status == Some(3) && words.iter().all(|word| said.contains(*word)), "{status:?} {said}");
    assert!(!setup.data.join("lanner.db.new").exists() && !setup.data.join("lanner.replaced-1").exists());
    room.free();
    let (status, said) = run(&["export", "--data", &data]);
    assert!(status == Some(0) && said.contains("there"), "{status:?} {said}");
    assert_eq!(run(&["restore", &backup, "--data", &data, "--force"]).0, Some(0));
}
