//! Lanner's own profiles in Falco.

use serde_json::{Value, json};

use super::loaded::ANOMALY;
use super::{EXECVE, MINUTE_MS, OPEN, event, host, loaded, running, shown, threads};

/// The first minute of 2026.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Cron's shell, or the web server's, is started.
fn run(tid: i64, minute: i64) -> Value {
    event(EXECVE, tid, BEGIN_MS + minute * MINUTE_MS, json!([]))
}

/// `n` runs of cron's shell a minute apart, then one of the web server's.
fn minutes(n: i64) -> Vec<Value> {
    (0..n).map(|minute| run(31, minute)).chain([run(21, n)]).collect()
}

fn config() -> Value {
    json!({"profiles": [{
        "id": "exec", "where": "evt.type in (execve, execveat)",
        "fields": ["proc.exepath", "proc.pname", "template(proc.cmdline)"], "learn": "1h", "memory": 1,
    }]})
}

#[test]
fn what_was_never_seen_is_rare_and_says_why() {
    let mut runner = running(minutes(120), &config());
    for at in 0..120 {
        let event = runner.next_event().unwrap();
        let status = shown(&mut runner, &event, "anomaly.status");
        assert_eq!(status, if at < 60 { "learning" } else { "active" }, "event {at}");
        assert_eq!(shown(&mut runner, &event, "anomaly.rare"), "false", "event {at}");
        assert_eq!(shown(&mut runner, &event, "anomaly.seen[exec]"), at.min(15).to_string());
    }
    let event = runner.next_event().unwrap();
    assert_eq!(shown(&mut runner, &event, "anomaly.rare"), "true");
    assert_eq!(shown(&mut runner, &event, "anomaly.seen"), "0");
    assert_eq!(shown(&mut runner, &event, "anomaly.age"), "<NA>");
    assert_eq!(
        shown(&mut runner, &event, "anomaly.reason"),
        "never seen: proc.pname, template(proc.cmdline)"
    );
    // 121 events, of which this is the first of its kind.
    assert_eq!(shown(&mut runner, &event, "anomaly.rarity"), "6");
}

#[test]
fn a_behaviour_is_told_with_its_past() {
    let mut runner = running(minutes(3), &config());
    let events: Vec<_> = (0..3).map(|_| runner.next_event().unwrap()).collect();
    let third = &events[2];
    assert_eq!(shown(&mut runner, third, "anomaly.seen"), "2");
    assert_eq!(
        shown(&mut runner, third, "anomaly.reason"),
        "seen 2 times before, last at 2026-01-01T00:01:00Z"
    );
    assert_ne!(shown(&mut runner, third, "anomaly.first_seen"), "<NA>");
    assert_ne!(shown(&mut runner, third, "anomaly.age"), "<NA>");
}

#[test]
fn events_of_no_profile_have_no_answer() {
    let mut runner = running(vec![event(OPEN, 21, 0, json!([3, "/etc/passwd"]))], &config());
    let event = runner.next_event().unwrap();
    for field in ["anomaly.rare", "anomaly.seen", "anomaly.reason"] {
        assert_eq!(shown(&mut runner, &event, field), "<NA>", "{field}");
    }
    assert_eq!(shown(&mut runner, &event, "anomaly.rare[exce]"), "failed");
}

#[test]
fn what_was_learned_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.profile");
    let mut config = config();
    config["state"] = path.to_str().unwrap().into();
    let mut runner = running(minutes(90), &config);
    for _ in 0..90 {
        runner.next_event().unwrap();
    }
    drop(runner);
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );

    let again = vec![run(31, 91), run(21, 92)];
    let mut runner = running(again.clone(), &config);
    let usual = runner.next_event().unwrap();
    assert_eq!(shown(&mut runner, &usual, "anomaly.seen"), "15");
    let unusual = runner.next_event().unwrap();
    assert_eq!(shown(&mut runner, &unusual, "anomaly.rare"), "true");
    drop(runner);

    // Cut short, it is refused by name, and Falco says so instead of learning over it.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let why = loaded(again, &config).err().unwrap();
    assert!(why.contains("host.profile") && why.contains("move the file away"), "{why}");
}

#[test]
fn every_mistake_is_told_at_once() {
    let config = json!({
        "profiles": [
            {"id": "exec", "fields": ["proc.nmae", "proc.aname[99]"], "learn": "soon"},
            {"id": "exec", "fields": ["proc.name"], "where": "proc.name = "},
            {"id": "image", "fields": ["container.image.repository"]},
        ],
        "stat": "x",
    });
    let why = loaded(Vec::new(), &config).err().unwrap();
    for expected in
        ["soon", "character 13: expected a value", "container.image.repository", "did you mean \"state\"?"]
    {
        assert!(why.contains(expected), "{expected} is not in: {why}");
    }
}

/// Whatever a configuration is, it is refused with a reason or taken.
#[test]
fn no_configuration_ends_falco() {
    let folder = tempfile::tempdir().unwrap();
    let nested = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    #[track_caller]
    fn check(config: &str, expected: &str) {
        let mut runner = falco_plugin_runner::PluginRunner::new();
        let host = json!({"threads": threads(), "events": []}).to_string();
        let text = |text: &str| std::ffi::CString::new(text).unwrap();
        runner.register_plugin(&host::HOST, &text(&host)).unwrap();
        let loaded = runner.register_plugin(&ANOMALY, &text(config));
        let why = loaded.err().map(|why| format!("{why:#}")).unwrap_or_default();
        assert!(why.contains(expected), "{config:.100}: {why:.1000}");
    }
    check("", "");
    check("{}", "");
    check("[]", "init_config: line 1, column 1: should be a map");
    check("1", "should be a map");
    check("{", "init_config: ");
    check(&nested, "init_config: ");
    check("profiles: {}", "profiles");
    check("profiles: [1, {id: 1}, {id: '../x', fields: [proc.name]}]", "profiles[2]");
    check(
        &format!("profiles: [{}]", "{id: a, fields: [proc.name]},".repeat(65)),
        "there are 65 profiles; at most 64",
    );
    check("profiles: [{id: a, fields: [proc.name], memory: 5000}]", "from 1 to 4096");
    check("profiles: [{id: a, fields: ['lineage(proc.aname, 33)']}]", "from 1 to 32");
    check("count_min_sketch: {enabled: yes, n_sketches: 1.5}", "whole number from 1 to 1000");
    check("save_every: -5m", "save_every");
    let path = folder.path().to_str().unwrap();
    check(&format!("state: {path}"), "move the file away");
    std::fs::write(folder.path().join("rubbish"), "lanrsktc and more").unwrap();
    check(&format!("state: {path}/rubbish"), "cut short");
}
