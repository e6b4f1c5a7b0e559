//! Who may call, on the command line; and what data may not do to the terminal that shows it.

use crate::program::{lanner, run, serve};

fn start() -> crate::program::Served {
    serve(tempfile::tempdir().unwrap(), &[])
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let server = start();
    server.run(&["token", "list"]).says(0, &[]);
    server
        .run(&["token", "create", "telegraf", "--scope", "ingest"])
        .says(2, &["first token needs the scope admin"]);
    server
        .run(&["token", "create", "ann", "--scope", "root"])
        .says(2, &["ingest, read, evaluate, operate, admin"]);
    let made = server.run(&["token", "create", "ann", "--scope", "admin"]);
    let ann = made.out.trim().to_owned();
    assert!(ann.starts_with("lanner_"), "{ann}");
    made.says(0, &["shown only once", "from now on every request needs a token"]);
    server.run(&["rule", "list"]).says(2, &["requires a token", "--token", "LANNER_TOKEN"]);
    server.run(&["rule", "list", "--token", "lanner_0123456789"]).says(2, &["the token is invalid"]);

    let read = server.run(&["token", "create", "eve", "--scope", "read,evaluate", "--token", &ann]).expect(0);
    server.run(&["rule", "list", "--token", read.trim()]).expect(0);
    let silence = ["silence", "add", "rule=x", "--for", "1h", "--comment", "c", "--token"];
    let with = |token: &str| server.run(&[&silence[..], &[token]].concat());
    with(read.trim()).says(2, &["\"eve\" may not do this", "lacks the scope operate"]);
    with(&ann).expect(0);
    let listed = server.run(&["token", "list", "--token", &ann, "--format", "csv"]).expect(0);
    assert!(listed.contains("eve,\"read, evaluate\",") && !listed.contains(read.trim()), "{listed}");
    server.run(&["token", "revoke", "eve", "--token", &ann]).says(0, &["eve is revoked"]);
    server.run(&["rule", "list", "--token", read.trim()]).says(2, &["the token is invalid"]);
    // A folder without a server is its owner's, who needs no token.
    let data = server.path("data");
    let (_, folder) = server.stop();
    let made = run(&["token", "create", "bob", "--scope", "admin", "--data", &data]).expect(0);
    let server = serve(folder, &[]);
    server.run(&["rule", "list", "--token", made.trim()]).expect(0);
}

#[test]
fn what_receivers_may_do_on_the_machine_is_the_configurations_business() {
    let server = start();
    let rules = "receivers:\n  - { name: file, kind: log, path: /nowhere/x.json }\n";
    let file = server.file("rules.yaml", rules);
    server
        .run(&["rule", "apply", &file])
        .says(2, &["receivers.file.kind", "configuration file only", "--allow log"]);
    run(&["serve", "--allow", "root"]).says(2, &["cannot be allowed", "command, log, file, env"]);
}

#[test]
fn data_does_nothing_to_whoever_looks_at_it() {
    let server = start();
    let bad = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\0";
    let event = serde_json::json!({ "shop": bad, "time": 1_767_225_600_000_i64 });
    server
        .run(&[
            "import",
            "--too-old",
            "keep",
            "--stream",
            "orders",
            &server.file("e.ndjson", format!("{event}\n")),
        ])
        .expect(0);
    let query =
        ["query", "--stream", "orders", "--measure", "count", "--by", "shop", "--from", "2026-01-01", "--to"];
    for format in ["table", "json"] {
        let shown =
            server.run(&[&query[..], &["2026-01-02", "--step", "1d", "--format", format]].concat()).expect(0);
        assert!(shown.contains("owned"), "{shown}");
        let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(hidden), "{format}: {shown:?}");
    }
}

/// Under cron and in containers nobody says who it is: the history still names a person and a machine.
#[cfg(unix)]
#[test]
fn who_has_no_name_in_the_environment_has_one_in_the_history() {
    let server = start();
    let rules =
        "rules: [{ id: a, query: { stream: s, measure: count }, window: 1m, absolute: { max: 5 } }]\n";
    let file = server.file("rules.yaml", rules);
    let mut apply = lanner();
    for name in ["USER", "LOGNAME", "USERNAME"] {
        apply.env_remove(name);
    }
    let ran = apply.args(["rule", "apply", &file]).env("LANNER_URL", &server.url).output().unwrap();
    crate::program::Ran::from(ran).expect(0);
    let rules = server.json(&["rule", "list"]);
    let (user, machine) = rules[0]["actor"].as_str().unwrap().split_once('@').unwrap();
    assert!(!user.is_empty() && !machine.is_empty(), "{rules}");
}

#[test]
fn https_to_a_plain_port_is_told_in_words() {
    let server = start();
    let url = server.url.replace("http://", "https://");
    let ran: crate::program::Ran = lanner().args(["status", "--url", &url]).output().unwrap().into();
    ran.says(3, &["no answer from https://", "does not speak TLS; write http://"]);
}
