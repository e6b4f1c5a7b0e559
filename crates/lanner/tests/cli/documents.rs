//! Documents: what is written is what is stored, checked and in force; what cannot be read harms nothing else.

use std::path::Path;

use rusqlite::params;
use serde_json::json;

use crate::program::{Served, run, serve};

fn start() -> Served {
    serve(tempfile::tempdir().unwrap(), &[])
}

fn rule(id: &str) -> String {
    format!("- {{ id: {id}, query: {{ stream: s, measure: count }}, window: 1m, absolute: {{ max: 5 }} }}\n")
}

/// Names that some reader of YAML takes for numbers, truths, dates or nothing at all.
const AWKWARD: [&str; 12] =
    ["404", "500", "no", "off", "y", "1001", "5e3", "1.10", "0123", "0x1F", "true", "2026-11-28"];

#[test]
fn ids_are_what_was_written() {
    let server = start();
    let rules: String = AWKWARD.into_iter().map(rule).collect();
    let switches: String =
        AWKWARD.iter().map(|id| format!("- {{ id: {id}, when: 'BANK == \"{id}\"' }}\n")).collect();
    let file = server.file("all.yaml", format!("rules:\n{rules}switches:\n{switches}"));
    run(&["check", &file]).says(0, &["12 rules", "12 switches"]);
    server.run(&["apply", &file]).says(0, &["rules: 12 created; switches: 12 created"]);
    server.run(&["apply", &file]).says(0, &["rules: 12 unchanged; switches: 12 unchanged"]);

    let folder = server.stop().1;
    let server = serve(folder, &[]);
    let mut expected: Vec<&str> = AWKWARD.to_vec();
    expected.sort_unstable();
    for kind in ["rule", "switch"] {
        let listed = server.json(&[kind, "list"]);
        let ids: Vec<&str> =
            listed.as_array().unwrap().iter().map(|view| view["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{kind}");
        assert!(listed.as_array().unwrap().iter().all(|view| view["problem"].is_null()), "{listed}");
        for id in AWKWARD {
            let shown = server.json(&[kind, "show", id]);
            assert_eq!(shown["document"]["id"], json!(id), "{kind}");
        }
    }
    let status = server.json(&["status"]);
    assert_eq!((&status["engine"]["rules"], &status["set_aside"]), (&json!(12), &json!(null)));
    server.run(&["switch", "evaluate", "--json", r#"{"BANK": "no"}"#]).expect(1);
    server.run(&["switch", "deactivate", "1001"]).says(0, &["1001"]);
    for id in AWKWARD {
        server.run(&["rule", "delete", id]).expect(0);
        server.run(&["switch", "delete", id]).expect(0);
    }
    assert_eq!(server.json(&["rule", "list"]), json!([]));
}

#[test]
fn texts_are_what_was_written() {
    let server = start();
    let file = server.file(
        "rules.yaml",
        "rules:\n- id: a\n  query: { stream: no, measure: count, by: [y, 1.10] }\n  window: 1m\n  absolute: { max: 5 }\n  \
         labels: { country: NO, v: 1.10, o: 0123, t: true }\n  receivers: [07]\n  annotations: { build: 1.10 }\n\
         receivers:\n- { name: 07, kind: webhook, url: 'http://127.0.0.1:1/', headers: { X-Build: 5e3 }, \
         auth: { username: 0012, password: no } }\n\
         inhibit:\n- { source: { a: no }, target: { b: 1.10 }, equal: [y] }\n\
         processors:\n- { id: 1001, stream: no, parse: { as: combined } }\n\
         - { id: off, stream: 0123, profile: { fields: [y, 1.10], by: no, learn: 1m, memory: 1 } }\n",
    );
    server.run(&["apply", &file]).says(
        0,
        &["rules: 1 created", "receivers: 1 created", "inhibitions: 1 created", "processors: 2 created"],
    );
    let processors = server.json(&["processor", "list"]);
    let named: Vec<_> = processors.as_array().unwrap().iter().map(|it| (&it["id"], &it["stream"])).collect();
    assert_eq!(named, [(&json!("1001"), &json!("no")), (&json!("off"), &json!("0123"))]);
    let event = r#"{"1.10":"x","y":"z","no":"w"}"#;
    let events = server.file("events.ndjson", event);
    server.run(&["import", "--stream", "0123", &events]).expect(0);
    assert!(server.run(&["export", "--stream", "0123"]).expect(0).contains("learning"));
    let rule = &server.json(&["rule", "show", "a"])["document"];
    assert_eq!(rule["query"], json!({"stream": "no", "measure": "count", "by": ["y", "1.10"]}));
    assert_eq!(rule["labels"], json!({"country": "NO", "v": "1.10", "o": "0123", "t": "true"}));
    assert_eq!((&rule["receivers"], &rule["annotations"]["build"]), (&json!(["07"]), &json!("1.10")));
    let receivers = server.json(&["receiver", "list"]);
    assert_eq!((&receivers[0]["name"], &receivers[0]["problem"]), (&json!("07"), &json!(null)));
    server.run(&["diff", &file]).says(0, &["no differences"]);
    // What is shown can be applied again, and changes nothing.
    let shown = server.run(&["rule", "show", "a"]).expect(0);
    let document = shown.split_once("\n\n").unwrap().1;
    let again = server.file("again.yaml", format!("rules:\n- {}", document.trim_end().replace('\n', "\n  ")));
    server.run(&["rule", "apply", &again]).says(0, &["0 changed, 0 deleted, 1 unchanged"]);
}

/// Writes a document as another program, or damage, could have left it.
fn leave(data: &Path, kind: &str, id: &str, body: &str) {
    let db = rusqlite::Connection::open(data.join("lanner.db")).unwrap();
    db.execute(
        "INSERT INTO document (kind, id, version, body, actor, message, changed_ms) VALUES (?1, ?2, 1, ?3, 'x', '', 0)",
        params![kind, id, body],
    )
    .unwrap();
}

#[test]
fn what_cannot_be_read_is_set_aside() {
    let server = start();
    let file = server.file(
        "good.yaml",
        format!("rules:\n{}switches:\n- {{ id: good, when: 'BANK == \"HSBC\"' }}\n", rule("good")),
    );
    server.run(&["apply", &file]).expect(0);
    let folder = server.stop().1;
    let data = folder.path().join("data");
    // What an earlier release stored of ids that YAML reads as numbers.
    leave(
        &data,
        "rule",
        "",
        r#"{"id":404,"query":{"stream":"s","measure":"count"},"window":"1m","absolute":{"max":1}}"#,
    );
    leave(&data, "switch", "", r#"{"id":1001,"when":"true"}"#);
    leave(&data, "switch", "1001", r#"{"id":1001,"when":"true"}"#);
    leave(&data, "receiver", "", r#"{"name":7,"kind":"log","path":"/x"}"#);
    // What no reader takes.
    leave(&data, "rule", "torn", r#"{"id":"torn","que"#);
    leave(&data, "rule", "list", "[1, 2]");
    leave(
        &data,
        "rule",
        "old",
        r#"{"id":"old","query":{"stream":"s","measure":"sum(a * 2)"},"window":"1m","absolute":{"max":1}}"#,
    );
    leave(&data, "switch", "torn", "\u{1}");
    leave(&data, "switch", "off", r#"{"id":"off","when":"BANK =="}"#);
    leave(&data, "receiver", "broken", r#"{"name":"broken","kind":"pigeon"}"#);
    leave(&data, "inhibition", "0000", r#"{"source":{}}"#);
    let db = rusqlite::Connection::open(data.join("lanner.db")).unwrap();
    db.execute("INSERT INTO silence (id, end_ms, body) VALUES ('torn', 9e15, '{')", []).unwrap();
    drop(db);

    let server = serve(folder, &[]);
    let status = server.json(&["status"]);
    let mut aside: Vec<String> = status["set_aside"]
        .as_array()
        .unwrap()
        .iter()
        .map(|aside| format!("{}/{}", aside["kind"].as_str().unwrap(), aside["id"].as_str().unwrap()))
        .collect();
    aside.sort();
    let expected = [
        "inhibition/0000",
        "receiver/",
        "receiver/broken",
        "rule/",
        "rule/list",
        "rule/old",
        "rule/torn",
        "silence/torn",
        "switch/",
        "switch/1001",
        "switch/off",
        "switch/torn",
    ];
    assert_eq!(aside, expected);
    // The rest is in force, and can be changed.
    assert_eq!(status["engine"]["rules"], 1);
    server.run(&["switch", "evaluate", "BANK=HSBC"]).expect(1);
    server.run(&["switch", "evaluate", "BANK=ING"]).expect(0);
    let more = server.file(
        "more.yaml",
        format!("rules:\n{}switches:\n- {{ id: more, when: 'BANK == \"ING\"' }}\n", rule("more")),
    );
    server.run(&["apply", &more]).says(0, &["rules: 1 created; switches: 1 created"]);
    server.run(&["switch", "deactivate", "good"]).expect(0);
    // It is shown as such, and can be deleted.
    for (kind, ids) in [("rule", &["", "list", "old", "torn"][..]), ("switch", &["", "1001", "off", "torn"])]
    {
        let listed = server.json(&[kind, "list"]);
        let listed = listed.as_array().unwrap();
        for id in ids {
            let view = listed.iter().find(|view| view["id"] == **id).unwrap();
            assert!(view["problem"].is_string(), "{kind} {id}: {view}");
            assert!(server.json(&[kind, "show", id])["problem"].is_string());
            server.run(&[kind, "delete", id]).expect(0);
        }
    }
    for name in ["", "broken"] {
        let listed = server.json(&["receiver", "list"]);
        let view = listed.as_array().unwrap().iter().find(|view| view["name"] == name).unwrap();
        assert!(view["problem"].is_string(), "{view}");
        server.run(&["receiver", "delete", name]).expect(0);
    }
    server.run(&["silence", "expire", "torn"]).expect(0);
    let inhibit = server.file("inhibit.yaml", "inhibit: []\n");
    server.run(&["apply", &inhibit]).expect(0);
    let status = server.json(&["status"]);
    assert_eq!(status["set_aside"], json!(null), "{status}");
    let (log, _) = server.stop();
    assert!(log.is_empty() || !log.contains("panicked"), "{log}");
}

#[test]
fn a_stored_share_keeps_its_meaning() {
    let server = start();
    let folder = server.stop().1;
    let data = folder.path().join("data");
    leave(&data, "switch", "half", r#"{"id":"half","when":"true","rollout":{"share":1,"by":"user"}}"#);
    leave(
        &data,
        "rule",
        "drop",
        r#"{"id":"drop","query":{"stream":"s","measure":"count"},"window":"1m","relative":{"to":"1h","drop":25}}"#,
    );
    let server = serve(folder, &[]);
    let status = server.json(&["status"]);
    assert_eq!((&status["engine"]["rules"], &status["set_aside"]), (&json!(1), &json!(null)));
    server.run(&["switch", "evaluate", "user=ann"]).expect(1);
}

/// Sends JSON to the API; the JSON that it answers.
fn send(server: &Served, method: &str, path: &str, body: &'static str) -> serde_json::Value {
    lanner_io::receiver::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("{}{path}", server.url);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let request = request.header("content-type", "application/json").body(body);
        request.send().await.unwrap().json().await.unwrap_or_default()
    })
}

#[test]
fn the_api_takes_numbers_for_names_as_their_text() {
    let server = start();
    let client = |method: &str, path: &str, body: &'static str| send(&server, method, path, body);
    let rules = r#"{"rules": [{"id": 404, "query": {"stream": 7, "measure": "count"}, "window": "1m", "absolute": {"max": 1}}]}"#;
    assert_eq!(client("POST", "/api/v1/apply", rules)["created"], json!(["404"]));
    assert_eq!(server.json(&["rule", "show", "404"])["document"]["query"]["stream"], "7");
    let switches = r#"{"switches": [{"id": 1001, "when": "false"}, {"id": "1001", "when": "false"}]}"#;
    let refused = client("POST", "/api/v1/switches", switches);
    assert!(refused.to_string().contains("is the id of two switches"), "{refused}");
    assert_eq!(server.json(&["switch", "list"]), json!([]));
    assert_eq!(client("PUT", "/api/v1/switches/1002", r#"{"id": 1002, "when": "false"}"#)["id"], "1002");
}

#[test]
fn everything_is_applied_together_and_told() {
    let server = start();
    let all = "rules:\n- { id: a, query: { stream: s, measure: count }, window: 1m, absolute: { max: 5 }, receivers: [ops] }\n\
               receivers:\n- { name: ops, kind: webhook, url: 'http://127.0.0.1:1/' }\n- { name: spare, kind: webhook, url: 'http://127.0.0.1:2/' }\n\
               inhibit:\n- { source: { severity: page }, target: { severity: ticket } }\n\
               switches:\n- { id: stop, when: 'BANK == \"HSBC\"' }\n- { id: other, when: 'BANK == \"ING\"' }\n\
               silences:\n- { id: night, matchers: ['bank=\"hsbc\"'], end: 2199-01-01, comment: quiet }\n\
               server: { guard: off }\n";
    let file = server.file("all.yaml", all);
    let dry = server.run(&["apply", &file, "--dry-run"]);
    assert!(dry.err.contains("nothing was changed") && dry.err.contains("silences: 1 created"), "{dry:?}");
    assert_eq!(server.json(&["rule", "list"]), json!([]));
    server.run(&["apply", &file, "-m", "all of it"]).says(
        0,
        &[
            "rules: 1 created; receivers: 2 created; inhibitions: 1 created; switches: 2 created; silences: 1 created",
            "server: not applied",
            "lanner reload",
        ],
    );
    server
        .run(&["apply", &file])
        .says(0, &["rules: 1 unchanged; receivers: 2 unchanged; inhibitions: 1 unchanged"]);
    assert_eq!(server.json(&["silence", "list"])[0]["id"], "night");
    // A receiver that is replaced is told of, also before.
    let less = "rules:\n- { id: b, query: { stream: s, measure: count }, window: 1m, absolute: { max: 5 } }\n\
                receivers:\n- { name: ops, kind: webhook, url: 'http://127.0.0.1:3/' }\n\
                switches:\n- { id: stop, when: 'BANK == \"HSBC\"' }\nsilences: []\n";
    let less = server.file("less.yaml", less);
    let diff = server.run(&["diff", &less, "--prune"]).expect(1);
    for line in
        ["+ rule b", "- rule a", "~ receiver ops", "- receiver spare", "- switch other", "- silence night"]
    {
        assert!(diff.lines().any(|found| found == line), "{line} is not in\n{diff}");
    }
    let dry = server.run(&["apply", &less, "--dry-run", "--format", "csv"]).expect(0);
    for row in [
        "kept,rule,a",
        "changed,receiver,ops",
        "kept,receiver,spare",
        "kept,switch,other",
        "kept,silence,night",
    ] {
        assert!(dry.lines().any(|found| found == row), "{row} is not in\n{dry}");
    }
    server.run(&["apply", &less, "--prune"]).says(
        0,
        &["rules: 1 created, 1 deleted; receivers: 1 changed, 1 deleted; switches: 1 deleted, 1 unchanged; silences: 1 deleted"],
    );
    let names = server.json(&["receiver", "list"]);
    assert_eq!(names.as_array().unwrap().len(), 1);
    // Inhibitions are in no file, and stay.
    let export = server.run(&["diff", &file]).expect(1);
    assert!(!export.contains("inhibit"), "{export}");
}

#[test]
fn commands_refuse_what_they_would_leave_out() {
    let server = start();
    let switches = "switches:\n- { id: stop, when: 'BANK == \"HSBC\"' }\n";
    let file = server.file("mixed.yaml", format!("rules:\n{}{switches}", rule("a")));
    server.run(&["rule", "apply", &file]).says(2, &["would leave out switches", "lanner apply"]);
    server.run(&["rule", "diff", &file]).says(2, &["would leave out switches", "lanner apply"]);
    server.run(&["switch", "apply", &file]).says(2, &["would leave out rules", "lanner apply"]);
    assert_eq!(server.json(&["rule", "list"]), json!([]));
    assert_eq!(server.json(&["switch", "list"]), json!([]));
    server
        .run(&["switch", "apply", &server.file("switches.yaml", switches)])
        .says(0, &["1 created, 0 changed"]);
    server.run(&["rule", "apply", &server.file("rules.yaml", format!("rules:\n{}", rule("a")))]).expect(0);
}

/// What an operator wrote and Lanner does not take is named, whichever command and whichever file.
#[test]
fn nothing_in_a_file_is_left_out_silently() {
    let server = start();
    let sources = "sources: [{ name: berlin, kind: graphite, url: 'http://127.0.0.1:1/' }]\n";
    let file = server.file(
        "all.yaml",
        format!("rules:\n{}{sources}retention: {{ events: [{{ keep: 1d }}] }}\n", rule("a")),
    );
    server.run(&["apply", &file]).says(0, &["rules: 1 created", "sources, retention: not applied"]);
    let script = server.file("a.test.yaml", "rules: [all.yaml]\ntests: [{ name: x, expect: [] }]\n");
    server.run(&["apply", &script]).says(0, &["a.test.yaml: not applied", "lanner test"]);
    // Of two only one could count.
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let one = "server: { guard: 20% }\nswitches: [{ id: stop, when: x == 1 }]\n\
               silences: [{ id: night, matchers: ['bank=\"hsbc\"'], end: 2199-01-01, comment: quiet }]\n";
    std::fs::write(path("a.yaml"), one.to_owned() + "retention: { events: [{ keep: 1d }] }\n" + sources)
        .unwrap();
    std::fs::write(path("b.yaml"), one.to_owned() + "retention: { events: [{ keep: 2d }] }\n" + sources)
        .unwrap();
    let all = folder.path().to_str().unwrap();
    let twice = [
        "server: stands in two files",
        "retention: stands in two files",
        "sources: stands in two files",
        "\"stop\" is the id of two switches",
        "\"night\" is the id of two silences",
        "b.yaml:",
    ];
    let checked = run(&["check", all]);
    assert_eq!(checked.code, 1);
    for part in twice {
        assert!(checked.out.contains(part), "{part} is not in\n{}", checked.out);
    }
    let served = run(&["serve", "--config", all, "--data", path("data").to_str().unwrap()]);
    served.says(2, &["5 problems"]);
}

#[test]
fn a_receiver_that_a_rule_names_cannot_be_deleted() {
    let server = start();
    let receivers = "receivers:\n- { name: ops, kind: webhook, url: 'http://127.0.0.1:1/' }\n";
    let named = "rules:\n- { id: a, query: { stream: s, measure: count }, window: 1m, absolute: { max: 5 }, receivers: [ops] }\n";
    server.run(&["apply", &server.file("all.yaml", format!("{named}{receivers}"))]).expect(0);
    server.run(&["receiver", "delete", "ops"]).says(2, &["is named by the rules \"a\""]);
    let only_receivers = server.file("none.yaml", "receivers: []\n");
    server.run(&["apply", &only_receivers, "--prune"]).says(2, &["names the receiver \"ops\""]);
    server.run(&["receiver", "delete", "nobody"]).says(2, &["nobody"]);
    server.run(&["rule", "delete", "a"]).expect(0);
    server.run(&["receiver", "delete", "ops"]).says(0, &["the receiver ops is deleted"]);
    assert_eq!(server.json(&["receiver", "list"]), json!([]));
}

#[test]
fn one_problem_does_not_hide_another() {
    let server = start();
    let file = server.file(
        "bad.yaml",
        "rules:\n- { id: a, query: { stream: x, measure: count }, window: 30, absolute: { max: 3 }, receivers: [nobody] }\n\
         - { id: a, query: { stream: x, measure: sum(amount * 2) }, window: 1m, relative: { to: 1w, drop: 0.25 } }\n",
    );
    let checked = run(&["check", &file]);
    assert_eq!(checked.code, 1);
    for part in [
        "\"30\"",
        "names the receiver \"nobody\"",
        "is the id of two rules",
        "sum takes one field as it is",
        "write 25% or 0.25%",
    ] {
        assert!(checked.out.contains(part), "{part} is not in\n{}", checked.out);
    }
}

#[test]
fn no_message_speaks_of_a_library() {
    let server = start();
    let file = server.file("twice.yaml", "rules: []\nrules: []\n");
    let checked = run(&["check", &file]);
    assert!(checked.out.contains("the field \"rules\" is given twice in one map"), "{}", checked.out);
    assert!(!checked.out.contains("Options"), "{}", checked.out);
    let https = server.url.replace("http://", "https://");
    let asked = run(&["status", "--url", &https]);
    assert!(asked.err.contains("does not speak TLS; write http://"), "{}", asked.err);
}

#[test]
fn a_second_look_is_had_before_anything_is_applied() {
    let server = start();
    let contexts = r#"{"contexts": [{"BANK": "HSBC"}, {"BANK": "HSBC"}, {"BANK": "HSBC"}, {"BANK": "HSBC"}, {"BANK": "ING"}]}"#;
    for _ in 0..20 {
        send(&server, "POST", "/api/v1/switches/evaluate", contexts);
    }
    let all = format!("rules:\n{}switches:\n- {{ id: wide, when: 'BANK == \"HSBC\"' }}\n", rule("a"));
    let file = server.file("all.yaml", all);
    server.run(&["apply", &file]).says(2, &["switches.wide", "would block 80 %"]);
    assert_eq!((server.json(&["rule", "list"]), server.json(&["switch", "list"])), (json!([]), json!([])));
    server.run(&["apply", &file, "--prune"]).says(2, &["switches.wide"]);
    server.run(&["apply", &file, "--force"]).says(0, &["rules: 1 created; switches: 1 created"]);
}
