//! The program with its state in a real PostgreSQL: killed, its database killed, and another program beside it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Program, Setup, client};
use crate::receiver::Webhook;

/// A program whose state is in `database`, with a rule that is judged every second and fires whatever it counts, so that nothing
/// depends on when the first of the load arrives. `own` is told of the program itself.
fn setup(folder: &Path, database: &str, webhook: &Webhook, own: &Webhook) -> Setup {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let config = json!({
        "server": { "state": { "postgresql": { "url": database } } },
        "rules": [{
            "id": "load", "query": { "stream": "load", "measure": "count" }, "window": "1s", "absolute": { "max": -1 },
            "receivers": ["hook"], "max_catchup": "1h", "content": "{{ rule }} {{ value }}",
        }],
        "receivers": [
            { "name": "hook", "kind": "webhook", "url": webhook.url, "group_wait": "0s", "group_interval": "0s" },
            { "name": "self", "kind": "webhook", "url": own.url },
        ],
    });
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    setup.config = Some(file);
    setup
}

/// Sends events to these addresses, whoever listens there, until dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    fn on(setups: &[&Setup]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        for setup in setups {
            let (url, is_over) = (format!("{}/api/v1/events/load", setup.url()), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    // Nobody may be there.
                    let _ = client().post(&url).json(&json!({ "host": "a" })).send().await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
        }
        Self(is_over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Evaluations of the rule, and how many windows lie between the first and the last of them: each is there, once.
#[track_caller]
fn check_windows(server: &PostgreSql, database: &str) -> u64 {
    let said = server.ask(
        database,
        "SELECT count(*), count(DISTINCT end_ms), (max(end_ms) - min(end_ms)) / 1000 + 1 FROM lanner.evaluation WHERE rule = 'load'",
    );
    let counts: Vec<u64> = said.split('|').map(|count| count.parse().unwrap()).collect();
    assert_eq!((counts[0], counts[1]), (counts[2], counts[2]), "evaluations, different ones, windows");
    counts[0]
}

async fn said(setup: &Setup, text: &str) {
    let started = Instant::now();
    while !setup.log().contains(text) {
        assert!(started.elapsed() < PATIENCE, "it never said \"{text}\":\n{}", setup.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn is_firing(program: &Program) {
    let firing = |alerts: &Value| alerts.to_string().contains("\"firing\"");
    program.until("/api/v1/alerts", firing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_and_messages_survive_kills_of_the_program_and_of_the_database() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut server) = PostgreSql::start(data.path()) else { return };
    let (webhook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    webhook.answer([500; 1_000]);
    let setup = setup(folder.path(), &server.fresh("alerts"), &webhook, &own);
    let program = setup.start().await;
    let load = Load::on(&[&setup]);
    let first = webhook.wait_for(1).await.remove(0);
    is_firing(&program).await;
    let status = program.get("/api/v1/status").await;
    assert!(status["store"]["state"].as_str().unwrap().starts_with("PostgreSQL at 127.0.0.1:"), "{status}");

    // Both are killed while the message waits.
    program.kill();
    server.kill();
    server.go_on();
    let program = setup.start().await;
    is_firing(&program).await;

    // The database goes away while the program runs, and the message can be taken again.
    server.kill();
    let started = Instant::now();
    loop {
        let (status, text) = program.ask("/readyz").await;
        if status == 503 && text.contains("database") {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{status}: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, answer) = program.post("/api/v1/apply", "{ \"rules\": [] }").await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.to_string().contains("the database of the state is away"), "{answer}");
    webhook.answer([]);
    server.go_on();
    program.until("/api/v1/outbox?status=pending", |waiting| *waiting == json!([])).await;
    let begun = Instant::now();
    while program.ask("/readyz").await.0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "{}", setup.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    is_firing(&program).await;
    program.stop().await;
    drop(load);

    let taken: Vec<_> = webhook.attempts().into_iter().filter(|attempt| attempt.taken).collect();
    assert!(taken.len() == 1 && taken[0].key == first.key, "one message, as it was at first: {taken:?}");
    assert!(check_windows(&server, "alerts") > 5);
    for bad in ["panicked", "not written:", "AlreadyEvaluated"] {
        assert!(!setup.log().contains(bad), "the log says \"{bad}\":\n{}", setup.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_while_the_database_is_away() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut server) = PostgreSql::start(data.path()) else { return };
    let (webhook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    let setup = setup(folder.path(), &server.fresh("away"), &webhook, &own);
    let url = server.url("away");
    server.kill();
    // The program waits for its database, and says so.
    let mut program = setup.spawn();
    said(&setup, "the server starts when the database of the state is there").await;
    server.go_on();
    program.ready().await;
    server.kill();
    let load = Load::on(&[&setup]);
    let told = webhook.wait_for(1).await;
    assert!(told[0].body.contains("load"), "{told:?}");
    let own = own.wait_for(1).await;
    assert!(own[0].body.contains("rules wait, and incoming data is stored"), "{own:?}");
    // Longer than it is noted how long the program was there.
    tokio::time::sleep(Duration::from_secs(7)).await;
    server.go_on();
    program.until("/api/v1/outbox?status=pending", |waiting| *waiting == json!([])).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(load);
    program.stop().await;
    assert_eq!(webhook.attempts().len(), 1, "{:?}", webhook.attempts());
    check_windows(&server, "away");
    // What was received meanwhile is known.
    let unknown = "SELECT count(*) FROM lanner.evaluation WHERE coalesce(value, 0) = 0 AND end_ms >
                   (SELECT min(end_ms) FROM lanner.evaluation WHERE value > 0)";
    assert_eq!(server.ask("away", unknown), "0", "{}", setup.log());

    // Without its configuration the folder is refused rather than served with nothing in it.
    let without = Setup { config: None, ..setup.clone() };
    let (status, said) = without.fail();
    assert!(!status.success() && said.contains("is kept in PostgreSQL at 127.0.0.1:"), "{said}");
    assert!(!url.is_empty() && said.contains("state: file"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_begins_when_the_one_before_ends() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let (webhook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    let url = server.fresh("standby");
    let one = setup(&folder.path().join("one"), &url, &webhook, &own);
    let two = setup(&folder.path().join("two"), &url, &webhook, &own);
    let load = Load::on(&[&one, &two]);
    let first = one.start().await;
    is_firing(&first).await;
    let mut second = two.spawn();
    said(&two, "this one is a standby").await;
    assert!(
        client().get(format!("{}/healthz", two.url())).send().await.is_err(),
        "a standby listens nowhere"
    );

    // Killed: the standby begins when the lease ends.
    let killed = Instant::now();
    first.kill();
    second.ready().await;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    is_firing(&second).await;

    // Stopped: it begins at once.
    let mut first = one.spawn();
    said(&one, "this one is a standby").await;
    second.stop().await;
    let stopped = Instant::now();
    first.ready().await;
    println!("taken over after a kill in {took:?}, after a stop in {:?}", stopped.elapsed());

    // Stopped for longer than its lease, and continued: it writes nothing, says so and ends.
    let mut second = two.spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.signal(rustix::process::Signal::STOP);
    second.ready().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    first.signal(rustix::process::Signal::CONT);
    let status = first.ended().await;
    assert!(!status.success() && one.log().contains("this server was replaced"), "{status}: {}", one.log());
    tokio::time::sleep(Duration::from_secs(2)).await;
    is_firing(&second).await;
    second.stop().await;
    drop(load);
    assert!(check_windows(&server, "standby") > 10);
    let taken: Vec<_> = webhook.attempts().into_iter().filter(|attempt| attempt.taken).collect();
    assert_eq!(taken.len(), 1, "told once: {taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_database_that_hangs_keep_nobody_from_switches() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let (webhook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    let program = setup(folder.path(), &server.fresh("hangs"), &webhook, &own).start().await;
    let client = client();
    let evaluate = async || {
        let request = client.post(format!("{}/api/v1/switches/evaluate", program.url()));
        request.body(r#"{"context": {"bank": "north"}}"#).send().await.unwrap().status().as_u16()
    };
    assert_eq!(evaluate().await, 200);
    let url = format!("{}/api/v1/audit", program.url());
    // Shorter than the lease.
    let held = server.suspend();
    let readers: Vec<_> = (0..1_000).map(|_| tokio::spawn(client.get(&url).send())).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(evaluate().await, 200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    drop(held);
    // Those whose turn came are answered in the end, and the others were told so.
    let mut n_answered = 0;
    for reader in readers {
        match reader.await.unwrap().map(|answer| answer.status().as_u16()) {
            Ok(200) => n_answered += 1,
            Ok(status) => assert_eq!(status, 503),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(n_answered >= 16, "{n_answered}");
    program.stop().await;
}

/// A database that takes what is read and hangs at what is written: a switch is in force at once, and who changed it is told in
/// time that it is not recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_a_switch_is_told_in_time_while_the_database_hangs() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let (webhook, own) = (Webhook::listen(false).await, Webhook::listen(false).await);
    let program = setup(folder.path(), &server.fresh("late"), &webhook, &own).start().await;
    let post = async |path: &str, body: Value| {
        let request = client().post(format!("{}{path}", program.url())).timeout(PATIENCE * 2);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let ids = ["north", "south"];
    let switches =
        ids.map(|id| json!({ "id": id, "when": format!("bank == \"{id}\""), "status": "inactive" }));
    let (status, said) = post("/api/v1/apply", json!({ "switches": switches })).await;
    assert_eq!(status, 200, "{said}");
    let held = std::thread::spawn(move || {
        server.ask("late", "BEGIN; LOCK TABLE lanner.document IN SHARE MODE; SELECT pg_sleep(13); COMMIT");
        server
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let change = async |id: &str| {
        let said = post(&format!("/api/v1/switches/{id}/activate"), json!({ "force": true })).await;
        (said, begun.elapsed())
    };
    let both_block = async {
        for id in ids {
            let asked = json!({ "context": { "bank": id } });
            while !post("/api/v1/switches/evaluate", asked.clone()).await.1.contains("\"blocked\":true") {
                assert!(begun.elapsed() < Duration::from_secs(5), "{id} is not in force");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let (north, south, ()) = tokio::join!(change("north"), change("south"), both_block);
    for ((status, said), after) in [north, south] {
        assert!(status == 503 && said.contains("in force, but not recorded within 10 s"), "{status} {said}");
        assert!(after < Duration::from_secs(12), "{after:?}");
    }
    // It is recorded once the database goes on.
    let server = held.join().unwrap();
    let written = "SELECT count(*) FROM lanner.document WHERE kind = 'switch' AND version = 2";
    let until = Instant::now() + PATIENCE;
    while server.ask("late", written) != "2" {
        assert!(Instant::now() < until, "{} are recorded", server.ask("late", written));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    program.stop().await;
}
