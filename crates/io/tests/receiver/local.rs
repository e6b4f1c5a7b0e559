//! `command` and `log`: programs and files.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::ResolvedReason;
use lanner_io::receiver::SendErrorKind::{Permanent, Retry};
use lanner_io::receiver::{Receiver, SendError};
use serde_json::{Value, json};

use crate::peers::{message, receiver};

/// A `command` receiver of a shell script in `dir`.
fn script(dir: &Path, text: &str, timeout: &str) -> Receiver {
    let path = dir.join(format!("{:016x}.sh", text.len()));
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    receiver(&json!({
        "kind": "command", "command": ["/bin/sh", path, "two words"], "timeout": timeout,
        "env": {"PAGER_TOKEN": "s3cret"},
    }))
}

#[tokio::test]
async fn a_program_gets_the_message_and_little_else() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let text = format!(
        "echo \"$1|$LANNER_KEY|$LANNER_STATUS|$LANNER_GROUP|$LANNER_N_ALERTS|$PAGER_TOKEN|$CARGO_PKG_NAME\" > {0}; cat >> {0}",
        out.display()
    );
    script(dir.path(), &text, "10s").send(&message("k1", "a")).await.unwrap();
    let written = std::fs::read_to_string(out).unwrap();
    let (first, input) = written.split_once('\n').unwrap();
    assert_eq!(first, r#"two words|k1|firing|{"group":"a"}|1|s3cret|"#);
    let input: Value = serde_json::from_str(input).unwrap();
    assert_eq!((&input["version"], &input["key"]), (&json!("1"), &json!("k1")));
}

#[tokio::test]
async fn a_program_and_a_log_are_told_the_runbook_and_why_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (out, log) = (dir.path().join("out"), dir.path().join("log.json"));
    let text =
        format!("echo \"$LANNER_ANNOTATIONS $LANNER_RESOLVED_REASON\" > {0}; cat >> {0}", out.display());
    let mut ended = message("k1", "a");
    let alert = &mut ended.alerts[0];
    alert.state = lanner_core::AlertState::Normal;
    (alert.resolved_ms, alert.resolved_reason) = (Some(1_767_229_200_000), Some(ResolvedReason::RuleDeleted));
    script(dir.path(), &text, "10s").send(&ended).await.unwrap();
    receiver(&json!({"kind": "log", "path": log})).send(&ended).await.unwrap();
    let (told, logged) = (std::fs::read_to_string(out).unwrap(), std::fs::read_to_string(log).unwrap());
    let (variables, input) = told.split_once('\n').unwrap();
    assert_eq!(variables, r#"{"runbook_url":"https://example.org/floor"} rule_deleted"#);
    for written in [input, &logged] {
        let written: Value = serde_json::from_str(written).unwrap();
        let alert = &written["alerts"][0];
        assert_eq!(alert["annotations"]["runbook_url"], "https://example.org/floor", "{written}");
        assert_eq!(alert["resolved_reason"], "rule_deleted", "{written}");
    }
}

#[tokio::test]
async fn an_exit_status_says_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let send = async |text| script(dir.path(), text, "10s").send(&message("k", "a")).await;
    #[track_caller]
    fn check(result: Result<(), SendError>, kind: lanner_io::receiver::SendErrorKind, part: &str) {
        let error = result.unwrap_err();
        assert!(error.kind == kind && error.message.contains(part), "{error}");
        assert!(!error.message.contains("s3cret"), "{error}");
    }
    assert_eq!(send("exit 0").await, Ok(()));
    check(send("echo no route with $PAGER_TOKEN >&2; exit 1").await, Retry, "no route with ***");
    check(send("exit 65").await, Permanent, "exit status: 65");
    check(send("kill -9 $$").await, Retry, "signal: 9");
    // Only the end of much output is kept, and a full pipe blocks nobody.
    check(send("head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; exit 3").await, Retry, "exit status: 3");
    let missing = receiver(&json!({"kind": "command", "command": ["/no/such/program"]}));
    check(missing.send(&message("k", "a")).await, Retry, "cannot run /no/such/program");
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let text = format!("sleep 60 & echo $! $$ > {}; wait", pids.display());
    let began = Instant::now();
    let error = script(dir.path(), &text, "500ms").send(&message("k", "a")).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(error.kind == Retry && error.message.contains("no answer within 500ms"), "{error}");
    for pid in std::fs::read_to_string(pids).unwrap().split_whitespace() {
        wait_for_end(pid.parse().unwrap()).await;
    }
}

async fn wait_for_end(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    for _ in 0..100 {
        // A zombie still has its number: it is dead all the same.
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        if stat.contains(") Z ") || rustix::process::test_kill_process(pid).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{pid:?} still runs");
}

#[tokio::test]
async fn a_program_may_leave_something_running() {
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    // The child holds standard error open; the program itself is done.
    script(dir.path(), "sleep 20 & exit 0", "1m").send(&message("k", "a")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_log_survives_rotation_and_half_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notifications.json");
    let log = receiver(&json!({"kind": "log", "path": path}));
    let keys = |path: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        let key = |line: &str| Some(serde_json::from_str::<Value>(line).ok()?["key"].as_str()?.to_owned());
        text.lines().map(|line| key(line).unwrap_or_else(|| line.to_owned())).collect()
    };
    log.send(&message("k1", "a")).await.unwrap();
    log.send(&message("k2", "a")).await.unwrap();
    let rotated = dir.path().join("notifications.json.1");
    std::fs::rename(&path, &rotated).unwrap();
    log.send(&message("k3", "a")).await.unwrap();
    assert_eq!(
        (keys(&rotated), keys(&path)),
        (vec!["k1".to_owned(), "k2".to_owned()], vec!["k3".to_owned()])
    );

    std::fs::write(&path, "{\"key\":\"torn").unwrap();
    log.send(&message("k4", "a")).await.unwrap();
    assert_eq!(keys(&path), ["{\"key\":\"torn", "k4"]);

    let nowhere = receiver(&json!({"kind": "log", "path": dir.path().join("none/x.json")}));
    let error = nowhere.send(&message("k", "a")).await.unwrap_err();
    assert!(error.kind == Retry && error.message.contains("check that its folder exists"), "{error}");
}
