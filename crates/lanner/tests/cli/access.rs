//! Who may call, on the command line; and what data may not do to the terminal that shows it.

use serde_json::json;

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
    server.run(&["token", "revoke", "bob", "--token", &ann]).says(0, &["bob is revoked"]);
    server.run(&["token", "revoke", "ann", "--token", &ann]).says(0, &["no token is left"]);
    server.run(&["rule", "list"]).expect(0);
}

#[test]
fn users_are_added_listed_and_removed() {
    let server = start();
    server.run(&["user", "list"]).says(0, &[]);
    server.run(&["user", "add", "bob", "--scope", "read"]).says(2, &["first user needs the scope admin"]);
    server
        .run(&["user", "add", "ann", "--scope", "root"])
        .says(2, &["ingest, read, evaluate, operate, admin"]);
    let short = server.file("short.txt", "short\n");
    server
        .run(&["user", "add", "ann", "--scope", "admin", "--password-file", &short])
        .says(2, &["password", "at least 12"]);
    let made = server.run(&["user", "add", "ann", "--scope", "admin"]);
    let password = made.out.trim().to_owned();
    assert_eq!(password.len(), 20, "{password}");
    made.says(0, &["ann may admin, and signs in on the page", "shown only once"]);
    // From now on programs need a token, which a password does not make.
    server.run(&["user", "list"]).says(2, &["requires a token"]);
    server.run(&["user", "list", "--token", &password]).says(2, &["the token is invalid"]);
    // A folder without a server is its owner's.
    let data = server.path("data");
    let long = server.file("long.txt", "four words of bob\nand a second line\n");
    let (_, folder) = server.stop();
    let with = |arguments: &[&str]| run(&[arguments, &["--data", &data]].concat());
    with(&["user", "add", "bob", "--scope", "read,operate", "--password-file", &long])
        .says(0, &["bob may read, operate"]);
    let listed = with(&["user", "list", "--format", "csv"]).expect(0);
    assert!(listed.contains("ann,admin,") && listed.contains("bob,\"read, operate\","), "{listed}");
    assert!(!listed.contains("four words"), "{listed}");
    assert_eq!(with(&["user", "password", "bob"]).expect(0).trim().len(), 20);
    with(&["user", "scopes", "bob", "--scope", "read,ingest"]).says(0, &["bob may ingest, read"]);
    with(&["user", "scopes", "nobody", "--scope", "read"]).says(2, &["there is no user \"nobody\""]);
    with(&["user", "remove", "bob"]).says(0, &["bob is removed"]);
    with(&["user", "remove", "bob"]).says(2, &["there is no user \"bob\""]);
    let token = with(&["token", "create", "ops", "--scope", "admin"]).expect(0);
    let server = serve(folder, &[]);
    server.run(&["user", "remove", "ann", "--token", token.trim()]).says(0, &["ann is removed"]);
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

/// Sets a terminal's title, rings its bell, colours, turns the order of text, and is nothing.
const BAD: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\0";

/// A report of Trivy with the bad text in every field.
fn report() -> String {
    json!({
        "SchemaVersion": 2, "ArtifactName": BAD, "ArtifactType": "container_image",
        "Results": [{ "Target": BAD, "Class": "os-pkgs", "Vulnerabilities": [{
            "VulnerabilityID": "CVE-2024-0001", "PkgName": BAD, "InstalledVersion": BAD, "Severity": "HIGH", "Title": BAD,
        }] }],
    })
    .to_string()
}

/// A started program, as Falco writes it.
fn started(line: &str) -> String {
    let fields =
        json!({ "evt.type": "execve", "proc.exepath": line, "proc.pname": line, "proc.cmdline": line });
    json!({ "time": "2026-01-01T00:00:00Z", "rule": "r", "output_fields": fields }).to_string() + "\n"
}

/// A log of Caddy, with the bad text in every other path.
fn requests(bad: &str) -> String {
    (0..60)
        .map(|n| {
            let path = if n % 2 == 0 { "/a" } else { bad };
            let line = json!({ "ts": 1_767_225_600 + n, "status": 404, "duration": 0.1, "size": 7, "request": {
                "remote_ip": "192.0.2.7", "method": "GET", "uri": format!("{path}/{n}?q=../../etc/passwd"),
                "headers": { "User-Agent": [bad] },
            } });
            line.to_string() + "\n"
        })
        .collect()
}

/// Whatever data, documents, files and arguments hold: on neither output it does anything.
#[test]
fn data_does_nothing_to_whoever_looks_at_it() {
    let server = start();
    #[track_caller]
    fn check(ran: &crate::program::Ran, what: &[&str]) {
        let shown = format!("{}{}", ran.out, ran.err);
        assert!(shown.contains("owned"), "{what:?}: {shown}");
        let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(hidden), "{what:?}: {shown:?}");
    }
    let text = serde_json::Value::from(BAD).to_string();
    let text = lanner_core::printable::escaped_json(&text); // YAML takes no other
    let event = format!("{{\"shop\":{text},\"time\":1767225600000}}\n");
    let import = ["import", "--too-old", "keep", "--stream", "orders", &server.file("e.ndjson", event)];
    server.run(&import).expect(0);
    let all = format!(
        "rules: [{{ id: r, description: {text}, query: {{ stream: {text}, measure: count }}, window: 1m, absolute: {{ max: 5 }} }}]\n\
         switches: [{{ id: s, when: 'x == 1', status: inactive, owner: {text}, reason: {text} }}]\n\
         silences: [{{ id: q, matchers: ['a=b'], end: 2199-01-01, comment: {text} }}]\n"
    );
    let all = server.file("all.yaml", all);
    check(&server.run(&["apply", &all]), &["apply"]); // no such stream
    let nothing = BAD.replace('\0', "");
    let broken = server.file("broken.yaml", format!("rules: [{{ id: {text}, window: {text} }}]\n"));
    let rows: String =
        (0..60).map(|n| format!("2026-01-01 00:{n:02},{}\n", if n == 50 { 900 } else { n % 7 })).collect();
    let table = server.file("table.csv", format!("time,{nothing}\n{rows}"));
    let cells = server.file("cells.csv", format!("time,value\n{rows}2026-01-02,{nothing}\n"));
    let report = server.file("report.json", report());
    server.run(&["vuln", "import", &report]).expect(0);
    let (profile, events) =
        (server.path("host.profile"), server.file("events.json", started("sh").repeat(2_000)));
    let later =
        started(&format!("{BAD}\n2026-01-01T00:00:00Z  exec  forged")).replace("2026-01-01", "2026-01-03");
    let later = server.file("later.json", later);
    let config =
        server.file("profiles.yaml", "profiles: [{ id: exec, fields: [proc.cmdline], learn: 1m }]\n");
    run(&["profile", "learn", "--config", &config, "--out", &profile, &events]).expect(0);
    let watched = run(&["profile", "watch", "--frozen", &profile, &later]);
    assert_eq!(watched.out.lines().count(), 1, "{watched:?}");
    check(&watched, &["profile", "watch"]);
    let log = server.file("caddy.log", requests(&nothing));
    let query =
        ["query", "--stream", "orders", "--measure", "count", "--by", "shop", "--from", "2026-01-01", "--to"];
    let no_file = format!("{nothing}.csv");
    for arguments in [
        &[&query[..], &["2026-01-02", "--step", "1d"]].concat()[..],
        &["rule", "show", "r"],
        &["rule", "list"],
        &["switch", "show", "s"],
        &["silence", "list"],
        &["diff", &server.file("less.yaml", "switches: [{ id: s, when: 'x == 2', status: inactive }]\n")],
        &["check", &broken],
        &["apply", &broken],
        &["detect", &table],
        &["import", &cells],
        &["import", &no_file],
        &["query", "--series", &nothing],
        &["rule", "show", &nothing],
        &["vuln", "list"],
        &["vuln", "diff"],
        &["vuln", "stats", "--by", "package"],
        &["vuln", "convert", "--to", "syslog", &report],
        &["profile", "explain", &profile, &later],
    ] {
        check(&server.run(arguments), arguments);
    }
    for arguments in [
        &[&query[..], &["2026-01-02", "--step", "1d"]].concat()[..],
        &["switch", "show", "s"],
        &["silence", "list"],
        &["vuln", "list"],
        &["profile", "explain", &profile, &later],
        &["api", "replay", &log],
    ] {
        check(&server.run(&[arguments, &["--format", "json"]].concat()), arguments);
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

/// A server that others can reach wants a token before its first start.
#[test]
fn the_first_token_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    run(&["serve", "--data", &data, "--listen", "0.0.0.0:0"]).says(3, &["lanner token create NAME"]);
    run(&["token", "create", "ann", "--scope", "admin", "--data", &data]).says(0, &["shown only once"]);
    assert!(run(&["token", "list", "--data", &data]).expect(0).contains("ann"));
}
