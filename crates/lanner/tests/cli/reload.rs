//! The server's own configuration, read again while it runs.

use std::process::Command;

use serde_json::json;

use crate::program::{Served, eventually, serve};

fn rule(id: &str, receiver: &str) -> String {
    format!(
        "- {{ id: {id}, query: {{ stream: s, measure: count }}, window: 1m, absolute: {{ max: 5 }}, receivers: [{receiver}] }}\n"
    )
}

fn configuration(rules: &str, settings: &str) -> String {
    format!(
        "rules:\n{rules}receivers:\n- {{ name: ops, kind: webhook, url: 'http://127.0.0.1:1/' }}\n\
         inhibit:\n- {{ source: {{ severity: page }}, target: {{ severity: ticket }} }}\n\
         switches:\n- {{ id: stop, when: 'BANK == \"HSBC\"' }}\n{settings}"
    )
}

/// A server with a configuration file, which is returned.
fn start(text: &str) -> (Served, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lanner.yaml").to_str().unwrap().to_owned();
    std::fs::write(&path, text).unwrap();
    (serve(folder, &["--config", &path]), path)
}

fn ids(server: &Served, kind: &str) -> Vec<String> {
    let listed = server.json(&[kind, "list"]);
    listed.as_array().unwrap().iter().map(|view| view["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_changed_file_takes_effect_as_a_whole_or_not_at_all() {
    let (server, path) = start(&configuration(&rule("a", "ops"), "server: { guard: 20% }\n"));
    assert_eq!(
        (ids(&server, "rule"), ids(&server, "switch")),
        (vec!["a".to_owned()], vec!["stop".to_owned()])
    );
    server.run(&["reload"]).says(0, &["rules: 1 unchanged"]);

    std::fs::write(&path, configuration(&rule("b", "ops"), "server: { guard: off, max_writers: 7 }\n"))
        .unwrap();
    server.run(&["reload"]).says(
        1,
        &["rules: 1 created, 1 deleted", "now in force: server.guard", "after a restart: server.max_writers"],
    );
    assert_eq!(ids(&server, "rule"), ["b"]);

    let wrong = rule("c", "nobody")
        + "- { id: d, query: { stream: s, measure: sum(a * 2) }, window: 1, absolute: { max: 5 } }\n";
    std::fs::write(&path, configuration(&wrong, "server: { guard: 0.5, lisen: x }\n")).unwrap();
    server.run(&["reload"]).says(
        2,
        &[
            "names the receiver \"nobody\"",
            "takes one field",
            "rules[1].window",
            "server.guard",
            "server.lisen",
            "lanner.yaml",
        ],
    );
    assert_eq!(ids(&server, "rule"), ["b"]);
    std::fs::write(&path, "rules: [").unwrap();
    server.run(&["reload"]).says(2, &["this is not YAML"]);
    std::fs::remove_file(&path).unwrap();
    assert_ne!(server.run(&["reload"]).code, 0);
    assert_eq!(ids(&server, "rule"), ["b"]);
}

/// What others may do changes at once, and is gone at once.
#[test]
fn powers_names_and_origins_change_without_a_restart() {
    let (server, path) = start("server: { max_writers: 3 }\n");
    let log = server.path("told.json");
    let receiver =
        server.file("log.yaml", format!("receivers: [{{ name: team, kind: log, path: {log} }}]\n"));
    server.run(&["apply", &receiver]).says(2, &["server.allow: [log]"]);
    let settings = "server: { max_writers: 3, allow: [log], hosts: [lanner.internal], external_url: 'https://lanner.example' }\n";
    std::fs::write(&path, settings).unwrap();
    server.run(&["reload"]).says(0, &["now in force: server.allow, server.external_url, server.hosts"]);
    server.run(&["apply", &receiver]).expect(0);
    server.run(&["receiver", "test", "team"]).expect(0);
    assert!(std::fs::read_to_string(&log).unwrap().contains("https://lanner.example"));
    std::fs::write(&path, "server: { max_writers: 4 }\n").unwrap();
    server.run(&["reload"]).says(1, &["now in force: server.allow", "after a restart: server.max_writers"]);
    assert_ne!(server.run(&["receiver", "test", "team"]).code, 0);
    let listed = server.json(&["receiver", "list"]);
    assert!(listed[0]["problem"].as_str().unwrap().contains("server.allow: [log]"), "{listed}");
}

#[test]
fn a_hang_up_reads_the_file_again() {
    let (server, path) = start(&configuration(&rule("a", "ops"), ""));
    let hang_up = |server: &Served| {
        let status = Command::new("kill").args(["-HUP", &server.id().to_string()]).status().unwrap();
        assert!(status.success());
    };
    std::fs::write(&path, "rules: [{ id: broken }]\n").unwrap();
    hang_up(&server);
    std::fs::write(&path, "rules:\n".to_owned() + &rule("b", "ops").replace(", receivers: [ops]", ""))
        .unwrap();
    hang_up(&server);
    eventually(|| ids(&server, "rule") == ["b"], "the new rule");
    // What the file had before and has no more is gone: receivers, inhibitions and switches as well.
    assert_eq!((server.json(&["receiver", "list"]), ids(&server, "switch")), (json!([]), vec![]));
    let (log, _) = server.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn without_a_file_there_is_nothing_to_read_again() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    server.run(&["reload"]).says(2, &["without a configuration file"]);
    let status = Command::new("kill").args(["-HUP", &server.id().to_string()]).status().unwrap();
    assert!(status.success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    server.run(&["status"]).expect(0);
}

#[test]
fn what_others_made_stays() {
    let (server, path) = start(&configuration(&rule("a", "ops"), ""));
    let own = server.file("own.yaml", "rules:\n".to_owned() + &rule("mine", "ops"));
    server.run(&["rule", "apply", &own]).expect(0);
    // The receiver is in the file no more, and a rule that somebody else made names it.
    std::fs::write(&path, "rules: []\n").unwrap();
    server.run(&["reload"]).says(0, &["rules: 1 deleted"]);
    assert_eq!(ids(&server, "rule"), ["mine"]);
    assert_eq!(server.json(&["receiver", "list"])[0]["name"], "ops");
}
