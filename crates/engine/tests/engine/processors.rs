//! Golden scripts of processors: an event in, events out, and the mistakes that are refused.
#![expect(clippy::disallowed_methods, reason = "a test may read its scripts")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use lanner_core::Event;
use lanner_core::time::{format_time, parse_time_ms};
use lanner_engine::processor::{Draft, KINDS, Processors, Tally};
use lanner_engine::{Config, Node};
use serde_json::{Value, json};

/// Runs the tests of one file, which begins with the processors that they are about.
fn check(path: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (config, tests) = text.split_once("\ntests:").unwrap();
    let mut checked = Config::default();
    assert_eq!(checked.read(&Node::from_yaml(config).unwrap()), [], "{path}");
    assert_eq!(checked.cross_check(), [], "{path}");
    let processors = Processors::new(checked.processors);
    let tests = Node::from_yaml(&format!("tests:{tests}")).unwrap().to_json();
    for test in tests["tests"].as_array().unwrap() {
        let (out, unmatched) = run(&processors, test);
        let expected = test["expect"].as_array().unwrap();
        assert_eq!(&out, expected, "{path}, {}", test["name"]);
        let expected = test.get("unmatched").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(json!(unmatched), expected, "{path}, {}", test["name"]);
    }
}

/// What comes out of one event, by stream, and the processors that it did not match.
fn run(processors: &Processors, test: &Value) -> (Vec<Value>, Vec<String>) {
    let event = test["event"].clone();
    let json = event.to_string();
    let Value::Object(fields) = event else { panic!("{test}") };
    let time_ms = parse_time_ms(test["at"].as_str().unwrap()).unwrap();
    let mut tallies = vec![Tally::default(); processors.all().len()];
    let draft = Draft { event: Event { time_ms, fields }, json };
    let mut out = Vec::new();
    processors.pass(&test["stream"].as_str().unwrap().into(), draft, &mut tallies, &mut |stream, draft| {
        let text: Value = serde_json::from_str(&draft.json).unwrap();
        assert_eq!(text, Value::Object(draft.event.fields), "the text says something else");
        out.push(json!({"stream": &**stream, "at": format_time(draft.event.time_ms), "event": text}));
    });
    out.sort_by_key(|event| event["stream"].to_string());
    let unmatched = processors.all().iter().zip(&tallies).filter(|(_, tally)| tally.n_unmatched > 0);
    (out, unmatched.map(|(one, _)| one.id.to_string()).collect())
}

#[test]
fn every_processor_has_a_script_that_holds() {
    for kind in KINDS {
        check(&format!("{}/testdata/processors/{}.yaml", env!("CARGO_MANIFEST_DIR"), kind.name));
    }
}

#[test]
fn mistakes_are_told_at_once() {
    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        let text = format!("processors: [{document}]");
        let mut config = Config::default();
        let mut found = config.read(&Node::from_yaml(&text).unwrap());
        found.extend(config.cross_check());
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{document}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{document}: {found}");
        }
    }
    check("{ id: a, stream: s, parse: { as: json } }", &[]);
    check(
        "{ parse: { as: xml, form: 1 } }",
        &[
            "\"id\" is missing",
            "\"stream\" is missing",
            "processors[0].parse.as: \"xml\" is not a form; known are json, logfmt, common, combined",
            "processors[0].parse.form: the field \"form\" is not known here",
        ],
    );
    check("{ id: a b, stream: s }", &["letters, digits", "should have one of parse, copy"]);
    check(
        "{ id: a, stream: s, order: 1.5, parse: { as: json }, copy: { to: t } }",
        &["order: should be a whole number", "has several of parse, copy"],
    );
    check("{ id: a, stream: s, parse: {} }", &["needs as (json, logfmt, common, combined) or pattern"]);
    check("{ id: a, stream: s, parse: { as: json, pattern: '(?<a>x)' } }", &["says the same as `as`"]);
    check("{ id: a, stream: s, parse: { pattern: '(' } }", &["is not a regular expression"]);
    check("{ id: a, stream: s, parse: { pattern: x } }", &["names no group"]);
    check("{ id: a, stream: s, parse: { pattern: '(?<a>\\w{1000}){100}' } }", &["too large"]);
    check("{ id: a, stream: s, copy: { where: '=' } }", &["\"to\" is missing", "copy.where"]);
    check(
        "{ id: a, stream: s, sessions: { by: [client, x.score], idle: 5, open: 1, sessions: 7.5, share: 2, where: '=' } }",
        &[
            "\"score\" is the name of another field of a session",
            "sessions.where",
            "sessions.idle",
            "sessions.open: should be a whole number from 10 to 1000000, found 1",
            "sessions.sessions: should be a whole number from 40 to 100000, found 7.5",
            "sessions.share: 2 needs a percent sign",
        ],
    );
    check(
        "{ id: a, stream: s, sessions: { by: [a.client, client] } }",
        &["would become the field \"client\""],
    );
    check("{ id: a, stream: s, sessions: { into: s } }", &["processors.a: closes a circle: s -> s"]);
    check("{ id: a, stream: s, copy: { to: s } }", &["processors.a: closes a circle: s -> s"]);
    check(
        "{ id: a, stream: s, copy: { to: t } }, { id: a, stream: t, parse: { as: json } }",
        &["processors.a: is the id of two processors"],
    );
}

#[test]
fn a_session_is_told_of_early_and_when_the_clock_ends_it() {
    let yaml =
        "processors: [{ id: s, stream: log, sessions: { from: http, by: [client.ip, user], idle: 1m } }]";
    let mut config = Config::default();
    assert_eq!(config.read(&Node::from_yaml(yaml).unwrap()), []);
    let processors = Processors::new(config.processors);
    let mut told = Vec::new();
    for i in 0..20 {
        let login = json!({ "client": { "ip": "203.0.113.7" }, "user": "ann", "method": "POST", "path": "/login", "status": 401 });
        let Value::Object(fields) = json!({ "http": login }) else { panic!() };
        let draft = Draft::new(Event { time_ms: i * 1_000, fields });
        processors.pass(&"log".into(), draft, &mut [], &mut |stream, draft| {
            if &**stream == "api.sessions" {
                told.push(draft.event);
            }
        });
    }
    assert_eq!(told.len(), 1);
    let Event { time_ms, fields } = &told[0];
    let expected = json!({
        "ip": "203.0.113.7", "user": "ann", "id": fields["id"], "status": "learning", "over": false, "flagged": true, "new": true,
        "finding": "brute_force", "findings": ["brute_force"],
        "reason": "brute_force: 5 attempts to log in, 5 of them refused", "started_ms": 0, "ended_ms": 4_000, "requests": 5, "errors": 5,
        "endpoints": 1,
    });
    assert_eq!((*time_ms, Value::Object(fields.clone())), (4_000, expected));
    assert_eq!(processors.tick(1_000_000), []);
    assert_eq!(processors.tick(1_059_000), []);
    let over = processors.tick(1_061_000);
    assert_eq!(over.len(), 1);
    let (stream, Event { time_ms, fields: over }) = &over[0];
    assert_eq!((&**stream, *time_ms, &over["id"]), ("api.sessions", 79_000, &fields["id"]));
    assert_eq!((&over["over"], &over["new"], &over["flagged"]), (&json!(true), &json!(false), &json!(true)));
    assert_eq!(processors.tick(9_061_000), []);
}
