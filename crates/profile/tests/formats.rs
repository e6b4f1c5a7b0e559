//! Recorded events of other programs: each is read, under Falco's names.
//!
//! The recordings are not part of the repository; without them the tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its data, and fails by panicking"
)]

use std::collections::BTreeMap;

use lanner_profile::read::{Format, HostEvent, Lines, MAX_LINE_BYTES};
use serde_json::{Value, json};

/// The files of a folder with this ending, in order of their names.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let Some(path) = lanner_testkit::shared_data(folder) else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(ending));
    paths.sort();
    paths.iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

fn read(lines: impl IntoIterator<Item = String>) -> Vec<HostEvent> {
    let (mut reader, mut events) = (Lines::new(Format::Auto), Vec::new());
    for line in lines {
        reader.line(&line, &mut |event| events.push(event)).unwrap();
    }
    reader.finish(&mut |event| events.push(event));
    events
}

fn types(events: &[HostEvent]) -> BTreeMap<&str, usize> {
    let mut types = BTreeMap::new();
    events
        .iter()
        .for_each(|event| *types.entry(event.fields["evt.type"].as_str().unwrap()).or_default() += 1);
    types
}

#[track_caller]
fn has(event: &HostEvent, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(event.fields.get(*name).and_then(Value::as_str), Some(*value), "{name} of {event:?}");
    }
}

#[test]
fn tetragon() {
    let files = files("hostevents/tetragon", ".json");
    if files.is_empty() {
        return;
    }
    // Some recordings are written over several lines; an export is not.
    let objects = files.iter().flat_map(|text| serde_json::Deserializer::from_str(text).into_iter::<Value>());
    let events = read(objects.map(|object| object.unwrap().to_string()));
    let expected = [("close", 3), ("connect", 3), ("execve", 17), ("listen", 2), ("procexit", 9)];
    let types = types(&events);
    for (name, count) in expected {
        assert_eq!(types.get(name), Some(&count), "{types:?}");
    }
    assert_eq!(events.len(), 36);
    assert!(events.iter().all(|event| event.time_ms.is_some()));
    let start = events.iter().find(|event| event.fields["proc.name"] == "netserver").unwrap();
    has(
        start,
        &[
            ("proc.exepath", "/usr/bin/netserver"),
            ("proc.cmdline", "/usr/bin/netserver -D"),
            ("proc.pname", "containerd-shim-runc-v2"),
            ("container.image.repository", "docker.io/tgraf/netperf:latest"),
            ("k8s.pod.name", "tiefighter"),
        ],
    );
}

#[test]
fn sysmon() {
    let files = files("hostevents/windows-sysmon", "events.jsonl");
    if files.is_empty() {
        return;
    }
    let events = read(files[0].lines().map(str::to_owned));
    let expected = [("connect", 2_142), ("creat", 2_156), ("execve", 519 + 957), ("procexit", 443)];
    assert_eq!(types(&events), BTreeMap::from(expected));
    assert!(events.iter().all(|event| event.fields.contains_key("proc.name")));
    // Seven say null.
    assert_eq!(events.iter().filter(|event| event.time_ms.is_none()).count(), 7);
    has(
        &events[0],
        &[
            ("fd.name", "192.168.2.5:60277->192.168.2.4:389"),
            ("proc.name", "Microsoft.IdentityServer.ServiceHost.exe"),
        ],
    );
}

/// The same event as shippers and converters write it.
#[test]
fn windows_events_have_many_forms() {
    #[track_caller]
    fn check(line: &Value) {
        let events = read([line.to_string()]);
        has(
            &events[0],
            &[
                ("evt.type", "execve"),
                ("proc.exepath", "C:\\x\\evil.exe"),
                ("proc.pname", "cmd.exe"),
                ("proc.cmdline", "evil -a"),
                ("evt.hostname", "WIN1"),
            ],
        );
        assert_eq!(events[0].time_ms, Some(1_793_700_000_500), "{line}");
    }
    let data = json!({ "UtcTime": "2026-11-03 10:00:00.500", "Image": "C:\\x\\evil.exe", "CommandLine": "evil -a", "ParentImage": "C:\\Windows\\cmd.exe" });
    let system = |id: Value| json!({ "EventID": id, "Computer": "WIN1", "TimeCreated": { "#attributes": { "SystemTime": "2026-11-03T10:00:00.6Z" } } });
    check(&json!({ "Event": { "System": system(json!(1)), "EventData": data } }));
    check(
        &json!({ "Event": { "System": system(json!({ "#attributes": { "Qualifiers": 0 }, "#text": "1" })), "EventData": data } }),
    );
    check(&json!({ "EventID": 1, "Computer": "WIN1", "EventData": data }));
    check(&json!({ "winlog": { "event_id": "1", "computer_name": "WIN1", "event_data": data } }));
    check(&json!({ "winlog": { "event_id": 1, "event_data": data }, "host": { "name": "WIN1" } }));
    let mut flat = data;
    (flat["event_id"], flat["host"]) = (1.into(), "WIN1".into());
    check(&flat);
}

#[test]
fn auditd() {
    let files = files("hostevents/auditd", ".log");
    if files.is_empty() {
        return;
    }
    // As many events as there are numbers of records, one after the other.
    let counts: Vec<usize> = files.iter().map(|text| read(text.lines().map(str::to_owned)).len()).collect();
    assert_eq!(counts, [2, 1, 3, 1, 7, 5, 5, 5]);
    let normal = read(files[6].lines().map(str::to_owned));
    has(
        &normal[1],
        &[
            ("evt.type", "execve"),
            ("proc.exepath", "/usr/bin/grep"),
            ("proc.cmdline", "grep --color=auto mapping"),
            ("proc.cwd", "/home/andrew_kroh"),
            ("user.loginuid", "1000"),
        ],
    );
    assert_eq!(normal[1].time_ms, Some(1_492_037_291_036));
    // An executable with blanks in its name is written in hexadecimal digits.
    has(&normal[0], &[("evt.type", "connect"), ("proc.exepath", "/usr/bin/python2.7;58d1ccfb (deleted)")]);
}

#[test]
fn a_line_that_is_too_long_says_so() {
    let mut lines = Lines::new(Format::Auto);
    let mut read = |line: &str| lines.line(line, &mut |_| ());
    let line = |n: usize| format!("{{\"time\":\"{}\"}}", "x".repeat(n));
    let frame = line(0).len();
    assert_eq!(read(&(line(MAX_LINE_BYTES - frame) + "\r\n")), Ok(()));
    // Cut where a blank stands.
    let cut = format!("{} ", &line(2 * MAX_LINE_BYTES)[..MAX_LINE_BYTES]);
    for long in [line(MAX_LINE_BYTES - frame + 1), cut] {
        let why = read(&long).unwrap_err();
        assert_eq!(why, "is longer than 1048576 bytes, which is all that is read of one");
    }
}
