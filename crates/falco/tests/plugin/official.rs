//! What Falco's plugin `anomalydetection` does: its configuration, its fields, its texts. The expected texts follow from its source,
//! version 0.1.0.

use serde_json::{Value, json};

use super::{CLONE, CONNECT, EXECVE, MINUTE_MS, OPEN, OPENAT, event, loaded, running, shown};

fn config(fields: &str, events: &[u16]) -> Value {
    json!({"count_min_sketch": {
        "enabled": true, "n_sketches": 1, "gamma_eps": [[0.001, 0.0001]],
        "behavior_profiles": [{"fields": fields, "event_codes": events}],
    }})
}

#[test]
fn behaviours_are_written_as_that_plugin_writes_them() {
    #[track_caller]
    fn check(fields: &str, of: Value, expected: &str) {
        let code = of["code"].as_u64().unwrap() as u16;
        let mut runner = running(vec![of], &config(fields, &[code]));
        let event = runner.next_event().unwrap();
        assert_eq!(shown(&mut runner, &event, "anomaly.count_min_sketch.profile[0]"), expected, "{fields}");
    }
    let exec = || event(EXECVE, 21, 0, json!([]));
    check("%proc.name %proc.exepath", exec(), "sh/bin/dash");
    check("%container.id %proc.cmdline", exec(), "sh -c id");
    check("%proc.args %proc.cmdnargs %proc.cmdlenargs", exec(), "-c id24");
    check("%proc.exeline", exec(), "sh -c id");
    check("%proc.pname %proc.pexepath %proc.ppid", exec(), "nginx/usr/sbin/nginx20");
    check("%proc.aname[1] %proc.aname[2] %proc.aname[3]", exec(), "nginxsystemd");
    check("%proc.aname %proc.aname[0]", exec(), "shsh");
    check("%custom.proc.aname.lineage.join[7]", exec(), "shnginxsystemd");
    check("%custom.proc.aexepath.lineage.join[1]", exec(), "/bin/dash/usr/sbin/nginx");
    check("%proc.sname %proc.vpgid.name %proc.sid.exepath", exec(), "nginxnginx/usr/sbin/nginx");
    check("%proc.tty %proc.sid %proc.is_sid_leader", exec(), "34816200");
    check("%proc.env[HOME] %proc.env[X] %proc.env[Y]", exec(), "/rooty");
    check("%proc.env", exec(), "HOME=/root X= y ");
    check("%proc.cwd", exec(), "/srv/app");
    let open = |path: &str| event(OPEN, 21, 0, json!([3, path]));
    check("%fd.name %fd.directory %fd.filename", open("x"), "/etc/passwd/etcpasswd");
    check("%fd.num", open("x"), "3");
    // A file that the table does not know: the path of the event, below the working directory or the given one.
    check("%fd.name", event(OPEN, 21, 0, json!([7, "../x"])), "/srv/x");
    check("%fd.nameraw", event(OPEN, 21, 0, json!([7, "../x"])), "../x");
    check("%fd.name", event(OPENAT, 21, 0, json!([7, -100, "x"])), "/srv/app/x");
    check("%fd.name", event(OPENAT, 21, 0, json!([7, 9, "x"])), "/srv/data/x");
    let connect = || event(CONNECT, 21, 0, json!([0, "", 4]));
    check("%custom.fd.name.part1 %custom.fd.name.part2", connect(), "10.0.0.1:510.0.0.2:443");
    check("%fd.name", connect(), "10.0.0.1:5->10.0.0.2:443");
    check("%fd.directory", connect(), "");
}

#[test]
fn the_first_sighting_counts_as_one() {
    let usual = (0..5).map(|at| event(EXECVE, 31, at, json!([])));
    let events = usual.chain([event(EXECVE, 21, 9, json!([])), event(CLONE, 21, 10, json!([]))]).collect();
    let mut runner = running(events, &config("%proc.cmdline", &[EXECVE]));
    for at in 1..=5 {
        let event = runner.next_event().unwrap();
        assert_eq!(shown(&mut runner, &event, "anomaly.count_min_sketch"), at.to_string());
    }
    let event = runner.next_event().unwrap();
    assert_eq!(shown(&mut runner, &event, "anomaly.count_min_sketch[0]"), "1");
    // Asked about on another event of the same process, it is not counted again.
    let other = runner.next_event().unwrap();
    assert_eq!(shown(&mut runner, &other, "anomaly.count_min_sketch[0]"), "1");
    assert_eq!(shown(&mut runner, &other, "anomaly.count_min_sketch[1]"), "failed");
}

#[test]
fn counts_are_reset() {
    let mut config = config("%proc.cmdline", &[EXECVE]);
    config["count_min_sketch"]["behavior_profiles"][0]["reset_timer_ms"] = (2 * MINUTE_MS).into();
    let events = (0..5).map(|at| event(EXECVE, 31, at * MINUTE_MS, json!([]))).collect();
    let mut runner = running(events, &config);
    let counts: Vec<String> = (0..5)
        .map(|_| {
            let event = runner.next_event().unwrap();
            shown(&mut runner, &event, "anomaly.count_min_sketch")
        })
        .collect();
    assert_eq!(counts, ["1", "2", "1", "2", "1"]);
}

#[test]
fn switched_off_it_says_so() {
    for config in [json!({}), json!({"count_min_sketch": {"enabled": false}})] {
        let mut runner = running(vec![event(EXECVE, 31, 0, json!([]))], &config);
        let event = runner.next_event().unwrap();
        assert_eq!(shown(&mut runner, &event, "anomaly.count_min_sketch"), "failed");
        assert_ne!(shown(&mut runner, &event, "anomaly.falco.duration_ns"), "<NA>");
    }
}

/// Where that plugin ends Falco, or takes what it cannot use.
#[test]
fn mistakes_are_told() {
    #[track_caller]
    fn check(config: &Value, expected: &str) {
        let why = loaded(Vec::new(), config).err().unwrap();
        assert!(why.contains(expected), "{why}");
    }
    check(&config("%proc.nmae", &[EXECVE]), "did you mean proc.name?");
    check(&config("%custom.proc.aname.lineage.join", &[EXECVE]), "needs a depth from 1 to 32");
    check(&config("%fd.name", &[EXECVE]), "293 is no event of a profile with fields of fd");
    check(&config("%proc.name", &[4]), "4 is no event of a profile");
    check(&config("proc.name", &[EXECVE]), "should name fields");
    let mut lengths = config("%proc.name", &[EXECVE]);
    lengths["count_min_sketch"]["n_sketches"] = 2.into();
    check(&lengths, "there are 1 profiles, but 2 in n_sketches");
    let mut size = config("%proc.name", &[EXECVE]);
    size["count_min_sketch"]["rows_cols"] = json!([[7, 99_999_999_999_u64]]);
    check(&size, "are not between 1 and");
}
