//! Who is notified of what while receivers refuse it and disks are full.

use std::time::Duration;

use serde_json::{Value, json};

use crate::faults::{apply, floor, webhook};
use crate::program::{Program, Setup};
use crate::receiver::{Attempt, Webhook};
use crate::room::Room;

fn status(attempt: &Attempt) -> String {
    let body: Value = serde_json::from_str(&attempt.body).unwrap();
    body["status"].as_str().unwrap().to_owned()
}

/// A receiver that repeats nothing.
fn hook(url: &str) -> Value {
    let mut hook = webhook("hook", url);
    hook["repeat"] = json!("never");
    hook
}

async fn event(program: &Program) {
    assert_eq!(program.post("/api/v1/events/orders", "{}").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_once_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let listener = Webhook::listen(false).await;
    let program = setup.start().await;
    let mut n_attempts = 0;
    for refusal in [403, 400, 410, 302] {
        listener.answer([refusal]);
        apply(&program, json!([floor(&["hook"])]), json!([hook(&listener.url)])).await;
        let attempts = listener.wait_for(n_attempts + 2).await;
        let [refused, told] = &attempts[n_attempts..n_attempts + 2] else { panic!("{attempts:?}") };
        assert_eq!((status(refused), refused.taken), ("firing".to_owned(), false), "{refusal}");
        assert_eq!((status(told), told.taken), ("firing".to_owned(), true), "{refusal}");
        assert_ne!(refused.key, told.key, "{refusal}");
        // And its end, once.
        let (code, answer) = program.delete("/api/v1/rules/floor").await;
        assert_eq!(code, 200, "{answer}");
        let attempts = listener.wait_for(n_attempts + 3).await;
        assert_eq!(status(&attempts[n_attempts + 2]), "resolved");
        n_attempts = attempts.len();
    }
    assert_eq!(program.get("/api/v1/outbox?status=dead").await, json!([]));
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hears_the_end_of_what_they_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let listener = Webhook::listen(false).await;
    let program = setup.start().await;
    listener.answer([403; 1_000]);
    let mut hook = hook(&listener.url);
    hook["give_up_after"] = json!("2s");
    apply(&program, json!([floor(&["hook"])]), json!([hook])).await;
    let dead = |dead: &Value| dead.as_array().is_some_and(|dead| !dead.is_empty());
    let dead = program.until("/api/v1/outbox?status=dead", dead).await;
    assert!(listener.attempts().len() >= 2, "given up before it was tried again");
    let key = dead[0]["notification"]["key"].as_str().unwrap().to_owned();
    // While it lasts, whoever asks has it told again, as a message of its own.
    let n_before = listener.attempts().len();
    let (code, answer) = program.post(&format!("/api/v1/outbox/{key}/retry"), "").await;
    assert_eq!(code, 204, "{answer}");
    let attempts = listener.wait_for(n_before + 1).await;
    assert!(attempts.last().unwrap().key != key);
    let given_up = |dead: &Value| dead[0]["notification"]["key"].as_str().is_some_and(|other| other != key);
    let dead = program.until("/api/v1/outbox?status=dead", given_up).await;
    let key = dead[0]["notification"]["key"].as_str().unwrap().to_owned();
    // An event in each window, for one alone is over before a busy machine has looked.
    while program.get("/api/v1/alerts").await.as_array().unwrap().iter().any(|it| it["rule"] == "floor") {
        event(&program).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    listener.answer([]);
    let n_before = listener.attempts().len();
    let (code, answer) = program.post(&format!("/api/v1/outbox/{key}/retry"), "").await;
    assert_eq!(code, 409, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("are over"), "{answer}");
    // The next episode may have begun by now; nothing of the old one is told.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        listener.attempts()[n_before..].iter().all(|it| status(it) == "firing"),
        "{:?}",
        listener.attempts()
    );
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_while_the_disk_is_full() {
    let Some(room) = Room::of_mib(24) else { return };
    let setup = Setup::new(room.path());
    let listener = Webhook::listen(false).await;
    let program = setup.start().await;
    let mut hook = hook(&listener.url);
    hook["group_wait"] = json!("2s");
    apply(&program, json!([floor(&["hook"])]), json!([hook])).await;
    program.until("/api/v1/alerts", |alerts| alerts[0]["state"] == "firing").await;
    room.fill();
    let told = listener.wait_for(1).await;
    assert_eq!(status(&told[0]), "firing");
    let ready = program.ask("/readyz").await;
    assert_eq!(ready.0, 503, "the message came although the disk was not full: {}", ready.1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(listener.attempts().len(), 1, "told more than once");
    room.free();
    let mut program = program;
    program.ready().await;
    let key = told[0].key.as_str();
    let is_sent = |sent: &Value| sent[0]["notification"]["key"] == key;
    program.until("/api/v1/outbox?status=sent", is_sent).await;
    // Nothing is told twice, by this run or the next, and what follows is told.
    program.stop().await;
    let program = setup.start().await;
    // The windows that the restart cut short are unknown: they neither begin nor end anything.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    event(&program).await;
    let attempts = listener.wait_for(2).await;
    assert_eq!(
        (status(&attempts[1]), attempts[1].key == key),
        ("resolved".to_owned(), false),
        "{attempts:?}"
    );
    program.stop().await;
}
